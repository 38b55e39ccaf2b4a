// Members of different versions in one room: fast-tcp, and gatewire in versions 1 and 3. Only a server by
// gatewire has such members.

import assert from 'node:assert/strict';

import { summary, summaryOfPattern, writePattern } from '../bytes.js';
import { gatewireMember } from '../commands.js';
import { scenario } from '../scenario.js';
import { describe } from '../values.js';

const OF_GATEWIRE = { originals: 'no version 3' };

/** A client by fast-tcp, and one by gatewire of each version, in the room `r`. */
async function members(stage) {
  const node = await stage.connect();
  node.socket.join('r');
  const v1 = stage.start(...gatewireMember(stage, 'v1'));
  const v3 = stage.start(...gatewireMember(stage, 'v3'));
  const id1 = await v1.expect('joined');
  const id3 = await v3.expect('joined');
  await node.settle();
  return { node, v1, v3, id1, id3 };
}

export default [
  scenario('mixed: a message of fast-tcp reaches all', async (stage) => {
    const { node, v1, v3 } = await members(stage);
    for (const value of ['text', 5, 0.5, true, Buffer.from([1, 0]), { a: [1, null] }, undefined]) {
      node.emit('news', value, { rooms: ['r'] });
      assert.equal(await v1.expect('news'), describe(value));
      assert.equal(await v3.expect('news'), describe(value));
    }
  }, OF_GATEWIRE),

  scenario('mixed: messages of gatewire reach all', async (stage) => {
    const { node, v1, v3 } = await members(stage);
    const box = node.inbox('news');
    v1.write('emit from version 1');
    assert.equal(await v3.expect('news'), 'string from version 1');
    assert.equal(await box.next(), 'from version 1');
    v3.write('emit from version 3');
    assert.equal(await v1.expect('news'), 'string from version 3');
    assert.equal(await box.next(), 'from version 3');
    await node.settle();
    assert.equal(box.values.length, 2);
  }, OF_GATEWIRE),

  scenario('mixed: an integer outside of 48 bits is a decimal for version 1', async (stage) => {
    const { node, v1, v3 } = await members(stage);
    const box = node.inbox('news');
    v3.write(`integer ${2 ** 50}`);
    assert.equal(await box.next(), 2 ** 50);
    assert.match(await v1.expect('news'), /^decimal 43/);
  }, OF_GATEWIRE),

  scenario('mixed: a stream of fast-tcp reaches all', async (stage) => {
    const { node, v1, v3 } = await members(stage);
    writePattern(node.socket.stream('file', { bytes: 100_000 }, { rooms: ['r'] }), 100_000);
    assert.equal(await v1.expect('file'), summaryOfPattern(100_000));
    assert.equal(await v3.expect('file'), summaryOfPattern(100_000));
  }, OF_GATEWIRE),

  scenario('mixed: streams of gatewire reach all', async (stage) => {
    const { node, v1, v3 } = await members(stage);
    for (const [writer, reader] of [[v1, v3], [v3, v1]]) {
      const read = new Promise((resolve) => {
        node.socket.once('file', (stream) => resolve(summary(stream)));
      });
      writer.write('stream 100000');
      assert.equal(await reader.expect('file'), summaryOfPattern(100_000));
      assert.equal(await read, summaryOfPattern(100_000));
    }
    await node.settle();
  }, OF_GATEWIRE),

  scenario('mixed: messages to one, by its id', async (stage) => {
    const { node, v1, v3, id1, id3 } = await members(stage);
    node.emit('news', 'for version 1', { sockets: [id1] });
    assert.equal(await v1.expect('news'), 'string for version 1');
    node.emit('news', 'for version 3', { sockets: [id3] });
    assert.equal(await v3.expect('news'), 'string for version 3');
    const box = node.inbox('news');
    for (const member of [v1, v3]) {
      member.write(`to ${node.id} for fast-tcp`);
      assert.equal(await box.next(), 'for fast-tcp');
    }
  }, OF_GATEWIRE),

  scenario('mixed: version 3 asks fast-tcp through the server', async (stage) => {
    const { node, v3 } = await members(stage);
    node.answer('double', (number) => 2 * number);
    for (let number = 0; number < 20; number += 1) {
      v3.write(`ask ${node.id} ${number}`);
      assert.equal(await v3.expect('answer'), `integer ${2 * number}`);
    }
  }, OF_GATEWIRE),

  scenario('mixed: version 3 streams to fast-tcp through the server', async (stage) => {
    const { node, v3 } = await members(stage);
    const files = [];
    node.socket.on('file', async (stream) => files.push(await summary(stream)));
    for (const length of [0, 20_000, 1 << 20]) {
      v3.write(`upload ${node.id} ${length}`);
      // A client by fast-tcp is not asked to answer what comes from another.
      assert.equal(await v3.expect('answer'), 'empty');
      await node.settle();
      assert.equal(files.pop(), summaryOfPattern(length));
    }
  }, OF_GATEWIRE),

  scenario('mixed: who leaves gets nothing, the others do', async (stage) => {
    const { node, v1, v3 } = await members(stage);
    assert.equal(await node.ask('members', 'r'), 3);
    v3.write('leave');
    await v3.expect('left');
    assert.equal(await node.ask('members', 'r'), 2);
    node.emit('news', 1, { rooms: ['r'] });
    assert.equal(await v1.expect('news'), 'integer 1');
    node.emit('news', 2, { broadcast: true });
    assert.equal(await v3.expect('news'), 'integer 2');
  }, OF_GATEWIRE),

  scenario('mixed: a member of gatewire is killed', async (stage) => {
    const { node, v1, v3 } = await members(stage);
    await v1.kill();
    while ((await node.ask('members', 'r')) !== 2) await node.settle();
    node.emit('news', 1, { rooms: ['r'] });
    assert.equal(await v3.expect('news'), 'integer 1');
  }, OF_GATEWIRE),
];
