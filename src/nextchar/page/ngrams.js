'use strict';
// What was counted in a text: the tables of nextchar/networks/ngram_counts.py, and the probabilities that they give, as in
// nextchar/networks/ngram_kernels.py.

import { damaged } from './model_file.js';

/** Stands for numbers from here on, which follow in an array of their own. */
const ESCAPE = 255;
/** The number of a context that never occurred. */
export const NEVER = -1;
/** Most probabilities after single ids that are computed in advance. */
const MAX_DENSE = 1 << 16;
const COUNTED = ['ids', 'discounts', ...['counts', 'children', 'lost'].flatMap((name) => [name, `large_${name}`])];

/** The numbers of a tensor stored in bytes, after `before` zeros. */
function unpacked(tensors, name, before = 0) {
  const { values } = tensors[name];
  const large = tensors[`large_${name}`].values;
  const numbers = new Uint32Array(before + values.length);
  let taken = 0;
  for (let n = 0; n < values.length; n += 1) {
    numbers[before + n] = values[n] === ESCAPE ? large[taken] : values[n];
    if (values[n] === ESCAPE) taken += 1;
  }
  if (taken !== large.length) throw damaged('its counts do not fit each other');
  return numbers;
}

/**
 * The n-grams of a text, and a place in them. The n-grams are numbered: 0 has no ids; the children of a context are those
 * that one id makes longer, and have numbers in a row.
 */
export class Ngrams {
  /**
   * `vocabulary` ids, contexts of up to `order` of them; the tensors are those of a model file, no count below `minCount`.
   * In a list `lineEnd` stands for all ids before a text; it is null elsewhere.
   */
  constructor(vocabulary, order, tensors, minCount = 1, lineEnd = null) {
    if (String(Object.keys(tensors).sort()) !== String([...COUNTED].sort())) throw damaged('its tensors do not fit its architecture');
    this.vocabulary = vocabulary;
    this.order = order;
    this.lineEnd = lineEnd;
    const children = unpacked(tensors, 'children');
    /** The number of the first child of each context, and the end of the last one's children. */
    this.firsts = new Uint32Array(children.length + 1);
    this.firsts[0] = 1;
    children.forEach((count, context) => (this.firsts[context + 1] = this.firsts[context] + count));
    /** The last id of each n-gram. */
    this.ids = new Int32Array(1 + tensors.ids.values.length);
    this.ids.set(tensors.ids.values, 1);
    const counts = unpacked(tensors, 'counts', 1);
    const lost = unpacked(tensors, 'lost');
    const discounts = tensors.discounts.values;
    this.check(counts, lost, discounts, minCount);
    /** What its own count adds to the probability of each n-gram. */
    this.shares = new Float32Array(this.ids.length);
    /** The probability that each context leaves to the next shorter one. */
    this.rests = new Float32Array(children.length);
    this.share(counts, lost, discounts);
    /** The probability of each id without context, and, if these are few, after each single id. */
    this.dense = this.shortContexts();
    this.logs = this.dense.map(Math.log);
    /** What longer contexts add to the probability of each id; zeros between two predictions. */
    this.added = new Float32Array(vocabulary);
    /** The number of the last 0, 1, ... `order` ids that were read. */
    this.contexts = new Int32Array(order + 1).fill(NEVER);
    this.contexts[0] = 0;
    if (lineEnd !== null) for (let k = 0; k < order; k += 1) this.advance(lineEnd);
    this.initial = this.save();
  }

  /** Refuse tables that do not fit each other. */
  check(counts, lost, discounts, minCount) {
    const { firsts, ids, order, vocabulary } = this;
    const fits = firsts.length > 1 && lost.length === firsts.length - 1 && counts.length === ids.length
      && firsts.at(-1) === ids.length && discounts.length === 3 * (order + 1)
      && ids.every((id) => id >= 0 && id < vocabulary) && counts.every((count, ngram) => count >= minCount || ngram === 0)
      && discounts.every((discount, n) => discount > 0 && discount <= 1 + (n % 3));
    if (!fits) throw damaged('its counts do not fit each other');
    this.starts = [0, 1];
    for (let k = 1; k <= order; k += 1) this.starts.push(firsts[this.starts.at(-1)]);
    const inOrder = this.starts.at(-1) === firsts.length - 1 && this.starts.every((start, k) => k === 0 || start >= this.starts[k - 1]);
    if (!inOrder || !this.isSorted()) throw damaged('its n-grams are out of order');
  }

