'use strict';
// Draws the learning curves of several runs in one picture, in the width of its place, and again when that changes.

import { learningCurve } from '../page/curve.js';

const { evaluations, curves, label } = JSON.parse(document.getElementById('curve-data').textContent);
const place = document.getElementById('curves');
const words = { label, x: 'seconds of training', y: 'bits per character' };

new ResizeObserver(() => {
  const width = place.clientWidth;
  const height = width < 520 ? 300 : 400;
  place.replaceChildren(learningCurve(evaluations, { width, height, words, along: 'seconds', curves }));
}).observe(place);
// Without this script the table stands open.
document.getElementById('figures').open = false;
