// Bytes of streams: a pattern that both ends can make, and what a reader says of the bytes that it got.

import { createHash } from 'node:crypto';
import { once } from 'node:events';

/** As much as is written to a stream at once, unless a scenario wants something else. */
const CHUNK = 64 * 1024;

/** The pattern repeats after a prime number of bytes, so that a lost, doubled or moved piece changes the hash. */
const BLOCK = Buffer.from(Array.from({ length: 65_521 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24));

/** So many bytes of the pattern, from `begin` on. */
export function pattern(length, begin = 0) {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length;) {
    at += BLOCK.copy(bytes, at, (begin + at) % BLOCK.length);
  }
  return bytes;
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
