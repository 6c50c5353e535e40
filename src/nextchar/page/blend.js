'use strict';
// What was counted in a text, as a network of its own or blended with one that has learned it: the equation of
// nextchar/networks/blend.py.

import { damaged } from './model_file.js';
import { makeLSTM, readIds } from './network.js';
import { Ngrams } from './ngrams.js';

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

/** A network like that of network.js. Its states are those of both parts. */
class BlendNetwork {
  /** `weights`: those of the network and of the counts, for each length of context. */
  constructor(network, ngrams, weights) {
    this.network = network;
    this.ngrams = ngrams;
    this.weights = weights;
    this.logProbabilities = new Float32Array(ngrams.vocabulary);
    /** Both together depend on all that was read. */
    this.context = null;
    this.parameters = network.parameters + ngrams.ids.length - 1;
    this.work = network.work;
  }

  initialState() {
    return { network: this.network.initialState(), ngrams: this.ngrams.initialState() };
  }

  load(state) {
    this.network.load(state.network);
    this.ngrams.load(state.ngrams);
  }

  save() {
    return { network: this.network.save(), ngrams: this.ngrams.save() };
  }

  advance(id) {
    this.network.advance(id);
    this.ngrams.advance(id);
  }

  /** The logits (V) of the next id; the next prediction overwrites them. */
  predict() {
    const { logProbabilities, weights } = this;
    const logits = this.network.predict();
    const longest = this.ngrams.predict(logProbabilities);
    const ofNetwork = weights[2 * longest];
    const ofCounts = weights[2 * longest + 1];
    for (let id = 0; id < logits.length; id += 1) logits[id] = ofNetwork * logits[id] + ofCounts * logProbabilities[id];
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
function makeNgrams({ order, ngrams }, vocabulary, tensors) {
  const counted = new Ngrams(vocabulary, order, tensors);
  if (counted.ids.length !== ngrams + 1) throw damaged('its counts do not fit its architecture');
  return counted;
}

/** The network of an architecture, of any kind, with the tensors of its model file. */
export function makeNetwork(architecture, tensors) {
  if (architecture.kind === 'lstm') return makeLSTM(architecture, tensors);
  if (architecture.kind === 'ngram') return new NgramNetwork(makeNgrams(architecture, architecture.vocabulary_size, tensors));
  const { network, order } = architecture;
  const counted = makeNgrams(architecture, network.vocabulary_size, under(tensors, 'ngrams.'));
  if (String(tensors.weights?.shape) !== String([order + 1, 2])) throw damaged('its tensors do not fit its architecture');
  return new BlendNetwork(makeLSTM(network, under(tensors, 'network.')), counted, tensors.weights.values);
}
