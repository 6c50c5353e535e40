'use strict';
// How the next character is drawn from the logits of a network, as in nextchar/model/sampling.py, in float64.
// Order: constraints, temperature, top-k, top-p, min-p, draw. Null or undefined is off.

/**
 * The distribution of logits at a temperature, written into `into`; an id that may not be drawn gets 0.
 * @param {ArrayLike<number>} logits
 * @param {number} temperature
 * @param {Uint8Array | null} [allowed] 1 for each id that may be drawn; all may if there is none
 * @param {Float64Array} [into]
 */
export function softmax(logits, temperature, allowed = null, into = new Float64Array(logits.length)) {
  let best = -1;
  for (let id = 0; id < logits.length; id += 1) {
    if ((allowed === null || allowed[id]) && (best < 0 || logits[id] > logits[best])) best = id;
  }
  const peak = logits[best];
  for (let id = 0; id < logits.length; id += 1) {
    if (allowed !== null && !allowed[id]) into[id] = 0;
    else into[id] = temperature === 0 ? Number(id === best) : Math.exp((logits[id] - peak) / temperature);
  }
  return renormalised(into);
}

/** Make `distribution` sum to one. */
function renormalised(distribution) {
  let total = 0;
  for (let id = 0; id < distribution.length; id += 1) total += distribution[id];
  for (let id = 0; id < distribution.length; id += 1) distribution[id] /= total;
  return distribution;
}

/** The ids of a distribution, most probable first; equals in order. */
export function mostProbableFirst(distribution) {
  return Array.from(distribution.keys()).sort((left, right) => distribution[right] - distribution[left] || left - right);
}

/** Keep those with a probability of at least `threshold`. */
function keepFrom(distribution, threshold) {
  return renormalised(distribution.map((probability) => (probability >= threshold ? probability : 0)));
}

/** Keep the k most probable, and those exactly as probable as the k-th. */
function keepTopK(distribution, k) {
  if (k >= distribution.length) return distribution;
  const ascending = distribution.slice().sort();
  return keepFrom(distribution, ascending[ascending.length - k]);
}

/** Keep the fewest most probable that together have a probability of at least p. */
function keepTopP(distribution, p) {
  const kept = new Float64Array(distribution.length);
  let sum = 0;
  for (const id of mostProbableFirst(distribution)) {
    const probability = distribution[id];
    // As in Python, which adds first and then subtracts: the rounding is the same.
    sum += probability;
    if (sum - probability < p) kept[id] = probability;
  }
  return renormalised(kept);
}

/** Keep those at least `share` times as probable as the most probable one. */
function keepMinP(distribution, share) {
  return keepFrom(distribution, share * distribution.reduce((most, probability) => Math.max(most, probability), 0));
}

/**
 * The distribution that the next id is drawn from, by the temperature, top_k, top_p and min_p of the settings.
 * @param {ArrayLike<number>} logits
 * @param {{ temperature?: number, top_k?: number | null, top_p?: number | null, min_p?: number | null }} settings
 * @param {Uint8Array | null} [allowed] 1 for each id that may be drawn; all may if there is none
 * @param {Float64Array} [into] where to write it
 */
export function nextDistribution(logits, settings, allowed = null, into = undefined) {
  const { temperature = 1, top_k: k, top_p: p, min_p: share } = settings;
  let distribution = softmax(logits, temperature, allowed, into);
  if (k !== null && k !== undefined) distribution = keepTopK(distribution, k);
  if (p !== null && p !== undefined) distribution = keepTopP(distribution, p);
  if (share !== null && share !== undefined) distribution = keepMinP(distribution, share);
  return distribution;
}

/** The id that `uniform`, in [0, 1), picks from a distribution by inverting its running sum. */
export function draw(distribution, uniform) {
  let total = 0;
  for (let id = 0; id < distribution.length; id += 1) total += distribution[id];
  const target = uniform * total;
  let running = 0;
  let last = 0;
  for (let id = 0; id < distribution.length; id += 1) {
    if (distribution[id] > 0) {
      running += distribution[id];
      last = id;
      if (running > target) break;
    }
  }
  // Rounding may make the target equal to the last sum; ids of probability 0 are never returned.
  return last;
}

/** The entropy of a distribution, in bits. */
export function entropyOf(distribution) {
  let bits = 0;
  for (const probability of distribution) if (probability > 0) bits -= probability * Math.log2(probability);
  return bits;
}
