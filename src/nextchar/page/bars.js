'use strict';
// The distribution of the next token, in most models a character, at the cursor: from the model, and reweighted by the temperature.

import { fixed, language, percent, say } from './language.js';
import { appearance, describedTail, drawn, isPart } from './characters.js';
import { FieldError } from './settings.js';

const FEW_BARS = 12;
const ALL_BARS = 40;
/** Milliseconds without a change before the model is asked again. */
const QUIET = 90;

/** The bars beside the sheet; `prompt()` and `shape()` give what to ask, a click calls `choose(text, token)`: what to type. */
export class Bars {
  /**
   * @param {{ model: () => PageModel, prompt: () => string, shape: () => object, choose: (text: string, token: string) => void,
   *   answered: (answer: any) => void, failed: (error: any) => void }} parts
   */
  constructor({ model, prompt, shape, choose, answered, failed }) {
    this.model = model;
    this.prompt = prompt;
    this.shape = shape;
    this.choose = choose;
    this.answered = answered;
    this.failed = failed;
    const find = (id) => document.getElementById(id);
    this.place = find('bars');
    this.rest = find('rest');
    this.all = find('all');
    this.after = find('after');
    this.entropy = find('entropy');
    this.reweightedEntropy = find('reweighted-entropy');
    this.atTemperature = find('at-temperature');
    this.rows = [];
    this.shown = FEW_BARS;
    this.answer = null;
    this.asked = '';
    this.timer = 0;
    this.busy = false;
    this.all.addEventListener('click', () => this.toggle());
  }

  toggle() {
    this.shown = this.shown === FEW_BARS ? ALL_BARS : FEW_BARS;
    this.draw();
  }

  /** Something may have changed that the distribution depends on. */
  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), QUIET);
  }

  /** Ask the model, one question at a time; ask again if something changes meanwhile. */
  async ask() {
    if (this.busy || !this.model()) return;
    let question;
    try {
      question = { prompt: this.prompt(), shape: this.shape() };
    } catch (error) {
      // A field is being edited: the bars wait for a number. Only writing shows the error.
      if (error instanceof FieldError) return;
      throw error;
    }
    const key = JSON.stringify([this.model().info.id, question]);
    if (key === this.asked) return;
    this.busy = true;
    this.place.setAttribute('aria-busy', 'true');
    const model = this.model();
    try {
      const answer = await model.distribution(question.prompt, { ...question.shape, limit: ALL_BARS });
      this.answer = { ...answer, ...question };
      this.asked = key;
      this.draw();
      this.answered(this.answer);
    } catch (error) {
      this.asked = key;
      this.failed(error);
    } finally {
      this.busy = false;
      this.place.removeAttribute('aria-busy');
    }
    this.changed();
  }

  /** Ask again: the model has changed. */
  renew() {
    this.asked = '';
    this.changed();
  }

  draw() {
    if (!this.answer) return;
    const { characters, probabilities, reweighted, entropy, reweighted_entropy, possible, begun, prompt, shape } = this.answer;
    const value = fixed(shape.temperature, 2).replace(/0$/, '');
    this.atTemperature.textContent = say('atTemperature', { value });
    this.entropy.textContent = say('entropyBits', { bits: fixed(entropy, 2) });
    this.reweightedEntropy.textContent = say('entropyBits', { bits: fixed(reweighted_entropy, 2) });
    this.after.replaceChildren(...describedTail(prompt));
    const count = Math.min(this.shown, characters.length);
    // The longest bar fills the width, so that small ones can be compared.
    const most = Math.max(...probabilities.slice(0, count), ...reweighted.slice(0, count));
    while (this.rows.length < count) this.rows.push(this.row());
    this.rows.slice(0, count).forEach((row, number) => {
      row.fill(characters[number], begun, probabilities[number], reweighted[number], most, value);
    });
    const elements = this.rows.slice(0, count).map((row) => row.element);
    // The rows stay the same elements, so that the focus stays and the eye can follow the lengths.
    if (elements.length !== this.place.children.length) this.place.replaceChildren(...elements);
    const others = possible - count;
    const left = (shares) => percent(Math.max(0, 1 - shares.slice(0, count).reduce((sum, share) => sum + share, 0)));
    const values = { count: others, given: left(probabilities), now: left(reweighted) };
    this.rest.textContent = others > 0 ? say('rest', values) : '';
    this.all.hidden = characters.length <= FEW_BARS;
    this.all.textContent = say(this.shown === FEW_BARS ? 'showMore' : 'showFewer');
    this.all.setAttribute('aria-expanded', String(this.shown !== FEW_BARS));
  }

  /** One bar: a button with the token, two bars and two figures. */
  row() {
    const element = document.createElement('button');
    element.type = 'button';
    element.className = 'bar-row';
    const part = (tag, className, parent) => {
      const child = document.createElement(tag);
      child.className = className;
      parent.append(child);
      return child;
    };
    const glyph = part('span', 'which', element);
    const tracks = part('span', 'tracks', element);
    const [first, second] = [part('i', 'given', tracks), part('i', 'now', tracks)];
    const figures = part('span', 'figures', element);
    const [given, now] = [part('span', 'given', figures), part('b', 'now', figures)];
    let shown = '';
    let added = '';
    element.addEventListener('click', () => this.choose(added, shown));
    const fill = (character, begun, probability, reweighted, most, value) => {
      // A token that only begins what is begun stands for other words that begin so.
      const label = character.length < begun.length ? `${begun}…` : character;
      if (shown !== label || glyph.lang !== language) glyph.replaceChildren(drawn(label));
      shown = label;
      // A part of a character cannot be typed, and the end of a word adds nothing.
      added = isPart(character) ? '' : character.slice(begun.length);
      element.disabled = added === '';
      glyph.lang = language;
      element.dataset.character = character;
      first.style.setProperty('--share', String(probability / most));
      second.style.setProperty('--share', String(reweighted / most));
      given.textContent = percent(probability);
      now.textContent = percent(reweighted);
      const values = { name: appearance(label).name, given: percent(probability), now: percent(reweighted), value };
      element.setAttribute('aria-label', say('bar', values));
    };
    return { element, fill };
  }
}
