'use strict';
// The view "See": any text coloured by surprise.

import { say } from './language.js';
import { lastCharacters } from './characters.js';
import { ColouredText } from './coloured_text.js';

/** Maximum characters to score at once. */
const MAX_SCORED = 20000;

export class Surprise {
  /** @param {{ model: () => PageModel, sheetText: () => string, tell: (message: any) => void }} parts */
  constructor({ model, sheetText, tell }) {
    this.model = model;
    this.sheetText = sheetText;
    const find = (id) => document.getElementById(id);
    this.pasted = find('pasted');
    this.status = find('see-status');
    this.coloured = new ColouredText();
    this.asked = 0;
    find('score').addEventListener('click', () => this.score().catch(tell));
    find('from-sheet').addEventListener('click', () => {
      this.pasted.value = this.sheetText();
      this.score().catch(tell);
    });
  }

  /** Open the view, at first with the sheet's text. */
  open() {
    this.draw();
    if (this.pasted.value === '') this.pasted.value = this.sheetText();
    if (this.coloured.isEmpty && this.pasted.value !== '') return this.score();
    return undefined;
  }

  async score() {
    const text = this.pasted.value;
    const read = lastCharacters(text, MAX_SCORED);
    const asked = ++this.asked;
    if (text === '') {
      this.status.textContent = say('empty');
      return;
    }
    this.status.textContent = say('scoring');
    let answer;
    try {
      answer = await this.model().score(read, 5);
    } catch (error) {
      this.status.textContent = '';
      throw error;
    }
    if (asked !== this.asked) return;
    this.status.textContent = read === text ? '' : say('onlyLast', { count: MAX_SCORED });
    this.coloured.fill(answer);
  }

  /** Forget the scores: the model has changed. */
  forget() {
    this.coloured.clear();
  }

  /** Draw the figures and the legend in the language of the page. */
  draw() {
    this.coloured.draw();
  }
}
