/**
 * faults.md M through the built command, over a pseudo-terminal: cables that are pulled, boards that
 * reset, lie, are full, or are not the one they were. The board's own flash is the judge.
 */
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { VirtualBoardOptions } from '../../dist/testing/index.js';
import { VirtualBoard } from '../../dist/testing/index.js';
import { ptyProblem } from '../support/pty.js';
import { folderByHand, sha256Hex } from '../support/stock-reader.js';
import { contentOf, fill, jsonLines, newLab } from './lab.js';

const lab = newLab();
const noPty = ptyProblem();
if (noPty !== null) console.log(`skipped, boards on a pseudo-terminal: ${noPty}`);
const started: VirtualBoard[] = [];
let ttys = 0;

afterEach(async () => {
  for (const board of started.splice(0)) await board.stop();
});
afterAll(() => lab.dispose());

/** Nothing that any deflate makes smaller: so many bytes of content are so many on the wire. */
function noise(bytes: number, seed: number): Uint8Array {
  let state = seed;
  return new Uint8Array(bytes).map(() => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}

const FILES = {
  // Long enough to be verified at its own end, whatever comes behind it.
  'a.bin': noise(34_000, 1),
  'b.bin': noise(26_000, 2),
  'lib/c.py': 'c = 1\n',
  'main.py': 'x = 1\n',
};

/** All of FILES, the longest file that can be on its way after the first one, and what is said besides. */
const NOT_FROM_THE_START_BYTES = 60_012 + 26_000 + 8_000;

interface Plugged {
  readonly board: VirtualBoard;
  /** Stays the same when the cable is plugged in again. */
  readonly port: string;
  /** A new terminal under the same name. */
  replug(): Promise<void>;
}

async function plugged(options: VirtualBoardOptions): Promise<Plugged> {
  const board = await VirtualBoard.start(options);
  started.push(board);
  ttys += 1;
  const port = join(lab.home, `tty-${ttys}`);
  const replug = async () => {
    board.plug();
    const { path } = await board.pty();
    rmSync(port, { force: true });
    symlinkSync(path, port);
  };
  await replug();
  return { board, port, replug };
}

type Direction = 'toHost' | 'toBoard';

/**
 * Lets something happen once so many bytes have passed from now on; a cable is plugged in again
 * 0.7 s later, except where it is gone for good. Gives what to ask at the end: that it did happen.
 */
function after(
  bytes: number,
  direction: Direction,
  target: Plugged,
  kind: 'disconnect' | 'reset',
  forGood = false,
): () => void {
  const passed = () => target.board.counters()[direction === 'toHost' ? 'bytesIn' : 'bytesOut'];
  const start = passed();
  target.board.setFaults({ scripted: [{ direction, at: bytes, kind }] });
  const hasHappened = () => passed() - start >= bytes - 1;
  const watch = setInterval(() => {
    if (!hasHappened()) return;
    clearInterval(watch);
    // The next terminal that anybody opens gets the number of this one.
    if (kind === 'disconnect') rmSync(target.port, { force: true });
    if (kind === 'disconnect' && !forGood) setTimeout(() => void target.replug(), 700);
  }, 20);
  return () => {
    clearInterval(watch);
    expect([bytes, passed() - start]).toEqual([bytes, expect.toSatisfy(hasHappened)]);
  };
}

type Plain = Readonly<Record<string, string | null>>;

async function flash(board: VirtualBoard): Promise<Plain> {
  const tree = [...(await board.dump())];
  return Object.fromEntries(tree.map(([path, bytes]) => [path, bytes && sha256Hex(bytes)]));
}

const justFiles = (tree: Plain): Plain =>
  Object.fromEntries(Object.entries(tree).filter(([, hash]) => hash !== null));

/** What the newest archive of the folder says, as tar and sha256sum see it. */
function newest(dir: string): Record<string, string> {
  const all = [...folderByHand(dir).archives].filter(([path]) => !path.includes('/safety/'));
  const tip = all.sort(([, a], [, b]) => a.sequence - b.sequence).at(-1)?.[1];
  return Object.fromEntries([...(tip?.state ?? [])].filter(([, hash]) => hash !== 'folder'));
}

const pty = describe.skipIf(noPty !== null);

pty('M1 a cable that is pulled', { timeout: 120_000 }, () => {
  it.each([
    ['while it connects', 60],
    ['in the listing', 900],
    ['in the first file', 9_000],
    ['near the end', 55_000],
  ])('M1 %s and plugged in again within 10 s costs nothing', async (_when, at) => {
    const target = await plugged({ files: FILES });
    const dir = lab.folder();
    const expectPulled = after(at, 'toHost', target, 'disconnect');
    const run = await lab.belay(dir, ['backup', '-p', target.port, '--no-compress']);
    expectPulled();
    if (run.status === 0) {
      expect(newest(dir)).toEqual(justFiles(await flash(target.board)));
      // What was verified before is not read again: at most the file that was on its way.
      const { wireBytesIn } = jsonLines(run.stdout).at(-1) as { wireBytesIn: number };
      expect(wireBytesIn).toBeLessThan(NOT_FROM_THE_START_BYTES);
    } else {
      // A cable that goes before the board is known cannot be waited for: it says so.
      expect([at, run.status]).toEqual([60, 20]);
      expect(run.stderr).toMatch(/"hint":"[^"]+/);
    }
    expect(folderByHand(dir).leftovers).toEqual([]);
  });

  it('M1 for good ends with 20 within its limit: no archive, no lock, the next run works', async () => {
    const target = await plugged({ files: FILES });
    const { board, port, replug } = target;
    const dir = lab.folder();
    const expectPulled = after(20_000, 'toHost', target, 'disconnect', true);
    const startedMs = performance.now();
    const error = await lab.refused(dir, ['backup', '-p', port, '--no-compress'], 20);
    expect(performance.now() - startedMs).toBeLessThan(25_000);
    expectPulled();
    expect(error.hint).toBeTruthy();
    expect(folderByHand(dir)).toMatchObject({ leftovers: [] });
    expect(contentOf(dir)).toEqual({});
    await replug();
    await lab.done(dir, ['backup', '-p', port]);
    expect(newest(dir)).toEqual(justFiles(await flash(board)));
  });

  it('M1 in a restore and plugged in again: every file old or new, the end as planned', async () => {
    const source = await plugged({ files: FILES, uniqueIdHex: 'aa000000000000c1' });
    const dir = lab.folder();
    await lab.done(dir, ['backup', '-p', source.port]);
    const target = await plugged({
      files: { 'main.py': 'old\n', 'a.bin': noise(5_000, 9) },
      uniqueIdHex: 'aa000000000000c2',
    });
    const expectPulled = after(30_000, 'toBoard', target, 'disconnect');
    const from = ['latest', '--board', 'aa000000000000c1'];
    const run = await lab.belay(dir, ['restore', ...from, '-p', target.port, '-y']);
    expectPulled();
    expect([run.status, run.stderr]).toEqual([0, '']);
    const end = await flash(target.board);
    const wanted = await flash(source.board);
    for (const [path, hash] of Object.entries(wanted))
      expect([path, end[path]]).toEqual([path, hash]);
    expect(Object.keys(end).filter((path) => path.includes('.blb~'))).toEqual([]);
  });
});

