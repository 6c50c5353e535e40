'use strict';
// What was counted in a text, as a network of its own or blended with one that has learned it: the equation of
// nextchar/networks/blend.py.

import { damaged } from './model_file.js';
import { makeLSTM, readIds } from './network.js';
import { Ngrams } from './ngrams.js';
import { SITUATIONS, Words } from './words.js';

/** Counts as a network like that of network.js. */
class NgramNetwork {
  constructor(ngrams) {
    this.ngrams = ngrams;
    this.logits = new Float32Array(ngrams.vocabulary);
    this.context = ngrams.order;
    this.parameters = ngrams.ids.length - 1;
    this.work = ngrams.vocabulary * ngrams.order;
  }

  initialState() {
    return this.ngrams.initialState();
  }

  load(state) {
    this.ngrams.load(state);
  }

  save() {
    return this.ngrams.save();
  }

  advance(id) {
    this.ngrams.advance(id);
  }

  /** The logits (V) of the next id; the next prediction overwrites them. */
  predict() {
    this.ngrams.predict(this.logits);
    return this.logits;
  }

  /** Read `ids` from `state`, as `readIds` does. */
  read(ids, state, each) {
    return readIds(this, ids, state, each);
  }
}

/** A network like that of network.js. Its states are those of its parts. */
class BlendNetwork {
  /** `weights`: those of the network, of the n-grams, and of the words if there are any, in each situation. */
  constructor(network, ngrams, words, weights) {
    this.network = network;
    this.ngrams = ngrams;
    this.words = words;
    this.weights = weights;
    this.ofNgrams = new Float32Array(ngrams.vocabulary);
    this.ofWords = new Float32Array(ngrams.vocabulary);
    /** Both together depend on all that was read. */
    this.context = null;
    this.parameters = network.parameters + ngrams.ids.length - 1 + (words === null ? 0 : words.size);
    this.work = network.work;
  }

  initialState() {
    return { network: this.network.initialState(), ngrams: this.ngrams.initialState(), words: this.words?.initialState() };
  }

  load(state) {
    this.network.load(state.network);
    this.ngrams.load(state.ngrams);
    this.words?.load(state.words);
  }

  save() {
    return { network: this.network.save(), ngrams: this.ngrams.save(), words: this.words?.save() };
  }

  advance(id) {
    this.network.advance(id);
    this.ngrams.advance(id);
    this.words?.advance(id);
  }

  /** The logits (V) of the next id; the next prediction overwrites them. */
  predict() {
    const { ngrams, ofNgrams, ofWords, weights, words } = this;
    const logits = this.network.predict();
    const longest = ngrams.predict(ofNgrams);
    if (words === null) {
      const [u, v] = weights.subarray(2 * longest);
      for (let id = 0; id < logits.length; id += 1) logits[id] = u * logits[id] + v * ofNgrams[id];
      return logits;
    }
    const situation = longest + (ngrams.order + 1) * words.predict(ofNgrams, ofWords);
    const [u, v, w] = weights.subarray(3 * situation);
    for (let id = 0; id < logits.length; id += 1) logits[id] = u * logits[id] + v * ofNgrams[id] + w * ofWords[id];
    return logits;
  }

  /** Read `ids` from `state`, as `readIds` does. */
  read(ids, state, each) {
    return readIds(this, ids, state, each);
  }
}

/** The tensors whose names begin with `prefix`, by the rest of their names. */
function under(tensors, prefix) {
  const found = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** What was counted in a text: `tensors` of it, of an architecture with `vocabulary` ids. */
function makeNgrams({ order, ngrams }, vocabulary, tensors, lineEnd) {
  const counted = new Ngrams(vocabulary, order, tensors, 1, lineEnd);
  if (counted.ids.length !== ngrams + 1) throw damaged('its counts do not fit its architecture');
  return counted;
}

/** Let `network` begin each line of a list anew: it goes back to the state before anything was read, and reads the line end. */
function beginLines(network, lineEnd) {
  const initial = network.initialState();
  const advance = network.advance.bind(network);
  network.advance = (id) => {
    if (id === lineEnd) network.load(initial);
    advance(id);
  };
  return network;
}

/** The network of an architecture, of any kind, with the tensors of its model file. */
export function makeNetwork(architecture, tensors) {
  const lineEnd = (architecture.network ?? architecture).line_end ?? null;
  const network = makeOfKind(architecture, tensors, lineEnd);
  return lineEnd === null ? network : beginLines(network, lineEnd);
}

/** The network of an architecture, which reads on after the end of a line. */
function makeOfKind(architecture, tensors, lineEnd) {
  if (architecture.kind === 'lstm') return makeLSTM(architecture, tensors);
  if (architecture.kind === 'ngram') return new NgramNetwork(makeNgrams(architecture, architecture.vocabulary_size, tensors, lineEnd));
  const { network, order } = architecture;
  const counted = makeNgrams(architecture, network.vocabulary_size, under(tensors, 'ngrams.'), lineEnd);
  const ofWords = under(tensors, 'words.');
  const words = 'ids' in ofWords ? new Words(network.vocabulary_size, ofWords) : null;
  if ((words?.size ?? 0) !== (architecture.words ?? 0)) throw damaged('its counts do not fit its architecture');
  const shape = words === null ? [order + 1, 2] : [(order + 1) * SITUATIONS, 3];
  if (String(tensors.weights?.shape) !== String(shape)) throw damaged('its tensors do not fit its architecture');
  return new BlendNetwork(makeLSTM(network, under(tensors, 'network.')), counted, words, tensors.weights.values);
}
