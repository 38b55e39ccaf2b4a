// How the programs of this folder are started.

import { fileURLToPath } from 'node:url';

const script = (name) => fileURLToPath(new URL(name, import.meta.url));

/** The server by fast-tcp. */
export const originalServer = [process.execPath, script('server.js')];

/** The server by gatewire. */
export const gatewireServer = (peer) => [peer, 'server'];

/** A client by fast-tcp in a process of its own. */
export const loneClient = (port, room) => [process.execPath, [script('lone-client.js'), port, room].map(String)];

/** A client by gatewire in the room `r` of the stage's server. */
export function gatewireMember({ peer, server }, wire) {
  const port = wire === 'v3' ? server.port3 : server.port;
  return [peer, ['member', wire, `127.0.0.1:${port}`, 'r']];
}
