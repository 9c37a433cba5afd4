/**
 * The n-th operation fails, for every n of a small backup, restore, merge, prune and repair: on the
 * disk (every function of node:fs/promises, several codes, before and after it was done), on the
 * board (every event), and on the wire (every so many bytes). GNU tar, sha256sum and the board's own
 * state judge what is left; then the same run without a fault must end well.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BelayError, isBelayError } from '../../src/core/errors.js';
import { connectBoard } from '../../src/device/board.js';
import { backup } from '../../src/jobs/backup.js';
import type { Connect } from '../../src/jobs/context.js';
import { mergeBackups } from '../../src/jobs/merge.js';
import { prune } from '../../src/jobs/prune.js';
import { repair } from '../../src/jobs/repair.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import type { BackupFolder } from '../../src/store/backup-folder.js';
import { VirtualBoard } from '../../src/testing/index.js';
import { installDiskSteps } from '../support/disk-steps.mjs';
import { LabClock, labContext, labFolder } from '../support/job-lab.js';
import { MemoryBoard } from '../support/memory-board.js';
import { everythingBelow, folderByHand, sha256Hex } from '../support/stock-reader.js';

const home = mkdtempSync(join(tmpdir(), 'belay-every-'));
const template = join(home, 'template');
const clock = new LabClock();
const counts = { disk: 0, diskErrors: 0, board: 0, wire: 0, kept: 0 };

const STATES = [
  { 'main.py': 'one\n', 'lib/a.py': 'a\n', 'data.bin': 'd'.repeat(3_000), 'empty/': null },
  { 'main.py': 'two\n', 'lib/a.py': 'a\n', 'data.bin': 'd'.repeat(3_000), 'new.txt': 'n' },
  { 'main.py': 'two\n', 'lib/b.py': 'b\n', 'data.bin': 'e'.repeat(3_500) },
] as const;

const board = (state: number) => new MemoryBoard(STATES[state]);
const connectTo =
  (target: MemoryBoard): Connect =>
  async () =>
    target.connection();

let archives: string[] = [];

beforeAll(async () => {
  const store = labFolder(template, clock);
  for (const state of [0, 1, 2]) {
    await backup({ connect: connectTo(board(state)), store }, {}, labContext(clock));
    clock.advance(3_600_000);
  }
  archives = everythingBelow(template).map((path) => path.slice(template.length));
  expect(folderByHand(template).archives.size).toBe(3);
});

afterAll(() => {
  rmSync(home, { recursive: true, force: true });
  console.log(
    `fault points: ${counts.disk} on the disk (${counts.diskErrors} ended the run, ${counts.kept} did not matter), ` +
      `${counts.board} on the board, ${counts.wire} on the wire`,
  );
});

interface Job {
  readonly name: string;
  run(store: BackupFolder, target: MemoryBoard): Promise<unknown>;
  /** The state of the board before. */
  readonly from: number;
  /** True where the archives that were there must stay as they are. */
  readonly keepsArchives: boolean;
  readonly prepare?: (folder: string) => void;
  after?(folder: string, target: MemoryBoard): void;
}

const restore = async (store: BackupFolder, target: MemoryBoard) => {
  const tip = (await store.list({ safety: false })).map((each) => each.path).sort()[0] as string;
  const parts = { connect: connectTo(target), store };
  const prepared = await prepareRestore(parts, { backup: tip, delete: true }, labContext(clock));
  return prepared.carryOut();
};

const JOBS: readonly Job[] = [
  {
    name: 'backup',
    from: 0,
    keepsArchives: true,
    run: (store, target) =>
      backup({ connect: connectTo(target), store }, { type: 'full' }, labContext(clock)),
    after: (_folder, target) => expect(target.state()).toEqual(board(0).state()),
  },
  {
    name: 'restore',
    from: 2,
    keepsArchives: true,
    run: restore,
    after: (_folder, target) => expect(target.state()).toEqual(board(0).state()),
  },
  {
    name: 'merge',
    from: 0,
    keepsArchives: false,
    run: (store) => mergeBackups({ store }, { backup: 'latest', replace: true }, labContext(clock)),
  },
  {
    name: 'prune',
    from: 0,
    keepsArchives: false,
    run: (store) => prune({ store }, { keep: { last: 1 }, mergeExpired: true }, labContext(clock)),
  },
  {
    name: 'repair',
    from: 0,
    keepsArchives: true,
    prepare: (folder) => writeFileSync(join(folder, 'broken.blb'), 'not an archive'),
    run: (store) => repair({ store }, {}, labContext(clock)),
    after: (folder) => {
      const found = everythingBelow(folder).filter((path) => path.endsWith('broken.blb'));
      expect(found.map((path) => path.includes('/quarantine/'))).toEqual([true]);
    },
  },
];

let copies = 0;
function freshCopy(job: Job): string {
  copies += 1;
  const folder = join(home, `copy-${copies}`);
  cpSync(template, folder, { recursive: true });
  job.prepare?.(folder);
  return folder;
}

