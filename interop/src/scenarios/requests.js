// Requests and their answers, and the order of messages.

import assert from 'node:assert/strict';

import { rest, scenario } from '../scenario.js';
import { LONG_EVENT } from '../names.js';

const MANY = 10_000;

/** Long enough for a wrong answer to arrive. */
const MOMENT = 200;

const numbers = Array.from({ length: MANY }, (_, i) => i);

export default [
  scenario('order: 10,000 messages to the server', async (stage) => {
    const client = await stage.connect();
    for (const number of numbers) client.emit('count', number);
    assert.equal(await client.ask('counted'), `${MANY}, in order`);
  }),

  scenario('order: 10,000 messages from the server', async (stage) => {
    const client = await stage.connect();
    const inbox = client.inbox('number');
    client.emit('emit many', MANY);
    await client.settle();
    assert.deepEqual(inbox.values, numbers);
  }),

  scenario('order: a request does not overtake the messages before it', async (stage) => {
    const client = await stage.connect();
    for (let i = 0; i < 200; i += 1) {
      client.emit('count', i);
      assert.equal(await client.ask('counted'), `${i + 1}, in order`);
    }
  }),

  scenario('requests: 10,000 at once, each with its own answer', async (stage) => {
    const client = await stage.connect();
    const answers = await Promise.all(numbers.map((number) => client.ask('double', number)));
    assert.deepEqual(answers, numbers.map((number) => 2 * number));
  }),

  scenario('requests: the server asks 10,000 at once', async (stage) => {
    const client = await stage.connect();
    client.answer('double', (number) => 2 * number);
    assert.equal(await client.ask('ask many', MANY), MANY);
  }),

  scenario('requests: both ends ask 1,000 at once', async (stage) => {
    const client = await stage.connect();
    client.answer('double', (number) => 2 * number);
    const theirs = client.ask('ask many', 1000);
    const ours = await Promise.all(numbers.slice(0, 1000).map((number) => client.ask('double', number)));
    assert.deepEqual(ours, numbers.slice(0, 1000).map((number) => 2 * number));
    assert.equal(await theirs, 1000);
  }),

  scenario('requests: an answer may come after that of a later request', async (stage) => {
    const client = await stage.connect();
    const order = [];
    const late = client.ask('late', 150).then((value) => order.push(value));
    const soon = client.ask('late', 1).then((value) => order.push(value));
    await Promise.all([late, soon]);
    assert.deepEqual(order, [1, 150]);
  }),

  scenario('requests: a question is answered after one that its answer needed', async (stage) => {
    const client = await stage.connect();
    client.answer('question', (question) => client.ask('double', question));
    assert.equal(await client.ask('quiz', 21), 42);
  }),

  scenario('requests: one that nobody answers holds nothing up', async (stage) => {
    const client = await stage.connect();
    let answered = false;
    client.ask('silence', 1).then(() => {
      answered = true;
    });
    await client.settle();
    await rest(MOMENT);
    assert.equal(answered, false);
    assert.equal(await client.ask('double', 4), 8);
  }),

  scenario('requests: one for an unknown event is no answer', async (stage) => {
    const client = await stage.connect();
    let answered = false;
    client.ask('nobody listens for this', 1).then(() => {
      answered = true;
    });
    await client.settle();
    await rest(MOMENT);
    assert.equal(answered, false);
    // fast-tcp is silent, gatewire says it in an error frame.
    assert.equal(client.errors.length, stage.isOriginal ? 0 : 1);
    await client.settle();
  }),

  scenario('requests: a refusal is an answer', async (stage) => {
    const client = await stage.connect();
    assert.equal(await client.ask('refuse'), 'refused');
    await client.settle();
  }),

  scenario('events: an unknown one is passed over', async (stage) => {
    const client = await stage.connect();
    client.emit('nobody listens for this', 1);
    await client.settle();
    assert.deepEqual(client.errors, []);
  }),

  scenario('events: a name of 65,535 bytes', async (stage) => {
    const client = await stage.connect();
    assert.equal(await client.ask(LONG_EVENT, 'to the server'), 'to the server');
    const inbox = client.inbox(LONG_EVENT);
    await client.ask('send', { event: LONG_EVENT, value: 'to the client' });
    assert.equal(await inbox.next(), 'to the client');
  }),

  scenario('events: a longer name is not sent by fast-tcp', async (stage) => {
    const client = await stage.connect();
    assert.throws(() => client.emit(`${LONG_EVENT}n`, 1), { code: 'ERR_OUT_OF_RANGE' });
    await client.settle();
  }),

  scenario('events: names with separators, beyond ASCII', async (stage) => {
    const client = await stage.connect();
    // Only the events of routed messages are split.
    for (const event of ['a|b,c', '\u20ac']) {
      assert.equal(await client.ask(event, event), event);
      const inbox = client.inbox(event);
      await client.ask('send', { event, value: 1 });
      assert.equal(await inbox.next(), 1);
    }
  }),

  scenario('events: a separator in the event of a broadcast', async (stage) => {
    const [a, b] = await stage.connectMany(2);
    const inbox = b.inbox('a|b,c');
    a.emit('a|b,c', 1, { broadcast: true });
    assert.equal(await inbox.next(), 1);
  }),

  scenario('events: a separator in the event of a message to a room', async (stage) => {
    const [a, b] = await stage.connectMany(2);
    b.socket.join('r');
    await b.settle();
    // Defect P9: fast-tcp cuts the name there.
    const inbox = b.inbox(stage.isOriginal ? 'a' : 'a|b');
    a.emit('a|b', 1, { rooms: ['r'] });
    assert.equal(await inbox.next(), 1);
  }),

  scenario('events: the empty name', async (stage) => {
    const client = await stage.connect();
    const inbox = client.inbox('');
    await client.ask('send', { event: '', value: 1 });
    assert.equal(await inbox.next(), 1);
  }),
];
