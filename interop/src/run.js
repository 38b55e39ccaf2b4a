// Runs the scenarios: `node run.js DIRECTION PEER [--only TEXT]`, where PEER is the program written in Rust.
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

async function main([direction, peer, option, only = '']) {
  if (!(direction in DIRECTIONS) || !peer || (option && option !== '--only')) {
    console.error(`usage: node run.js ${Object.keys(DIRECTIONS).join('|')} PEER [--only TEXT]`);
    return false;
  }
  const { scenarios, server, isBaseline } = await DIRECTIONS[direction](peer);
  const count = { ok: 0, failed: 0, skipped: 0 };
  const begin = performance.now();
  for (const scenario of scenarios.filter(({ name }) => name.includes(only))) {
    const outcome = isBaseline && scenario.originals
      ? { kind: 'skipped', text: `the originals cannot: ${scenario.originals}` }
      : await outcomeOf(scenario, new Stage(server, peer));
    count[outcome.kind] += 1;
    console.log(`${direction}: ${scenario.name} ... ${outcome.text}`);
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const { ok, failed, skipped } = count;
  console.log(`${direction}: ${ok} ok, ${failed} failed, ${skipped} skipped, in ${seconds} s`);
  return failed === 0 && ok > 0;
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