/** Each file as it was or as it shall be; nothing else but folders of either. */
function expectOldOrNew(target: MemoryBoard, from: number): void {
  const [old, wanted] = [board(from).state(), board(0).state()];
  for (const [path, now] of Object.entries(target.state())) {
    if (!path.includes('.blb~'))
      expect([path, [old[path], wanted[path]]]).toEqual([path, expect.arrayContaining([now])]);
  }
}

function expectWhole(job: Job, folder: string, target: MemoryBoard): void {
  const broken = join(folder, 'broken.blb');
  if (job.name === 'repair') rmSync(broken, { force: true });
  const { archives: left } = folderByHand(folder);
  if (job.keepsArchives)
    for (const path of archives)
      expect([path, sha256Hex(readFileSync(folder + path))]).toEqual([
        path,
        sha256Hex(readFileSync(template + path)),
      ]);
  const tip = folderByHand(template).archives.get(template + archives.at(-1));
  const newest = JSON.stringify([...(tip?.state ?? [])]);
  expect([...left.values()].map((each) => JSON.stringify([...each.state]))).toContain(newest);
  expectOldOrNew(target, job.from);
}

interface DiskFault {
  readonly at: number;
  readonly code: string;
  readonly when: 'before' | 'after';
}

async function underFault(job: Job, folder: string, target: MemoryBoard, fault: DiskFault | null) {
  let count = 0;
  let name = '';
  const hit = (step: { name: string; path: string }) => {
    name = step.name;
    throw Object.assign(new Error(`${fault?.code}: injected, ${step.name} '${step.path}'`), {
      code: fault?.code,
    });
  };
  const uninstall = await installDiskSteps({
    under: folder,
    before: (step) => {
      count += 1;
      if (fault?.when === 'before' && count === fault.at) hit(step);
    },
    after: (step) => {
      if (fault?.when === 'after' && step.changes && count === fault.at) hit(step);
    },
  });
  try {
    await job.run(labFolder(folder, clock), target);
    return { count, name, error: null };
  } catch (error) {
    return { count, name, error };
  } finally {
    uninstall();
  }
}

describe('when the n-th operation on the disk fails', () => {
  it.each(JOBS)(
    'a $name keeps what there was, says what happened, and goes right the next time',
    async (job) => {
      const folder = freshCopy(job);
      const { count: total, error } = await underFault(job, folder, board(job.from), null);
      expect(error).toBe(null);
      for (const [code, when] of [
        ['ENOSPC', 'before'],
        ['EIO', 'before'],
        ['EACCES', 'before'],
        ['EIO', 'after'],
      ] as const) {
        for (let at = 1; at <= total; at += 1) {
          const copy = freshCopy(job);
          const target = board(job.from);
          const { name, error: failure } = await underFault(job, copy, target, { at, code, when });
          if (name === '') continue;
          counts.disk += 1;
          const what = `${job.name}: ${code} ${when} operation ${at} of ${total}, ${name}`;
          try {
            if (failure === null) counts.kept += 1;
            else {
              counts.diskErrors += 1;
              if (!isBelayError(failure)) throw failure;
              expect(failure.message).not.toBe('');
            }
            expectWhole(job, copy, target);
            if (
              job.prepare !== undefined &&
              !everythingBelow(copy).some((path) => path.includes('/quarantine/'))
            )
              job.prepare(copy);
            await job.run(labFolder(copy, clock), target);
            expectWhole(job, copy, target);
            job.after?.(copy, target);
            // A live process keeps what it could not remove: the next process sweeps it.
            const locks = folderByHand(copy).leftovers.filter((path) =>
              path.endsWith('.belay-lock'),
            );
            if (name !== 'unlink') expect(locks).toEqual([]);
          } catch (cause) {
            throw new Error(`${what}: ${(cause as Error).message}`, { cause });
          }
          rmSync(copy, { recursive: true, force: true });
        }
      }
    },
  );
});

describe('when the board is lost at its n-th event', () => {
  it.each(JOBS.slice(0, 2))(
    'a $name ends with 20, keeps every file old or new, and goes right the next time',
    async (job) => {
      for (let at = 0; ; at += 1) {
        const folder = freshCopy(job);
        const target = board(job.from);
        target.faults = {
          lostAtEvent: { at, error: new BelayError('port/lost', 'injected: the cable') },
        };
        const store = labFolder(folder, clock);
        const failure = await job.run(store, target).then(
          () => null,
          (error: unknown) => error,
        );
        target.faults = {};
        if (failure === null) {
          rmSync(folder, { recursive: true, force: true });
          break;
        }
        counts.board += 1;
        expect(isBelayError(failure) && failure.exitCode).toBe(20);
        expectWhole(job, folder, target);
        expect(folderByHand(folder).leftovers).toEqual([]);
        await job.run(store, target);
        job.after?.(folder, target);
        rmSync(folder, { recursive: true, force: true });
      }
      expect(counts.board).toBeGreaterThan(5);
    },
  );
});

