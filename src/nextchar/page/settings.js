'use strict';
// How the next character is drawn: the controls, and recipes that reproduce a text.

import { PageError } from './remote_model.js';
import { say } from './language.js';
import { isWithin } from './limits.js';

const STOPS = { none: [], line: ['\n'], paragraph: ['\n\n'] };
/** Characters before the cursor that the model reads; an LSTM remembers fewer. */
export const PROMPT_CHARACTERS = 2000;

/** A field of the page has a value that is not allowed; the message says what is. */
export class FieldError extends PageError {}

/**
 * The allowed values of a field, in words.
 *
 * @param {NumberRange} range
 */
function allowed({ type, minimum, exclusiveMinimum, maximum }) {
  if (exclusiveMinimum !== undefined) return say('betweenAbove', { min: exclusiveMinimum, max: maximum });
  if (type !== 'integer') return say('between', { min: minimum, max: maximum });
  return say(maximum === undefined ? 'wholeAtLeast' : 'wholeBetween', { min: minimum, max: maximum });
}

/**
 * Return `value`, NaN for an empty field, if it is in `range`; throw a FieldError otherwise.
 *
 * @param {number} value
 * @param {NumberRange} range
 * @param {string} label
 */
export function checkedNumber(value, range, label) {
  if (!isWithin(value, range)) throw new FieldError(say('badField', { label, message: allowed(range) }));
  return value;
}

/** The controls of sampling. Their elements are looked up by id once. */
export class Settings {
  /**
   * @param {Record<string, NumberRange>} limits
   * @param {number} maxLength maximum characters to write at once
   * @param {() => void} changed
   */
  constructor(limits, maxLength, changed) {
    const find = (id) => document.getElementById(id);
    const maxSeed = Math.min(limits.seed.maximum ?? limits.seed.exclusiveMaximum - 1, Number.MAX_SAFE_INTEGER);
    // Programs may ask for 0 characters; on the page that makes no sense.
    const length = { ...limits.length, minimum: 1 };
    /** The ranges of a recipe, whichever page wrote it. */
    this.limits = { ...limits, length, seed: { type: 'integer', minimum: 0, maximum: maxSeed } };
    this.maxLength = Math.min(length.maximum, maxLength);
    this.length = find('length');
    this.stopAt = find('stop-at');
    this.texts = find('texts');
    this.seed = find('seed');
    this.hold = find('hold');
    this.slider = find('temperature');
    this.number = find('temperature-number');
    this.optional = { top_k: find('top-k'), top_p: find('top-p'), min_p: find('min-p') };
    this.maxCopy = find('max-copy');
    this.numbers = { length: this.length, temperature: this.number, ...this.optional, max_copy: this.maxCopy };
    for (const [name, field] of Object.entries(this.numbers)) {
      const { minimum, exclusiveMinimum, maximum, default: usual } = this.range(name);
      field.min = minimum ?? exclusiveMinimum;
      if (maximum !== undefined) field.max = maximum;
      if (usual !== null) field.value = Math.min(usual, maximum ?? usual);
    }
    this.slider.value = this.number.value;
    this.fields = [this.length, this.stopAt, this.texts, this.seed, this.number, ...Object.values(this.optional), this.maxCopy];
    this.slider.addEventListener('input', () => this.setTemperature(this.slider.valueAsNumber));
    this.number.addEventListener('input', () => {
      if (this.number.value !== '') this.slider.value = this.number.value;
    });
    // A typed seed is held.
    this.seed.addEventListener('input', () => { this.hold.checked = this.seed.value !== ''; });
    for (const control of [this.slider, this.number, ...Object.values(this.optional)]) {
      control.addEventListener('input', changed);
    }
    find('settings').addEventListener('submit', (event) => event.preventDefault());
  }

  setTemperature(value) {
    this.slider.value = value;
    this.number.value = value;
  }

  /** The slider moves in steps; the number beside it may be between two of them. */
  get temperature() {
    return Number.isFinite(this.number.valueAsNumber) ? this.number.valueAsNumber : this.slider.valueAsNumber;
  }

  /** The seed to write with: the held one, or a new one, which is shown. */
  nextSeed(anew = false) {
    if (!anew && this.hold.checked && this.seed.value !== '') return this.readSeed();
    const seed = crypto.getRandomValues(new Uint32Array(1))[0];
    this.seed.value = String(seed);
    return seed;
  }

  readSeed() {
    const seed = /^\d+$/.test(this.seed.value) ? Number(this.seed.value) : NaN;
    return this.checked(seed, 'seed', say('seed'));
  }

  /** What shapes the distribution: temperature, top_k, top_p, min_p; null is off. */
  shape() {
    const shape = { temperature: this.checked(this.number.valueAsNumber, 'temperature', say('temperature')) };
    for (const [name, field] of Object.entries(this.optional)) {
      const off = field.value === '' && !field.validity.badInput;
      shape[name] = off ? null : this.checked(field.valueAsNumber, name, name.replace('_', '-'));
    }
    return shape;
  }

