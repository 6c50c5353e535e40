'use strict';
// A model that computes in this page, with the interface of RemoteModel. The same prompt, settings and seed give the
// same text as in Python (nextchar/model/continuation.py).

import { crc32, samplingStream } from './random.js';
import { damaged, readModelFile } from './model_file.js';
import { makeNetwork } from './blend.js';
import { makeTokenizer } from './tokenizers.js';
import { isWithin } from './limits.js';
import { draw, entropyOf, mostProbableFirst, nextDistribution, softmax } from './sampling.js';

/** Milliseconds of work before the browser gets time for other things. */
const SLICE = 12;
/** Multiplications that take a few milliseconds. */
const PORTION = 1e7;
/** Characters between two kept states of a prompt, and the number of recent ends whose states are kept. */
const STRIDE = 256;
const ENDS = 8;

/**
 * Let the browser do other work: a timer waits at least four milliseconds, a message does not.
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

/** Says when work must pause, and stops it when it is no longer wanted. */
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

/** Reads prompts and keeps states of the last one: a prompt with the same beginning is read from where they differ. */
class Reader {
  constructor(network) {
    this.network = network;
    /** Ids to read between two checks of the time. */
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

/** Passes a text on up to the first stop; holds back characters that may begin one. */
class StopSearch {
  constructor(stops) {
    this.stops = stops.filter((stop) => stop !== '');
    this.longest = Math.max(1, ...this.stops.map((stop) => stop.length)) - 1;
    this.held = '';
    this.found = false;
  }

  /** Take the next characters and return what can be passed on. */
  add(characters) {
    this.held += characters;
    // Of several stops the one that is complete first counts; of those complete at once, the longest.
    const found = this.stops.map((stop) => ({ start: this.held.indexOf(stop), stop })).filter(({ start }) => start >= 0);
    const ends = found.map(({ start, stop }) => ({ start, end: start + stop.length }));
    ends.sort((left, right) => left.end - right.end || left.start - right.start);
    this.found = ends.length > 0;
    return this.release(this.found ? ends[0].start : this.held.length - this.overlap());
  }

  /** Return the first `count` code units of what is held; the rest stays. */
  release(count = this.held.length) {
    const released = this.held.slice(0, count);
    this.held = this.held.slice(count);
    return released;
  }

  /** The length of the longest end of what is held that begins a stop. */
  overlap() {
    for (let length = Math.min(this.longest, this.held.length); length > 0; length -= 1) {
      if (this.stops.some((stop) => stop.startsWith(this.held.slice(-length)))) return length;
    }
    return 0;
  }
}

/** Refuse settings that are out of range, as Python does. The seed may be a string; it is checked where it is used. */
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
      throw damaged('its checksum does not match');
    }
    const { header, tensors } = readModelFile(bytes);
    const { architecture, tokens, provenance } = header;
    this.network = makeNetwork(architecture, tensors);
    this.vocabulary = makeTokenizer(tokens);
    const { vocabulary_size, hidden = [], embedding = null } = architecture.network ?? architecture;
    if (this.vocabulary.size !== vocabulary_size) throw damaged('its vocabulary does not match its network');
    this.normalize = provenance.normalize ?? null;
    this.reader = new Reader(this.network);
    this.record = setup.history ?? null;
    this.limits = setup.limits;
    this.info = {
      id: setup.name,
      name: setup.name,
      tokens: tokens.kind,
      characters: this.vocabulary.characters,
      vocabulary_size,
      hidden,
      embedding,
      context_length: this.network.context,
      parameters: this.network.parameters,
      lowercase: provenance.lowercase,
      bits_per_character: provenance.validation_bits_per_character,
      corpus: provenance.corpus,
      seconds: provenance.training_seconds,
      has_history: this.record !== null,
      finished: true,
      ...(provenance.labels?.length ? { labels: provenance.labels } : {}),
      ...(provenance.ancestors?.length ? { started_from: provenance.ancestors[0].name } : {}),
    };
  }

  /** A text in the normalization form that the model learned from. */
  normalized(text) {
    return this.normalize === null ? text : text.normalize(this.normalize.toUpperCase());
  }

  /**
   * Read a prompt: {logits, state} after it, but for `begun`, the end that may be the beginning of a token; which ids are
   * `allowed` next; `spellings`, as of `spell`; and the `replacements` in the prompt.
   */
  async readPrompt(prompt, pace) {
    const { vocabulary } = this;
    const { text, replacements } = vocabulary.fold(this.normalized(prompt));
    const begun = vocabulary.begun(text);
    // Encoded together: what is before a word may be cut in another way where nothing follows it.
    const encoded = vocabulary.encode(text);
    const ids = encoded.slice(0, encoded.length - vocabulary.encode(begun).length);
    const { logits, state } = await this.reader.read(ids.length > 0 ? ids : [vocabulary.startId], pace);
    const read = { logits, state, begun, allowed: vocabulary.allowedAfter(null), spellings: new Map(), replacements };
    return begun === '' ? read : { ...read, ...this.spell(begun, logits, state) };
  }

  /**
   * How what is begun may go on: an id stands for a token that begins with it, or is the first of its `spellings` with
   * several ids: its characters, as those of a rare word, and as it would be if no more letters followed. The logits are
   * those of all these.
   */
  spell(begun, logits, state) {
    const { vocabulary, network } = this;
    const spellings = new Map();
    const weights = Float64Array.from(logits);
    const allowed = vocabulary.drawable.map((may, id) => Number(may === 1 && vocabulary.texts[id].startsWith(begun)));
    const ways = [vocabulary.encode(begun), Array.from(begun).flatMap((character) => vocabulary.encode(character))];
    for (const ids of ways) {
      if (ids.length === 1 || spellings.has(ids[0])) continue;
      let bits = 0;
      let read = 0;
      const end = network.read(ids, state, (following) => {
        read += 1;
        if (read < ids.length) bits += bitsOf(following, softmax(following, 1), ids[read]);
      });
      spellings.set(ids[0], { logits: Float32Array.from(end.logits), state: end.state });
      weights[ids[0]] -= bits * Math.LN2;
      allowed[ids[0]] = 1;
    }
    return { logits: weights, allowed, spellings };
  }

  /** The `limit` most probable tokens after `prompt`, with their probabilities before and after the settings. */
  async distribution(prompt, settings) {
    checkSettings(settings, this.limits);
    const { logits, begun, allowed, replacements } = await this.readPrompt(prompt, new Pace());
    const plain = nextDistribution(logits, {}, allowed);
    const reweighted = nextDistribution(logits, settings, allowed);
    const possible = mostProbableFirst(plain).filter((id) => allowed[id]);
    const shown = possible.slice(0, settings.limit ?? 40);
    return {
      characters: shown.map((id) => this.vocabulary.texts[id]),
      probabilities: shown.map((id) => plain[id]),
      reweighted: shown.map((id) => reweighted[id]),
      entropy: entropyOf(plain),
      reweighted_entropy: entropyOf(reweighted),
      possible: possible.length,
      begun,
      replacements,
    };
  }

  /** Yield pieces of a text that continues `prompt`, and return {seed, finish_reason, replacements}. */
  async *generate(prompt, settings, signal) {
    const shaped = { length: 400, temperature: 0.5, ...settings };
    checkSettings(shaped, this.limits);
    if (shaped.max_copy) throw new RangeError(`max_copy = ${shaped.max_copy} is not allowed: a page is without its training text.`);
    const seed = shaped.seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
    const random = samplingStream(seed, shaped.stream);
    const search = new StopSearch(shaped.stop ?? []);
    const pace = new Pace(signal);
    const { network, vocabulary } = this;
    let { logits, state, begun, allowed, spellings, replacements } = await this.readPrompt(prompt, pace);
    network.load(state);
    const distribution = new Float64Array(logits.length);
    const decoder = vocabulary.decoder();
    let missing = shaped.length;
    let piece = '';
    while (missing > 0 && !search.found) {
      const id = draw(nextDistribution(logits, shaped, allowed, distribution), random.random());
      const spelling = spellings.get(id);
      // What is drawn first repeats what the prompt has begun.
      const added = firstCharacters(decoder.push(id).slice(begun.length), missing);
      allowed = vocabulary.allowedAfter(id);
      spellings = new Map();
      begun = '';
      missing -= added.count;
      piece += search.add(added.text);
      if (pace.isOver) {
        // During the pause, other texts use the network.
        state = network.save();
        if (piece !== '') yield piece;
        piece = '';
        await pace.rest();
        network.load(state);
      }
      if (spelling) {
        network.load(spelling.state);
        logits = spelling.logits;
      } else if (missing > 0) {
        network.advance(id);
        logits = network.predict();
      }
    }
    if (!search.found) piece += search.release();
    if (piece !== '') yield piece;
    return { seed, finish_reason: search.found ? 'stop' : 'length', replacements };
  }

  /**
   * The bits of each piece of `text` given those before it, and the tokens expected in its place. A piece is a token, or a
   * character of several, whose first token is the one expected.
   */
  async score(text, alternatives = 5) {
    const normal = this.normalized(text);
    const read = this.info.lowercase ? normal.toLowerCase() : normal;
    const { vocabulary } = this;
    const pieces = vocabulary.pieces(read);
    if (pieces.length === 0) throw new Error('An empty text cannot be scored: give at least one character.');
    const ids = pieces.flatMap((piece) => piece.ids);
    const costs = [];
    const expected = [];
    const starts = new Set();
    pieces.reduce((at, piece) => starts.add(at) && at + piece.ids.length, 0);
    const take = (logits) => {
      const distribution = softmax(logits, 1);
      const at = costs.length;
      costs.push(bitsOf(logits, distribution, ids[at]) + vocabulary.unknownBits(ids[at]));
      if (starts.has(at)) expected.push(this.mostProbable(distribution, alternatives));
    };
    const pace = new Pace();
    let state = this.network.initialState();
    const inputs = [vocabulary.startId, ...ids.slice(0, -1)];
    for (let at = 0; at < inputs.length; at += this.reader.portion) {
      ({ state } = this.network.read(inputs.slice(at, at + this.reader.portion), state, take));
      if (pace.isOver) await pace.rest();
    }
    const count = Array.from(read).length;
    let end = 0;
    return {
      bits_per_character: costs.reduce((sum, cost) => sum + cost, 0) / count,
      character_count: count,
      characters: pieces.map((piece) => piece.text),
      bits: pieces.map((piece) => {
        const begin = end;
        end += piece.ids.length;
        return costs.slice(begin, end).reduce((sum, cost) => sum + cost, 0);
      }),
      unknown: pieces.map((piece) => piece.ids.some((id) => vocabulary.unknownBits(id) > 0)),
      alternatives: expected,
    };
  }

  /** The most probable tokens of a distribution that can be drawn: [{character, probability}]. */
  mostProbable(distribution, count) {
    const best = [];
    for (let id = 0; id < distribution.length; id += 1) {
      if (!this.vocabulary.drawable[id] || (best.length >= count && distribution[id] <= distribution[best.at(-1)])) continue;
      const after = best.findIndex((other) => distribution[id] > distribution[other]);
      best.splice(after < 0 ? best.length : after, 0, id);
      if (best.length > count) best.pop();
    }
    return best.map((id) => ({ character: this.vocabulary.texts[id], probability: distribution[id] }));
  }

  /** The history of the model's run, or null. */
  async history() {
    return this.record;
  }
}

/** The first characters of a token's text, at most `most`: {text, count}. A byte that is escaped is one. */
function firstCharacters(text, most) {
  const characters = (text.match(/\\x[0-9a-f]{2}|[^]/gu) ?? []).slice(0, most);
  return { text: characters.join(''), count: characters.length };
}

/** −log2 of the probability of an id, even if that probability is too small for a number. */
function bitsOf(logits, distribution, id) {
  const best = distribution.reduce((most, probability, other) => (probability > distribution[most] ? other : most), 0);
  return (logits[best] - logits[id]) / Math.LN2 - Math.log2(distribution[best]);
}
