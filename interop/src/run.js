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
  const total = { failed: 0, run: 0 };
  for (const direction of directions) {
    const { failed, run } = await runAll(direction, await DIRECTIONS[direction](peer), peer, only);
    total.failed += failed;
    total.run += run;
  }
  if (total.run === 0) console.log(`no scenario is called like \`${only}\``);
  return total.failed === 0 && total.run > 0;
}

/** Runs what a direction has, and counts how it went. */
async function runAll(direction, { scenarios, server, isBaseline }, peer, only) {
  const begin = performance.now();
  const wanted = scenarios.filter(({ name }) => name.includes(only));
  const skipped = wanted.filter(({ originals }) => isBaseline && originals);
  const runnable = wanted.filter((scenario) => !skipped.includes(scenario));
  let failed = 0;
  let ahead = null;
  for (const [index, scenario] of runnable.entries()) {
    const stage = ahead ?? new Stage(server, peer);
    // The next server starts while this scenario runs: Node takes longer for that than for most scenarios.
    ahead = index + 1 < runnable.length ? new Stage(server, peer) : null;
    const failure = await failureOf(scenario, stage);
    failed += failure === null ? 0 : 1;
    console.log(`${direction}: ${scenario.name} ... ${failure ?? 'ok'}`);
  }
  for (const { name, originals } of skipped) {
    console.log(`${direction}: ${name} ... skipped, the originals cannot: ${originals}`);
  }
  const ok = runnable.length - failed;
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${direction}: ${ok} ok, ${failed} failed, ${skipped.length} skipped, in ${seconds} s`);
  return { failed, run: wanted.length };
}

/** Why a scenario fails; `null`: it passes. */
async function failureOf(scenario, stage) {
  try {
    await perform(scenario, stage);
    return null;
  } catch (error) {
    return `FAILED: ${shown(error)}`;
  }
}

/** The message of an error, in a bounded length; and where it was thrown, if nobody threw it on purpose. */
function shown(error) {
  const text = (error.code === 'ERR_ASSERTION' || !error.stack ? error.message : error.stack) ?? String(error);
  return text.length > MOST ? `${text.slice(0, MOST)}...` : text;
}

const MOST = 1000;

process.exit((await main(process.argv.slice(2))) ? 0 : 1);
