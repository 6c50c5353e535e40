'use strict';
// The sheet is kept as it is written. Each tab has its own draft, so that no tab overwrites another's text.

import { parsed, remember, remembered, sessionStore } from './remote_model.js';
import { language, say } from './language.js';
import { DraftStore, newDraftId } from './draft_store.js';

/** Characters of a draft that a list shows. */
const GLIMPSE = 90;

/** The drafts of this model; `sheet()` returns what is on the sheet, `show(draft)` puts a draft there. */
export class Keeping {
  /**
   * @param {{ model: () => PageModel, place: string, crc32: number | undefined, sheet: () => any, show: (draft: any) => void,
   *   tell: (message: any) => void }} parts
   */
  constructor({ model, place, crc32, sheet, show, tell }) {
    this.model = model;
    this.place = place;
    this.crc32 = crc32;
    this.sheet = sheet;
    this.show = show;
    this.tell = tell;
    this.store = new DraftStore();
    this.trouble = '';
    this.saving = null;
    this.wanted = false;
    this.note = document.getElementById('not-kept');
    this.dialog = document.getElementById('drafts-dialog');
    this.list = document.getElementById('drafts');
    this.begin();
    document.getElementById('earlier').addEventListener('click', () => this.offer());
    document.addEventListener('visibilitychange', () => document.hidden && this.own.revision > 0 && this.save());
    addEventListener('pagehide', () => this.remember());
    /** The draft of this tab before a reload, of any model (with the name '' if there was none yet); or null. */
    this.before = parsed(remembered(sessionStore, 'nextchar.draft'));
  }

  /** Leave the draft to this tab in case of a reload; without a model and any text, leave the earlier one. */
  remember() {
    const draft = this.draft();
    if (draft.name !== '' || draft.text !== '') remember(sessionStore, 'nextchar.draft', JSON.stringify(draft));
  }

  /** Begin a new draft. */
  begin() {
    this.own = { id: newDraftId(), revision: 0, changed: Date.now() };
    this.known = this.content();
  }

  /** What counts as a change: text and settings, not the cursor. */
  content() {
    const { text, settings } = this.sheet();
    return JSON.stringify([text, settings]);
  }

  /** Put a draft on the sheet that is kept already, which is not a change. */
  open(draft) {
    this.known = null;
    this.show(draft);
    this.known = this.content();
  }

  draft() {
    const { place, crc32 } = this;
    return { ...this.own, name: this.model()?.info.name ?? '', place, crc32, ...this.sheet() };
  }

  /** Whether a draft belongs to this model: in this page, or in another copy of it. */
  isOfModel({ name, place, crc32 }) {
    return name === this.model().info.name && (place === this.place || (crc32 !== undefined && crc32 === this.crc32));
  }

  /** Save the draft if the text or the settings changed. */
  changed() {
    const content = this.content();
    if (!this.model() || this.known === null || content === this.known) return;
    this.known = content;
    this.own.changed = Date.now();
    this.save();
  }

  /** Keep the draft; changes meanwhile are kept afterwards. */
  save() {
    this.wanted = true;
    this.saving ??= this.saveAll().finally(() => { this.saving = null; });
  }

  async saveAll() {
    try {
      while (this.wanted) {
        this.wanted = false;
        const { own } = this;
        const { id, revision } = await this.store.keep(this.draft());
        Object.assign(own, { id, revision });
      }
      this.say('');
    } catch (error) {
      this.wanted = false;
      this.say(error?.name === 'QuotaExceededError' ? 'storageFull' : 'notKept');
    }
  }

  /** Wait until the whole draft is kept, and begin a new one. */
  async release() {
    while (this.saving) await this.saving;
    this.begin();
  }

  /** Show that the text is not kept, or hide that notice. */
  say(trouble) {
    this.trouble = trouble;
    this.note.hidden = trouble === '';
    this.note.textContent = trouble ? say(trouble) : '';
  }

  /** The drafts of this model, newest first, without those that a newer one begins with. */
  async drafts() {
    const ours = (drafts) => drafts.filter((draft) => this.isOfModel(draft)).sort((left, right) => right.changed - left.changed);
    const spare = (drafts) => ours(drafts).filter(({ id, text }, number, all) => {
      return id !== this.own.id && all.slice(0, number).some((newer) => newer.text.startsWith(text));
    });
    return ours(await this.store.tidied(this.model().info.name, spare));
  }

  /** The draft to continue: that of this tab before a reload, or else the newest; null if there is none. */
  async last() {
    const { before } = this;
    this.before = null;
    let drafts = [];
    try {
      drafts = await this.drafts();
    } catch {
      this.say('notKept');
    }
    const isOurs = before && (before.name === '' || this.isOfModel(before));
    if (!isOurs) return drafts[0] ?? null;
    const kept = drafts.find(({ id }) => id === before.id);
    const last = kept && kept.changed > before.changed ? kept : before;
    // A revision that this tab has not seen is another tab's: this draft is then kept beside it.
    const { revision } = kept?.text === last.text ? kept : last;
    this.own = { id: last.id, revision, changed: last.changed };
    return last;
  }

  /** Let the reader choose an earlier text. */
  async offer() {
    try {
      while (this.saving) await this.saving;
      const now = this.sheet().text;
      const others = (await this.drafts()).filter(({ text }) => text.trim() !== '' && text !== now);
      this.list.replaceChildren(...others.map((draft) => this.row(draft)));
      document.getElementById('no-drafts').hidden = others.length > 0;
      this.dialog.showModal();
    } catch {
      this.say('notKept');
    }
  }

  row(draft) {
    const row = document.createElement('li');
    const button = document.createElement('button');
    button.type = 'button';
    const glimpse = document.createElement('bdi');
    const words = Array.from(draft.text.trim().replace(/\s+/gu, ' '));
    glimpse.textContent = words.slice(0, GLIMPSE).join('') + (words.length > GLIMPSE ? '…' : '');
    const facts = document.createElement('small');
    const when = new Date(draft.changed).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
    facts.textContent = say('draftFacts', { when, count: Array.from(draft.text).length });
    button.append(glimpse, facts);
    button.addEventListener('click', async () => {
      this.dialog.close();
      await this.release();
      this.show(draft);
      this.changed();
      this.tell(say('opened'));
    });
    row.append(button);
    return row;
  }
}
