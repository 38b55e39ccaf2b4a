// Programs that a scenario starts. Each is ended by its own id.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A running program that is spoken to in lines. */
export class Program {
  #child;
  #lines = [];
  #waiting = [];
  #ended;

  constructor(command, args) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (status, signal) => resolve(signal ?? status));
      this.#child.once('error', (error) => resolve(error.message));
    });
    // It may have ended before it reads a line.
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#add(line));
    this.#ended.then((how) => this.#add(null, how));
  }

  /** Resolves with the exit status, or with the signal that ended it. */
  get ended() {
    return this.#ended;
  }

  write(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The next line that it prints. Fails when it ends without one. */
  async line() {
    const { line, how } = this.#lines.shift() ?? (await new Promise((go) => this.#waiting.push(go)));
    if (line !== null) return line;
    this.#add(null, how);
    throw new Error(`the program ended: ${how}`);
  }

  /** The words behind `word` of the next line, which has to begin with it. */
  async expect(word) {
    const line = await this.line();
    if (line !== word && !line.startsWith(`${word} `)) throw new Error(`\`${line}\` came, not \`${word}\``);
    return line.slice(word.length + 1);
  }

  /** Ends it without a chance to say goodbye. */
  async kill() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #add(line, how) {
    const next = this.#waiting.shift();
    if (next) next({ line, how });
    else this.#lines.push({ line, how });
  }
}

/** A server of the scenarios in a process of its own, which can be killed and started again on the same port. */
export class ServerProcess {
  #command;
  #program = null;
  /** Where version 1 is spoken. */
  port = 0;
  /** Where version 3 is spoken, by gatewire only. */
  port3 = 0;

  /** `command` starts the server; the ports to listen on go behind it. */
  constructor(command) {
    this.#command = command;
  }

  async start() {
    const [program, ...args] = this.#command;
    this.#program = new Program(program, [...args, this.port, this.port3].map(String));
    const ports = await this.#program.expect('listening');
    [this.port, this.port3 = 0] = ports.split(' ').map(Number);
  }

  async kill() {
    await this.#program?.kill();
  }
}
