'use strict';
// A model that computes in this page, with the interface of RemoteModel. The same prompt, settings and seed give the
// same text as in Python: what is done here is what nextchar/language_model.py does.

import { crc32, samplingStream } from './random.js';
import { makeNetwork, readModelFile } from './network.js';
import { UNKNOWN, Vocabulary } from './vocabulary.js';
import { isWithin } from './limits.js';
import { draw, entropyOf, mostProbableFirst, nextDistribution, softmax } from './sampling.js';

/** Milliseconds of work after which the browser gets time for everything else. */
const SLICE = 12;
/** Multiplications that take a few milliseconds. */
const PORTION = 1e7;
/** Characters between two states of a prompt that are kept, and states kept of where it ended lately. */
const STRIDE = 256;
const ENDS = 8;

/**
 * Let the browser do what waits: a timer would wait at least four milliseconds, a message does not.
 * @returns {Promise<void>}
 */
function pause() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** When work has to pause, and whether it is still wanted. */
class Pace {
  constructor(signal) {
    this.signal = signal;
    this.began = performance.now();
    signal?.throwIfAborted();
  }

  get isOver() {
    return performance.now() - this.began > SLICE;
  }

  async rest() {
    await pause();
    this.signal?.throwIfAborted();
    this.began = performance.now();
  }
}

/** Reads prompts, and keeps states of the last one: a prompt that begins like it is read from where they part. */
class Reader {
  constructor(network) {
    this.network = network;
    /** Ids that one slice of reading can take. */
    this.portion = Math.max(1, Math.min(STRIDE, Math.floor(PORTION / network.work)));
    this.ids = [];
    this.marks = [];
  }

  /** {logits, state} after `ids`, at least one. */
  async read(ids, pace) {
    const { network } = this;
    if (network.context !== null) return network.read(ids.slice(-network.context), network.initialState());
    let common = 0;
    while (common < ids.length && ids[common] === this.ids[common]) common += 1;
    const marks = this.marks.filter(({ at }) => at <= common);
    let mark = marks.at(-1) ?? { at: 0, state: network.initialState() };
    while (mark.at < ids.length) {
      const end = Math.min(ids.length, mark.at + this.portion, (Math.floor(mark.at / STRIDE) + 1) * STRIDE);
      mark = { at: end, ...network.read(ids.slice(mark.at, end), mark.state) };
      if (end % STRIDE === 0 || end === ids.length) marks.push(mark);
      if (pace.isOver) await pace.rest();
    }
    this.ids = ids;
    this.marks = marks.filter(({ at }, number) => at % STRIDE === 0 || number >= marks.length - ENDS);
    return mark;
  }
}

/** Hands a text on up to where one of the stops begins; a character waits while a stop could begin with it. */
class StopSearch {
  constructor(stops) {
    this.stops = stops.filter((stop) => stop !== '');
    this.longest = Math.max(1, ...this.stops.map((stop) => stop.length)) - 1;
    this.held = '';
    this.found = false;
  }

  /** Take a character and return what can be handed on. */
  add(character) {
    this.held += character;
    const begins = this.stops.map((stop) => this.held.indexOf(stop)).filter((at) => at >= 0);
    this.found = begins.length > 0;
    return this.release(this.found ? Math.min(...begins) : this.held.length - this.overlap());
  }

  /** Return the first units of what is held; the rest stays. */
  release(count = this.held.length) {
    const released = this.held.slice(0, count);
    this.held = this.held.slice(count);
    return released;
  }

  /** The length of the longest end of what is held that one of the stops begins with. */
  overlap() {
    for (let length = Math.min(this.longest, this.held.length); length > 0; length -= 1) {
      if (this.stops.some((stop) => stop.startsWith(this.held.slice(-length)))) return length;
    }
    return 0;
  }
}

/** Refuse settings that are out of range, as Python does. The seed is checked where it is used: it may be a string. */
function checkSettings(settings, limits) {
  for (const name of ['length', 'temperature', 'top_k', 'top_p', 'min_p']) {
    const value = settings[name] ?? null;
    if (value === null || isWithin(value, limits[name])) continue;
    const { type, minimum, exclusiveMinimum, maximum } = limits[name];
    const lower = minimum ?? `more than ${exclusiveMinimum}`;
    const range = maximum === undefined ? `${lower} or more` : `${lower} to ${maximum}`;
    throw new RangeError(`${name} = ${value} is not allowed: give ${range} (${type}).`);
  }
}

/** A model whose file is in the page. */
export class LocalModel {
  /** `bytes` of the model file (Uint8Array); `setup`: {name, history, crc32, limits}. */
  constructor(bytes, setup) {
    if (setup.crc32 !== undefined && setup.crc32 !== crc32(bytes)) {
      throw new Error('The model in this page is damaged: its checksum does not match. Get the page again.');
    }
    const { header, tensors } = readModelFile(bytes);
    const { architecture, tokens, provenance } = header;
    this.network = makeNetwork(architecture, tensors);
    this.vocabulary = new Vocabulary(tokens.characters, tokens.has_unknown);
    if (this.vocabulary.symbols.length !== architecture.vocabulary_size) {
      throw new Error('The model in this page is damaged: its characters are not as many as it predicts. Get the page anew.');
    }
    this.forbidden = tokens.has_unknown ? UNKNOWN : undefined;
    this.reader = new Reader(this.network);
    this.record = setup.history ?? null;
    this.limits = setup.limits;
    this.info = {
      id: setup.name,
      name: setup.name,
      characters: this.vocabulary.characters,
      vocabulary_size: architecture.vocabulary_size,
      hidden: architecture.hidden,
      embedding: architecture.embedding,
      context_length: architecture.context_length,
      parameters: Object.values(tensors).reduce((sum, { values }) => sum + values.length, 0),
      lowercase: provenance.lowercase,
      bits_per_character: provenance.validation_bits_per_character,
      corpus: provenance.corpus,
      seconds: provenance.training_seconds,
      has_history: this.record !== null,
      finished: true,
    };
  }

