// What a scenario is, and how one is run.

import { Client } from './client.js';
import { Program, ServerProcess } from './process.js';

/** How long a scenario may take, in milliseconds: on a machine that does other work, twenty times what most take. */
const TIMEOUT = 20_000;

/** How often something is looked at that has to change. */
const LOOK = 10;

/**
 * A scenario of a client by fast-tcp. `run` gets a `Stage` and throws if anything is not as it should be.
 * `originals` names the defect with which a server by fast-tcp cannot pass it.
 */
export function scenario(name, run, { originals = null, timeout = TIMEOUT } = {}) {
  return { name, run, originals, timeout };
}

/** The server of a scenario, and whoever connects to it. */
export class Stage {
  #clients = [];
  #programs = [];

  /** `peer` is the program written in Rust, `serverCommand` starts the server, which begins at once. */
  constructor(serverCommand, peer) {
    this.server = new ServerProcess(serverCommand);
    this.ready = this.server.start();
    // Nobody may wait for it yet.
    this.ready.catch(() => {});
    this.isOriginal = !serverCommand.includes(peer);
    this.peer = peer;
  }

  /** A client that is connected. */
  async connect(options) {
    const client = this.client(options);
    await client.happens('connect');
    return client;
  }

  /** So many clients that are connected. */
  connectMany(number, options) {
    return Promise.all(Array.from({ length: number }, () => this.connect(options)));
  }

  /** A client that begins to connect. */
  client(options) {
    const client = new Client(this.server.port, options);
    this.#clients.push(client);
    return client;
  }

  /** Starts a program that is ended with the scenario. */
  start(command, args) {
    const program = new Program(command, args);
    this.#programs.push(program);
    return program;
  }

  async close() {
    for (const client of this.#clients) client.end();
    await Promise.all(this.#programs.map((program) => program.kill()));
    await this.server.kill();
  }
}

/** Runs a scenario with a server of its own. */
export async function perform({ run, timeout }, stage) {
  let fail;
  const failed = new Promise((_, reject) => {
    fail = reject;
  });
  const timer = setTimeout(() => fail(new Error(`not done after ${timeout / 1000} s`)), timeout);
  // What fast-tcp throws while it reads what it was sent.
  process.on('uncaughtException', fail);
  try {
    await Promise.race([failed, stage.ready.then(() => run(stage))]);
  } finally {
    clearTimeout(timer);
    await stage.close();
    process.off('uncaughtException', fail);
  }
}

/** Waits until `look` returns something that is true, and returns it. */
export async function until(look) {
  for (;;) {
    const found = await look();
    if (found) return found;
    await rest(LOOK);
  }
}

export function rest(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
