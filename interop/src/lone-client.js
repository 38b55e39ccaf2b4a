// A client by fast-tcp in a process of its own, to be killed: `node lone-client.js PORT ROOM`. It joins the room,
// prints the news, and answers each ping, which brings an id and a text.

import { Client } from './client.js';

const [port, room] = process.argv.slice(2);
const client = new Client(Number(port));
client.socket.on('news', (value) => console.log(`news ${value}`));
client.socket.on('ping', ([id, text]) => client.emit('pong', text, { sockets: [id] }));
client.socket.join(room);
await client.settle();
console.log('joined');
process.stdin.on('end', () => process.exit()).resume();
