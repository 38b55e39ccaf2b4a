// Runs the scenarios: `node run.js PEER DIRECTION[,DIRECTION] [TEXT]`, where PEER is the program written in Rust,
// and TEXT a part of the names of those that are wanted.
//
//   node-client       clients by fast-tcp, a server by gatewire
//   gatewire-client   clients by gatewire, a server by fast-tcp
//   baseline          clients and server by fast-tcp

import { gatewireServer, originalServer } from './commands.js';
import { gatewireScenarios } from './gatewire-client.js';
import { Stage, perform } from './scenario.js';
import lifecycle from './scenarios/lifecycle.js';
import mixed from './scenarios/mixed.js';
import requests from './scenarios/requests.js';
import rooms from './scenarios/rooms.js';
import sockets from './scenarios/sockets.js';
import streams from './scenarios/streams.js';
import values from './scenarios/values.js';

const NODE_SCENARIOS = [values, requests, rooms, sockets, streams, lifecycle, mixed].flat();

const DIRECTIONS = {
  'node-client': async (peer) => ({ scenarios: NODE_SCENARIOS, server: gatewireServer(peer) }),
  'gatewire-client': async (peer) => ({ scenarios: await gatewireScenarios(peer), server: originalServer }),
  baseline: async () => ({ scenarios: NODE_SCENARIOS, server: originalServer, isBaseline: true }),
};

async function main([peer, names = '', only = '']) {
  const directions = names.split(',');
  if (!peer || !directions.every((name) => name in DIRECTIONS)) {
    console.error(`usage: node run.js PEER ${Object.keys(DIRECTIONS).join('|')} [TEXT]`);
    return false;
  }
  const total = { ok: 0, failed: 0, skipped: 0 };
  for (const direction of directions) {
    const count = await runAll(direction, await DIRECTIONS[direction](peer), peer, only);
    for (const kind of Object.keys(total)) total[kind] += count[kind];
  }
  if (total.ok + total.failed + total.skipped === 0) console.log(`no scenario is called like \`${only}\``);
  return total.failed === 0 && total.ok + total.skipped > 0;
}

/** Runs what a direction has, and counts how it went. */
async function runAll(direction, { scenarios, server, isBaseline }, peer, only) {
  const count = { ok: 0, failed: 0, skipped: 0 };
  const begin = performance.now();
  for (const scenario of scenarios.filter(({ name }) => name.includes(only))) {
    const outcome = isBaseline && scenario.originals
      ? { kind: 'skipped', text: `skipped, the originals cannot: ${scenario.originals}` }
      : await outcomeOf(scenario, new Stage(server, peer));
    count[outcome.kind] += 1;
    console.log(`${direction}: ${scenario.name} ... ${outcome.text}`);
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const { ok, failed, skipped } = count;
  console.log(`${direction}: ${ok} ok, ${failed} failed, ${skipped} skipped, in ${seconds} s`);
  return count;
}

async function outcomeOf(scenario, stage) {
  const begin = performance.now();
  try {
    await perform(scenario, stage);
    return { kind: 'ok', text: `ok, ${Math.round(performance.now() - begin)} ms` };
  } catch (error) {
    return { kind: 'failed', text: `FAILED: ${shown(error)}` };
  }
}

/** The message of an error, in a bounded length; and where it was thrown, if nobody threw it on purpose. */
function shown(error) {
  const text = (error.code === 'ERR_ASSERTION' || !error.stack ? error.message : error.stack) ?? String(error);
  return text.length > MOST ? `${text.slice(0, MOST)}...` : text;
}

const MOST = 1000;

process.exit((await main(process.argv.slice(2))) ? 0 : 1);
