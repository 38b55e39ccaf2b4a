// The server of the scenarios, by fast-tcp: `node server.js [PORT]`. README.md lists what it listens for; the peer
// written in Rust is the same server by gatewire. It ends with its standard input.

import fastTcp from 'fast-tcp';

import { summary, writePattern } from './bytes.js';
import { LONG_EVENT } from './names.js';
import { describe } from './values.js';

const server = new fastTcp.Server();
const totals = { connects: 0, disconnects: 0, silent: 0 };

server.on('connection', (socket) => {
  totals.connects += 1;
  socket.on('close', () => {
    totals.disconnects += 1;
  });
  socket.on('error', () => {});
  values(socket);
  order(socket);
  questions(socket);
  rooms(socket);
  streams(socket);
});

function values(socket) {
  for (const event of ['echo', 'a|b,c', '\u20ac', LONG_EVENT]) {
    socket.on(event, (value, answer) => answer(value));
  }
  socket.on('describe', (value, answer) => answer(describe(value)));
  socket.on('bounce', (value) => socket.emit('bounced', value));
}

function order(socket) {
  let next = 0;
  let wrong = 'in order';
  socket.on('count', (number) => {
    if (number !== next && wrong === 'in order') wrong = `${number} came instead of ${next}`;
    next += 1;
  });
  socket.on('counted', (_, answer) => answer(`${next}, ${wrong}`));
  socket.on('emit many', (number) => {
    for (let i = 0; i < number; i += 1) socket.emit('number', i);
  });
}

function questions(socket) {
  socket.on('double', (number, answer) => answer(2 * number));
  socket.on('late', (delay, answer) => setTimeout(() => answer(delay), delay));
  socket.on('refuse', (_, answer) => answer('refused'));
  socket.on('silence', () => {
    totals.silent += 1;
  });
  socket.on('silent', (_, answer) => answer(totals.silent));
  socket.on('quiz', (value, answer) => socket.emit('question', value, answer));
  socket.on('ask many', async (number, answer) => {
    const ask = (i) => new Promise((resolve) => socket.emit('double', i, resolve));
    const answers = await Promise.all(Array.from({ length: number }, (_, i) => ask(i)));
    answer(answers.filter((value, i) => value === 2 * i).length);
  });
}

function rooms(socket) {
  socket.on('members', (room, answer) => answer((server.rooms[room] ?? []).length));
  socket.on('put', (room, answer) => answer(socket.join(room)));
  socket.on('take', (room, answer) => answer(socket.leave(room)));
  socket.on('take all', (_, answer) => answer(socket.leaveAll()));
  socket.on('send', ({ event, value, ...receivers }, answer) => {
    answer(server.emit(event, value, receivers));
  });
  socket.on('sockets', (_, answer) => answer(Object.keys(server.sockets).length));
  socket.on('connects', (_, answer) => answer(totals.connects));
  socket.on('disconnects', (_, answer) => answer(totals.disconnects));
  socket.on('hang up', () => socket.end());
  socket.on('shut down', () => server.close());
}

function streams(socket) {
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  socket.on('upload', async (stream, _, answer) => answer(await summary(stream)));
  socket.on('upload described', async (stream, info, answer) => {
    await summary(stream);
    answer(describe(info));
  });
  socket.on('deposit', async (stream) => socket.emit('deposited', await summary(stream)));
  socket.on('upload slowly', async (stream, _, answer) => {
    await released;
    answer(await summary(stream));
  });
  socket.on('release', () => release());
  socket.on('download', ({ bytes, answered }) => {
    const tell = answered ? (value) => socket.emit('download answered', value) : undefined;
    writePattern(socket.stream('file', { bytes }, tell), bytes);
  });
  socket.on('send stream', ({ bytes, ...receivers }) => {
    writePattern(server.stream('file', { bytes }, receivers), bytes);
  });
}

process.stdin.on('end', () => process.exit()).resume();
const port = Number(process.argv[2] ?? 0);
server.listen(port, '127.0.0.1', () => console.log(`listening ${server._server.address().port}`));
