/**
 * A micro:bit (real firmware under QEMU) all the way by the built command: full, increment, restore,
 * verify, refusals. What lies on the board is written and read by plain commands at its prompt, what
 * lies in the archives by GNU tar.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectBoard } from '../../src/device/board.js';
import type { BoardOperation } from '../../src/device/device-fs.js';
import { openSerialPort } from '../../src/transport/serial-port.js';
import { jsonLines, runCommand } from '../cli/run-command.js';
import { realClock } from '../support/connected-board.js';
import { type Microbit, microbitProblem, startMicrobit } from '../support/microbit.js';
import { filesByHand, writeByHand } from '../support/microbit-by-hand.js';
import { readByHand, sha256Hex } from '../support/stock-reader.js';

const problem = microbitProblem();
const EXEC_BYTES_MAX = 1000;

const bytesOf = (text: string) => new TextEncoder().encode(text);
const FILES: Readonly<Record<string, Uint8Array>> = {
  'main.py': bytesOf('from microbit import *\ndisplay.clear()\n'),
  'all.bin': Uint8Array.from({ length: 600 }, (_, at) => at & 255),
  'd/x': bytesOf('a name with a slash\n'),
  empty: new Uint8Array(0),
};
const hashesOf = (files: Readonly<Record<string, Uint8Array>>) =>
  new Map(Object.entries(files).map(([name, bytes]) => [name, sha256Hex(bytes)]));
const sorted = (state: ReadonlyMap<string, string>) => Object.fromEntries([...state].sort());

describe.skipIf(problem !== null)(`a micro:bit ${problem ?? ''}`, { timeout: 180_000 }, () => {
  let folder: string;
  let microbit: Microbit;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'belay-microbit-'));
    microbit = await startMicrobit();
    await writeByHand(microbit.path, FILES);
  });

  afterEach(async () => {
    await microbit.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function belay(...argv: string[]) {
    const run = await runCommand([...argv, '--port', microbit.path, '--json', '--dir', folder], {
      timeoutMs: 120_000,
    });
    const said = jsonLines(run.status === 0 ? run.stdout : run.stderr).at(-1) ?? {};
    return { status: run.status, said };
  }

  it('is backed up, increment by increment, restored and verified', async () => {
    const full = (await belay('backup')).said;
    expect(full).toMatchObject({ backupType: 'full', fileCount: 4, partial: false });
    const stored = readByHand(await readFile(String(full.archive)));
    expect(sorted(stored.state)).toEqual(sorted(hashesOf(FILES)));

    const changed = { ...FILES, 'main.py': bytesOf('x = 1\n') };
    await writeByHand(microbit.path, { 'main.py': changed['main.py'] });
    const increment = (await belay('backup')).said;
    expect(increment).toMatchObject({
      backupType: 'incremental',
      filesChanged: 1,
      filesUnchanged: 3,
      filesNew: 0,
    });
    const grown = readByHand(await readFile(String(increment.archive)));
    expect(sorted(grown.state)).toEqual(sorted(hashesOf(changed)));
    const held = [...grown.holds].filter((hash) => hash !== '');
    expect(held).toEqual([sha256Hex(changed['main.py'])]);

    expect((await belay('verify', '--against-board')).status).toBe(0);
    const back = await belay('restore', String(full.backupId), '--yes');
    expect(back.said).toMatchObject({ filesWritten: 1, failed: [], verified: true });
    expect(await filesByHand(microbit.path)).toEqual(FILES);
    expect((await belay('verify', '--against-board')).status).toBe(13);

    const undone = await belay('restore', '--undo', '--yes');
    expect(undone.said).toMatchObject({ filesWritten: 1, verified: true });
    expect(await filesByHand(microbit.path)).toEqual(changed);
  });

  it('is told what it cannot take before anything is written', async () => {
    const { said } = await belay('backup');
    const backup = String(said.backupId);
    const long = `all.bin=${'n'.repeat(121)}`;
    const refused = await belay('restore', backup, 'all.bin', '--map', long, '--yes');
    expect(refused).toMatchObject({ status: 1, said: { code: 'board/unfit' } });
    const times = await belay('restore', backup, '--preserve-times', '--dry-run');
    expect(times.said).toMatchObject({ times: 'cannot' });
    expect(await filesByHand(microbit.path)).toEqual(FILES);
  });

  it('never gets an exec of 1,000 bytes, whatever is done', async () => {
    const sizes: number[] = [];
    const connection = await connectBoard(await openSerialPort(microbit.path), {
      clock: realClock,
      random: () => '00',
      signal: AbortSignal.timeout(120_000),
      onTraffic: execSizes((bytes) => sizes.push(bytes)),
    });
    const { fs } = connection;
    const signal = AbortSignal.timeout(120_000);
    try {
      const { tree } = await fs.scan({ roots: [''], mounts: [], hashes: 'content', signal });
      const files = tree.flatMap((entry) => (entry.kind === 'file' ? [entry] : []));
      for await (const event of fs.read(files, { compress: true, signal }))
        expect(event.kind).not.toBe('failed');
      // A long name, and bytes that each take four characters in a literal.
      const content = new Uint8Array(400).fill(0xff);
      const put: BoardOperation = {
        kind: 'put',
        path: 'n'.repeat(120),
        sizeBytes: content.length,
        sha256: sha256Hex(content),
        modifiedS: null,
        content: async function* () {
          yield content;
        },
      };
      const deletion: BoardOperation = { kind: 'delete-file', path: put.path };
      for (const strategy of ['one-by-one', 'in-place'] as const)
        for (const operation of [put, deletion])
          for await (const event of fs.apply([operation], {
            strategy,
            keepGoing: false,
            verify: true,
            signal,
          }))
            expect(event).not.toMatchObject({ kind: 'failed' });
      await fs.sweep(signal);
    } finally {
      await connection.leave('auto');
    }
    console.log(`micro:bit: ${sizes.length} execs, the longest ${Math.max(...sizes)} bytes`);
    expect(sizes.length).toBeGreaterThan(20);
    expect(Math.max(...sizes)).toBeLessThan(EXEC_BYTES_MAX);
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
