// Each type of value, as an event and as an answer, in both directions.

import assert from 'node:assert/strict';

import { scenario } from '../scenario.js';
import { VALUES, describe } from '../values.js';

const sample = ({ name, value, arrives }) => scenario(`value: ${name}`, async (stage) => {
  const client = await stage.connect();
  assert.equal(await client.ask('describe', value), describe(arrives));

  const bounced = client.inbox('bounced');
  client.emit('bounce', value);
  assert.deepEqual(await bounced.next(), arrives);

  assert.deepEqual(await client.ask('echo', value), arrives);

  const asked = [];
  client.answer('question', (question) => {
    asked.push(question);
    return value;
  });
  assert.deepEqual(await client.ask('quiz', value), arrives);
  assert.deepEqual(asked, [arrives]);
});

const wide = scenario(
  'value: an integer outside of 48 bits comes as a decimal',
  async (stage) => {
    const client = await stage.connect();
    const values = client.inbox('wide');
    client.emit('send wide');
    assert.deepEqual(await values.take(4), [2 ** 47, -(2 ** 47) - 1, 2 ** 53, -(2 ** 63)]);
    await client.settle();
  },
  { originals: 'F4' },
);

const refusedWide = scenario('value: an integer outside of 48 bits is not sent by fast-tcp', async (stage) => {
  const client = await stage.connect();
  assert.throws(() => client.emit('bounce', 2 ** 47), { code: 'ERR_OUT_OF_RANGE' });
  await client.settle();
});

export default [...VALUES.map(sample), wide, refusedWide];
