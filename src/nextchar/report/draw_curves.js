'use strict';
// Draws the learning curves of the report in the width of their place, and again when that changes.

import { learningCurve } from '../page/curve.js';

const { evaluations, best, recoveries, label } = JSON.parse(document.getElementById('curve-data').textContent);
const place = document.getElementById('curves');
const words = { label, x: 'seconds of training', y: 'bits per character', top: 'epochs', best: 'best:' };

new ResizeObserver(() => {
  const width = place.clientWidth;
  const height = width < 520 ? 300 : 380;
  place.replaceChildren(learningCurve(evaluations, { width, height, words, along: 'seconds', best, recoveries }));
}).observe(place);
// Without this script the table stands open.
document.getElementById('figures').open = false;
