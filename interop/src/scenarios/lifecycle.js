// Connections that begin, break and end.

import assert from 'node:assert/strict';

import { rest, scenario, until } from '../scenario.js';
import { loneClient } from '../commands.js';

export default [
  scenario('life: many clients in one process', async (stage) => {
    const clients = await stage.connectMany(50);
    assert.equal(await clients[0].ask('sockets'), 50);
    const boxes = clients.map((client) => client.inbox('news'));
    clients[0].emit('news', 1, { broadcast: true });
    await Promise.all(boxes.slice(1).map((box) => box.next()));
    await Promise.all(clients.map((client) => client.settle()));
    assert.deepEqual(boxes.map((box) => box.values.length), [0, ...Array(49).fill(1)]);
  }),

  scenario('life: 200 clients one after another', async (stage) => {
    for (let i = 0; i < 200; i += 1) {
      const client = await stage.connect();
      assert.equal(await client.ask('double', i), 2 * i);
      client.end();
    }
    const observer = await stage.connect();
    await until(async () => (await observer.ask('disconnects')) === 200);
    assert.equal(await observer.ask('sockets'), 1);
  }),

  scenario('life: the client ends', async (stage) => {
    const [client, observer] = await stage.connectMany(2);
    client.socket.join('r');
    await client.settle();
    client.socket.end();
    await client.happens('close');
    await until(async () => (await observer.ask('disconnects')) === 1);
    assert.equal(await observer.ask('members', 'r'), 0);
    assert.equal(await observer.ask('sockets'), 1);
  }),

  scenario('life: what was sent before the end arrives', async (stage) => {
    const [client, observer] = await stage.connectMany(2);
    observer.socket.join('r');
    await observer.settle();
    const box = observer.inbox('news');
    for (let i = 0; i < 1000; i += 1) client.emit('news', i, { rooms: ['r'] });
    client.socket.end();
    assert.deepEqual(await box.take(1000), Array.from({ length: 1000 }, (_, i) => i));
  }),

  scenario('life: the client is killed', async (stage) => {
    const observer = await stage.connect();
    const program = stage.start(...loneClient(stage.server.port, 'r'));
    await program.expect('joined');
    assert.equal(await observer.ask('members', 'r'), 1);
    await program.kill();
    await until(async () => (await observer.ask('members', 'r')) === 0);
    await until(async () => (await observer.ask('disconnects')) === 1);

    // And comes again.
    const again = stage.start(...loneClient(stage.server.port, 'r'));
    await again.expect('joined');
    observer.emit('news', 'welcome back', { rooms: ['r'] });
    assert.equal(await again.expect('news'), 'welcome back');
  }),

  scenario('life: the server hangs up, the client comes again', async (stage) => {
    const client = await stage.connect();
    const first = client.id;
    const closed = client.happens('close');
    client.emit('hang up');
    await closed;
    await client.happens('connect');
    assert.notEqual(client.id, first);
    assert.equal(await client.ask('double', 4), 8);
  }),

  scenario('life: the server hangs up on who does not come again', async (stage) => {
    const [client, observer] = await Promise.all([stage.connect({ reconnect: false }), stage.connect()]);
    const closed = client.happens('close');
    client.emit('hang up');
    await closed;
    await until(async () => (await observer.ask('sockets')) === 1);
  }),

  scenario('life: what the server sent before it hung up arrives', async (stage) => {
    const client = await stage.connect({ reconnect: false });
    const box = client.inbox('number');
    const closed = client.happens('close');
    client.emit('emit many', 1000);
    client.emit('hang up');
    await closed;
    assert.deepEqual(box.values, Array.from({ length: 1000 }, (_, i) => i));
  }),

  scenario('life: the server shuts down', async (stage) => {
    const clients = await stage.connectMany(3, { reconnect: false });
    const closed = clients.map((client) => client.happens('close'));
    clients[0].emit('shut down');
    await Promise.all(closed);
  }),

  scenario('life: the server is killed and comes again', async (stage) => {
    const clients = await stage.connectMany(3);
    const ids = clients.map((client) => client.id);
    const closed = clients.map((client) => client.happens('close'));
    await stage.server.kill();
    await Promise.all(closed);

    const connected = clients.map((client) => client.happens('connect'));
    await stage.server.start();
    await Promise.all(connected);
    for (const client of clients) {
      assert.ok(!ids.includes(client.id));
      assert.equal(await client.ask('double', 4), 8);
    }
    // The original does not join its rooms again; a message to itself finds it by its new id.
    const box = clients[1].inbox('news');
    clients[0].emit('news', 1, { sockets: [clients[1].id] });
    assert.equal(await box.next(), 1);
  }),

  scenario('life: what was sent while the server was away arrives in order', async (stage) => {
    const client = await stage.connect();
    const closed = client.happens('close');
    await stage.server.kill();
    await closed;
    for (let i = 0; i < 1000; i += 1) client.emit('count', i);
    const answer = client.ask('counted');
    await rest(100);
    await stage.server.start();
    assert.equal(await answer, '1000, in order');
  }),

  scenario('life: a client that was there before the server', async (stage) => {
    await stage.server.kill();
    const client = stage.client();
    client.socket.join('r');
    for (let i = 0; i < 100; i += 1) client.emit('count', i);
    const answers = Promise.all([client.ask('counted'), client.ask('members', 'r')]);
    await until(() => client.errors.length > 0);
    await stage.server.start();
    assert.deepEqual(await answers, ['100, in order', 1]);
  }),

  scenario('life: a client talks before it has its id', async (stage) => {
    const client = stage.client();
    assert.equal(client.id, null);
    assert.equal(await client.ask('double', 4), 8);
    assert.notEqual(client.id, null);
  }),

  scenario('life: a connection that says nothing', async (stage) => {
    const silent = await stage.connect();
    await rest(500);
    const other = await stage.connect();
    assert.equal(await other.ask('sockets'), 2);
    await silent.settle();
  }),
];
