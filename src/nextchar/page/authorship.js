'use strict';
// A text coloured by its likeliest author, line by line: which of the served models it is most like.

import { bitsPerCharacter, percent, say } from './language.js';
import { lastCharacters } from './characters.js';

/** Most models to compare with at once; there is a colour for each. */
const MAX_COMPARED = 8;
/** Maximum characters to read at once. */
const MAX_READ = 20000;
/** Share of the colour of a line whose author is certain. */
const MAX_COLOUR = 60;

export class Authorship {
  /** @param {{ server: import('./remote_model.js').Server, sheetText: () => string, tell: (message: any) => void }} parts */
  constructor({ server, sheetText, tell }) {
    this.server = server;
    this.sheetText = sheetText;
    const find = (id) => document.getElementById(id);
    this.tab = find('tab-who');
    this.text = find('disputed');
    this.choice = find('candidates');
    this.status = find('who-status');
    this.verdict = find('verdict');
    this.legend = find('authors');
    this.lines = find('attributed');
    this.asked = 0;
    find('attribute').addEventListener('click', () => this.attribute().catch(tell));
    find('who-from-sheet').addEventListener('click', () => {
      this.text.value = this.sheetText();
      this.attribute().catch(tell);
    });
    this.choice.addEventListener('change', () => this.limit());
  }

  /** Offer `models`, served by one server; with fewer than two there is nothing to compare. */
  offer(models) {
    this.tab.hidden = models.length < 2;
    this.choice.replaceChildren(...models.map(({ info }, number) => {
      const label = document.createElement('label');
      label.className = 'check';
      const box = document.createElement('input');
      box.type = 'checkbox';
      box.value = info.id;
      box.checked = number < MAX_COMPARED;
      label.append(box, ' ', isolated(info.name));
      return label;
    }));
    this.limit();
  }

  get boxes() {
    return [...this.choice.querySelectorAll('input')];
  }

  /** Allow no more models than there are colours. */
  limit() {
    const full = this.boxes.filter((box) => box.checked).length >= MAX_COMPARED;
    for (const box of this.boxes) box.disabled = full && !box.checked;
  }

  open() {
    if (this.text.value === '') this.text.value = this.sheetText();
  }

  async attribute() {
    const text = this.text.value;
    const models = this.boxes.filter((box) => box.checked).map((box) => box.value);
    const asked = ++this.asked;
    if (text === '' || models.length < 2) {
      this.status.textContent = say(text === '' ? 'empty' : 'chooseTwo');
      return;
    }
    this.status.textContent = say('scoring');
    const read = lastCharacters(text, MAX_READ);
    let answer;
    try {
      answer = await this.server.json('api/who', { models, text: read });
    } catch (error) {
      this.status.textContent = '';
      throw error;
    }
    if (asked !== this.asked) return;
    this.answer = answer;
    this.status.textContent = read === text ? '' : say('onlyLast', { count: MAX_READ });
    this.draw();
  }

  /** Draw the answer in the language of the page. */
  draw() {
    if (!this.answer) return;
    const names = Object.keys(this.answer.posterior);
    const { author, posterior, bits_per_character: bits } = this.answer;
    const likeliest = first(posterior);
    const values = { name: `\u2068${author ?? likeliest}\u2069`, share: likely(posterior[likeliest]) };
    this.verdict.textContent = say(author === null ? 'noneOfThem' : 'likeliest', values);
    this.legend.replaceChildren(...names.map((name, number) => {
      const row = document.createElement('li');
      const swatch = document.createElement('i');
      swatch.className = `swatch author-${number}`;
      const share = document.createElement('span');
      share.textContent = `${likely(posterior[name])} · ${say('bits', { bits: bitsPerCharacter(bits[name]) })}`;
      row.append(swatch, isolated(name), share);
      return row;
    }));
    let before = null;
    this.lines.replaceChildren(...this.answer.lines.map((line) => {
      const label = labelOf(line);
      const row = drawnLine(line, names, label === before ? '' : label);
      if (label !== '') before = label;
      return row;
    }));
    this.lines.hidden = false;
  }
}

/** The name with the highest number. */
function first(numbers) {
  return Object.keys(numbers).reduce((best, name) => (numbers[name] > numbers[best] ? name : best));
}

/** Who wrote a line, in words; '' for an empty one. */
function labelOf(line) {
  if (line.characters === 0) return '';
  return line.none_of_them ? say('none') : line.author;
}

/** A line in the colour of its likeliest author, as strong as that is probable; `label` is its author where it changes. */
function drawnLine(line, names, label) {
  const row = document.createElement('li');
  const author = document.createElement('span');
  author.className = 'by';
  author.textContent = label;
  const text = document.createElement('span');
  text.className = 'said';
  text.textContent = line.text === '' ? '\u200b' : line.text;
  if (line.none_of_them) text.classList.add('by-none');
  else if (line.author !== null) {
    text.classList.add(`author-${names.indexOf(line.author)}`);
    const even = 1 / names.length;
    const strength = Math.max(0, (line.posterior[line.author] - even) / (1 - even));
    text.style.setProperty('--strength', `${(MAX_COLOUR * strength).toFixed(1)}%`);
  }
  if (line.characters > 0) text.title = names.map((name) => `${name} ${likely(line.posterior[name])}`).join(' · ');
  row.append(author, text);
  return row;
}

/** A probability that is never told as certain. */
function likely(probability) {
  return probability >= 0.9995 ? `>${percent(0.999)}` : percent(probability);
}

/** A name, isolated from the text direction around it. */
function isolated(name) {
  const element = document.createElement('bdi');
  element.textContent = name;
  return element;
}