pty('M2 a board that resets', { timeout: 120_000 }, () => {
  it('M2 in the middle of a file of a backup: the run goes on from its verified files', async () => {
    const target = await plugged({ files: FILES });
    const dir = lab.folder();
    const expectReset = after(55_000, 'toHost', target, 'reset');
    const { wireBytesIn } = await lab.done(dir, ['backup', '-p', target.port, '--no-compress']);
    expectReset();
    expect(newest(dir)).toEqual(justFiles(await flash(target.board)));
    expect(wireBytesIn).toBeLessThan(NOT_FROM_THE_START_BYTES);
  });

  it('M2 in the middle of a restore: no file is half', async () => {
    const source = await plugged({ files: FILES, uniqueIdHex: 'aa000000000000c3' });
    const dir = lab.folder();
    await lab.done(dir, ['backup', '-p', source.port]);
    const target = await plugged({ files: { 'a.bin': 'old' }, uniqueIdHex: 'aa000000000000c4' });
    const expectReset = after(25_000, 'toBoard', target, 'reset');
    const from = ['latest', '--board', 'aa000000000000c3'];
    const run = await lab.belay(dir, ['restore', ...from, '-p', target.port, '-y']);
    expectReset();
    expect([run.status, run.stderr]).toEqual([0, '']);
    expect(await flash(target.board)).toEqual(await flash(source.board));
  });
});

