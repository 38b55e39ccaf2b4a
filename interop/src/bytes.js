// Bytes of streams: a pattern that both ends can make, and what a reader says of the bytes that it got.

import { createHash } from 'node:crypto';
import { once } from 'node:events';

/** As much as is written to a stream at once, unless a scenario wants something else. */
const CHUNK = 64 * 1024;

const WORD = 4;

/**
 * The first `length` bytes of the pattern: counted in words of 32 bits, little endian, and multiplied, so that a
 * lost, doubled or moved piece changes the hash.
 */
export function pattern(length, begin = 0) {
  const first = Math.floor(begin / WORD);
  const skip = begin - first * WORD;
  const words = new Uint32Array(Math.ceil((skip + length) / WORD));
  for (let i = 0; i < words.length; i += 1) words[i] = Math.imul(first + i, 0x9e3779b1);
  return Buffer.from(words.buffer).subarray(skip, skip + length);
}

/** Writes the first `length` bytes of the pattern and ends the stream. */
export async function writePattern(stream, length, chunk = CHUNK) {
  for (let begin = 0; begin < length; begin += chunk) {
    const piece = pattern(Math.min(chunk, length - begin), begin);
    if (!stream.write(piece)) await once(stream, 'drain');
  }
  stream.end();
}

/** Reads a stream to its end: the length and the SHA-256 of what it brought. */
export function summary(stream) {
  const hash = createHash('sha256');
  let length = 0;
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk) => {
      length += chunk.length;
      hash.update(chunk);
    });
    stream.on('end', () => resolve(`${length} ${hash.digest('hex')}`));
    stream.on('error', reject);
  });
}

/** The summary of the first `length` bytes of the pattern. */
export function summaryOfPattern(length) {
  const hash = createHash('sha256');
  for (let begin = 0; begin < length; begin += CHUNK) {
    hash.update(pattern(Math.min(CHUNK, length - begin), begin));
  }
  return `${length} ${hash.digest('hex')}`;
}
