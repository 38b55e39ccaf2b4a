// Messages to all, to others by their ids, and to oneself.

import assert from 'node:assert/strict';

import { scenario } from '../scenario.js';

async function settle(clients) {
  for (let round = 0; round < 2; round += 1) {
    await Promise.all(clients.map((client) => client.settle()));
  }
}

/** Sends with `send`, and returns what each of three clients got. */
async function among(stage, send) {
  const clients = await stage.connectMany(3);
  const boxes = clients.map((client) => client.inbox('news'));
  await send(clients, clients.map((client) => client.id));
  await settle(clients);
  return boxes.map((box) => box.values);
}

export default [
  scenario('sockets: ids are different, and can be sent in lists', async (stage) => {
    const clients = await stage.connectMany(20);
    const ids = clients.map((client) => client.id);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^[^,|]+$/);
  }),

  scenario('sockets: a broadcast reaches all but its sender', async (stage) => {
    const got = await among(stage, ([a]) => a.emit('news', { to: 'all' }, { broadcast: true }));
    assert.deepEqual(got, [[], [{ to: 'all' }], [{ to: 'all' }]]);
  }),

  scenario('sockets: a message to one', async (stage) => {
    const got = await among(stage, ([a], ids) => a.emit('news', 1, { sockets: [ids[1]] }));
    assert.deepEqual(got, [[], [1], []]);
  }),

  scenario('sockets: a message to several', async (stage) => {
    const got = await among(stage, ([a], ids) => a.emit('news', 1, { sockets: ids.slice(1) }));
    assert.deepEqual(got, [[], [1], [1]]);
  }),

  scenario('sockets: a message to oneself', async (stage) => {
    const got = await among(stage, ([a], ids) => a.emit('news', 1, { sockets: [ids[0]] }));
    assert.deepEqual(got, [[1], [], []]);
  }),

  scenario('sockets: an unknown id is nobody', async (stage) => {
    const got = await among(stage, ([a], ids) => {
      a.emit('news', 1, { sockets: ['zzzzz'] });
      a.emit('news', 2, { sockets: ['zzzzz', ids[2]] });
    });
    assert.deepEqual(got, [[], [], [2]]);
  }),

  scenario('sockets: one who has gone is nobody', async (stage) => {
    const [a, b] = await stage.connectMany(2);
    const { id } = b;
    b.end();
    while ((await a.ask('sockets')) !== 1) await a.settle();
    a.emit('news', 1, { sockets: [id] });
    await a.settle();
    assert.deepEqual(a.errors, []);
  }),

  scenario('sockets: all, some and a room at once', async (stage) => {
    const clients = await stage.connectMany(2);
    clients[1].socket.join('r');
    await settle(clients);
    const box = clients[1].inbox('news');
    clients[0].emit('news', 1, { broadcast: true, sockets: [clients[1].id], rooms: ['r'] });
    await settle(clients);
    // Three messages, each for itself.
    assert.deepEqual(box.values, [1, 1, 1]);
  }),

  scenario('sockets: the server sends to all', async (stage) => {
    const got = await among(stage, ([a]) => a.ask('send', { event: 'news', value: 1 }));
    assert.deepEqual(got, [[1], [1], [1]]);
  }),

  scenario('sockets: the server sends to all but one', async (stage) => {
    const got = await among(stage, ([a], ids) => a.ask('send', { event: 'news', value: 1, except: [ids[1]] }));
    assert.deepEqual(got, [[1], [], [1]]);
  }),

  scenario('sockets: the server sends to some', async (stage) => {
    const got = await among(stage, ([a], ids) => (
      a.ask('send', { event: 'news', value: 1, sockets: [ids[0], ids[2], 'zzzzz'] })
    ));
    assert.deepEqual(got, [[1], [], [1]]);
  }),

  scenario('sockets: a conversation of two', async (stage) => {
    const [a, b] = await stage.connectMany(2);
    const atB = b.inbox('ping');
    const atA = a.inbox('pong');
    for (let i = 0; i < 100; i += 1) {
      a.emit('ping', i, { sockets: [b.id] });
      assert.equal(await atB.next(), i);
      b.emit('pong', -i, { sockets: [a.id] });
      assert.equal(await atA.next(), i === 0 ? 0 : -i);
    }
  }),
];
