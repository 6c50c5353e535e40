'use strict';
// The sheet: a textarea, and under it a copy of its text with the marks that a textarea cannot show.

import { clusterAround } from './characters.js';
import { charactersOf } from './jamo.js';

/** Whether focus opens a keyboard on the screen, which the page must not do unasked. */
export const touchesKeyboard = () => matchMedia('(hover: none) and (pointer: coarse)').matches;

/**
 * The sheet. It knows which passages the model wrote (`written`: [{start, text, recipe, copied}], in the order of
 * writing, with the runs copied from the training text) and follows them while the text around them changes.
 */
export class Sheet {
  constructor(area, under, scroll, changed) {
    this.area = area;
    this.under = under;
    this.scroll = scroll;
    this.changed = changed;
    this.written = [];
    this.stranger = null;
    this.leftOut = new Set();
    this.streaming = null;
    this.cleared = null;
    this.value = area.value;
    area.addEventListener('input', () => this.trackEdit());
    document.addEventListener('selectionchange', () => document.activeElement === area && this.changed());
  }

  /** Where the model continues, as an index into the text; a selection is not overwritten. */
  get cursor() {
    return this.area.selectionEnd;
  }

  set cursor(place) {
    this.area.setSelectionRange(place, place);
  }

  /** Set the characters that a model knows, given what is told of it; all others are marked. */
  setKnown({ tokens, characters }) {
    const known = tokens === 'jamo' ? charactersOf(characters) : characters;
    const codes = known.map((character) => `\\u{${character.codePointAt(0).toString(16)}}`);
    this.stranger = tokens === 'bytes' ? null : new RegExp(`[^${codes.join('')}]`, 'gu');
    this.draw();
  }

  /** Set the pieces that the model leaves out when it reads; they are marked more strongly. */
  setLeftOut(pieces) {
    if (pieces.join('\n') === [...this.leftOut].join('\n')) return;
    this.leftOut = new Set(pieces);
    this.draw();
  }

  /** Replace the text from `start` to `end` with `text`, as one step of the browser's undo. */
  replace(start, end, text) {
    const { area } = this;
    if (start === end && text === '') return;
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    const wanted = area.value.slice(0, start) + text + area.value.slice(end);
    area.readOnly = false;
    if (!touchesKeyboard()) this.type(start, end, text);
    if (area.value !== wanted) area.value = wanted;
    this.cursor = start + text.length;
    if (before !== area) before?.focus({ preventScroll: true });
    this.trackEdit();
  }

  /** The same by a command, the only way into the browser's undo. */
  type(start, end, text) {
    const { area } = this;
    const { value } = area;
    // A command does not separate a letter from its marks: write them again.
    const [from, to] = [clusterAround(value, start)[0], clusterAround(value, end)[1]];
    const whole = value.slice(from, start) + text + value.slice(end, to);
    area.focus({ preventScroll: true });
    area.setSelectionRange(from, to);
    if (whole === '') document.execCommand('delete');
    else document.execCommand('insertText', false, whole);
  }

  /** Insert a passage of the model. */
  insert(start, text, recipe, copied = []) {
    this.replace(start, start, text);
    if (text) this.written.push({ start, text, recipe, copied });
    this.draw();
    this.changed();
  }

  /** Remove the last passage of the model and return it; null if there is none. */
  takeBack() {
    const passage = this.written.pop();
    if (!passage) return null;
    this.replace(passage.start, passage.start + passage.text.length, '');
    return passage;
  }

  /** Make the passages of the model the writer's own. */
  keep() {
    this.written = [];
    this.draw();
    this.changed();
  }

  /** Empty the sheet. Its text can be brought back as long as the sheet stays empty. */
  clear() {
    const { value: text, cursor, written } = this;
    this.cleared = { text, cursor, written };
    this.replace(0, text.length, '');
  }

  get canBringBack() {
    return this.value === '' && this.cleared !== null;
  }

  bringBack() {
    const { cleared } = this;
    this.cleared = null;
    this.restore(cleared);
  }

  /** Restore the sheet: {text, cursor, written}. */
  restore({ text, cursor, written }) {
    this.replace(0, this.value.length, text);
    this.written = written.filter((passage) => text.startsWith(passage.text, passage.start));
    this.cursor = cursor;
    this.draw();
    this.changed();
  }