  /** The id that is read before a text's first character: a line end, else a space, else the first character known. */
  get startId() {
    const { ids, characters } = this.vocabulary;
    return ids.get('\n') ?? ids.get(' ') ?? ids.get(characters[0]);
  }

  /** The ids that stand for a prompt, at least one, and what had to be replaced. */
  readPrompt(prompt) {
    const { text, replacements } = this.vocabulary.fold(prompt);
    return { ids: text === '' ? [this.startId] : this.vocabulary.encode(text), replacements };
  }

  /** What comes after `prompt`: the `limit` most probable characters, as the model has it and as the settings make it. */
  async distribution(prompt, settings) {
    checkSettings(settings, this.limits);
    const { ids, replacements } = this.readPrompt(prompt);
    const { logits } = await this.reader.read(ids, new Pace());
    const plain = nextDistribution(logits, {}, this.forbidden);
    const reweighted = nextDistribution(logits, settings, this.forbidden);
    const shown = mostProbableFirst(plain).filter((id) => id !== this.forbidden).slice(0, settings.limit ?? 40);
    return {
      characters: shown.map((id) => this.vocabulary.symbols[id]),
      probabilities: shown.map((id) => plain[id]),
      reweighted: shown.map((id) => reweighted[id]),
      entropy: entropyOf(plain),
      reweighted_entropy: entropyOf(reweighted),
      replacements,
    };
  }

  /** Yield pieces of text that goes on from `prompt`, and return {seed, finish_reason, replacements}. */
  async *generate(prompt, settings, signal) {
    const shaped = { length: 400, temperature: 0.5, ...settings };
    checkSettings(shaped, this.limits);
    const seed = shaped.seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
    const random = samplingStream(seed, shaped.stream);
    const search = new StopSearch(shaped.stop ?? []);
    const pace = new Pace(signal);
    const { ids, replacements } = this.readPrompt(prompt);
    const { network } = this;
    let { logits, state } = await this.reader.read(ids, pace);
    network.load(state);
    const distribution = new Float64Array(logits.length);
    let piece = '';
    for (let written = 1; written <= shaped.length && !search.found; written += 1) {
      const id = draw(nextDistribution(logits, shaped, this.forbidden, distribution), random.random());
      piece += search.add(this.vocabulary.symbols[id]);
      if (pace.isOver) {
        // While this one pauses, others use the network.
        state = network.save();
        if (piece !== '') yield piece;
        piece = '';
        await pace.rest();
        network.load(state);
      }
      if (written < shaped.length) {
        network.advance(id);
        logits = network.predict();
      }
    }
    if (!search.found) piece += search.release();
    if (piece !== '') yield piece;
    return { seed, finish_reason: search.found ? 'stop' : 'length', replacements };
  }

  /** How many bits each character of `text` costs after those before it, and what was expected in its place. */
  async score(text, alternatives = 5) {
    const read = this.info.lowercase ? text.toLowerCase() : text;
    const characters = Array.from(read);
    if (characters.length === 0) throw new Error('An empty text cannot be scored: give at least one character.');
    const ids = this.vocabulary.encode(read);
    const bits = [];
    const expected = [];
    const take = (logits) => {
      const distribution = softmax(logits, 1);
      const id = ids[bits.length];
      bits.push(bitsOf(logits, distribution, id) + (this.forbidden === id ? this.vocabulary.unseenBits : 0));
      expected.push(this.mostProbable(distribution, alternatives));
    };
    const pace = new Pace();
    let state = this.network.initialState();
    const inputs = [this.startId, ...ids.slice(0, -1)];
    for (let at = 0; at < inputs.length; at += this.reader.portion) {
      ({ state } = this.network.read(inputs.slice(at, at + this.reader.portion), state, take));
      if (pace.isOver) await pace.rest();
    }
    return {
      bits_per_character: bits.reduce((sum, one) => sum + one, 0) / bits.length,
      characters,
      bits,
      unknown: characters.map((character) => !this.vocabulary.ids.has(character)),
      alternatives: expected,
    };
  }

  /** The most probable characters of a distribution, of those that can be drawn: [{character, probability}]. */
  mostProbable(distribution, count) {
    const best = [];
    for (let id = 0; id < distribution.length; id += 1) {
      if (id === this.forbidden || (best.length >= count && distribution[id] <= distribution[best.at(-1)])) continue;
      const after = best.findIndex((one) => distribution[id] > distribution[one]);
      best.splice(after < 0 ? best.length : after, 0, id);
      if (best.length > count) best.pop();
    }
    return best.map((id) => ({ character: this.vocabulary.symbols[id], probability: distribution[id] }));
  }

  /** What the model wrote as it learned, or null. */
  async history() {
    return this.record;
  }
}

/** -log2 of the probability of an id, also where that is too small for a number. */
function bitsOf(logits, distribution, id) {
  const best = distribution.reduce((most, probability, one) => (probability > distribution[most] ? one : most), 0);
  return (logits[best] - logits[id]) / Math.LN2 - Math.log2(distribution[best]);
}
