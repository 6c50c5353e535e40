'use strict';
// The page starts here: it finds its models and connects the parts.

import { LocalModel } from './local_model.js';
import { BASE, PageError, RemoteModel, Server, localStore, remember, remembered } from './remote_model.js';
import { browserLanguage, language, say, speak, speakOf } from './language.js';
import { appearance } from './characters.js';
import { CopiedList } from './copying.js';
import { Settings, recipeFromHash, recipeHash } from './settings.js';
import { Sheet, touchesKeyboard } from './sheet.js';
import { Keeping } from './keeping.js';
import { Writing } from './writing.js';
import { Bars } from './bars.js';
import { Surprise } from './surprise.js';
import { Authorship } from './authorship.js';
import { POLL, RunHistory } from './history.js';
import { Kind } from './kind.js';
import { Listing } from './listing.js';
import { Tabs, Theme, introduce, showRecipe } from './header.js';

class App {
  constructor(setup) {
    this.setup = setup;
    this.theme = new Theme();
    this.server = new Server(setup.patience);
    this.model = null;
    this.ownHash = '';
    this.lastRecipe = null;
    this.find = (id) => document.getElementById(id);
    const model = () => this.model;
    const tell = (message) => this.tell(message);
    this.copied = new CopiedList();
    this.settings = new Settings(setup.limits, setup.max_length ?? Infinity, () => this.bars.changed());
    this.sheet = new Sheet(this.find('text'), this.find('under'), this.find('scroll'), () => this.changed());
    const { sheet, settings } = this;
    this.kind = new Kind({ sheet });
    this.keeping = new Keeping({
      model,
      place: setup.life === 'exported' ? location.pathname : BASE,
      crc32: setup.crc32,
      sheet: () => this.kept(),
      show: (draft) => this.putBack(draft),
      tell,
    });
    this.writing = new Writing({ sheet, settings, model, tell, wrote: (recipe) => this.wrote(recipe) });
    this.bars = new Bars({
      model,
      prompt: () => this.writing.promptAt(this.sheet.cursor),
      shape: () => this.settings.shape(),
      choose: (text, token) => this.choose(text, token),
      answered: (answer) => this.showReadings(answer.replacements),
      failed: tell,
    });
    this.surprise = new Surprise({ model, sheetText: () => this.sheet.value, tell });
    this.authorship = new Authorship({ server: this.server, sheetText: () => this.sheet.value, tell });
    this.listing = new Listing({ model, maxLength: setup.max_length ?? 0, tell });
    this.history = new RunHistory({ model, learned: () => this.learned(), tell });
    this.tabs = new Tabs((view) => this.opened(view));
    this.listen();
  }

  listen() {
    this.find('language').addEventListener('click', () => {
      const chosen = language === 'en' ? 'ko' : 'en';
      remember(localStore, 'nextchar.language', chosen);
      this.speak(chosen);
    });
    this.find('recipe').addEventListener('click', () => {
      try {
        showRecipe(this.currentRecipe(), ...this.file);
      } catch (error) {
        this.tell(error);
      }
    });
    this.find('models').addEventListener('change', (event) => {
      this.change(this.models[event.target.selectedIndex]).catch((error) => this.tell(error));
    });
    this.find('door').addEventListener('submit', (event) => {
      event.preventDefault();
      this.server.useKey(this.find('key').value);
      this.start(true);
    });
    this.find('anew').addEventListener('click', () => this.startAnew());
    this.find('write').addEventListener('input', () => this.keeping.changed());
    addEventListener('hashchange', () => this.readAddress());
  }

  /** Find the models; if a key is required or there is no model yet, say so and wait. */
  async start(keyGiven = false) {
    try {
      const models = this.setup.life === 'exported' ? [this.localModel()] : await this.remoteModels();
      this.find('door').hidden = true;
      this.alarm('');
      if (models.length === 0) {
        this.find('lead').textContent = say('noModel');
        setTimeout(() => this.start(), POLL);
        return;
      }
      this.models = models;
      this.find('models').replaceChildren(...models.map(({ info }) => new Option(info.name, info.id)));
      this.find('chooser').hidden = models.length < 2;
      this.authorship.offer(models);
      const { before } = this.keeping;
      const wanted = before && ['', before.hash].includes(location.hash) ? before.name : this.addressRecipe()?.model;
      await this.use(models.find(({ info }) => info.id === wanted) ?? models[0]);
      await this.begin();
    } catch (error) {
      if (error.status === 401) this.askForKey(keyGiven);
      else this.tell(error);
    }
  }

