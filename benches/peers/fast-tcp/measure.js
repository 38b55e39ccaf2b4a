// The measured part of a run: CPU time and memory of processes, as the kernel accounts them.
'use strict';

const fs = require('node:fs');
const { createHistogram, performance } = require('node:perf_hooks');

// Nanoseconds of CPU, user and system, of all threads of these processes.
function cpuNanos(pids) {
  let sum = 0;
  for (const pid of pids) {
    for (const task of fs.readdirSync(`/proc/${pid}/task`)) {
      sum += Number(fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return sum;
}

// Resident bytes of these processes.
function residentBytes(pids) {
  const kilobytes = (pid) => /^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  return pids.reduce((sum, pid) => sum + Number(kilobytes(pid)[1]) * 1024, 0);
}

// Begins to measure; the function that it gives ends it, with the number of checked deliveries.
function beginWindow(serverPids) {
  const own = [process.pid];
  const server = cpuNanos(serverPids);
  const client = cpuNanos(own);
  const begin = performance.now();
  return (messages) => {
    const seconds = (performance.now() - begin) / 1000;
    return {
      messages,
      seconds,
      rate: messages / seconds,
      server_cpu_ns: (cpuNanos(serverPids) - server) / messages,
      client_cpu_ns: (cpuNanos(own) - client) / messages,
    };
  };
}

// A histogram of times to three significant digits.
class Latencies {
  #histogram = createHistogram({ highest: 60e9, figures: 3 });

  // Records a time in milliseconds, as `performance.now()` gives them.
  record(milliseconds) {
    this.#histogram.record(Math.max(1, Math.round(milliseconds * 1e6)));
  }

  // The percentiles of the outcome.
  outcome() {
    const micros = (percentile) => this.#histogram.percentile(percentile) / 1000;
    return { p50_us: micros(50), p99_us: micros(99), p999_us: micros(99.9) };
  }
}

module.exports = { beginWindow, residentBytes, Latencies };
