'use strict';
// What a text copies from the training text of its model: marks in the text, and a list of the places.

import { say } from './language.js';

/** Characters of the shortest run that is marked. */
export const MIN_RUN = 20;
/** Characters of a run that the list repeats. */
const SHOWN = 80;

/** The copied runs of a text, {start, end, name, line} in characters, as {start, end, place} in code units. */
export function runsIn(text, copied = []) {
  const starts = [0];
  for (const character of text) starts.push(starts.at(-1) + character.length);
  return copied.map(({ start, end, name, line }) => ({ start: starts[start], end: starts[end], place: placeOf(name, line) }));
}

/** A place in words: the file, and the line if known. */
function placeOf(name, line) {
  const file = name || say('trainingText');
  return line === null ? file : say('placeLine', { name: file, line });
}

/** `text` as nodes, its runs in marks that name their places. */
export function markedNodes(text, runs) {
  const nodes = [];
  let done = 0;
  for (const { start, end, place } of runs) {
    const mark = document.createElement('mark');
    mark.title = place;
    mark.textContent = text.slice(start, end);
    nodes.push(text.slice(done, start), mark);
    done = end;
  }
  return [...nodes, text.slice(done)];
}

/** The list under the sheet of what its passages copy. */
export class CopiedList {
  constructor() {
    this.place = document.getElementById('copied-runs');
    this.title = document.getElementById('copied-title');
    this.list = document.getElementById('copied-list');
  }

  /** Show the runs of `passages`: [{text, copied}]. */
  show(passages) {
    const runs = passages.flatMap(({ text, copied = [] }) => copied.map((run) => ({ ...run, text: text.slice(run.start, run.end) })));
    this.place.hidden = runs.length === 0;
    this.title.textContent = say('copiedRuns', { count: runs.length, minimum: MIN_RUN });
    this.list.replaceChildren(...runs.map(({ place, text }) => {
      const item = document.createElement('li');
      const quoted = document.createElement('q');
      quoted.dir = 'auto';
      quoted.textContent = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
      item.append(`${place}: `, quoted);
      return item;
    }));
  }
}
