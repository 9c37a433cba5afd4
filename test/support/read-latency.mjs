// Preloaded into the command: how long a port that has bytes can wait until it is read. A port is
// read by libuv's pool when the event loop says so, so a read of /dev/zero every 5 ms waits for just
// what a port waits for: the loop, and a free thread. It counts from the first read of a port on.
// `ownMs` is what this process worked in that time; on a busy machine the rest was others' turn.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const EVERY_MS = 5;
const KEPT = 5;
const { read } = fs;
const zero = fs.openSync('/dev/zero', 'r');
const buffer = Buffer.alloc(64);
/** The longest ones, with the moment at which they ended. */
const pauses = [];
let ownMsMax = 0;
let isCounting = false;
let due = now();

function now() {
  const { user, system } = process.cpuUsage();
  return { ms: performance.now(), ownMs: (user + system) / 1000 };
}

function probe() {
  read(zero, buffer, 0, 64, null, () => {
    const at = now();
    if (isCounting) keep({ pauseMs: at.ms - due.ms, ownMs: at.ownMs - due.ownMs, endedMs: at.ms });
    // The timer's own 5 ms are no pause; work done in them is not taken off.
    due = { ms: at.ms + EVERY_MS, ownMs: at.ownMs };
    setTimeout(probe, EVERY_MS).unref();
  });
}

function keep(pause) {
  ownMsMax = Math.max(ownMsMax, Math.min(pause.ownMs, pause.pauseMs));
  pauses.push(pause);
  pauses.sort((a, b) => b.pauseMs - a.pauseMs);
  pauses.length = Math.min(pauses.length, KEPT);
}

fs.read = (...args) => {
  isCounting = true;
  return read(...args);
};
syncBuiltinESMExports();
setTimeout(probe, EVERY_MS).unref();
process.on('exit', () => {
  fs.writeFileSync(process.env.READ_LATENCY_FILE, JSON.stringify({ pauses, ownMsMax }));
});
