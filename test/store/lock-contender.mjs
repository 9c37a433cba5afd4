// One of many processes that want the same lock: argv = folder, rounds. Prints how often it found
// somebody else inside, and dies holding the lock where told to (third argument).
import { randomBytes } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { takeFolderLock } from '../../dist/store/folder-lock.js';
import { hostProcess } from '../../dist/store/host-process.js';

const [folder, rounds, mode] = process.argv.slice(2);
const deps = {
  clock: { now: () => new Date(), monotonicMs: () => performance.now() },
  randomHex: (bytes) => randomBytes(bytes).toString('hex'),
  host: hostProcess({ pid: process.pid, isAlive: () => true }),
};
const signal = new AbortController().signal;
const options = { retryMs: 60_000, signal };

let intruders = 0;
for (let round = 0; round < Number(rounds); round += 1) {
  const lock = await takeFolderLock(folder, 'contend', options, deps);
  const inside = join(folder, 'inside');
  const mark = await open(inside, 'wx').catch(() => null);
  if (mark === null) intruders += 1;
  await mark?.close();
  if (mode === 'die' && round === Number(rounds) - 1) {
    await unlink(inside);
    process.kill(process.pid, 'SIGKILL');
  }
  await lock.check();
  await unlink(inside).catch(() => {
    intruders += 1;
  });
  await lock.release();
}
process.stdout.write(`${intruders}\n`);
