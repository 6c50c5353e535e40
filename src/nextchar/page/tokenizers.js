'use strict';
// The kinds of tokens, and how they are made of what a model file says of them.

import { ByteTokenizer } from './byte_tokenizer.js';
import { JamoTokenizer } from './jamo.js';
import { damaged } from './model_file.js';
import { Vocabulary } from './vocabulary.js';
import { WordTokenizer } from './word_tokenizer.js';

const TOKENS = {
  characters: ({ characters, has_unknown }) => new Vocabulary(characters, has_unknown),
  bytes: () => new ByteTokenizer(),
  jamo: ({ characters, has_unknown }) => new JamoTokenizer(characters, has_unknown),
  words: ({ characters, has_unknown, words }) => new WordTokenizer(characters, has_unknown, words),
};

/** The tokens that a model file describes. */
export function makeTokenizer(tokens) {
  if (!Object.hasOwn(TOKENS, tokens.kind)) throw damaged(`its tokens are ${tokens.kind}, not ${Object.keys(TOKENS).join(', ')}`);
  return TOKENS[tokens.kind](tokens);
}
