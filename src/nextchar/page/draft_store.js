'use strict';
// Drafts in IndexedDB, the browser's lasting storage: what was on the sheet, for the next time the page is opened.

const DATABASE = 'nextchar';
/** The steps to the layout of the database, one for each version: a new layout adds a step, and the old ones stay. */
const LAYOUTS = [
  (database) => database.createObjectStore('drafts', { keyPath: 'id' }).createIndex('name', 'name'),
];

/**
 * A draft is {id, revision, name, place, crc32, changed, hash, text, cursor, written, settings}: which model it was written
 * with (its name, where its page was, the checksum of a model inside), when (milliseconds since 1970), the recipe in the
 * address, and what was on the sheet and in the settings.
 */
export class DraftStore {
  constructor() {
    this.opening = null;
  }

  /** Open the database; rejected where the browser gives none. */
  open() {
    this.opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(DATABASE, LAYOUTS.length);
      request.onupgradeneeded = ({ oldVersion }) => LAYOUTS.slice(oldVersion).forEach((step) => step(request.result));
      request.onblocked = () => reject(new Error('another tab holds an older layout'));
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const database = request.result;
        // A newer page needs another layout, or the reader cleared the storage: the next transaction opens it again.
        database.onversionchange = () => {
          database.close();
          this.opening = null;
        };
        database.onclose = () => { this.opening = null; };
        resolve(database);
      };
    }).catch((error) => {
      this.opening = null;
      throw error;
    });
    return this.opening;
  }

  /** Pass the drafts to `work(store, answer)` in one transaction; return the answer once everything is kept. */
  async transact(mode, work) {
    const database = await this.open();
    return new Promise((resolve, reject) => {
      const transaction = database.transaction('drafts', mode);
      let answer;
      transaction.oncomplete = () => resolve(answer);
      transaction.onabort = () => reject(transaction.error ?? new Error('not kept'));
      work(transaction.objectStore('drafts'), (value) => { answer = value; });
    });
  }

  /** The drafts of models called `name`, after deleting those that `spare(drafts)` returns. */
  tidied(name, spare) {
    return this.transact('readwrite', (store, answer) => {
      store.index('name').getAll(name).onsuccess = ({ target }) => {
        const dropped = new Set(spare(target.result));
        for (const { id } of dropped) store.delete(id);
        answer(target.result.filter((draft) => !dropped.has(draft)));
      };
    });
  }

  /**
   * Keep `draft` in place of the revision it comes from, and return it with its new revision. If another tab has changed
   * that meanwhile, both stay: this one gets a new id.
   */
  keep(draft) {
    return this.transact('readwrite', (store, answer) => {
      store.get(draft.id).onsuccess = ({ target }) => {
        const isOurs = !target.result || target.result.revision === draft.revision;
        const kept = { ...draft, id: isOurs ? draft.id : newDraftId(), revision: draft.revision + 1 };
        store.put(kept);
        answer(kept);
      };
    });
  }
}

export function newDraftId() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, '0')).join('');
}
