'use strict';
// Tokens that are words with the space before them, and characters of rare ones, as in nextchar/text/word_tokenizer.py.

import { damaged } from './model_file.js';
import { NO_CHARACTER, Vocabulary } from './vocabulary.js';

/** Symbols of the tokens of several characters; characters in this area are unknown. */
const FIRST_WORD = 0xf0000;
const LAST_WORD = 0xffffd;
/** Characters of the longest word; longer ones are cut. */
const MAX_WORD = 64;

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

/** Words and characters. */
export class WordTokenizer extends Vocabulary {
  constructor(characters, hasUnknown, words) {
    const alone = Array.from(characters).filter((character) => !isSymbol(character));
    const known = new Set(alone);
    const isWord = (word) => Array.from(word).length > 1 && Array.from(word).every((character) => known.has(character));
    if (new Set(words).size < words.length || !words.every(isWord)) throw damaged('its words do not fit its characters');
    const isAfter = (character) => character.codePointAt(0) > LAST_WORD;
    super([...alone.filter((character) => !isAfter(character)), ...words, ...alone.filter(isAfter)], hasUnknown);
    this.characters = alone;
  }

  /** The last word of a text, which more letters may follow, with an apostrophe after it; '' after a line end. */
  begun(text) {
    const line = text.slice(text.lastIndexOf('\n', text.length - 2) + 1);
    const [before, last] = ['\n', '\n', ...wordsIn(line)].slice(-2);
    if (last === '\n') return '';
    const goesOn = IS_APOSTROPHE.test(last) && !NO_WORD.test(before);
    return goesOn ? before + last : last;
  }

  pieces(text) {
    return wordsIn(text).flatMap((word) => this.spellWord(word));
  }

  /** The pieces of a word: itself, or its characters. */
  spellWord(word) {
    const id = this.ids.get(word);
    if (id !== undefined) return [{ text: word, ids: [id] }];
    const idOf = (character) => this.idOf(isSymbol(character) ? NO_CHARACTER : character, character);
    return Array.from(word, (character) => ({ text: character, ids: [idOf(character)] }));
  }
}
