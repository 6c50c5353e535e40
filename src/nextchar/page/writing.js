'use strict';
// Writing: the model continues from the cursor, with one text or several, and can write it again.

import { fixed, say } from './language.js';
import { lastCharacters } from './characters.js';
import { MIN_RUN, runsIn } from './copying.js';
import { PROMPT_CHARACTERS } from './settings.js';
import { touchesKeyboard } from './sheet.js';
import { Choices } from './choices.js';

const FOUR = [0.2, 0.5, 1.0, 1.2];

/** Pass each piece of a generator to `take` and return what the generator returns. */
async function consume(generator, take) {
  for (;;) {
    const { done, value } = await generator.next();
    if (done) return value;
    take(value);
  }
}

/** Collect pieces and pass them on once per frame. */
function oncePerFrame(take) {
  let held = '';
  let waiting = 0;
  const flush = () => {
    cancelAnimationFrame(waiting);
    waiting = 0;
    if (held) take(held);
    held = '';
  };
  const add = (piece) => {
    held += piece;
    waiting ||= requestAnimationFrame(flush);
  };
  return { add, flush };
}

/** The buttons under the sheet. */
export class Writing {
  /**
   * @param {{ sheet: import('./sheet.js').Sheet, settings: import('./settings.js').Settings, model: () => PageModel,
   *   tell: (message: any) => void, wrote: (recipe: any) => void }} parts
   */
  constructor({ sheet, settings, model, tell, wrote }) {
    this.sheet = sheet;
    this.settings = settings;
    this.model = model;
    this.tell = tell;
    this.wrote = wrote;
    this.running = null;
    this.last = null;
    this.choices = new Choices((card) => this.take(card), () => {
      this.stop();
      this.refresh();
    });
    this.buttons = {};
    for (const id of ['continue', 'stop', 'again', 'undo', 'keep', 'four']) {
      this.buttons[id] = document.getElementById(id);
      this.buttons[id].addEventListener('click', () => this.press(id));
    }
    document.addEventListener('keydown', (event) => this.shortcut(event));
    this.refresh();
  }

  shortcut(event) {
    if (document.getElementById('write').hidden || document.querySelector('dialog[open]') || event.isComposing) return;
    const control = event.ctrlKey || event.metaKey;
    if (event.key === 'Enter' && control) {
      event.preventDefault();
      this.press(event.shiftKey ? 'again' : 'continue');
    } else if (event.key === 'Escape' && this.running) {
      event.preventDefault();
      this.press('stop');
    }
  }

  async press(id) {
    const button = this.buttons[id];
    if (button.disabled || button.hidden) return;
    try {
      await this[id]();
    } catch (error) {
      this.tell(error);
    }
  }

  /** Enable the buttons that can be pressed now. */
  refresh() {
    const running = this.running !== null;
    const focused = document.activeElement;
    this.buttons.continue.hidden = running;
    this.buttons.stop.hidden = !running;
    if (focused === this.buttons.continue && running) this.buttons.stop.focus();
    if (focused === this.buttons.stop && !running) this.buttons.continue.focus();
    const written = this.sheet.written.length > 0;
    this.buttons.continue.disabled = this.buttons.four.disabled = !this.model();
    this.buttons.again.disabled = running || !(written || this.choices.open);
    this.buttons.keep.disabled = running || !written;
    this.buttons.undo.disabled = running || !(written || this.sheet.canBringBack);
    document.getElementById('anew').disabled = document.getElementById('earlier').disabled = running;
    if (running) this.buttons.four.disabled = true;
  }

  /** The recipe of a text that continues from the cursor, or from `prompt`. */
  recipe(seed, prompt = this.promptAt(this.sheet.cursor)) {
    return { model: this.model().info.id, prompt, ...this.settings.read(), seed, text: 0 };
  }

  promptAt(place) {
    return lastCharacters(this.sheet.value.slice(0, place), PROMPT_CHARACTERS);
  }

  async continue() {
    const count = Number(this.settings.texts.value);
    const recipe = this.recipe(0);
    recipe.seed = this.settings.nextSeed();
    if (count === 1) await this.one(recipe);
    else await this.several(count, recipe);
  }

  async four() {
    const recipe = this.recipe(0);
    recipe.seed = this.settings.nextSeed();
    await this.temperatures(recipe);
  }

  stop() {
    this.running?.abort();
  }

  undo() {
    if (this.sheet.canBringBack) {
      this.sheet.bringBack();
      this.tell(say('broughtBack'));
      return;
    }
    const passage = this.sheet.takeBack();
    this.sheet.cursor = passage.start;
    this.tell(say('undone'));
  }

  keep() {
    this.sheet.keep();
    this.tell(say('kept'));
  }