describe('when the wire is cut at its n-th byte', () => {
  const flash = { 'main.py': 'one\n', 'lib/a.py': 'a\n', 'data.bin': 'd'.repeat(700) };
  const realClock = {
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    utcOffsetMinutes: () => 0,
    delay: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.min(ms, 5))),
  };
  const context = { ...labContext(clock), clock: realClock };
  /** So many places in each direction, from the first byte on. */
  const CUTS = 60;

  async function flashOf(board: VirtualBoard): Promise<Record<string, string>> {
    const files = [...(await board.dump())].filter(([, bytes]) => bytes !== null);
    return Object.fromEntries(files.map(([path, bytes]) => [path, sha256Hex(bytes as Uint8Array)]));
  }

  /**
   * Runs `work` with the wire cut at each place; it comes back at once after the first loss.
   * `again` makes `work` possible once more after it has gone well.
   */
  async function everyCut(
    virtual: VirtualBoard,
    work: (connect: Connect) => Promise<unknown>,
    check: (at: string, failure: unknown) => Promise<void>,
    again: () => Promise<void> = async () => {},
  ): Promise<void> {
    let connects = 0;
    let losses = 0;
    const connect: Connect = async ({ signal }) => {
      connects += 1;
      if (connects > 1) virtual.plug();
      return connectBoard(virtual.port(), { clock: realClock, random: context.randomHex, signal });
    };
    const before = virtual.counters();
    await work(connect);
    const after = virtual.counters();
    await again();
    const lengths = {
      toHost: after.bytesIn - before.bytesIn,
      toBoard: after.bytesOut - before.bytesOut,
    };
    for (const direction of ['toHost', 'toBoard'] as const) {
      const step = Math.max(1, lengths[direction] / CUTS);
      for (let place = 1; place < lengths[direction]; place += step) {
        const at = Math.floor(place);
        connects = 0;
        virtual.plug();
        virtual.setFaults({ scripted: [{ direction, at, kind: 'disconnect' }] });
        const failure = await work(connect).then(
          () => null,
          (error: unknown) => error,
        );
        virtual.setFaults({});
        counts.wire += 1;
        if (connects > 1 || failure !== null) losses += 1;
        const where = `${direction} ${at} of ${lengths[direction]}`;
        if (failure !== null)
          expect([where, isBelayError(failure) && failure.exitCode]).toEqual([where, 20]);
        virtual.plug();
        await check(where, failure);
      }
    }
    // What is sent while the board is left, at the end, is missed by nobody.
    expect(losses).toBeGreaterThan(CUTS * 1.5);
  }

  it('a backup ends with all files or none', async () => {
    const virtual = await VirtualBoard.start({ files: flash });
    const folder = join(home, 'wire');
    const store = labFolder(folder, clock);
    let archives = 1;
    try {
      await everyCut(
        virtual,
        (connect) => backup({ connect, store }, { type: 'full' }, context),
        async (where, failure) => {
          const now = folderByHand(folder);
          expect([where, now.leftovers]).toEqual([where, []]);
          archives += failure === null ? 1 : 0;
          expect([where, now.archives.size]).toEqual([where, archives]);
        },
      );
    } finally {
      await virtual.stop();
    }
    const hashes = [...folderByHand(folder).archives.values()].map((each) =>
      each.state.get('main.py'),
    );
    expect(new Set(hashes)).toEqual(new Set([sha256Hex(Buffer.from('one\n'))]));
  });

  it('a restore leaves every file old or new, and puts all right the next time', async () => {
    const folder = join(home, 'wire-restore');
    const store = labFolder(folder, clock);
    const other = { 'main.py': 'two\n', 'lib/a.py': 'a\n', 'data.bin': 'e'.repeat(400), x: 'x' };
    const connectTo = (board: VirtualBoard): Connect => {
      return ({ signal }) =>
        connectBoard(board.port(), { clock: realClock, random: context.randomHex, signal });
    };
    const take = async (board: VirtualBoard) => {
      const parts = { connect: connectTo(board), store };
      const { summary } = await backup(parts, { type: 'full' }, context);
      return { id: summary.backupId as string, state: await flashOf(board) };
    };
    const source = await VirtualBoard.start({ files: flash });
    const wanted = await take(source);
    await source.stop();
    const target = await VirtualBoard.start({ files: other });
    const old = await take(target);
    const put = async (connect: Connect, id: string) => {
      const options = { backup: id, delete: true };
      return (await prepareRestore({ connect, store }, options, context)).carryOut();
    };
    try {
      await everyCut(
        target,
        (connect) => put(connect, wanted.id),
        async (where, failure) => {
          const now = await flashOf(target);
          for (const [path, hash] of Object.entries(now)) {
            if (!path.includes('.blb~'))
              expect([where, path, [old.state[path], wanted.state[path]]]).toEqual([
                where,
                path,
                expect.arrayContaining([hash]),
              ]);
          }
          if (failure === null) expect([where, now]).toEqual([where, wanted.state]);
          else {
            expect([where, folderByHand(folder).leftovers]).toEqual([where, []]);
            await put(connectTo(target), wanted.id);
            expect([where, await flashOf(target)]).toEqual([where, wanted.state]);
          }
          await put(connectTo(target), old.id);
          expect([where, await flashOf(target)]).toEqual([where, old.state]);
        },
        async () => void (await put(connectTo(target), old.id)),
      );
    } finally {
      await target.stop();
    }
  });
});
