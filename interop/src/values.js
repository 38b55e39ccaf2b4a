// The values that are sent around, and how two ends tell each other what they have.

import { createHash } from 'node:crypto';

import { pattern } from './bytes.js';

/**
 * Each value with a name. `arrives` is what the other end has, where version 1 changes a value on its way.
 */
export const VALUES = [
  { name: 'a string', value: 'hello' },
  { name: 'a string beyond ASCII', value: 'h\u00e9llo \u65e5\u672c\u8a9e \u{1F389}' },
  { name: 'a string with NUL and BOM', value: '\uFEFFa\u0000b' },
  { name: 'an empty string', value: '' },
  { name: 'a lone surrogate', value: 'a\uD800b', arrives: 'a\uFFFDb' },
  { name: 'a string of 100,000 characters', value: 'gate'.repeat(25_000) },
  { name: 'binary', value: Buffer.from([0, 1, 127, 128, 255]) },
  { name: 'empty binary', value: Buffer.alloc(0) },
  { name: 'binary of 1 MiB', value: pattern(1 << 20) },
  { name: 'zero', value: 0 },
  { name: 'minus zero', value: -0, arrives: 0 },
  { name: 'a negative integer', value: -42 },
  { name: 'the largest integer of 48 bits', value: 2 ** 47 - 1 },
  { name: 'the smallest integer of 48 bits', value: -(2 ** 47) },
  { name: 'a decimal', value: 3.5 },
  { name: 'a negative decimal', value: -0.1 },
  { name: 'the smallest decimal', value: Number.MIN_VALUE },
  { name: 'NaN', value: NaN },
  { name: 'infinity', value: Infinity },
  { name: 'minus infinity', value: -Infinity },
  { name: 'an object', value: { name: 'alejandro', age: 30 } },
  { name: 'an empty object', value: {} },
  { name: 'an array', value: [3, 'two', 1.5, null, true] },
  { name: 'an empty array', value: [] },
  { name: 'a nested object', value: { z: [{ a: { b: ['\u20ac', { c: null }] } }], a: { '': 0 } } },
  { name: 'true', value: true },
  { name: 'false', value: false },
  { name: 'null', value: null, arrives: undefined },
  { name: 'undefined', value: undefined },
].map((entry) => ({ arrives: entry.value, ...entry }));

/**
 * A text that two values share only if they are the same in type and content. The peer written in Rust has the
 * same function, so that each end can tell the other exactly what arrived.
 */
export function describe(value) {
  if (Buffer.isBuffer(value)) return `binary ${digest(value)}`;
  switch (typeof value) {
    case 'string':
      return `string ${value}`;
    case 'number':
      return Number.isInteger(value) ? `integer ${value}` : `decimal ${bits(value)}`;
    case 'boolean':
      return `boolean ${value}`;
    case 'object':
      return `object ${JSON.stringify(value)}`;
    default:
      return 'empty';
  }
}

/** The length of some bytes and their SHA-256. */
export function digest(bytes) {
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}

function bits(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(number);
  return bytes.toString('hex');
}
