// The server role: prints `ready ADDRESS` and runs until stdin is closed.
'use strict';

const { Server } = require('fast-tcp');

const { readNumber } = require('./body');
const { parameters } = require('./command-line');

parameters();

const server = new Server({ noDelay: true });

server.on('connection', (socket) => {
  const received = { count: 0, bytes: 0, errors: 0 };
  socket.on('news', (data) => {
    received.errors += readNumber(data) === received.count ? 0 : 1;
    received.count += 1;
    received.bytes += data.length;
  });
  socket.on('count', (data, answer) => answer(received));
  socket.on('ask', (data, answer) => answer(data));
  socket.on('error', (error) => {
    // A driver that has ended resets its connections: that is no failure of the server.
    if (error.code !== 'ECONNRESET') {
      console.error(error.message);
    }
  });
});

server.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});

server.on('listening', () => {
  // The package keeps its listener to itself, and with it the port that the system chose.
  const { address, port } = server._server.address();
  console.log(`ready ${address}:${port}`);
});

process.stdin.on('close', () => process.exit(0));
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();

server.listen(0, '127.0.0.1');
