'use strict';
// What is on the sheet is kept as it is written, each tab a draft of its own, so that no tab writes over another's text.

/** Characters of a draft by which a reader knows it again. */
const GLIMPSE = 90;

/** The drafts of this model; `sheet()` gives what is on the sheet now, `show(draft)` puts a draft there. */
class Keeping {
  constructor({ model, place, crc32, sheet, show, tell }) {
    Object.assign(this, { model, place, crc32, sheet, show, tell });
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
    /** What this tab had before a reload, with whichever model (its name is '' where none was there yet); or null. */
    this.before = parsed(remembered(sessionStore, 'nextchar.draft'));
  }

  /** Leave the draft to this tab, should it be a reload; where no model was there and nothing typed, the one of before. */
  remember() {
    const draft = this.draft();
    if (draft.name !== '' || draft.text !== '') remember(sessionStore, 'nextchar.draft', JSON.stringify(draft));
  }

  /** From here on what is written is a draft of its own. */
  begin() {
    this.own = { id: newDraftId(), revision: 0, changed: Date.now() };
    this.known = this.content();
  }

  /** What is compared to see whether something changed; moving the cursor changes nothing. */
  content() {
    const { text, settings } = this.sheet();
    return JSON.stringify([text, settings]);
  }

  /** Put a draft on the sheet that is kept already: nothing of it has changed. */
  open(draft) {
    this.known = null;
    this.show(draft);
    this.known = this.content();
  }

  draft() {
    const { place, crc32 } = this;
    return { ...this.own, name: this.model()?.info.name ?? '', place, crc32, ...this.sheet() };
  }

  /** Whether a draft was written with this model: in this page, or in another copy of it. */
  isOfModel({ name, place, crc32 }) {
    return name === this.model().info.name && (place === this.place || (crc32 !== undefined && crc32 === this.crc32));
  }

  /** Something changed on the sheet or in the settings. */
  changed() {
    const content = this.content();
    if (!this.model() || this.known === null || content === this.known) return;
    this.known = content;
    this.own.changed = Date.now();
    this.save();
  }

  /** Keep the draft; what changes meanwhile is kept after it. */
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

  /** Wait until all of the draft is kept, and begin another one. */
  async release() {
    while (this.saving) await this.saving;
    this.begin();
  }

  /** Say that what is written is not kept, or that it is again. */
  say(trouble) {
    this.trouble = trouble;
    this.note.hidden = trouble === '';
    this.note.textContent = trouble ? say(trouble) : '';
  }

  /** The drafts of this model, the newest first, without those that a newer one begins with: they are in it. */
  async drafts() {
    const ours = (drafts) => drafts.filter((draft) => this.isOfModel(draft)).sort((one, other) => other.changed - one.changed);
    const spare = (drafts) => ours(drafts).filter(({ id, text }, number, all) => {
      return id !== this.own.id && all.slice(0, number).some((newer) => newer.text.startsWith(text));
    });
    return ours(await this.store.tidied(this.model().info.name, spare));
  }

  /** The draft to go on with: what this tab had before a reload, or else the newest one; null where there is none. */
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
    // A revision that is not the one this tab has seen is another tab's: what is written here is then kept beside it.
    const { revision } = kept?.text === last.text ? kept : last;
    this.own = { id: last.id, revision, changed: last.changed };
    return last;
  }

  /** Let the reader choose among the texts of before. */
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