pty('M3 M5 a wire that is not clean', { timeout: 120_000 }, () => {
  it('M3 a program that prints all the time gets into no file', async () => {
    const main = "import time\nwhile True:\n    print('temperature 21.5')\n    time.sleep_ms(5)\n";
    const { board, port } = await plugged({ files: { ...FILES, 'main.py': main } });
    const dir = lab.folder();
    await lab.done(dir, ['backup', '-p', port]);
    expect(newest(dir)).toEqual(justFiles(await flash(board)));
  });

  it.each([1, 2, 3])(
    'M5 bytes flipped, lost and added, one in 5,000 (seed %i): every byte right, or 20',
    async (seed) => {
      const { board, port } = await plugged({ files: FILES });
      const dir = lab.folder();
      board.setFaults({ random: { direction: 'toHost', rate: 1 / 5_000, seed } });
      const run = await lab.belay(dir, ['backup', '-p', port]);
      expect([0, 20]).toContain(run.status);
      const { archives, leftovers } = folderByHand(dir);
      expect([archives.size, leftovers]).toEqual([run.status === 0 ? 1 : 0, []]);
      if (run.status === 0) expect(newest(dir)).toEqual(justFiles(await flash(board)));
    },
  );

  it('M5 the same towards the board in a restore: the flash is right, or it is said', async () => {
    const source = await plugged({ files: FILES, uniqueIdHex: 'aa000000000000c5' });
    const dir = lab.folder();
    await lab.done(dir, ['backup', '-p', source.port]);
    const target = await plugged({ files: {}, uniqueIdHex: 'aa000000000000c6' });
    target.board.setFaults({ random: { direction: 'toBoard', rate: 1 / 20_000, seed: 7 } });
    const argv = ['restore', 'latest', '--board', 'aa000000000000c5', '-p', target.port, '-y'];
    const run = await lab.belay(dir, argv);
    const end = await flash(target.board);
    const wanted = await flash(source.board);
    for (const [path, hash] of Object.entries(end)) {
      if (!path.includes('.blb~')) expect([path, hash]).toEqual([path, wanted[path]]);
    }
    if (run.status === 0) expect(end).toEqual(wanted);
    else expect(run.stderr).toContain('"type":"error"');
  });
});

