'use strict';
// Characters and ids, as in nextchar/text/vocabulary.py: a character is a Unicode code point, id 0 the unknown symbol. The
// other kinds of tokens have the same methods: byte_tokenizer.js, jamo.js, word_tokenizer.js.

import { PageError } from './remote_model.js';
import { say } from './language.js';

const UNKNOWN = 0;
/** In place of a character that stands for something else: a noncharacter, which is unknown. */
export const NO_CHARACTER = '\uffff';
/** What is displayed for the unknown symbol. */
export const REPLACED = '\ufffd';
/** Code points that a text can contain: all but the surrogates. */
const SCALAR_VALUES = 0x110000 - 0x800;

const LOOKALIKES = new Map(Object.entries({
  '‘': "'", '’': "'", '‚': "'", '‛': "'", '`': "'", '´': "'", '“': '"', '”': '"', '„': '"', '«': '"', '»': '"',
  '–': '-', '—': '-', '‒': '-', '―': '-', '−': '-', '‐': '-', '…': '...', '\t': ' ', '\u00a0': ' ', '\u3000': ' ',
  '。': '.', '、': ',', 'ß': 'ss', 'æ': 'ae', 'œ': 'oe', 'ø': 'o', 'ł': 'l', 'đ': 'd', 'ı': 'i', 'þ': 'th', 'ð': 'd',
}));
// What normalisation combines: a base character with its combining marks, or the conjoining jamo of one Hangul
// syllable, at most 30 of a kind.
const CLUSTER = new RegExp(
  '(?=[\\u1100-\\u11ff\\ua960-\\ua97c\\ud7b0-\\ud7c6\\ud7cb-\\ud7fb])' +
    '[\\u1100-\\u115f\\ua960-\\ua97c]{0,30}[\\u1160-\\u11a7\\ud7b0-\\ud7c6]{0,30}[\\u11a8-\\u11ff\\ud7cb-\\ud7fb]{0,30}' +
    '|.[\\u0300-\\u036f\\u0591-\\u05c7\\u0610-\\u065f\\u3099\\u309a]{0,30}',
  'gsu',
);

/** Whether a character combines with the one before it, that is, has a combining class. */
function combines(character) {
  // Normalisation sorts marks by class, but not across a character without one: marks of classes 240 and 1 show it.
  return `\u0345${character}`.normalize('NFD') !== `\u0345${character}` || `${character}\u0334`.normalize('NFD') !== `${character}\u0334`;
}

/** The text after Unicode's full case folding, for which JavaScript has no function. */
function caseFolded(text) {
  const fold = (character) => ({ 'ẞ': 'ss', 'ı': 'ı' })[character] ?? Array.from(character.toUpperCase(), (letter) => letter.toLowerCase()).join('');
  return Array.from(text, fold).join('');
}

/** Ways to write a piece of text, nearest first, beginning with itself. */
function* formsOf(piece) {
  yield piece;
  const plain = piece.normalize('NFKD');
  const bare = Array.from(plain).filter((character) => !combines(character)).join('');
  for (const form of [piece, piece.normalize('NFKC'), bare, LOOKALIKES.get(piece.toLowerCase()) ?? '']) {
    for (const cased of [form, form.toLowerCase(), form.toUpperCase(), caseFolded(form)]) {
      yield cased.normalize('NFC');
      yield cased.normalize('NFD');
      yield cased;
    }
  }
}

/**
 * The tokens of a model that knows characters; other tokens of text are classes made of it, in which a token is a symbol,
 * a part of a character or several.
 */
export class Vocabulary {
  /** `symbols`: the text of each id but the unknown symbol, as a string of characters or a list. */
  constructor(symbols, hasUnknown) {
    const known = Array.from(symbols);
    this.hasUnknown = hasUnknown;
    this.first = hasUnknown ? 1 : 0;
    /** The text of each id by itself, to be displayed. */
    this.texts = hasUnknown ? [REPLACED, ...known] : known;
    this.ids = new Map(known.map((symbol, number) => [symbol, this.first + number]));
    /** The characters that tokens consist of. */
    this.characters = known;
    /** 1 for each id that may be drawn, 0 for the unknown symbol, which is read and scored alone. */
    this.drawable = new Uint8Array(this.texts.length).fill(1);
    if (hasUnknown) this.drawable[UNKNOWN] = 0;
  }

  /** Number of the characters that can be spelled. */
  get knownCount() {
    return this.characters.length;
  }

  /** Number of ids. */
  get size() {
    return this.texts.length;
  }

  /** The id that is read before a text's first character: a line end, else a space, else the first known character. */
  get startId() {
    return this.ids.get('\n') ?? this.ids.get(' ') ?? this.first;
  }

  /** 1 for each id that may be drawn after `id`, or after a whole character for null: a Uint8Array. */
  allowedAfter(_id) {
    return this.drawable;
  }

  /** The end of a text that may be the beginning of a longer token. */
  begun(_text) {
    return '';
  }

  /** The symbols of a character. */
  spell(character) {
    return [character];
  }

  knows(text) {
    return Array.from(text).every((character) => this.spell(character).every((symbol) => this.ids.has(symbol)));
  }

  /** The id of a symbol of `character`; those outside the vocabulary become the unknown symbol. */
  idOf(symbol, character = symbol) {
    const id = this.ids.get(symbol);
    if (id === undefined && !this.hasUnknown) {
      const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
      throw new PageError(say('notKnown', { character, code: `U+${code}` }));
    }
    return id ?? UNKNOWN;
  }

  /** A text in pieces, which are scored each by itself: [{text, ids}]. A piece is a token, or a character of several. */
  pieces(text) {
    return Array.from(text, (character) => ({ text: character, ids: this.spell(character).map((symbol) => this.idOf(symbol, character)) }));
  }

  /** The ids of a text. */
  encode(text) {
    return this.pieces(text).flatMap(({ ids }) => ids);
  }

  /** Bits that what is behind an id costs in addition to the id itself. */
  unknownBits(id) {
    // The unknown symbol stands for all unknown characters.
    return this.hasUnknown && id === UNKNOWN ? Math.log2(SCALAR_VALUES - this.knownCount) : 0;
  }

  /** Decodes ids as they come: `push` returns the text that an id completes. */
  decoder() {
    return { push: (id) => this.texts[id] };
  }

  /**
   * The text in characters that the model knows: {text, replacements}, each replacement {character, replacement, count}.
   * An unknown piece is read as the nearest known one: composed or decomposed, in the other case, in another form,
   * without accents, or as the plain form of a typographic sign. A piece without one is left out.
   */
  fold(prompt) {
    const counted = new Map();
    const text = prompt.replace(CLUSTER, (piece) => {
      if (this.knows(piece)) return piece;
      // Each piece is looked up once, however often it occurs.
      if (!counted.has(piece)) counted.set(piece, { character: piece, replacement: this.nearest(piece), count: 0 });
      const found = counted.get(piece);
      found.count += 1;
      return found.replacement;
    });
    return { text, replacements: [...counted.values()] };
  }

  nearest(piece) {
    const known = (text) => text !== '' && this.knows(text);
    for (const form of formsOf(piece)) if (known(form)) return form;
    const characters = Array.from(piece);
    return characters.length > 1 ? characters.map((character) => this.nearest(character)).join('') : '';
  }
}
