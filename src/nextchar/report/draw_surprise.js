'use strict';
// Shows the text of the page coloured by surprise, in the reader's language.

import { bitsPerCharacter, browserLanguage, say, speak, speakOf } from '../page/language.js';
import { ColouredText } from '../page/coloured_text.js';

const { scores, whole, model } = JSON.parse(document.getElementById('scores').textContent);
const shown = scores.character_count;

speak(browserLanguage());
speakOf(scores.tokens);
document.getElementById('lead').textContent = say('readBy', { model });
if (shown < whole.characters) {
  const values = { count: shown, total: whole.characters, bits: bitsPerCharacter(whole.bits_per_character) };
  document.getElementById('part').textContent = say('onlyFirst', values);
}
// Twenty thousand characters with five alternatives each: their names are left out of the page.
const alternatives = scores.expected.map(([texts, shares]) =>
  texts.map((character, number) => ({ character, probability: shares[number] })));
new ColouredText().fill({ ...scores, alternatives });
