// How far the slowest of many receivers is, without looking at all of them each time.
'use strict';

// Counts, for each distance from the slowest, how many receivers are there. No receiver can be further
// ahead of the slowest than what is in flight, so a ring of that length will do.
class Slowest {
  #receiversAt;

  constructor(receivers, bound) {
    this.#receiversAt = new Uint32Array(bound + 1);
    this.#receiversAt[0] = receivers;
    // How many messages each receiver has at least.
    this.count = 0;
  }

  // A receiver that had `before` messages has one more. Says whether the slowest has moved.
  advance(before) {
    const ring = this.#receiversAt;
    ring[before % ring.length] -= 1;
    ring[(before + 1) % ring.length] += 1;
    const old = this.count;
    while (ring[this.count % ring.length] === 0) {
      this.count += 1;
    }
    return this.count !== old;
  }
}

module.exports = { Slowest };
