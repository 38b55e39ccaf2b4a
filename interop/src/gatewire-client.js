// Scenarios of a client by gatewire. The program written in Rust has them: it is asked for their names, and runs
// one in each process. What it cannot do by itself, it asks for in a line on its standard output.

import { scenario } from './scenario.js';
import { gatewireMember, loneClient } from './commands.js';
import { Program } from './process.js';

/** Asks the program for the names of its scenarios. */
export async function gatewireScenarios(peer) {
  const program = new Program(peer, ['list']);
  const number = Number(await program.expect('scenarios'));
  const names = [];
  while (names.length < number) names.push(await program.line());
  await program.ended;
  return names.map((name) => scenario(name, (stage) => run(stage, name)));
}

async function run(stage, name) {
  const program = stage.start(stage.peer, ['client', name, `127.0.0.1:${stage.server.port}`]);
  const others = [];
  for (;;) {
    const line = await program.line();
    if (line === 'passed') break;
    if (line.startsWith('failed ')) throw new Error(line.slice('failed '.length).replaceAll('\\n', '\n'));
    await obey(line, stage, others);
    program.write('done');
  }
  const status = await program.ended;
  if (status !== 0) throw new Error(`it passed, and then ended with ${status}`);
}

/** What the program can ask for. */
async function obey(line, stage, others) {
  switch (line) {
    case 'kill server':
      return stage.server.kill();
    case 'start server':
      return stage.server.start();
    case 'start node client':
      return others.push(await joined(stage.start(...loneClient(stage.server.port, 'r'))));
    case 'start gatewire client':
      return others.push(await joined(stage.start(...gatewireMember(stage, 'v1'))));
    case 'kill client':
      return others.pop().kill();
    default:
      throw new Error(`it printed \`${line}\``);
  }
}

async function joined(program) {
  await program.expect('joined');
  return program;
}
