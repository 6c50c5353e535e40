'use strict';
// The learning curve, drawn as SVG in the size of its place: bits per character over epochs.

const SVG = 'http://www.w3.org/2000/svg';
const CURVE_MARGIN = { left: 44, right: 16, top: 28, bottom: 44 };

function svg(tag, attributes = {}, ...content) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...content);
  return element;
}

/** Round numbers from about `low` to about `high`, at most `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const found = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-6; tick += step) {
    found.push(Number(tick.toPrecision(12)));
  }
  return found;
}

/**
 * Return the curve of `evaluations` as an <svg>, with a line at the one numbered `moment`.
 * Its `at(x)` tells which evaluation is nearest to a place, in its own pixels.
 */
function learningCurve(evaluations, moment, width, height) {
  const { left, right, top, bottom } = CURVE_MARGIN;
  const values = evaluations.flatMap((one) => [one.training_bits, one.validation_bits]).filter(Number.isFinite);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const space = (most - least || 1) * 0.08;
  const last = evaluations.at(-1).epoch || 1;
  const x = (epoch) => left + (epoch / last) * (width - left - right);
  const y = (bits) => top + ((most + space - bits) / (most - least + 2 * space || 1)) * (height - top - bottom);
  const here = x(evaluations[moment].epoch);
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img' });
  picture.setAttribute('aria-label', say('curve', { first: toldBits(evaluations[0]), last: toldBits(evaluations.at(-1)) }));
  for (const tick of ticks(least - space, most + space, 5)) {
    picture.append(
      svg('line', { class: 'grid', x1: left, x2: width - right, y1: y(tick), y2: y(tick) }),
      svg('text', { x: left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, fixed(tick, 1)),
    );
  }
  for (const tick of ticks(0, last, Math.max(2, Math.floor(width / 110)))) {
    picture.append(svg('text', { x: x(tick), y: height - bottom + 18, 'text-anchor': 'middle' }, String(tick)));
  }
  picture.append(
    svg('text', { class: 'axis', x: width - right, y: height - 6, 'text-anchor': 'end' }, say('epochs')),
    svg('text', { class: 'axis', x: 0, y: 12 }, say('bitsPerCharacter')),
    svg('line', { class: 'now', x1: here, x2: here, y1: top + 4, y2: height - bottom }),
  );
  for (const [kind, key] of [['training', 'training_bits'], ['validation', 'validation_bits']]) {
    const points = evaluations.filter((one) => Number.isFinite(one[key])).map((one) => [x(one.epoch), y(one[key])]);
    picture.append(svg('polyline', { class: kind, points: points.map((point) => point.join()).join(' ') }));
    for (const [cx, cy] of points) picture.append(svg('circle', { class: kind, cx, cy, r: points.length > 60 ? 1.5 : 3 }));
  }
  picture.at = (place) => {
    const distances = evaluations.map((one) => Math.abs(x(one.epoch) - place));
    return distances.indexOf(Math.min(...distances));
  };
  return picture;
}

/** The figure of an evaluation that is told: of the held-out text, where there is one. */
function toldBits(evaluation) {
  const bits = evaluation.validation_bits ?? evaluation.training_bits;
  return Number.isFinite(bits) ? bitsPerCharacter(bits) : '–';
}
