'use strict';
// The network: the equations of nextchar/networks/architecture.py in plain JavaScript. It computes in float32 arrays; a test
// compares it with Python.

import { damaged } from './model_file.js';

const GATES = 4;
/** Bytes of a number. */
const FLOAT = 4;
/** Rows of a matrix multiplied with a vector side by side, so that each value of the vector is read once for all. */
const ROWS = 8;

/** The names and shapes of an architecture's parameters. */
function parameterShapes({ vocabulary_size: vocabulary, embedding, hidden }) {
  const shapes = embedding === null ? {} : { embedding: [vocabulary, embedding] };
  hidden.forEach((size, layer) => {
    const inputs = layer > 0 ? hidden[layer - 1] : (embedding ?? vocabulary);
    shapes[`layer${layer}.input_weight`] = [GATES * size, inputs];
    shapes[`layer${layer}.hidden_weight`] = [GATES * size, size];
    shapes[`layer${layer}.bias`] = [GATES * size];
  });
  shapes['output.weight'] = [vocabulary, hidden.at(-1)];
  shapes['output.bias'] = [vocabulary];
  return shapes;
}

/** A matrix to multiply with vectors, stored in groups of eight rows whose values alternate. */
class Matrix {
  /** `parts` are tensors with the same number of rows, side by side; `scale` returns the factor of a row. */
  constructor(parts, scale = (_row) => 1) {
    const [height] = parts[0].shape;
    this.rows = Math.ceil(height / ROWS) * ROWS;
    this.columns = parts.reduce((sum, { shape }) => sum + shape[1], 0);
    // A view, not a Float32Array: Chromium reads it a fifth faster, Firefox equally fast (benchmarks/browser.py).
    this.values = new DataView(new ArrayBuffer(FLOAT * this.rows * this.columns));
    let before = 0;
    for (const { shape: [, width], values } of parts) {
      for (let row = 0; row < height; row += 1) {
        const group = (row - (row % ROWS)) * this.columns + (row % ROWS);
        for (let column = 0; column < width; column += 1) {
          const at = FLOAT * (group + (before + column) * ROWS);
          this.values.setFloat32(at, values[row * width + column] * scale(row), true);
        }
      }
      before += width;
    }
  }

  /** Write start + this · vector into `out`; all are Float32Arrays, `start` and `out` with a number for each row. */
  multiply(vector, start, out) {
    const { values, rows, columns } = this;
    let at = 0;
    // Eight independent sums, so that the processor need not wait for one; |0 says that nothing overflows.
    for (let row = 0; row < rows; row = (row + ROWS) | 0) {
      let s0 = start[row];
      let s1 = start[(row + 1) | 0];
      let s2 = start[(row + 2) | 0];
      let s3 = start[(row + 3) | 0];
      let s4 = start[(row + 4) | 0];
      let s5 = start[(row + 5) | 0];
      let s6 = start[(row + 6) | 0];
      let s7 = start[(row + 7) | 0];
      for (let column = 0; column < columns; column = (column + 1) | 0) {
        const value = vector[column];
        s0 += values.getFloat32(at, true) * value;
        s1 += values.getFloat32((at + 4) | 0, true) * value;
        s2 += values.getFloat32((at + 8) | 0, true) * value;
        s3 += values.getFloat32((at + 12) | 0, true) * value;
        s4 += values.getFloat32((at + 16) | 0, true) * value;
        s5 += values.getFloat32((at + 20) | 0, true) * value;
        s6 += values.getFloat32((at + 24) | 0, true) * value;
        s7 += values.getFloat32((at + 28) | 0, true) * value;
        at = (at + 32) | 0;
      }
      out[row] = s0;
      out[(row + 1) | 0] = s1;
      out[(row + 2) | 0] = s2;
      out[(row + 3) | 0] = s3;
      out[(row + 4) | 0] = s4;
      out[(row + 5) | 0] = s5;
      out[(row + 6) | 0] = s6;
      out[(row + 7) | 0] = s7;
    }
  }
}