  async remoteModels() {
    return (await this.server.models()).map((info) => new RemoteModel(info, this.server));
  }

  localModel() {
    try {
      const bytes = Uint8Array.from(atob(this.find('model').textContent.trim()), (character) => character.charCodeAt(0));
      return new LocalModel(bytes, this.setup);
    } catch (error) {
      throw new PageError(say(error instanceof RangeError ? 'noMemory' : 'damaged'));
    }
  }

  askForKey(wrong) {
    this.find('door').hidden = false;
    this.find('lead').textContent = say('keyWanted');
    this.alarm(wrong ? say('keyWrong') : '');
    this.find('key').focus();
  }

  /** Change the model: the text stays, as a draft with that model; an empty sheet gets that model's last draft. */
  async change(model) {
    await this.keeping.release();
    await this.use(model);
    if (this.sheet.value === '') await this.begin();
  }

  /** Use `model` from here on. */
  async use(model) {
    this.model = model;
    this.find('models').value = model.info.id;
    this.introduce();
    this.surprise.forget();
    this.listing.offer();
    this.bars.renew();
    this.writing.refresh();
    await this.history.open();
    const gone = [this.history, this.listing].some(({ tab }) => tab.hidden && tab.getAttribute('aria-selected') === 'true');
    if (gone) this.tabs.open(this.find('tab-write'));
  }

  /** The model has learned more: ask again for its facts and for what it expects. */
  async learned() {
    const infos = await this.server.models();
    const info = infos.find(({ id }) => id === this.model.info.id);
    if (!info) return;
    this.model.info = info;
    this.introduce();
    this.bars.renew();
  }

  /** Show the facts about the model, and what can be done with it. */
  introduce() {
    const { info } = this.model;
    speakOf(info.tokens);
    introduce(info);
    this.settings.offerCopyLimit(info.has_text === true && info.tokens === 'characters');
    this.sheet.setKnown(info);
    this.kind.offer(info.labels);
  }

  /** Fill the sheet: with what was on it when the page was last open, or with the recipe in the address. */
  async begin() {
    const draft = this.sheet.value === '' ? await this.keeping.last() : null;
    // Text typed before the model was ready stays.
    if (this.sheet.value !== '') this.keeping.changed();
    else if (draft && ['', draft.hash].includes(location.hash)) this.keeping.open(draft);
    else await this.readAddress();
  }

  /** What a draft keeps: the sheet, the settings, and the recipe in the address. */
  kept() {
    const { value: text, cursor, written } = this.sheet;
    return { text, cursor, written, settings: this.settings.values(), hash: this.ownHash };
  }

  putBack(draft) {
    const focused = document.activeElement;
    this.settings.restore(draft.settings);
    this.sheet.restore(draft);
    if (focused !== this.find('text')) this.find('text').blur();
    this.ownHash = draft.hash;
    this.lastRecipe = recipeFromHash(draft.hash, this.settings.limits);
  }

  /** Empty the sheet; its text is kept as a draft. */
  async startAnew() {
    if (this.sheet.value === '') return;
    await this.keeping.release();
    this.sheet.clear();
    this.tell(say(this.keeping.trouble ? 'cleared' : 'clearedKept'));
    if (!touchesKeyboard()) this.find('text').focus();
  }

  addressRecipe() {
    try {
      return recipeFromHash(location.hash, this.settings.limits);
    } catch (error) {
      this.tell(error);
      return null;
    }
  }

  /** Write the text of the recipe in the address again. */
  async readAddress() {
    const recipe = this.addressRecipe();
    if (!recipe || !this.model || this.writing.running || location.hash === this.ownHash) return;
    await this.keeping.release();
    this.settings.show(recipe);
    this.sheet.replace(0, this.sheet.value.length, recipe.prompt);
    const { id } = this.model.info;
    try {
      await this.writing.one({ ...recipe, model: id });
      if (recipe.model && recipe.model !== id) this.tell(say('otherModel', { model: recipe.model }));
    } catch (error) {
      this.tell(error);
    }
  }

