// Rooms, and messages to their members.

import assert from 'node:assert/strict';

import { scenario } from '../scenario.js';

/** Three clients of which the first two are in the room `r`. */
async function twoAndOne(stage) {
  const clients = await stage.connectMany(3);
  clients[0].socket.join('r');
  clients[1].socket.join('r');
  await settle(clients);
  return clients;
}

/** When this returns, everybody has what anybody sent. */
async function settle(clients) {
  for (let round = 0; round < 2; round += 1) {
    await Promise.all(clients.map((client) => client.settle()));
  }
}

const inboxes = (clients, event = 'news') => clients.map((client) => client.inbox(event));
const received = (boxes) => boxes.map((box) => box.values);

export default [
  scenario('rooms: join and leave', async (stage) => {
    const client = await stage.connect();
    client.socket.join('r');
    assert.equal(await client.ask('members', 'r'), 1);
    client.socket.leave('r');
    assert.equal(await client.ask('members', 'r'), 0);
  }),

  scenario('rooms: to join twice is to join once', async (stage) => {
    const [a, b] = await stage.connectMany(2);
    a.socket.join('r');
    a.socket.join('r');
    assert.equal(await a.ask('members', 'r'), 1);
    const inbox = a.inbox('news');
    b.emit('news', 1, { rooms: ['r'] });
    await settle([a, b]);
    assert.deepEqual(inbox.values, [1]);
  }),

  scenario('rooms: to leave one that was not joined', async (stage) => {
    const [a, b] = await stage.connectMany(2);
    a.socket.join('r');
    await a.settle();
    b.socket.leave('r');
    b.socket.leave('s');
    assert.equal(await b.ask('members', 'r'), 1);
  }),

  scenario('rooms: lists of names', async (stage) => {
    const client = await stage.connect();
    client.socket.join(['a', 'b', 'c']);
    const members = () => Promise.all(['a', 'b', 'c'].map((room) => client.ask('members', room)));
    assert.deepEqual(await members(), [1, 1, 1]);
    client.socket.leave(['a', 'c']);
    assert.deepEqual(await members(), [0, 1, 0]);
  }),

  scenario('rooms: leave all', async (stage) => {
    const clients = await stage.connectMany(2);
    for (const client of clients) client.socket.join(['a', 'b']);
    await settle(clients);
    clients[0].socket.leaveAll();
    assert.equal(await clients[0].ask('members', 'a'), 1);
    assert.equal(await clients[0].ask('members', 'b'), 1);
  }),

  scenario('rooms: names beyond ASCII, with spaces', async (stage) => {
    const [a, b] = await stage.connectMany(2);
    a.socket.join('sala de espa\u00f1a \u{1F389}');
    assert.equal(await a.ask('members', 'sala de espa\u00f1a \u{1F389}'), 1);
    const inbox = a.inbox('news');
    b.emit('news', 1, { rooms: ['sala de espa\u00f1a \u{1F389}'] });
    assert.equal(await inbox.next(), 1);
  }),

  scenario('rooms: a message reaches the members but its sender', async (stage) => {
    const clients = await twoAndOne(stage);
    const boxes = inboxes(clients);
    clients[0].emit('news', 'from a member', { rooms: ['r'] });
    await settle(clients);
    assert.deepEqual(received(boxes), [[], ['from a member'], []]);
  }),

  scenario('rooms: who is not a member may send to them', async (stage) => {
    const clients = await twoAndOne(stage);
    const boxes = inboxes(clients);
    clients[2].emit('news', 'from outside', { rooms: ['r'] });
    await settle(clients);
    assert.deepEqual(received(boxes), [['from outside'], ['from outside'], []]);
  }),

  scenario('rooms: nothing comes after leaving', async (stage) => {
    const clients = await twoAndOne(stage);
    const boxes = inboxes(clients);
    clients[1].socket.leave('r');
    await settle(clients);
    clients[2].emit('news', 1, { rooms: ['r'] });
    await settle(clients);
    assert.deepEqual(received(boxes), [[1], [], []]);
  }),

  scenario('rooms: a message to several rooms is one message', async (stage) => {
    const clients = await stage.connectMany(3);
    clients[0].socket.join(['a', 'b']);
    clients[1].socket.join('b');
    await settle(clients);
    const boxes = inboxes(clients);
    clients[2].emit('news', 1, { rooms: ['a', 'b', 'nobody'] });
    await settle(clients);
    // Defect C8: fast-tcp sends one copy per room.
    assert.deepEqual(received(boxes), [stage.isOriginal ? [1, 1] : [1], [1], []]);
  }),

  scenario('rooms: an empty one', async (stage) => {
    const clients = await twoAndOne(stage);
    const boxes = inboxes(clients);
    clients[0].emit('news', 1, { rooms: ['nobody is here'] });
    await settle(clients);
    assert.deepEqual(received(boxes), [[], [], []]);
  }),

  scenario('rooms: each type of value', async (stage) => {
    const clients = await twoAndOne(stage);
    const values = ['text', Buffer.from([0, 255]), -7, 0.5, { a: [1] }, [], true, undefined];
    const [, box] = inboxes(clients);
    for (const value of values) clients[0].emit('news', value, { rooms: ['r'] });
    await settle(clients);
    assert.deepEqual(box.values, values);
  }),

  scenario('rooms: 2,000 messages in order', async (stage) => {
    const clients = await twoAndOne(stage);
    const [, box] = inboxes(clients);
    const numbers = Array.from({ length: 2000 }, (_, i) => i);
    for (const number of numbers) clients[0].emit('news', number, { rooms: ['r'] });
    await settle(clients);
    assert.deepEqual(box.values, numbers);
  }),

  scenario('rooms: the server sends to one', async (stage) => {
    const clients = await twoAndOne(stage);
    const boxes = inboxes(clients);
    await clients[2].ask('send', { event: 'news', value: 'all', rooms: ['r'] });
    await clients[2].ask('send', { event: 'news', value: 'but one', rooms: ['r'], except: [clients[0].id] });
    await settle(clients);
    assert.deepEqual(received(boxes), [['all'], ['all', 'but one'], []]);
  }),

  scenario('rooms: the server puts clients in and takes them out', async (stage) => {
    const [a, b] = await stage.connectMany(2);
    const inbox = a.inbox('news');
    await a.ask('put', 'r');
    await a.ask('put', 's');
    assert.equal(await a.ask('members', 'r'), 1);
    b.emit('news', 1, { rooms: ['r'] });
    await settle([a, b]);
    await a.ask('take', 'r');
    assert.equal(await a.ask('members', 'r'), 0);
    await a.ask('take all');
    assert.equal(await a.ask('members', 's'), 0);
    b.emit('news', 2, { rooms: ['r', 's'] });
    await settle([a, b]);
    assert.deepEqual(inbox.values, [1]);
  }),
];
