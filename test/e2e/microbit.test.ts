/** A micro:bit (real firmware under QEMU) all the way: full, increment, restore, verify, refusals. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connectBoard } from '../../src/device/board.js';
import { backup } from '../../src/jobs/backup.js';
import type { Connect } from '../../src/jobs/context.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import { verifyAgainstBoard } from '../../src/jobs/verify.js';
import { openSerialPort } from '../../src/transport/serial-port.js';
import { openStore, systemContext } from '../../src/wiring.js';
import { microbitProblem, startMicrobit } from '../support/microbit.js';
import { filesByHand, writeByHand } from '../support/microbit-by-hand.js';

const problem = microbitProblem();
const EXEC_BYTES_MAX = 1000;

const allBytes = Uint8Array.from({ length: 600 }, (_, at) => at & 255);
const FILES: Readonly<Record<string, Uint8Array>> = {
  'main.py': new TextEncoder().encode('from microbit import *\ndisplay.clear()\n'),
  'all.bin': allBytes,
  'd/x': new TextEncoder().encode('a name with a slash\n'),
  empty: new Uint8Array(0),
};

describe.skipIf(problem !== null)(`a micro:bit ${problem ?? ''}`, () => {
  it('is backed up, increment by increment, restored and verified', {
    timeout: 180_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'belay-microbit-'));
    const microbit = await startMicrobit();
    const context = systemContext({ signal: AbortSignal.timeout(170_000), emit: () => {} });
    const store = openStore(folder);
    let longestExec = 0;
    const connect: Connect = async ({ signal }) =>
      connectBoard(await openSerialPort(microbit.path), {
        clock: context.clock,
        random: context.randomHex,
        signal,
        onTraffic: execSizes((bytes) => {
          longestExec = Math.max(longestExec, bytes);
        }),
      });
    const parts = { connect, store };
    try {
      await writeByHand(microbit.path, FILES);
      const full = await backup(parts, {}, context);
      expect(full.summary).toMatchObject({ backupType: 'full', fileCount: 4, partial: false });

      await writeByHand(microbit.path, { 'main.py': new TextEncoder().encode('x = 1\n') });
      const increment = await backup(parts, {}, context);
      expect(increment.summary).toMatchObject({ backupType: 'incremental', filesChanged: 1 });
      expect(await verifyAgainstBoard(parts, {}, context)).toMatchObject({ ok: true });

      const first = { backup: full.summary.backupId as string };
      const done = await (await prepareRestore(parts, first, context)).carryOut();
      expect(done.summary).toMatchObject({ filesWritten: 1, failed: [], verified: true });
      expect(await filesByHand(microbit.path)).toEqual(FILES);

      const tooBig = { map: [{ from: 'all.bin', to: 'n'.repeat(121) }], paths: ['all.bin'] };
      await expect(prepareRestore(parts, { ...first, ...tooBig }, context)).rejects.toMatchObject({
        code: 'board/unfit',
      });
      console.log(`micro:bit: longest exec ${longestExec} bytes`);
      expect(longestExec).toBeLessThan(EXEC_BYTES_MAX);
    } finally {
      await microbit.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** Sizes of the sources that are handed over: what is sent between two Ctrl-D. */
function execSizes(take: (bytes: number) => void) {
  let size = 0;
  return (direction: 'in' | 'out', bytes: Uint8Array) => {
    if (direction === 'in') return;
    for (const byte of bytes) {
      if (byte === 4) {
        take(size);
        size = 0;
      } else size += 1;
    }
  };
}