/** `values`, with zeros up to `length`. */
function padded(values, length) {
  const longer = new Float32Array(length);
  longer.set(values);
  return longer;
}

/** tanh to the precision of float32, several times faster than Math.tanh: x p(x²) / q(x²), from Eigen, MathFunctionsImpl.h. */
function quickTanh(value) {
  const x = value > 7.90531110763549805 ? 7.90531110763549805 : value < -7.90531110763549805 ? -7.90531110763549805 : value;
  const s = x * x;
  const p = ((((((-2.76076847742355e-16 * s + 2.00018790482477e-13) * s - 8.60467152213735e-11) * s + 5.12229709037114e-8) * s
    + 1.48572235717979e-5) * s + 6.37261928875436e-4) * s + 4.89352455891786e-3) * x;
  return p / (((1.19825839466702e-6 * s + 1.18534705686654e-4) * s + 2.268434632439e-3) * s + 4.89352518554385e-3);
}

/** One LSTM layer. sigmoid(x) = (1 + tanh(x / 2)) / 2, so the rows of i, f and o are stored halved. */
class Layer {
  constructor(tensors, layer, size) {
    const tensor = (name) => tensors[`layer${layer}.${name}`];
    this.size = size;
    this.scale = (row) => (row >= 2 * size && row < 3 * size ? 1 : 0.5);
    // The first layer's input is one of V vectors: their products are looked up.
    const parts = layer === 0 ? [tensor('hidden_weight')] : [tensor('input_weight'), tensor('hidden_weight')];
    this.matrix = new Matrix(parts, this.scale);
    this.bias = padded(tensor('bias').values.map((value, row) => value * this.scale(row)), this.matrix.rows);
    this.gates = new Float32Array(this.matrix.rows);
    /** The vector that the matrix is multiplied with: the layer's input, and h of the previous step. */
    this.inputs = new Float32Array(this.matrix.columns);
    this.below = this.matrix.columns - size;
    this.h = new Float32Array(size);
    this.c = new Float32Array(size);
  }

  /** Take h and c from `state`, beginning at `at`. */
  load(state, at) {
    for (let n = 0; n < this.size; n += 1) {
      this.h[n] = state[at + n];
      this.inputs[this.below + n] = state[at + n];
      this.c[n] = state[at + this.size + n];
    }
  }

  /** Put h and c into `state`, beginning at `at`. */
  save(state, at) {
    for (let n = 0; n < this.size; n += 1) {
      state[at + n] = this.h[n];
      state[at + this.size + n] = this.c[n];
    }
  }

  /** Take one step; `start` is added to the product of matrix and inputs. */
  advance(start) {
    const { size, below, gates, inputs, h, c } = this;
    this.matrix.multiply(inputs, start, gates);
    for (let n = 0; n < size; n += 1) {
      const i = 0.5 * quickTanh(gates[n]) + 0.5;
      const f = 0.5 * quickTanh(gates[n + size]) + 0.5;
      const g = quickTanh(gates[n + 2 * size]);
      const o = 0.5 * quickTanh(gates[n + 3 * size]) + 0.5;
      const cell = f * c[n] + i * g;
      c[n] = cell;
      h[n] = o * quickTanh(cell);
      inputs[below + n] = h[n];
    }
  }
}

/** The products of the first layer with each of its V possible inputs, plus bias, computed when first needed. */
class InputTable {
  constructor(tensors, layer) {
    this.weight = tensors['layer0.input_weight'];
    this.embedding = tensors.embedding;
    this.layer = layer;
    this.rows = [];
  }

  row(id) {
    this.rows[id] ??= this.make(id);
    return this.rows[id];
  }

  make(id) {
    const { bias, scale } = this.layer;
    const [height, width] = this.weight.shape;
    const { values } = this.weight;
    const products = Float32Array.from(bias);
    for (let row = 0; row < height; row += 1) {
      let sum = 0;
      if (this.embedding === undefined) sum = values[row * width + id];
      else for (let n = 0; n < width; n += 1) sum += values[row * width + n] * this.embedding.values[id * width + n];
      products[row] += scale(row) * sum;
    }
    return products;
  }
}

