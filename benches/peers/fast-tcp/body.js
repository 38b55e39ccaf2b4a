// What each message carries: bytes 0 to 8 a sequence number, bytes 8 to 16 the time of sending.
'use strict';

const HIGH = 2 ** 32;

// A message of `size` bytes, to be written again for each sending: fast-tcp copies it.
function body(size) {
  return Buffer.alloc(size, 'x');
}

function writeNumber(buffer, number) {
  buffer.writeUInt32LE(number % HIGH, 0);
  buffer.writeUInt32LE(Math.floor(number / HIGH), 4);
}

function readNumber(buffer) {
  return buffer.readUInt32LE(0) + buffer.readUInt32LE(4) * HIGH;
}

// Milliseconds, as `performance.now()` gives them.
function writeStamp(buffer, milliseconds) {
  buffer.writeDoubleLE(milliseconds, 8);
}

function readStamp(buffer) {
  return buffer.readDoubleLE(8);
}

module.exports = { body, writeNumber, readNumber, writeStamp, readStamp };
