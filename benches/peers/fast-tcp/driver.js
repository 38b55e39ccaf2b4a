// The driver role: runs the workload with fast-tcp clients, checks each delivery, prints the outcome.
'use strict';

const { once } = require('node:events');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');

const { Socket } = require('fast-tcp');

const { body, writeNumber, readNumber, writeStamp, readStamp } = require('./body');
const { parameters, named } = require('./command-line');
const { beginWindow, residentBytes, Latencies } = require('./measure');
const { Slowest } = require('./slowest');

const ROOM = 'room';

// A run of one request at a time goes on until it has so many, for a p99.9, but not longer than five times
// its time.
const ENOUGH = 50000;

// Messages before the clock runs, so that the compilers of both ends have seen the code.
const WARM = 10000;
const WARM_BULK = 1000;
const WARM_REQUESTS = 2000;

// How many small events go by between two looks at the clock.
const LOOKS_EVERY = 64;

// Bytes that may wait in a client until it waits for its socket: Node's default is one message of 16 KiB.
const HIGH_WATER_MARK = 1 << 20;

// How long idle connections rest until the memory is looked at, in milliseconds.
const REST = 1000;

const params = parameters();
const [host, port] = params.address.split(':');
const sockets = [];

async function connect() {
  const socket = new Socket({
    host, port: Number(port), reconnect: false, writableHighWaterMark: HIGH_WATER_MARK,
  });
  socket.setNoDelay(true);
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed a connection')));
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

function request(socket, event, data) {
  return new Promise((resolve) => socket.emit(event, data, resolve));
}

// w1, w4: as many events as the connection takes in the time, or a number of them.
async function oneWay() {
  const socket = await connect();
  const data = body(params.size);
  let sent = 0;
  const send = async (total, last) => {
    while (sent < total && (sent % LOOKS_EVERY !== 0 || performance.now() < last)) {
      writeNumber(data, sent);
      sent += 1;
      if (!socket.emit('news', data)) {
        await once(socket, 'socket_drain');
      }
    }
    const { count, bytes, errors } = await request(socket, 'count', null);
    if (count !== sent || bytes !== sent * params.size || errors !== 0) {
      throw new Error(`sent ${sent} events; received ${count} in ${bytes} bytes, ${errors} out of order`);
    }
  };
  const bulk = params.workload === 'w4';
  const warm = bulk ? WARM_BULK : WARM;
  await send(warm, Infinity);
  const end = beginWindow(params.serverPids);
  if (bulk) {
    await send(warm + Math.ceil(params.bytes / params.size), Infinity);
  } else {
    await send(Infinity, performance.now() + params.seconds * 1000);
  }
  const measured = end(sent - warm);
  return bulk ? { ...measured, gb_per_s: (measured.rate * params.size) / 1e9 } : measured;
}

// w2: a fixed number of requests is always on its way.
async function requests() {
  const socket = await connect();
  const data = body(params.size);
  for (let number = 0; number < WARM_REQUESTS; number += 1) {
    await request(socket, 'ask', data);
  }
  const latencies = new Latencies();
  const one = params.outstanding === 1;
  let [asked, answered] = [0, 0];
  const end = beginWindow(params.serverPids);
  const begin = performance.now();
  const time = params.seconds * 1000;
  await new Promise((resolve, reject) => {
    const goesOn = (now) => now - begin < time || (one && asked < ENOUGH && now - begin < time * 5);
    const ask = () => {
      const number = asked;
      writeNumber(data, number);
      asked += 1;
      const sent = performance.now();
      socket.emit('ask', data, (answer) => {
        const now = performance.now();
        if (answer.length !== params.size || readNumber(answer) !== number || number !== answered) {
          reject(new Error(`answer ${answered} is not the one to come`));
          return;
        }
        answered += 1;
        if (one) {
          latencies.record(now - sent);
        }
        if (goesOn(now)) {
          ask();
        } else if (answered === asked) {
          resolve();
        }
      });
    };
    for (let number = 0; number < params.outstanding; number += 1) {
      ask();
    }
  });
  return { ...end(answered), ...(one ? latencies.outcome() : {}) };
}

// w3, w3l: one publisher, many members that check each delivery.
async function fanOut() {
  const paced = params.workload === 'w3l';
  const slowest = new Slowest(params.members, params.inFlight);
  const latencies = new Latencies();
  let wake = () => {};
  const moved = () => new Promise((resolve) => { wake = resolve; });
  for (let member = 0; member < params.members; member += 1) {
    const socket = await connect();
    let received = 0;
    socket.on('news', (data) => {
      if (data.length !== params.size || readNumber(data) !== received) {
        fail(new Error(`event ${received} expected, got ${readNumber(data)}`));
      }
      if (paced) {
        latencies.record(performance.now() - readStamp(data));
      }
      if (slowest.advance(received)) {
        wake();
      }
      received += 1;
    });
    socket.join(ROOM);
    // Its answer comes after the join was handled: what one connection sends is handled in order.
    await request(socket, 'ask', body(8));
  }
  const publisher = await connect();
  const data = body(params.size);
  let published = 0;
  const publish = () => {
    writeNumber(data, published);
    writeStamp(data, performance.now());
    published += 1;
    return publisher.emit('news', data, { rooms: [ROOM] });
  };
  const end = beginWindow(params.serverPids);
  const begin = performance.now();
  if (paced) {
    const total = Math.round(params.rate * params.seconds);
    while (published < total) {
      // Timers are a millisecond late at most; the stamp is taken when it is sent.
      const wait = begin + (published * 1000) / params.rate - performance.now();
      if (wait > 0) {
        await sleep(wait);
      }
      publish();
    }
  } else {
    while (performance.now() - begin < params.seconds * 1000) {
      if (published - slowest.count >= params.inFlight) {
        await moved();
      } else if (!publish()) {
        await once(publisher, 'socket_drain');
      }
    }
  }
  while (slowest.count < published) {
    await moved();
  }
  return { ...end(published * params.members), ...(paced ? latencies.outcome() : {}) };
}

// w5: idle connections, some opened at the same time.
async function idle() {
  const before = residentBytes(params.serverPids);
  const end = beginWindow(params.serverPids);
  let left = params.connections;
  const opener = async () => {
    while (left > 0) {
      left -= 1;
      await connect();
    }
  };
  await Promise.all(Array.from({ length: params.opening }, opener));
  const measured = end(sockets.length);
  await sleep(REST);
  const grown = Math.max(0, residentBytes(params.serverPids) - before);
  return { ...measured, connects_per_s: measured.rate, rss_per_conn: grown / sockets.length };
}

function fail(error) {
  console.error(error.message);
  process.exit(1);
}

async function main() {
  const run = { w1: oneWay, w2: requests, w3: fanOut, w3l: fanOut, w4: oneWay, w5: idle };
  const patience = (params.seconds * 5 + 60) * 1000;
  setTimeout(() => fail(new Error(`not all deliveries came within ${patience} ms`)), patience).unref();
  const measured = await run[params.workload]();
  const { workload } = params;
  console.log(JSON.stringify({ workload, peer: 'fast-tcp', params: named(params), ...measured }));
  process.exit(0);
}

main().catch(fail);
