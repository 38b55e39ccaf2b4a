// The load program: `node load.mjs server ...` or `node load.mjs driver ...`, as those of the other peers.

const roles = { server: './server.js', driver: './driver.js' };
const role = roles[process.argv[2]];
if (role === undefined) {
  console.error('usage: node load.mjs server|driver --workload W ...');
  process.exit(1);
}
await import(role);