  /** A text of this recipe is on the sheet: put the recipe into the address. */
  wrote(recipe) {
    this.lastRecipe = recipe;
    this.ownHash = recipeHash(recipe);
    try {
      history.replaceState(null, '', this.ownHash);
    } catch {
      // Some browsers forbid this for files; the recipe can still be copied.
    }
  }

  /** The model as a command names it, and a hint where that works: [file, hint]. */
  get file() {
    const { id, name, path } = this.model.info;
    if (this.setup.life === 'served') return path ? [path, say('commandServed')] : [id, say('commandName', { name: id })];
    return [decodeURIComponent(location.pathname.split('/').at(-1)) || `${name}.html`, say('commandPage')];
  }

  /** The recipe of the last passage on the sheet, or else of what would be written now. */
  currentRecipe() {
    const passage = this.sheet.written.at(-1);
    if (passage) return passage.recipe;
    if (this.lastRecipe && this.settings.seed.value === String(this.lastRecipe.seed)) return this.lastRecipe;
    return this.writing.recipe(this.settings.seed.value === '' ? this.settings.nextSeed() : this.settings.readSeed());
  }

  /** Type the text of a bar, as if the writer did. */
  choose(text, token) {
    if (this.writing.running) return;
    const { cursor } = this.sheet;
    this.sheet.replace(cursor, cursor, text);
    this.tell(say('chosen', { name: appearance(token).name }));
  }

  /** The sheet changed, or the cursor moved. */
  changed() {
    if (!this.writing || this.sheet.streaming) return;
    this.writing.refresh();
    this.kind.show();
    this.copied.show(this.sheet.written);
    this.bars.changed();
    this.keeping.changed();
  }

  /** Show how the model reads the characters that it does not know. */
  showReadings(replacements) {
    const place = this.find('reads');
    place.hidden = replacements.length === 0;
    this.sheet.setLeftOut(replacements.filter(({ replacement }) => replacement === '').map(({ character }) => character));
    const items = replacements.slice(0, 12).map(({ character, replacement, count }) => {
      const shown = (text) => `\u2068${Array.from(text, (symbol) => appearance(symbol).shown).join('')}\u2069`;
      const values = { given: shown(character), replacement: shown(replacement) };
      return say(replacement ? 'readAs' : 'leftOut', values) + (count > 1 ? say('times', { count }) : '');
    });
    if (replacements.length > 12) items.push(say('andMore', { count: replacements.length - 12 }));
    place.textContent = replacements.length ? say('reads') + items.join(' · ') : '';
  }

  opened(view) {
    if (view === 'history') this.history.draw();
    if (view === 'see') this.surprise.open()?.catch((error) => this.tell(error));
    if (view === 'who') this.authorship.open();
    if (view === 'write') this.bars.changed();
  }

  /** Show a message, or an error. */
  tell(message) {
    if (typeof message === 'string') {
      this.alarm('');
      this.find('status').textContent = message;
      return;
    }
    this.find('status').textContent = '';
    if (message.status === 401) this.askForKey(false);
    else this.alarm(message instanceof PageError ? message.message : say('mistake'));
    if (!(message instanceof PageError)) console.error(message);
  }

  alarm(text) {
    this.find('alarm').hidden = text === '';
    this.find('alarm').textContent = text;
  }

  speak(chosen) {
    speak(chosen);
    const other = this.find('language');
    other.lang = chosen === 'en' ? 'ko' : 'en';
    other.textContent = say('otherLanguage');
    const mac = /Mac|iPhone|iPad/.test(navigator.platform);
    for (const key of document.querySelectorAll('kbd.control')) {
      key.textContent = key.textContent.replace(/Ctrl|⌘/, mac ? '⌘' : 'Ctrl');
    }
    this.copied.show(this.sheet.written);
    this.keeping.say(this.keeping.trouble);
    this.find('private').textContent = say(this.setup.life === 'exported' ? 'private' : 'served');
    if (!this.model) return;
    introduce(this.model.info);
    this.bars.draw();
    this.surprise.draw();
    this.authorship.draw();
    this.listing.draw();
    this.history.draw();
    if (this.bars.answer) this.showReadings(this.bars.answer.replacements);
  }
}

const app = new App(JSON.parse(document.getElementById('setup').textContent));
app.speak(remembered(localStore, 'nextchar.language') || browserLanguage());
app.start();
