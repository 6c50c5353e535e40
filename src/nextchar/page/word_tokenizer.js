'use strict';
// Tokens that are words with the space before them, and pieces of rare words, as in nextchar/text/word_tokenizer.py.

import { damaged } from './model_file.js';
import { NO_CHARACTER, Vocabulary } from './vocabulary.js';

/** Symbols of the tokens of several characters; characters in this area are unknown. */
const FIRST_WORD = 0xf0000;
const LAST_WORD = 0xffffd;
/** Characters of the longest word; longer ones are cut. */
const MAX_WORD = 64;
/** Words whose pieces are remembered. */
const CACHED = 1 << 17;

const LETTER = '\\p{L}\\p{N}\\p{M}_';
const SPACE = ' \\t\\u00a0\\u3000';
const OF_LETTERS = `[${LETTER}]{1,${MAX_WORD}}`;
/** A word, a run of signs, a line end or a run of spaces. */
const WORD = new RegExp(
  ` ?${OF_LETTERS}(?:['’]${OF_LETTERS})?| ?[^${LETTER}${SPACE}\\n]{1,${MAX_WORD}}|\\n|[${SPACE}]{1,${MAX_WORD}}(?![^${SPACE}\\n])|[${SPACE}]`,
  'gu',
);

const IS_APOSTROPHE = /^['’]$/;
/** What an apostrophe after it makes no word of. */
const NO_WORD = /['’]|[ \t\u00a0\u3000\n]$/;

/** The words, signs and spaces that a text consists of. */
function wordsIn(text) {
  return text.match(WORD) ?? [];
}

/** Whether a character is in the area of the symbols. */
function isSymbol(character) {
  const point = character.codePointAt(0);
  return point >= FIRST_WORD && point <= LAST_WORD;
}

/** Words, pieces of words, and characters. */
export class WordTokenizer extends Vocabulary {
  /** `merges`: pairs of tokens that are joined to another one, those to be joined first first. */
  constructor(characters, hasUnknown, merges) {
    const alone = Array.from(characters).filter((character) => !isSymbol(character));
    const words = new Set(merges.map(([first, second]) => first + second));
    const isAfter = (character) => character.codePointAt(0) > LAST_WORD;
    super([...alone.filter((character) => !isAfter(character)), ...words, ...alone.filter(isAfter)], hasUnknown);
    this.characters = alone;
    /** For each pair of ids, as one number, its place in the order of the merges. */
    this.ranks = new Map();
    this.joined = merges.map(([first, second], rank) => {
      const [left, right] = [this.ids.get(first), this.ids.get(second)];
      if (left === undefined || right === undefined) throw damaged('its words do not fit its characters');
      this.ranks.set(left * this.size + right, rank);
      return this.ids.get(first + second);
    });
    this.spelled = new Map();
  }

  /** The last word of a text, which more letters may follow, with an apostrophe after it; '' after a line end. */
  begun(text) {
    // A character has at most two code units.
    const end = Array.from(text.slice(-4 * MAX_WORD)).slice(-2 * MAX_WORD).join('');
    const [before, last] = ['\n', '\n', ...wordsIn(end)].slice(-2);
    if (last === '\n') return '';
    const goesOn = IS_APOSTROPHE.test(last) && !NO_WORD.test(before);
    return goesOn ? before + last : last;
  }

  pieces(text) {
    return wordsIn(text).flatMap((word) => this.spellWord(word));
  }

  /** The pieces of a word: its characters, joined by the merges, the first in their order first. */
  spellWord(word) {
    const known = this.spelled.get(word);
    if (known) return known;
    const texts = Array.from(word);
    const ids = texts.map((character) => this.idOf(isSymbol(character) ? NO_CHARACTER : character, character));
    const rankAt = (at) => this.ranks.get(ids[at] * this.size + ids[at + 1]) ?? Infinity;
    while (ids.length > 1) {
      let rank = Infinity;
      for (let at = 0; at < ids.length - 1; at += 1) rank = Math.min(rank, rankAt(at));
      if (rank === Infinity) break;
      for (let at = 0; at < ids.length - 1; at += 1) {
        if (rankAt(at) !== rank) continue;
        ids.splice(at, 2, this.joined[rank]);
        texts.splice(at, 2, texts[at] + texts[at + 1]);
      }
    }
    const pieces = texts.map((text, number) => ({ text, ids: [ids[number]] }));
    if (this.spelled.size < CACHED) this.spelled.set(word, pieces);
    return pieces;
  }
}
