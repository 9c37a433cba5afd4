/** Boards that are busy, and boards that are lost half-way: whole jobs against a real MicroPython. */
import { describe, expect, it } from 'vitest';
import { BelayError } from '../../src/core/errors.js';
import { backup } from '../../src/jobs/backup.js';
import type { JobContext } from '../../src/jobs/context.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import type { VirtualBoard, VirtualTree } from '../../src/testing/index.js';
import { virtualLab } from '../support/virtual-lab.js';
import { noise } from './sixty-files.js';

const lab = virtualLab();

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
      const board = await lab.start({
        files: { 'main.py': main, 'data.bin': noise(20_000) },
      });
      await until(async () => (await starts(board)) === 1);
      const { summary } = await lab.backUp(board);
      expect(summary).toMatchObject({ fileCount: 3, partial: false });
      await until(async () => (await starts(board)) === 2);
    });
  }

  it('raises at once is backed up as well', async () => {
    const board = await lab.start({
      files: { 'main.py': 'raise ValueError("at once")\n' },
    });
    const { summary } = await lab.backUp(board);
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
    const board = await lab.start({ files });
    board.setFaults({
      scripted: [{ direction: 'toHost', at: 50_000, kind: 'disconnect' }],
    });
    const connect = lab.connectTo(board, (time) => {
      if (time === 2) board.plug();
    });
    const { summary } = await backup({ connect, store: lab.store }, {}, lab.context);
    expect(summary).toMatchObject({ fileCount: 3, partial: false });
    const fresh = await lab.start({ files: {}, uniqueIdHex: 'aa00000000000009' });
    await lab.restoreTo(fresh, { backup: summary.archive as string });
    expect(plain(await fresh.dump())).toEqual(plain(await board.dump()));
  });

  it('while the board resets itself in a restore ends with everything restored', async () => {
    const source = await lab.start({ files, uniqueIdHex: 'aa00000000000008' });
    const { summary } = await lab.backUp(source);
    const target = await lab.start({
      files: { 'main.py': 'old = 1\n', 'extra.txt': 'goes' },
    });
    const options = { backup: summary.archive as string, delete: true };
    const parts = { connect: lab.connectTo(target), store: lab.store };
    const prepared = await prepareRestore(parts, options, lab.context);
    target.setFaults({
      scripted: [{ direction: 'toBoard', at: 60_000, kind: 'reset' }],
    });
    await prepared.carryOut();
    expect(plain(await target.dump())).toEqual(plain(await source.dump()));
  });

  it('and stays away ends with 20, no archive and no lock', async () => {
    const board = await lab.start({ files });
    board.setFaults({
      scripted: [{ direction: 'toHost', at: 30_000, kind: 'disconnect' }],
    });
    const connect = lab.connectTo(board, (time) => {
      if (time > 1) throw new BelayError('port/not-found', 'no such port');
    });
    let skippedMs = 0;
    const hasty: JobContext = {
      ...lab.context,
      clock: {
        ...lab.context.clock,
        monotonicMs: () => lab.context.clock.monotonicMs() + skippedMs,
        delay: async () => {
          skippedMs += 5_000;
        },
      },
    };
    await expect(backup({ connect, store: lab.store }, {}, hasty)).rejects.toMatchObject({
      exitCode: 20,
    });
    expect(await lab.store.list({ safety: true })).toEqual([]);
    expect(await lab.store.locks()).toEqual([]);
  });
});

describe('a board that its watchdog resets', () => {
  const resets = (direction: 'toHost' | 'toBoard', ...places: readonly number[]) => ({
    scripted: places.map((at) => ({ direction, at, kind: 'reset' as const })),
  });

  it('again and again in a backup, each time a little later, is backed up', async () => {
    const names = Array.from({ length: 12 }, (_, at) => `f${at}.bin`);
    const files = Object.fromEntries(names.map((name, at) => [name, noise(9_000, at)]));
    const board = await lab.start({ files });
    board.setFaults(resets('toHost', 45_000, 90_000));
    let connected = 0;
    const connect = lab.connectTo(board, (time) => {
      connected = time;
    });
    const { summary } = await backup({ connect, store: lab.store }, {}, lab.context);
    expect(summary).toMatchObject({ fileCount: 12, partial: false });
    expect(connected).toBe(3);
    const fresh = await lab.start({ files: {}, uniqueIdHex: 'aa00000000000009' });
    await lab.restoreTo(fresh, { backup: summary.archive as string });
    expect(plain(await fresh.dump())).toEqual(plain(await board.dump()));
  });

  it('in every attempt to restore is left as it was, with the reason', async () => {
    const { summary } = await lab.backUp(await lab.start({ files: { 'a.bin': noise(80_000) } }));
    const target = await lab.start({ files: { 'main.py': 'old = 1\n', 'a.bin': 'mine' } });
    const before = plain(await target.dump());
    const parts = { connect: lab.connectTo(target), store: lab.store };
    const options = { backup: summary.archive as string };
    const prepared = await prepareRestore(parts, options, lab.context);
    target.setFaults(resets('toBoard', 20_000, 50_000, 80_000));
    await expect(prepared.carryOut()).rejects.toMatchObject({
      code: 'board/resets',
      hint: expect.stringMatching(/watchdog.*main\.py/),
      details: { rolledBack: true },
    });
    expect(plain(await target.dump())).toEqual(before);
  });
});