/**
 * A network. It works on copies of states, so that many texts can continue from one state. Between `load` and `save`,
 * only one text may use it.
 */
class Network {
  constructor(architecture, tensors) {
    const { hidden, vocabulary_size: vocabulary } = architecture;
    this.layers = hidden.map((size, layer) => new Layer(tensors, layer, size));
    this.table = new InputTable(tensors, this.layers[0]);
    this.output = new Matrix([tensors['output.weight']]);
    this.outputBias = padded(tensors['output.bias'].values, this.output.rows);
    this.outputs = new Float32Array(this.output.rows);
    this.logits = this.outputs.subarray(0, vocabulary);
    this.units = hidden.reduce((sum, size) => sum + size, 0);
    /** Characters that each prediction reads; null is all of them. */
    this.context = null;
    this.parameters = Object.values(tensors).reduce((sum, { values }) => sum + values.length, 0);
    /** Multiplications of one step and prediction, to estimate the time. */
    this.work = this.layers.reduce((sum, { matrix }) => sum + matrix.rows * matrix.columns, this.output.rows * this.output.columns);
  }

  /**
   * The state before anything is read: h and c of each layer.
   * @returns {Float32Array | number[]}
   */
  initialState() {
    return new Float32Array(2 * this.units);
  }

  /** Continue from `state`. */
  load(state) {
    let at = 0;
    for (const layer of this.layers) {
      layer.load(state, at);
      at += 2 * layer.size;
    }
  }

  /**
   * The state after all that was read.
   * @returns {Float32Array | number[]}
   */
  save() {
    const state = new Float32Array(2 * this.units);
    let at = 0;
    for (const layer of this.layers) {
      layer.save(state, at);
      at += 2 * layer.size;
    }
    return state;
  }

  /** Read one id. */
  advance(id) {
    let below = null;
    for (const layer of this.layers) {
      if (below) layer.inputs.set(below.h);
      layer.advance(below ? layer.bias : this.table.row(id));
      below = layer;
    }
  }

  /** The logits (V) of the next id; the next prediction overwrites them. */
  predict() {
    this.output.multiply(this.layers.at(-1).h, this.outputBias, this.outputs);
    return this.logits;
  }

  /** Read `ids` from `state`, as `readIds` does. */
  read(ids, state, each) {
    return readIds(this, ids, state, each);
  }
}

/** A network that reads the last n characters anew for each prediction. Its states are their ids. */
class WindowedNetwork extends Network {
  constructor(architecture, tensors) {
    super(architecture, tensors);
    this.context = architecture.context_length;
    this.work *= this.context;
    this.zero = super.initialState();
    this.known = [];
  }

  initialState() {
    return [];
  }

  load(ids) {
    this.known = [...ids];
  }

  save() {
    return [...this.known];
  }

  advance(id) {
    this.known.push(id);
    if (this.known.length > this.context) this.known.shift();
  }

  predict() {
    super.load(this.zero);
    for (const id of this.known) super.advance(id);
    return super.predict();
  }
}

/**
 * Read `ids`, at least one, from `state`; return {logits, state} after the last. `each`, if given, is called with the
 * logits after every id.
 */
export function readIds(network, ids, state, each) {
  network.load(state);
  for (const id of ids) {
    network.advance(id);
    if (each) each(network.predict());
  }
  return { logits: network.predict().slice(), state: network.save() };
}

/** The LSTM of an architecture. */
export function makeLSTM(architecture, tensors) {
  for (const [name, shape] of Object.entries(parameterShapes(architecture))) {
    if (String(tensors[name]?.shape) !== String(shape)) throw damaged(`${name} is not ${shape}`);
  }
  return architecture.context_length === null ? new Network(architecture, tensors) : new WindowedNetwork(architecture, tensors);
}
