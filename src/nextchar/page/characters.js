'use strict';
// Characters as readers see them: names for invisible ones, and groups that are drawn as one.

import { say } from './language.js';

const NAMED = {
  ' ': 'space', '\n': 'newline', '\t': 'tab', '\r': 'return', '\u00a0': 'noBreak', '\u3000': 'wideSpace',
  '\u200b': 'zeroWidth', '\u200c': 'nonJoiner', '\u200d': 'joiner', '\u00ad': 'softHyphen', '\ufeff': 'byteOrder',
  '\u200e': 'leftToRight', '\u200f': 'rightToLeft',
};
/** The jamo that form syllables, by themselves: initials from U+1100, medials from U+1161 and finals from U+11A8 on. */
const JAMO = [
  { first: 0x1100, letters: 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ' },
  { first: 0x1161, letters: 'ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ' },
  { first: 0x11a8, letters: 'ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ' },
];
const DOTTED_CIRCLE = '\u25cc';
/** Null in browsers without one. */
const SEGMENTER = Intl.Segmenter ? new Intl.Segmenter('und', { granularity: 'grapheme' }) : null;

/** U+0301 and the like. */
function codePoint(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** A jamo of a syllable by itself, or any other character as it is. */
function jamoAlone(character) {
  const point = character.codePointAt(0);
  const row = JAMO.find(({ first, letters }) => point >= first && point < first + letters.length);
  return row ? row.letters[point - row.first] : character;
}

/** Whether a token is a part of a character: a byte that is escaped, or a conjoining jamo. */
export function isPart(token) {
  return /^(\\x[89a-f][0-9a-f]|[\u1100-\u11ff])$/.test(token);
}

/** How a character or another token is shown by itself: {shown, name, visible}. */
export function appearance(character) {
  const known = NAMED[character];
  if (known) return { shown: say(known), name: say(known), visible: false };
  if (isPart(character)) {
    const shown = character.length === 1 ? jamoAlone(character) : character;
    return { shown, name: shown, visible: character.length === 1 };
  }
  if (character.length > 1 && /^[ \t\u00a0\u3000]/.test(character)) {
    const shown = character.replace(/[ \u00a0\u3000]/g, '␣').replace(/\t/g, '⇥');
    return { shown, name: character.trim() || shown, visible: true };
  }
  if (/^\p{M}/u.test(character)) {
    const values = { character: DOTTED_CIRCLE + character, code: codePoint(character) };
    return { shown: DOTTED_CIRCLE + character, name: say('combining', values), visible: true };
  }
  if (/^[\p{C}\p{Z}]/u.test(character)) return { shown: codePoint(character), name: codePoint(character), visible: false };
  return { shown: character, name: character, visible: true };
}

/** An element that shows one character, isolated from the text direction around it. */
export function drawn(character) {
  const { shown, visible } = appearance(character);
  const element = document.createElement('bdi');
  element.className = visible ? 'glyph' : 'glyph named';
  element.textContent = shown;
  return element;
}

/** The text in pieces that are drawn as one: a letter with its marks, a syllable. */
export function graphemes(text) {
  if (!SEGMENTER) return text.match(/\P{M}\p{M}*|\p{M}+/gsu) ?? [];
  return Array.from(SEGMENTER.segment(text), (piece) => piece.segment);
}

/** [start, end] of the piece that `place` is inside; [place, place] between two pieces. */
export function clusterAround(text, place) {
  const piece = SEGMENTER?.segment(text).containing(place);
  return piece && piece.index < place ? [piece.index, piece.index + piece.segment.length] : [place, place];
}

/** The last `count` characters of a text, never half of one. */
export function lastCharacters(text, count) {
  // A character has at most two code units.
  return Array.from(text.slice(-2 * count - 1)).slice(-count).join('');
}

/** The end of a prompt, with visible line ends and spaces. */
export function describedTail(prompt) {
  const tail = lastCharacters(prompt, 18);
  if (tail === '') return [say('start')];
  const nodes = [];
  if (tail.length < prompt.length) nodes.push('…');
  for (const piece of tail.match(/[\n\t]|[^\n\t]+/g)) {
    nodes.push(piece === '\n' || piece === '\t' ? drawn(piece) : piece.replace(/ $/, '␣'));
  }
  return nodes;
}
