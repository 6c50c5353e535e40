'use strict';
// The learning curve as SVG: bits per character over epochs, or over time. The page and the report of a run use it; the
// caller gives the words, and a style sheet gives the colours, by class.

const SVG = 'http://www.w3.org/2000/svg';
const CURVES = [['training', 'training_bits'], ['validation', 'validation_bits']];

/**
 * Return the learning curve of `evaluations`, by step and at least one, as an <svg> of `width` × `height` pixels.
 *
 * - `words`: `label` describes the picture; `x`, `y` and `top` are the names of the axes.
 * - `along`: the axis of x, 'epoch' or 'seconds'. Over seconds, epochs are marked along the top, which `words.top` names.
 * - `moment`: number of the evaluation at which to draw a line.
 * - `best`: `seconds`, `epoch` and `bits` of a point to ring; `words.best` stands before its bits unless it is the last.
 * - `curves`: the class of each curve, and the name of its bits in an evaluation; those of training and validation by
 *   default. An evaluation may lack some of them.
 * - `recoveries`: where training went back, in units of x, as dotted lines.
 *
 * `at(x)` of the element returns the number of the evaluation nearest to x, in pixels.
 * @param {any[]} evaluations
 * @param {any} options
 */
export function learningCurve(evaluations, options) {
  const { width, height, words, along = 'epoch', moment, best, recoveries = [], curves = CURVES } = options;
  const scale = curveScale(evaluations, curves, along, width, height, Boolean(best));
  const { x, right, top, bottom } = scale;
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': words.label });
  picture.append(
    ...bitTicks(scale),
    ...xTicks(scale, Math.max(2, Math.floor(width / 110))),
    svg('line', { class: 'grid', x1: scale.left, x2: right, y1: bottom, y2: bottom }),
    svg('text', { class: 'axis', x: right, y: height - 6, 'text-anchor': 'end' }, words.x),
    svg('text', { class: 'axis', x: 0, y: 12 }, words.y),
  );
  if (along === 'seconds' && words.top) {
    picture.append(svg('text', { class: 'axis', x: right, y: 12, 'text-anchor': 'end' }, words.top), ...epochTicks(evaluations, scale));
  }
  if (moment !== undefined) picture.append(upright('now', x(evaluations[moment][along]), top + 4, bottom));
  picture.append(...recoveries.map((place) => upright('recovery', x(place), top, bottom)));
  for (const [kind, key] of curves) picture.append(...curvePoints(evaluations, kind, key, scale));
  if (best) picture.append(...ring(best, best[along] === evaluations.at(-1)[along], words.best, scale));
  return Object.assign(picture, {
    at: (place) => {
      const distances = evaluations.map((evaluation) => Math.abs(x(evaluation[along]) - place));
      return distances.indexOf(Math.min(...distances));
    },
  });
}

function svg(tag, attributes = {}, ...content) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...content);
  return element;
}

/** From values to pixels: the functions `x` and `y`, the ends of both axes, and what x shows. */
function curveScale(evaluations, curves, along, width, height, ringed) {
  // Room for the epochs along the top, and for a figure beside the last point.
  const [left, right, top, bottom] = [44, width - (ringed ? 52 : 16), along === 'seconds' ? 50 : 28, height - 44];
  const values = evaluations.flatMap((evaluation) => curves.map(([, key]) => evaluation[key])).filter(Number.isFinite);
  const [lowest, highest] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const space = (highest - lowest || 1) * 0.08;
  const [low, high, last] = [lowest - space, highest + space, evaluations.at(-1)[along] || 1];
  return {
    ...{ along, left, right, top, bottom, low, high, last },
    x: (value) => left + (value / last) * (right - left),
    y: (bits) => top + ((high - bits) / (high - low)) * (bottom - top),
  };
}

/** Round numbers from about `low` to about `high`, at most `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-6; tick += step) {
    found.push(Number(tick.toPrecision(12)));
  }
  return found;
}

function bitTicks({ low, high, left, right, top, bottom, y }) {
  const numbers = ticks(low, high, Math.max(5, Math.floor((bottom - top) / 40)));
  const digits = Math.max(1, ...numbers.map((tick) => (String(tick).split('.')[1] ?? '').length));
  return numbers.flatMap((tick) => [
    svg('line', { class: 'grid', x1: left, x2: right, y1: y(tick), y2: y(tick) }),
    svg('text', { x: left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, tick.toFixed(digits)),
  ]);
}

function xTicks({ last, bottom, x }, count) {
  return ticks(0, last, count).map((tick) => svg('text', { x: x(tick), y: bottom + 18, 'text-anchor': 'middle' }, String(tick)));
}

/** Epochs at their time, evenly spaced between two evaluations; those too close to the previous one are left out. */
function epochTicks(evaluations, { top, x }) {
  const marks = [];
  let [before, place] = [{ epoch: 0, seconds: 0 }, -Infinity];
  const epochs = ticks(0, evaluations.at(-1).epoch, 6);
  for (const evaluation of evaluations) {
    while (epochs.length > 0 && epochs[0] <= evaluation.epoch) {
      const epoch = epochs.shift();
      const share = (epoch - before.epoch) / (evaluation.epoch - before.epoch || 1);
      const here = x(before.seconds + share * (evaluation.seconds - before.seconds));
      if (here - place < 40) continue;
      marks.push(svg('text', { x: here, y: top - 12, 'text-anchor': 'middle' }, String(epoch)));
      place = here;
    }
    before = evaluation;
  }
  return marks;
}

function upright(kind, x, top, bottom) {
  return svg('line', { class: kind, x1: x, x2: x, y1: top, y2: bottom });
}

function curvePoints(evaluations, kind, key, { along, x, y }) {
  const scored = evaluations.filter((evaluation) => Number.isFinite(evaluation[key]));
  const points = scored.map((evaluation) => [x(evaluation[along]), y(evaluation[key])]);
  return [
    svg('polyline', { class: kind, points: points.map((point) => point.join()).join(' ') }),
    ...points.map(([cx, cy]) => svg('circle', { class: kind, cx, cy, r: points.length > 60 ? 1.5 : 3 })),
  ];
}

/** The best point, its figure off the curve: beside the last point, below any other. */
function ring(best, isLast, word, { along, x, y }) {
  const [cx, cy, bits] = [x(best[along]), y(best.bits), best.bits.toFixed(3)];
  const place = isLast ? { x: cx + 11, y: cy + 4 } : { x: cx, y: cy + 24, 'text-anchor': 'middle' };
  return [
    svg('circle', { class: 'best', cx, cy, r: 7 }),
    svg('text', { class: 'best', ...place }, isLast ? bits : `${word} ${bits}`),
  ];
}
