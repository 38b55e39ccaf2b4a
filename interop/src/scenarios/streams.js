// Streams: to the server, from it, and through it to others.

import assert from 'node:assert/strict';
import { once } from 'node:events';

import { pattern, summary, summaryOfPattern, writePattern } from '../bytes.js';
import { rest, scenario } from '../scenario.js';
import { describe } from '../values.js';

const MIB = 1 << 20;

/** Up to here fast-tcp never pauses its socket; above, defect S2 may leave it paused. */
const SMALL = [0, 1, 16_383];
const LARGE = [16_384, 20_000, MIB];

/** Opens a stream that is answered, writes `length` bytes of the pattern, and returns the answer. */
function upload(client, event, length, { info, chunk } = {}) {
  return new Promise((resolve) => {
    writePattern(client.socket.stream(event, info, resolve), length, chunk);
  });
}

/** What the streams under `file` bring: their infos, and promises of their summaries. */
function files(client, answerOf = (text) => text) {
  const waiting = [];
  const arrived = [];
  client.socket.on('file', async (stream, info, answer) => {
    const read = summary(stream);
    const file = { info, summary: read };
    if (waiting.length > 0) waiting.shift()(file);
    else arrived.push(file);
    const text = await read;
    answer?.(answerOf(text));
  });
  return {
    next: () => (arrived.length > 0
      ? Promise.resolve(arrived.shift())
      : new Promise((resolve) => waiting.push(resolve))),
  };
}

async function brings(box, length) {
  const { info, summary: read } = await box.next();
  assert.deepEqual(info, { bytes: length });
  assert.equal(await read, summaryOfPattern(length));
}

const NAMES = new Map([[1, '1 byte'], [MIB, '1 MiB']]);
const name = (length) => NAMES.get(length) ?? `${length.toLocaleString('en')} bytes`;

const up = (length) => scenario(`streams: ${name(length)} to the server`, async (stage) => {
  const client = await stage.connect();
  assert.equal(await upload(client, 'upload', length), summaryOfPattern(length));
  await client.settle();

  const box = client.inbox('deposited');
  writePattern(client.socket.stream('deposit'), length);
  assert.equal(await box.next(), summaryOfPattern(length));
  await client.settle();
}, LARGE.includes(length) ? { originals: 'S2' } : {});

const down = (length) => scenario(`streams: ${name(length)} from the server`, async (stage) => {
  const client = await stage.connect();
  const box = files(client);
  client.emit('download', { bytes: length, answered: false });
  await brings(box, length);
  await client.settle();

  const answers = client.inbox('download answered');
  client.emit('download', { bytes: length, answered: true });
  await brings(box, length);
  assert.equal(await answers.next(), summaryOfPattern(length));
  await client.settle();
}, LARGE.includes(length) ? { originals: 'S2' } : {});

/** What a stream to others brings to each of three clients, the first of which opens it. */
async function among(stage, length, open) {
  const clients = await stage.connectMany(3);
  const got = clients.map(() => []);
  const boxes = clients.map((client, i) => {
    client.socket.on('file', async (stream, info) => {
      assert.deepEqual(info, { bytes: length });
      got[i].push(await summary(stream));
    });
    client.socket.join(i === 2 ? 'other' : 'r');
    return client;
  });
  await Promise.all(boxes.map((client) => client.settle()));
  await open(clients);
  return { clients, got };
}

/** A stream that exactly the clients in `receivers` get, once each. */
const routed = (what, receivers, open, options) => scenario(`streams: ${what}`, async (stage) => {
  const length = 10_000;
  const { clients, got } = await among(stage, length, (all) => open(all, length));
  while (receivers.some((i) => got[i].length === 0)) await clients[receivers[0]].settle();
  await Promise.all(clients.map((client) => client.settle()));
  const expected = clients.map((_, i) => (receivers.includes(i) ? [summaryOfPattern(length)] : []));
  assert.deepEqual(got, expected);
}, options);

