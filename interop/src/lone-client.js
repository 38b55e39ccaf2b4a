// A client by fast-tcp in a process of its own, to be killed: `node lone-client.js PORT ROOM`. It joins the room,
// and prints what comes.

import { Client } from './client.js';

const [port, room] = process.argv.slice(2);
const client = new Client(Number(port));
client.socket.on('news', (value) => console.log(`news ${value}`));
client.socket.join(room);
await client.settle();
console.log('joined');
process.stdin.on('end', () => process.exit()).resume();