  /** The text changed in one place: move the passages after it, and forget those it touched. */
  trackEdit() {
    const before = this.value;
    const after = this.area.value;
    if (before !== after) {
      const { start, end, shift } = difference(before, after);
      this.written = this.written
        .filter((passage) => passage.start >= end || passage.start + passage.text.length <= start)
        .map((passage) => (passage.start >= end ? { ...passage, start: passage.start + shift } : passage))
        .filter((passage) => after.startsWith(passage.text, passage.start));
      this.value = after;
    }
    this.draw();
    this.changed();
  }

  /** Begin a text at `place`, which `extend` shows; the textarea itself gets it in one piece at the end. */
  begin(place) {
    this.area.readOnly = true;
    this.streaming = { place, text: '', node: document.createTextNode('') };
    this.draw();
  }

  extend(text) {
    const atEnd = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 60;
    this.streaming.text += text;
    this.streaming.node.appendData(text);
    if (atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  /** Make the streamed text part of the sheet. */
  end(recipe, copied) {
    const { place, text } = this.streaming;
    const { scrollTop } = this.scroll;
    this.streaming = null;
    this.area.readOnly = false;
    this.insert(place, text, recipe, copied);
    this.scroll.scrollTop = scrollTop;
  }

  /** Draw the copy under the textarea: passages of the model, unknown characters, and the streamed text. */
  draw() {
    const text = this.area.value;
    const cuts = new Set([0, text.length]);
    const unknown = this.unknown(text);
    for (const { start, end } of unknown) cuts.add(start).add(end);
    for (const { start, text: passage } of this.written) cuts.add(start).add(start + passage.length);
    const copied = this.written.flatMap((passage) => (passage.copied ?? []).map((run) => [passage.start + run.start, passage.start + run.end]));
    for (const [start, end] of copied) cuts.add(start).add(end);
    if (this.streaming) cuts.add(this.streaming.place);
    const places = [...cuts].sort((a, b) => a - b);
    // Not as arguments from a list: a long text may have more unknown characters than a call may have arguments.
    const copy = document.createDocumentFragment();
    let mark = 0;
    places.forEach((start, number) => {
      if (this.streaming?.place === start) copy.append(passageNode(this.streaming.node, 'model'));
      const end = places[number + 1];
      if (end === undefined) return;
      while (mark < unknown.length && unknown[mark].end <= start) mark += 1;
      const isUnknown = mark < unknown.length && unknown[mark].start <= start;
      const piece = text.slice(start, end);
      const classes = [];
      const within = (passage) => passage.start <= start && start < passage.start + passage.text.length;
      if (this.written.some(within)) classes.push('model');
      if (copied.some(([first, last]) => first <= start && start < last)) classes.push('copied');
      if (isUnknown) classes.push('unknown');
      if (isUnknown && this.leftOut.has(piece)) classes.push('left-out');
      copy.append(passageNode(document.createTextNode(piece), classes.join(' ')));
    });
    // A final line end is drawn only if something follows it.
    copy.append('\u200b');
    this.under.replaceChildren(copy);
    this.under.parentElement.classList.toggle('streaming', this.streaming !== null);
  }

  /** The letters, with their marks, that the model does not know: [{start, end}]. */
  unknown(text) {
    if (!this.stranger) return [];
    const found = [];
    const cluster = /\P{M}?\p{M}*/suy;
    for (const match of text.matchAll(this.stranger)) {
      let start = match.index;
      while (start > 0 && /^\p{M}/u.test(text.slice(start, start + 2))) {
        start -= text.codePointAt(start - 2) > 0xffff ? 2 : 1;
      }
      if (found.length && start < found.at(-1).end) continue;
      cluster.lastIndex = start;
      found.push({ start, end: start + cluster.exec(text)[0].length });
    }
    return found;
  }
}

function passageNode(node, classes) {
  if (!classes) return node;
  const span = document.createElement('span');
  span.className = classes;
  span.append(node);
  return span;
}

/** Where two texts differ: `before` from start to end is replaced, and what follows moves by shift. */
function difference(before, after) {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let same = 0;
  while (same < shorter - start && before[before.length - 1 - same] === after[after.length - 1 - same]) same += 1;
  return { start, end: before.length - same, shift: after.length - before.length };
}
