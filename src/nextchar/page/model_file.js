'use strict';
// The file that holds a model (docs/model-file.md): a header, and tensors of floats or whole numbers.

const FORMAT = 2;
/** The kinds of networks. The names of a network's tensors begin with its kind. */
const KINDS = ['lstm', 'blend', 'ngram'];
/** Arrays for each type of number. Those of float16 numbers hold their bits. */
const ARRAYS = { F16: Uint16Array, F32: Float32Array, U8: Uint8Array, U16: Uint16Array, U32: Uint32Array };

/** The error of a page whose model is damaged. */
export function damaged(reason) {
  return new Error(`The model in this page is damaged: ${reason}. Get the page again.`);
}

/** Read a model file: {header, tensors}, each tensor {shape, values}, a typed array; float16 numbers become float32. */
export function readModelFile(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? NaN : Number(view.getBigUint64(0, true));
  if (!(8 + length <= bytes.length)) throw damaged('it is cut short');
  let entries;
  let header;
  try {
    const { __metadata__: metadata, ...index } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    entries = Object.entries(index);
    header = JSON.parse(metadata.nextchar);
  } catch {
    throw damaged('its header cannot be read');
  }
  if (header.format !== FORMAT) throw damaged(`its format is ${header.format}, not ${FORMAT}`);
  const kind = header.architecture?.kind;
  if (!KINDS.includes(kind)) throw damaged(`its network is ${kind}, not ${KINDS.join(' or ')}`);
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of entries) {
    const count = shape.reduce((product, size) => product * size, 1);
    const Numbers = ARRAYS[dtype];
    if (end - start !== Numbers?.BYTES_PER_ELEMENT * count || 8 + length + end > bytes.length) throw damaged(`${name} does not fit`);
    // A copy, because numbers in a buffer must begin at a multiple of their size.
    const stored = new Numbers(bytes.slice(8 + length + start, 8 + length + end).buffer);
    tensors[name.slice(kind.length + 1)] = { shape, values: dtype === 'F16' ? widened(stored) : stored };
  }
  return { header, tensors };
}

/** The values of float16 numbers, given by their bits. */
function widened(halves) {
  const values = new Float32Array(halves.length);
  for (let n = 0; n < halves.length; n += 1) {
    const exponent = (halves[n] >> 10) & 31;
    const fraction = halves[n] & 1023;
    let value = (exponent ? 1024 + fraction : fraction) * 2 ** (Math.max(exponent, 1) - 25);
    if (exponent === 31) value = fraction ? NaN : Infinity;
    values[n] = halves[n] & 0x8000 ? -value : value;
  }
  return values;
}
