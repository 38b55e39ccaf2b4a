// The command line that each load program has, and the parameters with their defaults.
'use strict';

const { parseArgs } = require('node:util');

const WORKLOADS = ['w1', 'w2', 'w3', 'w3l', 'w4', 'w5'];
const NOT_SUPPORTED = 2;

const OPTIONS = ['workload', 'address', 'server-pids', 'size', 'outstanding', 'members', 'stalled',
  'nodes', 'connections', 'seconds', 'bytes', 'rate'];

// Reads the command line. The role stands before the options; it has chosen the file already.
// A workload that there is not ends the process with status 2.
function parameters() {
  const options = Object.fromEntries(OPTIONS.map((name) => [name, { type: 'string' }]));
  const { values } = parseArgs({ options, allowPositionals: true });
  const workload = values.workload;
  if (!WORKLOADS.includes(workload)) {
    console.error(`not supported: ${workload} of fast-tcp`);
    process.exit(NOT_SUPPORTED);
  }
  const number = (name, otherwise) => (values[name] === undefined ? otherwise : Number(values[name]));
  const size = { w1: 128, w2: 16, w3: 64, w3l: 64, w4: 65536, w5: 0 }[workload];
  const outstanding = number('outstanding', 1);
  const members = number('members', 100);
  const long = workload === 'w3l' || (workload === 'w2' && outstanding === 1);
  return {
    workload,
    address: values.address,
    serverPids: (values['server-pids'] ?? '').split(',').filter(Boolean),
    size: Math.max(number('size', size), 8),
    outstanding,
    members,
    connections: number('connections', 10000),
    seconds: number('seconds', long ? 3 : 2),
    bytes: number('bytes', 2 ** 30),
    rate: number('rate', members <= 10 ? 500 : members <= 100 ? 200 : 20),
    inFlight: members <= 10 ? 1024 : 256,
    opening: 64,
  };
}

// The parameters that the workload has, for its outcome.
function named(params) {
  const names = {
    w1: ['size'],
    w2: ['size', 'outstanding'],
    w3: ['size', 'members'],
    w3l: ['size', 'members', 'rate'],
    w4: ['size'],
    w5: ['connections'],
  };
  return Object.fromEntries(names[params.workload].map((name) => [name, params[name]]));
}

module.exports = { parameters, named };
