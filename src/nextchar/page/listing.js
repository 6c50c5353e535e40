'use strict';
// New entries like those of the list that the model learned from: filters, and a table to copy or to download.

import { fixed, say } from './language.js';
import { checkedNumber } from './settings.js';
import { copyText } from './header.js';

/** The server counts an entry as so many characters of those that it writes at once. */
const CHARACTERS = 10;
/** Ranges of the fields, as in nextchar/web/schemas.py. */
const LENGTH = { type: 'integer', minimum: 1, maximum: 1000 };
const TEMPERATURE = { type: 'number', exclusiveMinimum: 0, maximum: 100 };
const FIELDS = {
  count: 'listCount', label: 'listLabel', min: 'listMin', max: 'listMax', starts: 'listStarts', ends: 'listEnds', contains: 'listContains',
  like: 'listLike', allowed: 'listAllowed', temperature: 'temperature', new: 'listNew', unique: 'listUnique', best: 'listBest',
};

export class Listing {
  /** @param {{ model: () => PageModel, maxLength: number, tell: (message: any) => void }} parts */
  constructor({ model, maxLength, tell }) {
    this.model = model;
    this.count = { type: 'integer', minimum: 1, maximum: Math.max(1, Math.floor(maxLength / CHARACTERS)) };
    const find = (id) => document.getElementById(id);
    this.fields = Object.fromEntries(Object.keys(FIELDS).map((name) => [name, find(`list-${name}`)]));
    this.anyLabel = this.fields.label.options[0];
    this.tab = find('tab-list');
    this.go = find('list-go');
    this.end = find('list-stop');
    this.status = find('list-status');
    this.results = find('list-results');
    this.rows = find('list-rows');
    this.entries = [];
    this.running = null;
    find('list-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.write().catch(tell);
    });
    this.end.addEventListener('click', () => this.running?.abort());
    this.fields.best.addEventListener('change', () => { this.fields.temperature.disabled = this.fields.best.checked; });
    find('list-copy').addEventListener('click', () => this.copy().catch(tell));
    find('list-save').addEventListener('click', () => this.save());
  }

  /** Offer the view where the model can list: one in the page cannot. */
  offer() {
    const model = this.model();
    this.tab.hidden = !('list' in model) || !model.info.characters.includes('\n');
    const { new: isNew } = this.fields;
    isNew.disabled = model.info.has_text !== true;
    if (isNew.disabled) isNew.checked = false;
    const { labels = [] } = model.info;
    this.fields.label.replaceChildren(...labels.map((label) => new Option(label, label)), this.anyLabel);
    this.fields.label.selectedIndex = 0;
    this.fields.label.parentElement.hidden = labels.length === 0;
    this.running?.abort();
    this.show(null);
  }

  /** What the fields ask for. */
  options() {
    const { fields } = this;
    const number = (name, range) => checkedNumber(fields[name].valueAsNumber, range, say(FIELDS[name]));
    const texts = (name) => fields[name].value.split(',').map((text) => text.trim()).filter(Boolean);
    const checked = (name) => fields[name].checked;
    return {
      count: number('count', this.count),
      label: fields.label.value || null,
      min: number('min', LENGTH),
      max: number('max', LENGTH),
      starts: texts('starts'),
      ends: texts('ends'),
      contains: texts('contains'),
      like: fields.like.value || null,
      allowed: fields.allowed.value || null,
      new: checked('new'),
      unique: checked('unique'),
      best: checked('best'),
      ...(checked('best') ? {} : { temperature: number('temperature', TEMPERATURE) }),
    };
  }

  async write() {
    const options = this.options();
    const model = this.model();
    if (this.running || !('list' in model)) return;
    const running = new AbortController();
    this.running = running;
    this.setRunning(true);
    this.status.textContent = say('listing');
    try {
      this.show({ ...await model.list(options, running.signal), wanted: options.count });
    } catch (error) {
      this.status.textContent = running.signal.aborted ? say('listStopped') : '';
      if (!running.signal.aborted) throw error;
    } finally {
      this.running = null;
      this.setRunning(false);
    }
  }

  setRunning(is) {
    const focused = document.activeElement;
    this.go.hidden = is;
    this.end.hidden = !is;
    if (focused === this.go) this.end.focus();
    if (focused === this.end) this.go.focus();
  }

  /** Show a list; null for none. */
  show(answer) {
    this.answer = answer;
    this.entries = answer?.entries ?? [];
    this.draw();
  }

  /** Draw the table in the language of the page. */
  draw() {
    const known = this.entries.some((entry) => entry.new !== null);
    this.results.hidden = this.entries.length === 0;
    this.results.classList.toggle('without-known', !known);
    this.rows.replaceChildren(...this.entries.map((entry) => {
      const row = document.createElement('tr');
      const [text, bits, isNew] = [document.createElement('th'), document.createElement('td'), document.createElement('td')];
      text.scope = 'row';
      text.dir = 'auto';
      text.textContent = entry.text;
      bits.textContent = fixed(entry.bits, 1);
      isNew.textContent = say(entry.new ? 'listIsNew' : 'listIsKnown');
      row.append(text, bits, ...(known ? [isNew] : []));
      return row;
    }));
    this.status.textContent = this.answer ? this.said() : '';
  }

  /** How many entries there are, and why there are no more. */
  said() {
    const { wanted, drawn, refused } = this.answer;
    const count = this.entries.length;
    if (count === wanted) return say('listed', { count });
    const reasons = Object.entries(refused).sort(([, first], [, second]) => second - first);
    const why = reasons.map(([reason, number]) => say(`refused_${reason}`, { count: number })).join(say('listJoin'));
    return say(why ? 'listShortWhy' : 'listShort', { count, wanted, drawn, why });
  }

  async copy() {
    await copyText(this.entries.map(({ text }) => text).join('\n'), this.rows);
    this.status.textContent = say('listCopied', { count: this.entries.length });
  }

  /** Save the table as a file. */
  save() {
    const known = this.entries.some((entry) => entry.new !== null);
    const rows = this.entries.map(({ text, bits, new: isNew }) => [text, bits.toFixed(3), ...(known ? [isNew] : [])]);
    const table = [['text', 'bits', ...(known ? ['new'] : [])], ...rows];
    const content = table.map((row) => `${row.map(quotedCell).join(',')}\r\n`).join('');
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([content], { type: 'text/csv' }));
    link.download = 'list.csv';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 0);
  }
}

/** A cell of a CSV file (RFC 4180). */
function quotedCell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
