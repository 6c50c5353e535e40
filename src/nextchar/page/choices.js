'use strict';
// Texts side by side to choose from: several continuations, or four temperatures.

import { say } from './language.js';
import { lastCharacters } from './characters.js';
import { markedNodes } from './copying.js';

/** Characters of the prompt that a card shows before its text. */
const TAIL = 24;

/** The cards under the sheet. `took(card)` is called with the chosen one: {label, recipe, text, copied}. */
export class Choices {
  constructor(took, dismissed) {
    this.took = took;
    this.place = document.getElementById('choices');
    this.title = document.getElementById('choices-title');
    this.cards = document.getElementById('cards');
    document.getElementById('dismiss').addEventListener('click', () => {
      this.close();
      dismissed();
    });
  }

  get open() {
    return !this.place.hidden;
  }

  close() {
    this.place.hidden = true;
    this.cards.replaceChildren();
  }

  /** Show an empty card for each of `recipes`, headed by `labels`; return the cards, to which `extend` adds text. */
  show(title, labels, recipes) {
    this.title.textContent = title;
    const cards = recipes.map((recipe, number) => this.card(labels[number], recipe));
    this.cards.replaceChildren(...cards.map((card) => card.element));
    this.place.hidden = false;
    this.place.scrollIntoView({ block: 'nearest', behavior: calm() ? 'auto' : 'smooth' });
    return cards;
  }

  card(label, recipe) {
    const element = document.createElement('article');
    element.className = 'card';
    const heading = document.createElement('h3');
    heading.textContent = label;
    const prompt = document.createElement('span');
    prompt.className = 'prompt';
    prompt.textContent = lastCharacters(recipe.prompt, TAIL);
    const body = writtenBlock(label, prompt);
    const written = document.createTextNode('');
    body.append(written);
    const take = document.createElement('button');
    take.type = 'button';
    take.textContent = say('take');
    take.setAttribute('aria-label', `${say('take')}: ${label}`);
    take.disabled = true;
    element.append(heading, body, take);
    const card = { element, recipe, text: '', copied: [] };
    card.extend = (piece) => {
      card.text += piece;
      written.appendData(piece);
    };
    card.ready = (copied) => {
      card.copied = copied;
      if (copied.length) written.replaceWith(...markedNodes(card.text, copied));
      take.disabled = card.text === '';
    };
    take.addEventListener('click', () => this.took(card));
    return card;
  }
}

/** Whether the reader wants nothing to move. */
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** A block of a model's text: it may scroll, so the keyboard must reach it. */
export function writtenBlock(label, ...content) {
  const body = document.createElement('div');
  body.className = 'written';
  body.dir = 'auto';
  body.tabIndex = 0;
  body.setAttribute('role', 'group');
  body.setAttribute('aria-label', label);
  body.append(...content);
  return body;
}