pty('M6 a board that is full', { timeout: 120_000 }, () => {
  const old = { 'main.py': 'old\n', 'keep.bin': noise(90_000, 3) };

  it('M6 is refused with 15 before anything is written, and is as it was', async () => {
    const source = await plugged({
      files: { ...FILES, 'big.bin': noise(120_000, 4) },
      uniqueIdHex: 'aa000000000000d1',
    });
    const dir = lab.folder();
    await lab.done(dir, ['backup', '-p', source.port]);
    const target = await plugged({
      files: old,
      uniqueIdHex: 'aa000000000000d2',
      flashBytes: 160 * 1024,
    });
    const before = await flash(target.board);
    const argv = ['restore', 'latest', '--board', 'aa000000000000d1', '-p', target.port, '-y'];
    const error = await lab.refused(dir, argv, 15);
    expect(error.message).toMatch(/\d/);
    expect(error.hint).toBeTruthy();
    expect(await flash(target.board)).toEqual(before);
  });

  /** It says that 50 blocks are free: one by one all would fit, with what goes gone first. */
  const optimist = `from os import *
def statvfs(path):
    return (4096, 4096, 90, 50, 50, 0, 0, 0, 0, 255)
`;

  /** A board that has less room than it says: that shows while it is written. */
  async function fullOnTheWay() {
    const source = await plugged({
      files: { ...FILES, 'big.bin': noise(150_000, 4) },
      uniqueIdHex: 'aa000000000000d3',
    });
    const dir = lab.folder();
    await lab.done(dir, ['backup', '-p', source.port]);
    const target = await plugged({
      files: old,
      uniqueIdHex: 'aa000000000000d4',
      flashBytes: 160 * 1024,
      dialect: { extraModules: { uos: optimist } },
    });
    const from = ['latest', '--board', 'aa000000000000d3'];
    const argv = ['restore', ...from, '-p', target.port, '-y', '--delete'];
    return { dir, target, argv, before: await flash(target.board), wanted: source.board };
  }

  it('M6 that shows while it is written is rolled back: 15, the board as it was, what was deleted too', async () => {
    const { dir, target, argv, before } = await fullOnTheWay();
    const error = await lab.refused(dir, argv, 15);
    expect(error.message).toMatch(/full|space|room/);
    expect(await flash(target.board)).toEqual(before);
    expect(target.board.counters().bytesOut).toBeGreaterThan(20_000);
    expect(folderByHand(dir).leftovers).toEqual([]);
  });

  it('M6 with --no-safety stops, lists what was written, and ends with 3', async () => {
    const { dir, target, argv, before, wanted } = await fullOnTheWay();
    const run = await lab.belay(dir, [...argv, '--no-safety']);
    expect(run.status).toBe(3);
    const { failed } = jsonLines(run.stdout).at(-1) as { failed: { path: string }[] };
    expect(failed).toHaveLength(1);
    const [end, shall] = [await flash(target.board), await flash(wanted)];
    for (const [path, hash] of Object.entries(justFiles(end)))
      expect([path, [before[path], shall[path]]]).toEqual([path, expect.arrayContaining([hash])]);
    // It was deleted first, to make room: what the rollback above has brought back.
    expect([before['keep.bin'], end['keep.bin']]).toEqual([expect.any(String), undefined]);
    expect(end[failed[0]?.path as string]).toBe(before[failed[0]?.path as string]);
    const kept = [...folderByHand(dir).archives.keys()];
    expect(kept.filter((path) => path.includes('/safety/'))).toEqual([]);
  });
});

pty('M7 boards that lack something', { timeout: 120_000 }, () => {
  it.each([
    ['hashlib', { hiddenModules: ['hashlib'] }],
    ['deflate', { hiddenModules: ['deflate'] }],
    ['os.statvfs', { hiddenNames: ['os.statvfs'] }],
    [
      'all of them',
      { hiddenModules: ['hashlib', 'deflate', 'binascii'], hiddenNames: ['os.statvfs'] },
    ],
  ])('M7 %s: backed up and restored all the same', async (_what, dialect) => {
    const source = await plugged({ files: FILES, dialect, uniqueIdHex: 'aa000000000000e1' });
    const dir = lab.folder();
    await lab.done(dir, ['backup', '-p', source.port]);
    expect(newest(dir)).toEqual(justFiles(await flash(source.board)));
    const target = await plugged({ files: {}, dialect, uniqueIdHex: 'aa000000000000e2' });
    const argv = ['restore', 'latest', '--board', 'aa000000000000e1', '-p', target.port, '-y'];
    const summary = await lab.done(dir, argv);
    expect(summary.failed).toEqual([]);
    expect(await flash(target.board)).toEqual(await flash(source.board));
  });
});

