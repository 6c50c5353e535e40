'use strict';
// Tokens that are jamo, the letters of Hangul, as in nextchar/text/jamo.py: a syllable is two or three of them, any other
// character is one.

import { NO_CHARACTER, Vocabulary } from './vocabulary.js';

/** First code points of the syllables and of the three kinds of conjoining jamo; that of the finals is no final. */
const SYLLABLES = 0xac00;
const INITIALS = 0x1100;
const MEDIALS = 0x1161;
const FINALS = 0x11a7;
const MEDIAL_COUNT = 21;
const FINAL_COUNT = 28;
const SYLLABLE_COUNT = 19 * MEDIAL_COUNT * FINAL_COUNT;
/** A conjoining jamo in a text has the symbol with its code point and this. */
const ALONE = 0x10e000;
/** Classes of symbols. */
const OTHER = 0;
const INITIAL = 1;
const MEDIAL = 2;
const FINAL = 3;
/** Which classes may follow a symbol of each class. */
const MAY_FOLLOW = [[OTHER, INITIAL], [MEDIAL], [OTHER, INITIAL, FINAL], [OTHER, INITIAL]];

/** Whether a code point is that of a conjoining jamo. */
const isConjoining = (point) => point >= 0x1100 && point < 0x1200;

/** The symbols of a character: the jamo of a syllable. */
function takeApart(character) {
  const point = character.codePointAt(0);
  const index = point - SYLLABLES;
  if (index >= 0 && index < SYLLABLE_COUNT) {
    const final = index % FINAL_COUNT;
    const initial = INITIALS + Math.floor(index / (MEDIAL_COUNT * FINAL_COUNT));
    const medial = MEDIALS + (Math.floor(index / FINAL_COUNT) % MEDIAL_COUNT);
    return [initial, medial, ...(final > 0 ? [FINALS + final] : [])].map((jamo) => String.fromCodePoint(jamo));
  }
  if (isConjoining(point)) return [String.fromCodePoint(point + ALONE)];
  return [isConjoining(point - ALONE) ? NO_CHARACTER : character];
}

/** The text of symbols; jamo that form no syllable stay as they are. */
function putTogether(symbols) {
  const syllable = (jamo) => {
    const [initial, medial, final = FINALS] = Array.from(jamo, (one) => one.codePointAt(0));
    return String.fromCodePoint(SYLLABLES + ((initial - INITIALS) * MEDIAL_COUNT + medial - MEDIALS) * FINAL_COUNT + final - FINALS);
  };
  const alone = (symbol) => String.fromCodePoint(symbol.codePointAt(0) - ALONE);
  return symbols.replace(/[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?/g, syllable).replace(/[\u{10f100}-\u{10f1ff}]/gu, alone);
}

function classOf(symbol) {
  if (symbol >= '\u1100' && symbol <= '\u1112') return INITIAL;
  if (symbol >= '\u1161' && symbol <= '\u1175') return MEDIAL;
  return symbol >= '\u11a8' && symbol <= '\u11c2' ? FINAL : OTHER;
}

/** Jamo and other characters. */
export class JamoTokenizer extends Vocabulary {
  constructor(symbols, hasUnknown) {
    super(symbols, hasUnknown);
    this.symbols = this.texts;
    this.texts = this.symbols.map(putTogether);
    this.classes = this.symbols.map(classOf);
    // Where no medial is known, nothing could come after an initial.
    const isPossible = (of) => of !== INITIAL || this.countOf(MEDIAL) > 0;
    const mayFollow = (classes, id) => classes.includes(this.classes[id]) && isPossible(this.classes[id]);
    this.rows = MAY_FOLLOW.map((classes) => this.drawable.map((may, id) => Number(may === 1 && mayFollow(classes, id))));
  }

  /** Number of the symbols of a class. */
  countOf(wanted) {
    return this.classes.filter((of) => of === wanted).length;
  }

  get knownCount() {
    return this.countOf(OTHER) - this.first + this.countOf(INITIAL) * this.countOf(MEDIAL) * (1 + this.countOf(FINAL));
  }

  allowedAfter(id) {
    return this.rows[id === null ? OTHER : this.classes[id]];
  }

  /** The symbols of a character; a syllable with a jamo that is unknown is unknown as a whole. */
  spell(character) {
    const symbols = takeApart(character);
    return symbols.every((symbol) => this.ids.has(symbol)) ? symbols : [NO_CHARACTER];
  }

  /** Decodes ids as they come; holds back what may be the beginning of a syllable. */
  decoder() {
    let held = '';
    const push = (id) => {
      const symbols = held + this.symbols[id];
      const last = this.classes[id];
      const count = last === INITIAL ? 1 : last !== MEDIAL ? 0 : classOf(symbols.at(-2) ?? '') === INITIAL ? 2 : 1;
      const whole = symbols.length - count;
      held = symbols.slice(whole);
      return putTogether(symbols.slice(0, whole));
    };
    return { push };
  }
}

/** All characters of which a model with these symbols knows every jamo. */
export function charactersOf(symbols) {
  const known = new Set(symbols);
  const alone = symbols.filter((symbol) => classOf(symbol) === OTHER).map(putTogether);
  const syllables = Array.from({ length: SYLLABLE_COUNT }, (_, index) => String.fromCodePoint(SYLLABLES + index));
  return [...alone, ...syllables.filter((syllable) => takeApart(syllable).every((jamo) => known.has(jamo)))];
}
