// A client by fast-tcp, in promises.

import fastTcp from 'fast-tcp';

/** Soon, so that no scenario waits for long. */
const RECONNECT_INTERVAL = 50;

/** One client. What it is sent is kept until somebody asks for it. */
export class Client {
  /** The texts of the `error` events. */
  errors = [];

  constructor(port, options = {}) {
    this.socket = new fastTcp.Socket({
      host: '127.0.0.1', port, reconnectInterval: RECONNECT_INTERVAL, ...options,
    });
    this.socket.setNoDelay(true);
    this.socket.on('error', (error) => this.errors.push(error.message));
  }

  get id() {
    return this.socket.id;
  }

  /** Resolves with the next event of its own: `connect`, `close`, `end`. */
  happens(event) {
    // Not `once` of node:events, which fails with the first error: a client that reconnects has some.
    return new Promise((resolve) => this.socket.once(event, resolve));
  }

  emit(event, value, receivers) {
    this.socket.emit(event, value, receivers);
  }

  /** Asks the server. */
  ask(event, value) {
    return new Promise((resolve) => this.socket.emit(event, value, resolve));
  }

  /** What comes under `event` from now on. */
  inbox(event) {
    return new Inbox(this.socket, event);
  }

  /** Answers each question of the server. */
  answer(event, answerOf) {
    this.socket.on(event, async (value, answer) => answer(await answerOf(value)));
  }

  /** When this returns the server has handled all that was sent before, and sent it to this client. */
  async settle() {
    await this.ask('echo', null);
  }

  /** Closes for good, also if it is not connected just now. */
  end() {
    this.socket._shouldReconnect = false;
    this.socket.destroy();
  }
}

/** The values of one event, in the order in which they came. */
export class Inbox {
  /** All of them. */
  values = [];
  #taken = 0;
  #waiting = [];

  constructor(socket, event) {
    socket.on(event, (value) => {
      this.values.push(value);
      this.#waiting.shift()?.(value);
    });
  }

  /** The next that nobody has taken. */
  next() {
    const at = this.#taken;
    this.#taken += 1;
    if (at < this.values.length) return Promise.resolve(this.values[at]);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next `number` of them. */
  take(number) {
    return Promise.all(Array.from({ length: number }, () => this.next()));
  }
}
