/** Boards that are busy, and boards that are lost half-way: whole jobs against a real MicroPython. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BelayError } from '../../src/core/errors.js';
import { connectBoard } from '../../src/device/board.js';
import { backup } from '../../src/jobs/backup.js';
import type { Connect, JobContext } from '../../src/jobs/context.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import type { BackupFolder } from '../../src/store/backup-folder.js';
import type { VirtualBoardOptions, VirtualTree } from '../../src/testing/index.js';
import { VirtualBoard } from '../../src/testing/index.js';
import { openStore, systemContext } from '../../src/wiring.js';
import { noise } from './sixty-files.js';

let folder: string;
let store: BackupFolder;
let context: JobContext;
const boards: VirtualBoard[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-faults-'));
  store = openStore(join(folder, 'backups'));
  context = systemContext({
    signal: new AbortController().signal,
    emit: () => {},
  });
});

afterEach(async () => {
  for (const board of boards.splice(0)) await board.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: VirtualBoardOptions): Promise<VirtualBoard> {
  const board = await VirtualBoard.start(options);
  boards.push(board);
  return board;
}

function connectTo(board: VirtualBoard, onConnect: (time: number) => void = () => {}): Connect {
  let time = 0;
  return async ({ signal }) => {
    time += 1;
    onConnect(time);
    const { clock, randomHex } = context;
    return connectBoard(board.port(), { clock, random: randomHex, signal });
  };
}

const plain = (tree: VirtualTree) =>
  Object.fromEntries(
    [...tree].map(([path, bytes]) => [path, bytes && Buffer.from(bytes).toString('base64')]),
  );

/** How often main.py has been started: it counts in a file. */
async function starts(board: VirtualBoard): Promise<number> {
  return (await board.dump()).get('starts')?.length ?? 0;
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + 5_000; performance.now() < endMs; ) {
    if (await reached()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('not reached within 5 s');
}

const COUNT = "with open('starts', 'a') as f:\n    f.write('x')\n";

describe('a board whose main.py', () => {
  const programs: Record<string, { main: string }> = {
    'loops for ever': { main: `${COUNT}while True:\n    pass\n` },
    'prints without pause': {
      main: `${COUNT}while True:\n    print('tick tock ' * 5)\n`,
    },
    'swallows the first Ctrl-C': {
      main: `${COUNT}try:\n    while True:\n        pass\nexcept KeyboardInterrupt:\n    pass\nwhile True:\n    pass\n`,
    },
  };
  for (const [what, { main }] of Object.entries(programs)) {
    it(`${what} is backed up, and its program runs again`, async () => {
      const board = await start({
        files: { 'main.py': main, 'data.bin': noise(20_000) },
      });
      await until(async () => (await starts(board)) === 1);
      const { summary } = await backup({ connect: connectTo(board), store }, {}, context);
      expect(summary).toMatchObject({ fileCount: 3, partial: false });
      await until(async () => (await starts(board)) === 2);
    });
  }

  it('raises at once is backed up as well', async () => {
    const board = await start({
      files: { 'main.py': 'raise ValueError("at once")\n' },
    });
    const { summary } = await backup({ connect: connectTo(board), store }, {}, context);
    expect(summary).toMatchObject({ fileCount: 1, partial: false });
  });
});

describe('a cable that is pulled', () => {
  const files = {
    'a.bin': noise(40_000, 1),
    'b.bin': noise(40_000, 2),
    'main.py': 'x = 1\n',
  };

  it('in the middle of a backup and comes back costs no file', async () => {
    const board = await start({ files });
    board.setFaults({
      scripted: [{ direction: 'toHost', at: 50_000, kind: 'disconnect' }],
    });
    const connect = connectTo(board, (time) => {
      if (time === 2) board.plug();
    });
    const { summary } = await backup({ connect, store }, {}, context);
    expect(summary).toMatchObject({ fileCount: 3, partial: false });
    const fresh = await start({ files: {}, uniqueIdHex: 'aa00000000000009' });
    const options = { backup: summary.archive as string };
    await (await prepareRestore({ connect: connectTo(fresh), store }, options, context)).carryOut();
    expect(plain(await fresh.dump())).toEqual(plain(await board.dump()));
  });

  it('while the board resets itself in a restore ends with everything restored', async () => {
    const source = await start({ files, uniqueIdHex: 'aa00000000000008' });
    const { summary } = await backup({ connect: connectTo(source), store }, {}, context);
    const target = await start({
      files: { 'main.py': 'old = 1\n', 'extra.txt': 'goes' },
    });
    const options = { backup: summary.archive as string, delete: true };
    const prepared = await prepareRestore({ connect: connectTo(target), store }, options, context);
    target.setFaults({
      scripted: [{ direction: 'toBoard', at: 60_000, kind: 'reset' }],
    });
    await prepared.carryOut();
    expect(plain(await target.dump())).toEqual(plain(await source.dump()));
  });

  it('and stays away ends with 20, no archive and no lock', async () => {
    const board = await start({ files });
    board.setFaults({
      scripted: [{ direction: 'toHost', at: 30_000, kind: 'disconnect' }],
    });
    const connect = connectTo(board, (time) => {
      if (time > 1) throw new BelayError('port/not-found', 'no such port');
    });
    let skippedMs = 0;
    const hasty: JobContext = {
      ...context,
      clock: {
        ...context.clock,
        monotonicMs: () => context.clock.monotonicMs() + skippedMs,
        delay: async () => {
          skippedMs += 5_000;
        },
      },
    };
    await expect(backup({ connect, store }, {}, hasty)).rejects.toMatchObject({
      exitCode: 20,
    });
    expect(await store.list({ safety: true })).toEqual([]);
    expect(await store.locks()).toEqual([]);
  });
});
