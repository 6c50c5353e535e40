'use strict';
// The random numbers that draw texts: bit for bit those of nextchar.randomness.random_stream in Python, so that the
// same seed gives the same text in Python, over HTTP and here. Described in docs/single-file.md.
//
// 1. seedWords turns seed and path into 256 bits, as numpy.random.SeedSequence does.
//    Source: O'Neill, "Developing a seed_seq alternative" (2015).
// 2. PCG64 is a counter of 128 bits, multiplied and added to, whose halves are mixed into 64 bits (XSL-RR).
//    Source: O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms" (2014).
// 3. The upper 53 of the 64 bits are a number in [0, 1).

const POOL = 4;

/** The 32-bit words of a whole number of any size, lowest first. */
function wordsOf(number) {
  const words = [];
  let rest = BigInt(number);
  if (rest < 0n) throw new RangeError(`The seed ${number} is not allowed: give 0 or a whole number above it.`);
  do {
    words.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return words;
}

/** CRC-32 of bytes: it numbers the purposes of random streams, and shows damage. */
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Eight 32-bit words from `seed` and the whole numbers of `path`. */
function seedWords(seed, path) {
  const given = wordsOf(seed);
  while (given.length < POOL) given.push(0);
  const entropy = [...given, ...path.flatMap(wordsOf)];

  let factor = 0x43b0d7e5;
  const hash = (word) => {
    const mixed = word ^ factor;
    factor = Math.imul(factor, 0x931e8875);
    const product = Math.imul(mixed, factor);
    return product ^ (product >>> 16);
  };
  const mix = (left, right) => {
    const sum = Math.imul(0xca01f9dd, left) - Math.imul(0x4973f715, right);
    return sum ^ (sum >>> 16);
  };

  const pool = entropy.slice(0, POOL).map(hash);
  for (let from = 0; from < POOL; from += 1) {
    for (let to = 0; to < POOL; to += 1) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  }
  for (const word of entropy.slice(POOL)) {
    for (let to = 0; to < POOL; to += 1) pool[to] = mix(pool[to], hash(word));
  }

  factor = 0x8b51f9dd;
  return Array.from({ length: 8 }, (_, number) => {
    const mixed = pool[number % POOL] ^ factor;
    factor = Math.imul(factor, 0x58f38ded);
    const product = Math.imul(mixed, factor);
    return (product ^ (product >>> 16)) >>> 0;
  });
}

const PCG_FACTOR = 0x2360ed051fc65da44385df649fccf645n;

/** The generator PCG64 (XSL-RR, 128 bits of state). */
class PCG64 {
  /** Start from eight 32-bit words. */
  constructor(words) {
    // 64-bit numbers have their lower word first, 128-bit numbers their upper half.
    const half = (at) => BigInt(words[at]) | (BigInt(words[at + 1]) << 32n);
    const start = (half(0) << 64n) | half(2);
    this.step = BigInt.asUintN(128, (((half(4) << 64n) | half(6)) << 1n) | 1n);
    this.state = BigInt.asUintN(128, (this.step + start) * PCG_FACTOR + this.step);
  }

  /** The next 64 bits. */
  bits() {
    this.state = BigInt.asUintN(128, this.state * PCG_FACTOR + this.step);
    const folded = BigInt.asUintN(64, this.state ^ (this.state >> 64n));
    const turn = this.state >> 122n;
    return BigInt.asUintN(64, (folded >> turn) | (folded << (64n - turn)));
  }

  /** The next of 2^53 evenly spaced numbers in [0, 1). */
  random() {
    return Number(this.bits() >> 11n) / 2 ** 53;
  }
}

const SAMPLING = crc32(new TextEncoder().encode('sampling'));

/** The generator for text number `text` of `seed`, a whole number below 2^63 as number, string or BigInt. */
export function samplingStream(seed, text = 0) {
  return new PCG64(seedWords(seed, [SAMPLING, text]));
}
