'use strict';
// The ranges of settings. They come from nextchar/settings/sampling.py, in the terms of JSON Schema.

/**
 * Whether `value` is a number in a range.
 *
 * @param {any} value
 * @param {NumberRange} range
 */
export function isWithin(value, { type, minimum, exclusiveMinimum, maximum, exclusiveMaximum }) {
  return typeof value === 'number'
    && !Number.isNaN(value)
    && (type !== 'integer' || Number.isInteger(value))
    && (minimum === undefined || value >= minimum)
    && (exclusiveMinimum === undefined || value > exclusiveMinimum)
    && (maximum === undefined || value <= maximum)
    && (exclusiveMaximum === undefined || value < exclusiveMaximum);
}