pty('M8 a file system that is gone', { timeout: 120_000 }, () => {
  it('M8 after a full backup is never taken for deletions', async () => {
    const { board, port } = await plugged({ files: FILES });
    const dir = lab.folder();
    await lab.done(dir, ['backup', '-p', port]);
    await board.stop();
    const broken = await plugged({ files: { 'boot.py': "import vfs\nvfs.umount('/')\n" } });
    const before = contentOf(dir);
    const error = await lab.refused(dir, ['backup', '-p', broken.port], 1);
    expect([error.code, error.message]).toEqual([
      'board/listing',
      expect.stringMatching(/could not be listed/),
    ]);
    expect(error.hint).toBeTruthy();
    expect(contentOf(dir)).toEqual(before);
  });
});

pty('M10 M11 boards that are not what they were', { timeout: 120_000 }, () => {
  it('M10 another board on the same port begins its own history and does not touch the first', async () => {
    const first = await plugged({ files: FILES, uniqueIdHex: 'aa000000000000f1' });
    const dir = lab.folder();
    await lab.done(dir, ['backup', '-p', first.port]);
    const before = contentOf(dir);
    const second = await plugged({
      files: { 'main.py': 'other\n' },
      uniqueIdHex: 'aa000000000000f2',
    });
    const summary = await lab.done(dir, ['backup', '-p', second.port]);
    expect(summary).toMatchObject({ backupType: 'full', parentId: null });
    for (const [path, hash] of Object.entries(before)) expect(contentOf(dir)[path]).toBe(hash);
    const third = await plugged({ files: {}, uniqueIdHex: 'aa000000000000f3' });
    await lab.refused(dir, ['backup', '-p', third.port, '--require-parent'], 14);
  });

  it('M11 an empty board after a full one is refused, unless it is allowed', async () => {
    const { board, port } = await plugged({ files: FILES });
    const dir = lab.folder();
    await lab.done(dir, ['backup', '-p', port]);
    await board.stop();
    const empty = await plugged({ files: {} });
    const before = contentOf(dir);
    const error = await lab.refused(dir, ['backup', '-p', empty.port], 1);
    expect(error.hint).toContain('--allow-empty');
    expect(contentOf(dir)).toEqual(before);
    await lab.done(dir, ['backup', '-p', empty.port, '--allow-empty']);
    expect(newest(dir)).toEqual({});
  });
});

describe('M12 after a restore', () => {
  it('M12 the files are hashed on the board again, and the summary says so', async () => {
    const dir = lab.folder();
    const [from, to] = [lab.folder(), lab.folder()];
    fill(from, { 'main.py': 'x = 1\n', 'lib/a.py': 'a\n' });
    await lab.done(dir, ['backup', '-p', `virtual:${from}`]);
    const { backups } = await lab.done(dir, ['list']);
    const id = (backups as { backupId: string }[])[0]?.backupId as string;
    const summary = await lab.done(dir, ['restore', id, '-p', `virtual:${to}`, '-y']);
    expect(summary).toMatchObject({ verified: true, filesWritten: 2 });
    expect(contentOf(to)).toEqual(contentOf(from));
    await lab.done(dir, ['verify', id, '--against-board', '-p', `virtual:${to}`]);
    fill(to, { 'main.py': 'changed\n' });
    await lab.refused(dir, ['verify', id, '--against-board', '-p', `virtual:${to}`], 13);
  });
});

pty('a board that does not answer', { timeout: 60_000 }, () => {
  it('is named with what to do, within its limit, and nothing is left behind', async () => {
    const { board, port } = await plugged({ files: { 'main.py': 'while True:\n    pass\n' } });
    board.ignoreInterrupts(true);
    const dir = lab.folder();
    const startedMs = performance.now();
    const error = await lab.refused(dir, ['backup', '-p', port], 20);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    expect(error.hint).toMatch(/reset|unplug|plug|power/i);
    expect(contentOf(dir)).toEqual({});
  });
});
