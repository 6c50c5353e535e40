'use strict';
// Characters and ids, as in nextchar/text/vocabulary.py: a character is a Unicode code point, id 0 the unknown symbol.

import { PageError } from './remote_model.js';
import { say } from './language.js';

export const UNKNOWN = 0;
const REPLACED = '\ufffd';
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

/** The characters a model knows. */
export class Vocabulary {
  constructor(characters, hasUnknown) {
    this.characters = Array.from(characters);
    this.hasUnknown = hasUnknown;
    this.symbols = hasUnknown ? [REPLACED, ...this.characters] : this.characters;
    const first = this.symbols.length - this.characters.length;
    this.ids = new Map(this.characters.map((character, number) => [character, first + number]));
    /** Bits that each unknown character costs beyond the unknown symbol, which stands for all of them. */
    this.unseenBits = Math.log2(SCALAR_VALUES - this.characters.length);
  }

  /** Whether the id is read and scored, but never drawn. */
  neverDrawn(id) {
    return this.hasUnknown && id === UNKNOWN;
  }

  knows(text) {
    return Array.from(text).every((character) => this.ids.has(character));
  }

  /** The ids of a text; characters outside the vocabulary become the unknown symbol. */
  encode(text) {
    return Array.from(text, (character) => {
      const id = this.ids.get(character);
      if (id === undefined && !this.hasUnknown) {
        const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
        throw new PageError(say('notKnown', { character, code: `U+${code}` }));
      }
      return id ?? UNKNOWN;
    });
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
