'use strict';
// What came after the beginnings of words in a text, on top of n-grams: nextchar/networks/word_counts.py has the equations.

import { damaged } from './model_file.js';
import { NEVER, Ngrams } from './ngrams.js';

/** Most ids of a context and the id after it. */
const MAX_LENGTH = 24;
/** Kinds of ids: those that words are made of, and the one that stands for all between words. */
const BELONGS = 1;
const SEPARATOR = 2;
/** Situations: neither context is known, the beginning of the word is, or that after the word before. */
export const SITUATIONS = 3;

/** The counts of words, and a place in them. */
export class Words {
  /** `vocabulary` ids; the tensors are those of a model file. */
  constructor(vocabulary, tensors) {
    const { kinds, ...tree } = tensors;
    const count = kinds?.values.filter((kind) => kind === SEPARATOR).length;
    if (kinds?.values.length !== vocabulary || count !== 1 || kinds.values.some((kind) => kind > SEPARATOR)) {
      throw damaged('its kinds of ids do not fit each other');
    }
    this.kinds = kinds.values;
    this.separator = this.kinds.indexOf(SEPARATOR);
    this.tree = new Ngrams(vocabulary, MAX_LENGTH - 1, tree, 0);
    this.size = this.tree.ids.length - 1;
    /** What the contexts add to the probability of each id; zeros between two predictions. */
    this.added = new Float32Array(vocabulary);
    this.load(this.initialState());
  }

  /** The state before anything is read. */
  initialState() {
    return { first: 0, second: NEVER, inWord: false };
  }

  /** Continue from `state`: the beginning of the word, and that after the word before. */
  load(state) {
    this.state = state;
  }

  /** The state after all that was read. */
  save() {
    return this.state;
  }

  /** Read one id. */
  advance(id) {
    const { tree } = this;
    const { first, second, inWord } = this.state;
    if (this.kinds[id] === BELONGS) this.state = { first: tree.child(first, id), second: tree.child(second, id), inWord: true };
    else if (inWord) this.state = { first: 0, second: tree.child(first, this.separator), inWord: false };
  }

  /** Fill `out` (V) with ln p of each id, given that from n-grams, `logs` (V); return the situation. */
  predict(logs, out) {
    const { added, tree } = this;
    const { first, second } = this.state;
    const contexts = [second, first].filter((context) => tree.hasChildren(context));
    let left = 1;
    for (const context of contexts) {
      for (let child = tree.firsts[context]; child < tree.firsts[context + 1]; child += 1) added[tree.ids[child]] += left * tree.shares[child];
      left *= tree.rests[context];
    }
    const logLeft = Math.log(left);
    for (let id = 0; id < out.length; id += 1) out[id] = logs[id] + logLeft;
    for (const context of contexts) {
      for (let child = tree.firsts[context]; child < tree.firsts[context + 1]; child += 1) {
        const id = tree.ids[child];
        if (added[id] > 0) out[id] = Math.log(added[id] + left * Math.exp(logs[id]));
        added[id] = 0;
      }
    }
    if (tree.hasChildren(second)) return 2;
    return tree.hasChildren(first) ? 1 : 0;
  }
}