  /** Write again from the same place, with a new seed. */
  async again() {
    if (this.choices.open) {
      await this.last({ ...this.recipe(this.settings.nextSeed(true), this.lastPrompt) });
      return;
    }
    const recipe = this.recipe(0, '');
    const passage = this.sheet.takeBack();
    this.sheet.cursor = passage.start;
    try {
      await this.one({ ...recipe, prompt: this.promptAt(passage.start), seed: this.settings.nextSeed(true) });
    } catch (error) {
      // There is no new text: put the old one back.
      const hasNew = this.sheet.written.some(({ start }) => start === passage.start);
      if (!hasNew) this.sheet.insert(passage.start, passage.text, passage.recipe, passage.copied);
      this.refresh();
      throw error;
    }
  }

  /** Write one text into the sheet. */
  async one(recipe) {
    this.choices.close();
    this.tell(say('writing'));
    this.sheet.begin(this.sheet.cursor);
    const screen = oncePerFrame((piece) => this.sheet.extend(piece));
    let text = '';
    const outcome = await this.run(recipe, (piece) => {
      text += piece;
      screen.add(piece);
    });
    screen.flush();
    const count = Array.from(text).length;
    const kept = outcome.finished ? recipe : { ...recipe, length: count };
    this.sheet.end(kept, runsIn(text, outcome.copied));
    this.done();
    if (outcome.error) throw outcome.error;
    const wrote = outcome.cutShort ? 'wroteCut' : outcome.finished ? 'wrote' : 'stopped';
    this.tell(text === '' ? say('nothing') : say(wrote, { count }));
    if (text !== '') this.wrote(kept);
  }

  several(count, recipe) {
    const recipes = Array.from({ length: count }, (_, text) => ({ ...recipe, text }));
    const labels = recipes.map((_, number) => say('textNumber', { number: number + 1 }));
    this.last = (anew) => this.several(count, anew);
    return this.sideBySide(say('choicesTexts'), labels, recipes);
  }

  temperatures(recipe) {
    const recipes = FOUR.map((temperature) => ({ ...recipe, temperature }));
    const labels = FOUR.map((value) => say('temperatureIn', { value: fixed(value, 1) }));
    this.last = (anew) => this.temperatures(anew);
    return this.sideBySide(say('choicesTemperatures'), labels, recipes);
  }

  /** Write several texts at once, each on a card. */
  async sideBySide(title, labels, recipes) {
    this.lastPrompt = recipes[0].prompt;
    const cards = this.choices.show(title, labels, recipes);
    this.tell(say('writing'));
    const outcomes = await Promise.all(cards.map(async (card) => {
      const screen = oncePerFrame(card.extend);
      const outcome = await this.run(card.recipe, screen.add);
      screen.flush();
      if (!outcome.finished) card.recipe.length = Array.from(card.text).length;
      card.ready(runsIn(card.text, outcome.copied));
      return outcome;
    }));
    this.done();
    const failed = outcomes.find((outcome) => outcome.error);
    if (failed) throw failed.error;
    this.tell(say('wroteAll', { count: cards.length }));
  }

  /**
   * Let the model write by a recipe; return {finished}, whether the text is complete, {cutShort}, whether it could not go
   * on, {copied}, what it copied, and {error}, if any.
   */
  async run(recipe, take) {
    this.running ??= new AbortController();
    this.refresh();
    const { signal } = this.running;
    const { length, temperature, top_k, top_p, min_p, max_copy, stop, seed, text } = recipe;
    const trace = this.model().info.has_text ? MIN_RUN : undefined;
    const options = { length, temperature, top_k, top_p, min_p, max_copy, stop, seed, trace, stream: text };
    try {
      const end = await consume(this.model().generate(recipe.prompt, options, signal), take);
      return { finished: !signal.aborted, cutShort: end.finish_reason === 'max_copy', copied: end.copied };
    } catch (error) {
      return { finished: false, error: signal.aborted ? null : error };
    }
  }

  done() {
    this.running = null;
    this.refresh();
  }

  /** Insert the text of a card where it continues, or at the cursor if that place is gone. */
  take(card) {
    this.choices.close();
    const { sheet } = this;
    const { prompt } = card.recipe;
    const ends = (place) => sheet.value.slice(0, place).endsWith(prompt);
    if (!ends(sheet.cursor)) sheet.cursor = ends(sheet.value.length) ? sheet.value.length : sheet.cursor;
    sheet.insert(sheet.cursor, card.text, card.recipe, card.copied);
    this.settings.setTemperature(card.recipe.temperature);
    if (!touchesKeyboard()) sheet.area.focus();
    this.tell(say('taken'));
    this.wrote(card.recipe);
    this.refresh();
  }
}
