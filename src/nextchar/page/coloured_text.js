'use strict';
// A text coloured by the bits that each character cost a model, with what the model expected there beside it.

import { bitsPerCharacter, fixed, percent, say } from './language.js';
import { appearance, drawn, graphemes } from './characters.js';

/** Bits at which each colour begins. */
const LEVELS = [0, 1, 2, 4, 6, 9];
/** Characters that command instead of being drawn: escapes, directions of writing. */
const HIDDEN = /^(?![\n\t])\p{C}$/u;

/** The coloured text, its figures and its legend, in the elements that have their ids. */
export class ColouredText {
  constructor() {
    const find = (id) => document.getElementById(id);
    this.text = find('coloured');
    this.mean = find('mean');
    this.meanNote = find('mean-note');
    this.alternatives = find('alternatives');
    this.legend = find('legend');
    this.answer = null;
    this.pieces = [];
    this.elements = [];
    this.active = -1;
    this.text.addEventListener('pointerover', (event) => this.look(this.numberOf(event.target)));
    this.text.addEventListener('click', (event) => this.look(this.numberOf(event.target)));
    this.text.addEventListener('focus', () => this.look(Math.max(this.active, 0)));
    this.text.addEventListener('keydown', (event) => this.move(event));
  }

  numberOf(target) {
    const piece = target.closest('[data-number]');
    return piece ? Number(piece.dataset.number) : -1;
  }

  /** Whether there is a text. */
  get isEmpty() {
    return this.pieces.length === 0;
  }

  /** Show the scores of a text, in the form of /api/score. */
  fill(answer) {
    this.answer = answer;
    this.active = -1;
    this.color();
    this.draw();
  }

  /** Forget the text. */
  clear() {
    this.answer = null;
    this.pieces = [];
    this.text.hidden = true;
    this.mean.textContent = '–';
    this.meanNote.textContent = '';
    this.alternatives.replaceChildren();
  }

  /** Put the text on the page; each token, and each group of characters that is drawn as one, has its own colour. */
  color() {
    const { characters, bits } = this.answer;
    this.pieces = groupsOf(characters).map(({ first, count }) => {
      const cost = bits.slice(first, first + count).reduce((sum, value) => sum + value, 0);
      return { piece: characters.slice(first, first + count).join(''), first, count, cost };
    });
    this.elements = this.pieces.map(({ piece, cost, first: index, count }, number) => {
      const element = document.createElement('span');
      element.setAttribute('role', 'option');
      element.id = `piece-${number}`;
      element.dataset.number = String(number);
      element.className = `bits-${level(cost)}`;
      if (this.answer.unknown.slice(index, index + count).some(Boolean)) element.classList.add('unknown');
      const seen = appearance(piece);
      if (!seen.visible) element.setAttribute('aria-label', seen.name);
      // A line end is shown by a sign, and still ends the line; what would change how others are drawn, by its name.
      element.textContent = piece === '\n' ? '⏎\n' : HIDDEN.test(piece) ? seen.shown : piece;
      if (piece === '\n' || HIDDEN.test(piece)) element.classList.add('end');
      return element;
    });
    this.text.replaceChildren(...this.elements);
    this.text.hidden = false;
  }

  /** Draw the figures and the legend in the language of the page. */
  draw() {
    this.legend.replaceChildren(...LEVELS.map((low, number) => legendRow(low, LEVELS[number + 1], number)));
    if (!this.answer) return;
    const { bits_per_character: mean, unknown, character_count: count } = this.answer;
    this.mean.textContent = bitsPerCharacter(mean);
    const values = { count, unknown: unknown.filter(Boolean).length };
    const oneIn = mean < 20 ? ` ${say('meanOneIn', { number: fixed(2 ** mean, 1) })}` : '';
    this.meanNote.textContent = say('meanNote', values) + oneIn;
    this.show();
  }

  move(event) {
    const rightToLeft = getComputedStyle(this.text).direction === 'rtl';
    const [forward, back] = rightToLeft ? ['ArrowLeft', 'ArrowRight'] : ['ArrowRight', 'ArrowLeft'];
    const last = this.pieces.length - 1;
    const steps = { [forward]: 1, [back]: -1, ArrowDown: 10, ArrowUp: -10, Home: -last, End: last };
    if (!(event.key in steps) || last < 0) return;
    event.preventDefault();
    this.look(Math.min(last, Math.max(0, this.active + steps[event.key])));
    this.elements[this.active].scrollIntoView({ block: 'nearest' });
  }

  /** Show one piece. */
  look(number) {
    if (number < 0 || number === this.active || !this.pieces[number]) return;
    this.elements[this.active]?.removeAttribute('aria-selected');
    this.active = number;
    this.show();
  }

  show() {
    const piece = this.pieces[this.active];
    if (!piece) {
      this.alternatives.replaceChildren();
      return;
    }
    const element = this.elements[this.active];
    element.setAttribute('aria-selected', 'true');
    this.text.setAttribute('aria-activedescendant', element.id);
    const blocks = [];
    for (let index = piece.first; index < piece.first + piece.count; index += 1) blocks.push(...this.described(index));
    this.alternatives.replaceChildren(...blocks);
    const shown = ({ character, probability }) => `${appearance(character).name} ${percent(probability)}`;
    const expected = this.answer.alternatives[piece.first].slice(0, 3).map(shown);
    const values = { name: appearance(piece.piece).name, bits: fixed(piece.cost, 1), expected: expected.join(', ') };
    element.setAttribute('aria-label', say('optionLabel', values));
  }

  /** One character: its bits, and what was expected in its place. */
  described(index) {
    const { characters, bits, unknown, alternatives } = this.answer;
    const heading = document.createElement('h3');
    const cost = document.createElement('span');
    cost.textContent = say('bits', { bits: fixed(bits[index], 2) }) + (unknown[index] ? ` · ${say('unknown')}` : '');
    heading.append(drawn(characters[index]), ' ', cost);
    const list = document.createElement('ol');
    list.className = 'expected';
    list.setAttribute('aria-label', say('expected'));
    for (const { character, probability } of alternatives[index]) {
      const item = document.createElement('li');
      item.style.setProperty('--share', String(probability));
      if (character === characters[index]) item.className = 'itself';
      const share = document.createElement('span');
      share.textContent = percent(probability);
      item.append(drawn(character), document.createElement('i'), share);
      list.append(item);
    }
    return [heading, list];
  }
}

/** Which of the tokens of a text are drawn as one, in order: [{first, count}]. */
function groupsOf(tokens) {
  let drawn = 0;
  const ends = new Set(graphemes(tokens.join('')).map((piece) => (drawn += piece.length)));
  const groups = [];
  let [first, at] = [0, 0];
  tokens.forEach((token, number) => {
    at += token.length;
    if (!ends.has(at)) return;
    groups.push({ first, count: number + 1 - first });
    first = number + 1;
  });
  return groups;
}

function level(bits) {
  return Math.max(0, LEVELS.findLastIndex((low) => bits >= low));
}

function legendRow(low, high, number) {
  const row = document.createElement('li');
  const swatch = document.createElement('span');
  swatch.className = `swatch bits-${number}`;
  const values = { low: fixed(low, 0), high: high === undefined ? '' : fixed(high, 0) };
  row.append(swatch, ` ${say(high === undefined ? 'above' : 'from', values)}`);
  return row;
}
