'use strict';
// Tokens that are bytes, as in nextchar/text/byte_tokenizer.py: nothing is unknown. What is not UTF-8 is displayed escaped.

import { REPLACED } from './vocabulary.js';

const VALUES = 256;
const LINE_END = 10;
const ASCII = 128;

/** A byte in hexadecimal: \xff. */
function hexadecimal(byte) {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** A byte by itself, beyond ASCII in hexadecimal. */
function escaped(byte) {
  return byte < ASCII ? String.fromCharCode(byte) : hexadecimal(byte);
}

/** The bytes of a character. A lone surrogate stands for a byte as in Python (PEP 383), or for nothing that is known. */
function bytesOf(character) {
  const point = character.codePointAt(0);
  if (point >= 0xdc80 && point < 0xdd00) return [point - 0xdc00];
  return Array.from(new TextEncoder().encode(character));
}

/** The bytes of a text. */
export class ByteTokenizer {
  constructor() {
    this.size = VALUES;
    this.startId = LINE_END;
    this.texts = Array.from({ length: VALUES }, (_, byte) => escaped(byte));
    this.characters = this.texts.slice(0, ASCII);
    this.drawable = new Uint8Array(VALUES).fill(1);
  }

  allowedAfter(_id) {
    return this.drawable;
  }

  begun(_text) {
    return '';
  }

  /** The text itself, of which nothing has to be replaced. */
  fold(prompt) {
    return { text: prompt, replacements: [] };
  }

  /** A text in characters: [{text, ids}]. */
  pieces(text) {
    return Array.from(text, (character) => {
      const ids = bytesOf(character);
      const isSurrogate = character.length === 1 && character >= '\ud800' && character < '\ue000';
      const isByte = isSurrogate && ids.length === 1;
      const text = isByte || isControl(character) ? hexadecimal(isByte ? ids[0] : character.charCodeAt(0)) : character;
      return { text: isSurrogate && !isByte ? REPLACED : text, ids };
    });
  }

  encode(text) {
    return this.pieces(text).flatMap(({ ids }) => ids);
  }

  unknownBits(_id) {
    return 0;
  }

  decoder() {
    return new ByteDecoder();
  }
}

/** Whether a character commands instead of being shown; line ends and tabs are shown. */
function isControl(character) {
  return /^[\u0000-\u0008\u000b-\u001f\u007f-\u009f]$/.test(character);
}

/** Decodes bytes as they come; holds back those of an unfinished character, and escapes what is not UTF-8 and controls. */
class ByteDecoder {
  constructor() {
    this.held = [];
    this.missing = 0;
  }

  push(byte) {
    if (this.missing > 0 && this.goesOn(byte)) {
      this.held.push(byte);
      this.missing -= 1;
      if (this.missing > 0) return '';
      const character = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(this.held));
      this.held = [];
      return isControl(character) ? hexadecimal(character.charCodeAt(0)) : character;
    }
    const wrong = this.held.map(escaped).join('');
    this.held = [];
    this.missing = byte >= 0xc2 && byte < 0xe0 ? 1 : byte >= 0xe0 && byte < 0xf0 ? 2 : byte >= 0xf0 && byte < 0xf5 ? 3 : 0;
    if (this.missing === 0) return wrong + (isControl(String.fromCharCode(byte)) ? hexadecimal(byte) : escaped(byte));
    this.held.push(byte);
    return wrong;
  }

  /** Whether a byte goes on with the character that is held: none is spelled longer than need be, none is a surrogate. */
  goesOn(byte) {
    const [first] = this.held;
    const isSecond = this.held.length === 1;
    const least = isSecond && first === 0xe0 ? 0xa0 : isSecond && first === 0xf0 ? 0x90 : 0x80;
    const most = isSecond && first === 0xed ? 0x9f : isSecond && first === 0xf4 ? 0x8f : 0xbf;
    return byte >= least && byte <= most;
  }
}