  /** Whether the children of each context are in the order of their ids, each once. */
  isSorted() {
    const { firsts, ids } = this;
    for (let context = 0; context < firsts.length - 1; context += 1) {
      for (let child = firsts[context] + 1; child < firsts[context + 1]; child += 1) if (ids[child - 1] >= ids[child]) return false;
    }
    return true;
  }

  /** Fill `shares` and `rests`. */
  share(counts, lost, discounts) {
    const { firsts, shares, rests, starts, order } = this;
    let length = 0;
    for (let context = 0; context < rests.length; context += 1) {
      while (length < order && context >= starts[length + 1]) length += 1;
      const discount = (count) => (count === 0 ? 0 : discounts[3 * length + Math.min(count, 3) - 1]);
      let total = lost[context];
      let left = 0;
      for (let child = firsts[context]; child < firsts[context + 1]; child += 1) {
        total += counts[child];
        left += discount(counts[child]);
      }
      rests[context] = total > 0 ? (left + lost[context]) / total : 1;
      for (let child = firsts[context]; child < firsts[context + 1]; child += 1) {
        shares[child] = total > 0 ? (counts[child] - discount(counts[child])) / total : 0;
      }
    }
  }

  /** The rows of `dense`, one after another. */
  shortContexts() {
    const { vocabulary, firsts, ids, shares, rests } = this;
    const singles = firsts[1] - 1;
    const rows = new Float32Array(vocabulary * (singles * vocabulary > MAX_DENSE ? 1 : 1 + singles));
    const add = (context, row) => {
      for (let child = firsts[context]; child < firsts[context + 1]; child += 1) rows[row + ids[child]] += shares[child];
    };
    rows.fill(rests[0] / vocabulary, 0, vocabulary);
    add(0, 0);
    for (let row = vocabulary; row < rows.length; row += vocabulary) {
      const context = row / vocabulary;
      for (let id = 0; id < vocabulary; id += 1) rows[row + id] = rows[id] * rests[context];
      add(context, row);
    }
    return rows;
  }

  /** The state before anything is read: only the context without ids is known, or, in a list, those of line ends. */
  initialState() {
    return this.initial.slice();
  }

  /** Continue from `state`. */
  load(state) {
    this.contexts.set(state);
  }

  /** The state after all that was read. */
  save() {
    return this.contexts.slice();
  }

  /** Read one id. */
  advance(id) {
    const { contexts } = this;
    for (let k = this.order; k > 0; k -= 1) contexts[k] = this.child(contexts[k - 1], id);
  }

  /** The number of the n-gram of `context` and `id`, or NEVER. */
  child(context, id) {
    const { firsts, ids } = this;
    if (context === NEVER || context >= firsts.length - 1) return NEVER;
    const end = firsts[context + 1];
    let low = firsts[context];
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ids[middle] < id) low = middle + 1;
      else high = middle;
    }
    return low < end && ids[low] === id ? low : NEVER;
  }

  /** Fill `out` (V) with ln p of each id; return the length of the longest context after which something came. */
  predict(out) {
    const { contexts, firsts, ids, shares, rests, dense, logs, added } = this;
    const tabled = dense.length > out.length;
    const shortest = tabled ? 2 : 1;
    let longest = this.order;
    while (longest > 0 && !this.hasChildren(contexts[longest])) longest -= 1;
    let left = 1;
    for (let k = longest; k >= shortest; k -= 1) {
      const context = contexts[k];
      if (!this.hasChildren(context)) continue;
      const end = firsts[context + 1];
      for (let child = firsts[context]; child < end; child += 1) added[ids[child]] += left * shares[child];
      left *= rests[context];
    }
    const row = tabled && contexts[1] !== NEVER ? contexts[1] * out.length : 0;
    const logLeft = Math.log(left);
    for (let id = 0; id < out.length; id += 1) out[id] = logLeft + logs[row + id];
    // Few ids came after longer contexts: only for them a logarithm is computed.
    for (let k = longest; k >= shortest; k -= 1) {
      const context = contexts[k];
      if (!this.hasChildren(context)) continue;
      const end = firsts[context + 1];
      for (let child = firsts[context]; child < end; child += 1) {
        const id = ids[child];
        if (added[id] > 0) out[id] = Math.log(added[id] + left * dense[row + id]);
        added[id] = 0;
      }
    }
    return longest;
  }

  /** Whether something came after a context. */
  hasChildren(context) {
    return context !== NEVER && context < this.firsts.length - 1 && this.firsts[context] < this.firsts[context + 1];
  }
}