const openTo = (receivers) => ([a, b], length) => {
  const to = typeof receivers === 'function' ? receivers(a, b) : receivers;
  writePattern(a.socket.stream('file', { bytes: length }, to), length);
};

const serverSends = (receivers) => ([a, b], length) => {
  const to = typeof receivers === 'function' ? receivers(a, b) : receivers;
  a.emit('send stream', { bytes: length, ...to });
};

export default [
  ...[...SMALL, ...LARGE].map(up),
  ...[...SMALL, ...LARGE].map(down),

  routed('to a room', [1], openTo({ rooms: ['r'] })),
  routed('to several rooms', [1, 2], openTo({ rooms: ['r', 'other'] })),
  routed('to another', [1], openTo((a, b) => ({ sockets: [b.id] }))),
  routed('to oneself and another', [0, 1], openTo((a, b) => ({ sockets: [a.id, b.id] }))),
  routed('to all', [1, 2], openTo({ broadcast: true })),
  routed('from the server to a room', [0, 1], serverSends({ rooms: ['r'] })),
  routed('from the server to one', [1], serverSends((a, b) => ({ sockets: [b.id] }))),
  routed('from the server to all but one', [1, 2], serverSends((a) => ({ except: [a.id] }))),

  scenario('streams: what is sent in front of the bytes', async (stage) => {
    const client = await stage.connect();
    for (const info of ['text', '', Buffer.from([1, 0]), -5, 0.25, { a: [1, null] }, false, undefined]) {
      assert.equal(await upload(client, 'upload described', 10, { info }), describe(info));
    }
  }),

  scenario('streams: 2,000 pieces of one byte', async (stage) => {
    const client = await stage.connect();
    assert.equal(await upload(client, 'upload', 2000, { chunk: 1 }), summaryOfPattern(2000));
  }),

  scenario('streams: one piece of 2 MiB', async (stage) => {
    const client = await stage.connect();
    assert.equal(await upload(client, 'upload', 2 * MIB, { chunk: 2 * MIB }), summaryOfPattern(2 * MIB));
  }),

  scenario('streams: 64 MiB to the server', async (stage) => {
    const client = await stage.connect();
    assert.equal(await upload(client, 'upload', 64 * MIB), summaryOfPattern(64 * MIB));
  }),

  scenario('streams: 64 MiB from the server', async (stage) => {
    const client = await stage.connect();
    const box = files(client);
    client.emit('download', { bytes: 64 * MIB, answered: false });
    await brings(box, 64 * MIB);
  }),

  scenario('streams: eight at once, of different lengths', async (stage) => {
    const client = await stage.connect();
    const lengths = Array.from({ length: 8 }, (_, i) => i * 1999);
    const answers = await Promise.all(lengths.map((length) => upload(client, 'upload', length, { chunk: 700 })));
    assert.deepEqual(answers, lengths.map(summaryOfPattern));
  }),

  scenario('streams: eight at once from the server', async (stage) => {
    const client = await stage.connect();
    const box = files(client);
    for (let i = 0; i < 8; i += 1) client.emit('download', { bytes: 100_000, answered: i % 2 === 0 });
    for (let i = 0; i < 8; i += 1) await brings(box, 100_000);
    await client.settle();
  }, { originals: 'S2' }),

  scenario('streams: both directions at once', async (stage) => {
    const client = await stage.connect();
    const box = files(client);
    const sent = Array.from({ length: 4 }, (_, i) => upload(client, 'upload', 9000 + i));
    for (let i = 0; i < 4; i += 1) client.emit('download', { bytes: 8000, answered: false });
    for (let i = 0; i < 4; i += 1) await brings(box, 8000);
    assert.deepEqual(await Promise.all(sent), [0, 1, 2, 3].map((i) => summaryOfPattern(9000 + i)));
  }),

  scenario('streams: messages between the pieces', async (stage) => {
    const client = await stage.connect();
    const stream = { opened: null };
    const answer = new Promise((resolve) => {
      stream.opened = client.socket.stream('upload', null, resolve);
    });
    for (let i = 0; i < 50; i += 1) {
      stream.opened.write(pattern(100, i * 100));
      client.emit('count', i);
      assert.equal(await client.ask('counted'), `${i + 1}, in order`);
    }
    stream.opened.end();
    assert.equal(await answer, summaryOfPattern(5000));
  }),

  scenario('streams: a slow reader at the server holds no message up', async (stage) => {
    const client = await stage.connect();
    const answer = upload(client, 'upload slowly', 100_000);
    for (let i = 0; i < 10; i += 1) assert.equal(await client.ask('double', i), 2 * i);
    client.emit('release');
    assert.equal(await answer, summaryOfPattern(100_000));
    await client.settle();
  }, { originals: 'S4' }),

  scenario('streams: one that is never read is given up, and the messages behind it arrive', async (stage) => {
    const client = await stage.connect();
    // More than may wait for a reader, and than the kernel takes.
    writePattern(client.socket.stream('upload slowly', null, () => {}), 32 * MIB);
    assert.equal(await client.ask('double', 4), 8);
    client.emit('release');
    await client.settle();
  }, { originals: 'S4' }),

  scenario('streams: a slow receiver does not hold up the others for long', async (stage) => {
    const [sender, slow, quick] = await stage.connectMany(3);
    const paused = once(slow.socket, 'file');
    const read = once(quick.socket, 'file').then(([stream]) => summary(stream));
    writePattern(sender.socket.stream('file', null, { broadcast: true }), 24 * MIB);
    await paused;
    assert.equal(await read, summaryOfPattern(24 * MIB));
    await sender.settle();
  }, { originals: 'S10' }),

  scenario('streams: a slow reader at the client gets all', async (stage) => {
    const client = await stage.connect();
    client.emit('download', { bytes: 4 * MIB, answered: false });
    const [stream] = await once(client.socket, 'file');
    await rest(300);
    assert.equal(await summary(stream), summaryOfPattern(4 * MIB));
  }),

  scenario('streams: one that nobody takes', async (stage) => {
    const client = await stage.connect();
    writePattern(client.socket.stream('nobody listens for this'), 20_000);
    await client.settle();
    assert.equal(await client.ask('double', 4), 8);
  }, { originals: 'S3' }),

  scenario('streams: one to an empty room', async (stage) => {
    const client = await stage.connect();
    writePattern(client.socket.stream('file', null, { rooms: ['nobody is here'] }), 100_000);
    await client.settle();
    assert.equal(await client.ask('double', 4), 8);
  }, { originals: 'S5' }),

  scenario('streams: a receiver of several goes away, the others get all', async (stage) => {
    const length = 4 * MIB;
    const [sender, ...receivers] = await stage.connectMany(4);
    const read = receivers.map((client) => new Promise((resolve) => {
      client.socket.on('file', (stream) => resolve(summary(stream)));
    }));
    const stream = sender.socket.stream('file', { bytes: length }, { broadcast: true });
    const first = once(receivers[0].socket, 'file');
    stream.write(pattern(1000));
    await first;
    receivers[0].end();
    for (let begin = 1000; begin < length; begin += 65_536) {
      const piece = pattern(Math.min(65_536, length - begin), begin);
      if (!stream.write(piece)) await once(stream, 'drain');
    }
    stream.end();
    for (const text of read.slice(1)) assert.equal(await text, summaryOfPattern(length));
    await sender.settle();
  }, { originals: 'S8' }),

  scenario('streams: the reader at the server sees that the writer has gone', async (stage) => {
    const [writer, observer] = await stage.connectMany(2);
    writer.socket.stream('upload').write(pattern(1000));
    await writer.settle();
    writer.end();
    while ((await observer.ask('cut streams')) !== 1) await rest(10);
  }, { originals: 'S6' }),
];