  /** Everything but the seed. */
  read() {
    const length = this.checked(this.length.valueAsNumber, 'length', say('length'));
    return { length, ...this.shape(), ...this.copyLimit(), stop: STOPS[this.stopAt.value] };
  }

  /** {max_copy}, the most characters to copy in a row; {} where that is off, or the model is without its text. */
  copyLimit() {
    const off = this.maxCopy.value === '' && !this.maxCopy.validity.badInput;
    if (off || this.maxCopy.parentElement.hidden) return {};
    return { max_copy: this.checked(this.maxCopy.valueAsNumber, 'max_copy', say('maxCopy')) };
  }

  /** Offer to limit copying, which a model can do whose training text is in its file. */
  offerCopyLimit(offered) {
    this.maxCopy.parentElement.hidden = !offered;
  }

  /** The range of a setting on this page. */
  range(name) {
    return name === 'length' ? { ...this.limits.length, maximum: this.maxLength } : this.limits[name];
  }

  /** Return `value`, NaN for an empty field, if it is in the range of `name`; throw a FieldError otherwise. */
  checked(value, name, label) {
    return checkedNumber(value, this.range(name), label);
  }

  /** The values of the controls by their ids, to be kept. */
  values() {
    return { ...Object.fromEntries(this.fields.map((field) => [field.id, field.value])), hold: this.hold.checked };
  }

  /** Restore what `values` returned; an option that no longer exists is skipped. */
  restore(values) {
    for (const field of this.fields) {
      const known = field.options ? [...field.options].some(({ value }) => value === values[field.id]) : field.id in values;
      if (known) field.value = values[field.id];
    }
    this.slider.value = this.number.value;
    this.hold.checked = values.hold === true;
  }

  /** Put the settings of a recipe into the controls; `hold` holds its seed for the next text. */
  show(recipe, hold = true) {
    this.length.value = recipe.length;
    this.setTemperature(recipe.temperature);
    for (const [name, field] of Object.entries(this.optional)) field.value = recipe[name] ?? '';
    this.maxCopy.value = recipe.max_copy ?? '';
    this.stopAt.value = stopName(recipe.stop);
    this.seed.value = recipe.seed;
    this.hold.checked = hold;
  }
}

function stopName(stop) {
  return Object.keys(STOPS).find((name) => STOPS[name][0] === stop[0]) ?? 'none';
}

/**
 * The command that reproduces a text with the model in `file`. A recipe is how a text was written: {model, prompt,
 * length, temperature, top_k, top_p, min_p, stop, seed, text}, and max_copy if copying is limited; `text` is its number
 * among several of one seed.
 */
export function recipeCommand(recipe, file) {
  const words = ['nextchar sample', quoted(file.replace(/^-/, './-')), quoted(recipe.prompt)];
  // A prompt that begins with a dash would look like an option.
  if (recipe.prompt.startsWith('-')) words.splice(2, 0, '--');
  const options = [`--length ${recipe.length}`, `--temperature ${recipe.temperature}`];
  for (const name of ['top_k', 'top_p', 'min_p']) {
    if (recipe[name] !== null) options.push(`--${name.replace('_', '-')} ${recipe[name]}`);
  }
  if (recipe.max_copy) options.push(`--max-copy ${recipe.max_copy}`);
  for (const stop of recipe.stop) options.push(`--stop $'${stop.replaceAll('\n', '\\n')}'`);
  options.push(`--seed ${recipe.seed}`);
  // Texts of one seed are numbered; this is the last of `--count` texts.
  if (recipe.text > 0) options.push(`--count ${recipe.text + 1}`);
  return [words[0], words[1], ...options, ...words.slice(2)].join(' ');
}

/** A word quoted for the shell. */
function quoted(text) {
  return /^[\w.,/:-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The recipe as the fragment of an address. */
export function recipeHash(recipe) {
  const { stop, ...rest } = recipe;
  const values = Object.entries({ ...rest, stop: stopName(stop) }).filter(([, value]) => value !== null);
  return `#${new URLSearchParams(values)}`;
}

/** The recipe in the fragment of an address, null if there is none; throw a FieldError if it cannot be read. */
export function recipeFromHash(hash, limits) {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  if (!values.has('seed')) return null;
  const number = (name, range = limits[name]) => {
    if (!values.has(name)) return range.default;
    const value = values.get(name).trim() === '' ? NaN : Number(values.get(name));
    if (!isWithin(value, range)) throw new FieldError(say('badLink'));
    return value;
  };
  return {
    model: values.get('model') ?? '',
    prompt: values.get('prompt') ?? '',
    length: number('length'),
    temperature: number('temperature'),
    top_k: number('top_k'),
    top_p: number('top_p'),
    min_p: number('min_p'),
    ...(values.has('max_copy') ? { max_copy: number('max_copy') } : {}),
    stop: STOPS[values.get('stop')] ?? [],
    seed: number('seed'),
    text: number('text', { type: 'integer', minimum: 0, maximum: 1000, default: 0 }),
  };
}
