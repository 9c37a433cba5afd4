import { describe, expect, it } from 'vitest';
import { treeOf } from '../../src/chain/archive.js';
import { BelayError } from '../../src/core/errors.js';
import { listArchives } from '../../src/jobs/archive-listing.js';
import type { BackupOptions } from '../../src/jobs/backup.js';
import { backup } from '../../src/jobs/backup.js';
import { ContentReader } from '../../src/jobs/content-reader.js';
import type { Connect } from '../../src/jobs/context.js';
import { knownArchiveOf } from '../../src/jobs/restore-source.js';
import { MemoryBoard } from '../support/memory-board.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { connectTo, testContext } from './job-context.js';

const PROJECT = {
  'boot.py': 'import lib',
  'main.py': 'print("hello")\n'.repeat(20),
  'lib/': null,
  'lib/a.py': 'a = 1\n',
  'empty/': null,
  'nothing.txt': '',
  "it's ü.txt": 'name',
  'data.bin': Uint8Array.from({ length: 200_000 }, (_, at) => (at * 7919) >> 3),
};

function lab(content: Record<string, string | Uint8Array | null> = PROJECT, options = {}) {
  const board = new MemoryBoard(content, options);
  const store = new MemoryFolder();
  const context = testContext();
  const run = async (changes: BackupOptions = {}, connect: Connect = connectTo(board)) => {
    const result = await backup({ connect, store }, changes, context);
    context.advance(60_000);
    return result;
  };
  return { board, store, context, run };
}

/** Path -> sha256 or 'folder', as MemoryBoard.state() has it, read back out of the archives. */
async function stateIn(store: MemoryFolder, path: string): Promise<Record<string, string>> {
  const { archives } = await listArchives(store);
  const tip = knownArchiveOf(await store.inspect(path));
  const reader = ContentReader.of(store, tip, archives);
  const state: Record<string, string> = {};
  for (const entry of treeOf(tip.manifest)) {
    if (entry.kind === 'folder') state[entry.path] = 'folder';
    if (entry.kind !== 'file') continue;
    for await (const chunk of reader.read(entry.path)) expect(chunk).toBeInstanceOf(Uint8Array);
    state[entry.path] = entry.sha256 as string;
  }
  await reader.close();
  return state;
}

describe('a backup', () => {
  it('holds every file and folder of the board, and says so', async () => {
    const { board, store, run } = lab();
    const { summary, outcome, reason, manifest } = await run({
      description: 'first',
      metadata: { site: 'roof' },
    });
    expect(outcome).toBe('written');
    expect(reason).toContain('full');
    expect(summary).toMatchObject({
      command: 'backup',
      backupType: 'full',
      parentId: null,
      fileCount: 6,
      directoryCount: 2,
      filesNew: 6,
      filesUnchanged: 0,
      partial: false,
      board: { uniqueId: 'feedc0de00000001', port: 'memory' },
    });
    expect(manifest).toMatchObject({
      sequence: 1,
      description: 'first',
      metadata: { site: 'roof' },
      parent: null,
    });
    expect(summary.archive).toMatch(
      /\/memory\/memory-board-[0-9a-f]{8}\/backup_20261120_100000_full\.blb$/,
    );
    expect(await stateIn(store, summary.archive as string)).toEqual(board.state());
    expect(board.left).toEqual(['auto']);
    expect(store.lockedBy.size).toBe(0);
  });

  it('after changes is an increment that holds only what changed', async () => {
    const { board, store, run } = lab();
    const first = await run();
    board.set('main.py', 'print("changed")');
    board.set('copy of data.bin', PROJECT['data.bin']);
    board.files.delete('boot.py');
    const second = await run();
    expect(second.summary).toMatchObject({
      backupType: 'incremental',
      parentId: first.summary.backupId,
      filesNew: 1,
      filesChanged: 1,
      filesDeleted: 1,
      filesUnchanged: 4,
    });
    expect(second.filesRead).toEqual(['main.py']);
    expect(second.summary.archiveSize).toBeLessThan(10_000);
    expect(await stateIn(store, second.summary.archive as string)).toEqual(board.state());
    expect(second.manifest?.sequence).toBe(2);
  });

  it('reads identical content once and gives each file its own entry', async () => {
    const twin = 'same\n'.repeat(2000);
    const { board, store, run } = lab({
      'a.txt': twin,
      'b.txt': twin,
      'c/d.txt': twin,
      'e.txt': 'other\n'.repeat(2000).slice(0, twin.length),
    });
    const { filesRead, summary } = await run();
    expect(filesRead).toEqual(['a.txt', 'e.txt']);
    expect(await stateIn(store, summary.archive as string)).toEqual(board.state());
  });

  it('of a board where nothing changed is skipped when asked', async () => {
    const { run, store } = lab();
    await run();
    const { outcome, summary } = await run({ skipIfUnchanged: true });
    expect(outcome).toBe('unchanged');
    expect(summary).toMatchObject({ archive: null, filesUnchanged: 6 });
    expect(store.files.size).toBe(1);
  });

  it('is only planned in a dry run', async () => {
    const { run, store, board } = lab();
    const { outcome, filesRead } = await run({ dryRun: true });
    expect(outcome).toBe('planned');
    expect(filesRead).toHaveLength(6);
    expect(store.files.size).toBe(0);
    expect(board.left).toEqual(['auto']);
  });

  it('takes the path and the patterns that were asked for, and chains only with the same', async () => {
    const { run } = lab();
    await run();
    const { manifest, summary, reason } = await run({
      path: '/lib',
      include: ['*.py'],
    });
    expect(manifest?.files.map((entry) => entry.relativePath)).toEqual(['lib', 'lib/a.py']);
    expect(summary.backupType).toBe('full');
    expect(reason).toContain('another path or other patterns');
    expect((await run({ path: 'lib', include: ['*.py'] })).summary.backupType).toBe('incremental');
    await expect(run({ path: '/nope' })).rejects.toMatchObject({
      code: 'store/not-found',
    });
  });

  it('says so where the patterns leave no file', async () => {
    const { run } = lab();
    const codes = async (options: BackupOptions) =>
      (await run(options)).warnings.map((warning) => warning.code);
    expect(await codes({ include: ['*.pyy'] })).toContain('nothing-matches');
    expect(await codes({ include: ['*.py'] })).not.toContain('nothing-matches');
  });

  it('differential builds on the full, whatever came between', async () => {
    const { board, run } = lab();
    const full = await run();
    board.set('one', '1');
    await run();
    board.set('two', '2');
    const { summary, filesRead } = await run({ type: 'differential' });
    expect(summary).toMatchObject({
      backupType: 'differential',
      parentId: full.summary.backupId,
    });
    expect(filesRead).toEqual(['one', 'two']);
  });
});

describe('what could not be read', () => {
  it('makes the archive partial and names the file', async () => {
    const { run } = lab(PROJECT, {
      faults: { unreadable: new Set(['main.py']) },
    });
    const { summary, failed, manifest } = await run();
    expect(summary).toMatchObject({ partial: true, fileCount: 5 });
    expect(failed).toMatchObject([{ path: 'main.py', code: 'board/file' }]);
    expect(manifest?.files.find((entry) => entry.relativePath === 'main.py')).toMatchObject({
      error: { code: 'board/file' },
    });
  });

  it('is read again by the next increment', async () => {
    const { board, store, run } = lab(PROJECT, {
      faults: { unreadable: new Set(['main.py']) },
    });
    await run();
    board.faults = {};
    const { summary, filesRead } = await run();
    expect(filesRead).toEqual(['main.py']);
    expect(summary).toMatchObject({
      partial: false,
      backupType: 'incremental',
    });
    expect(await stateIn(store, summary.archive as string)).toEqual(board.state());
  });

  it('because it changed is tried again; a file that keeps changing is given up', async () => {
    const changing = new Map([
      ['main.py', 1],
      ['data.bin', 1],
      ['boot.py', 9],
    ]);
    const { board, store, run } = lab(PROJECT, {
      faults: { changesWhileRead: changing },
    });
    const { failed, summary } = await run();
    expect(failed.map((each) => each.path)).toEqual(['boot.py']);
    const { 'boot.py': _given, ...rest } = board.state();
    expect(await stateIn(store, summary.archive as string)).toEqual(rest);
  });

  it('is a folder that cannot be listed: never read as deletions', async () => {
    const { board, run } = lab();
    await run();
    board.faults = { unlistable: new Set(['lib']) };
    const { summary } = await run();
    expect(summary).toMatchObject({ partial: true, filesDeleted: 0 });
  });
});

describe('an empty board after a full one', () => {
  it('fails, unless it was allowed', async () => {
    const { board, run, store } = lab();
    await run();
    board.files.clear();
    board.folders.clear();
    await expect(run()).rejects.toMatchObject({
      code: 'board/empty',
      exitCode: 1,
    });
    expect(store.files.size).toBe(1);
    expect((await run({ allowEmpty: true })).summary).toMatchObject({
      filesDeleted: 6,
      fileCount: 0,
    });
  });

  it('is refused as well where only the folder that was asked for is gone', async () => {
    const { board, run } = lab();
    await run({ path: 'lib' });
    for (const path of board.files.keys()) if (path.startsWith('lib/')) board.files.delete(path);
    board.folders.delete('lib');
    await expect(run({ path: 'lib' })).rejects.toMatchObject({
      code: 'board/empty',
      message: '/lib held files in the last backup and holds none now',
    });
    const { summary } = await run({ path: 'lib', allowEmpty: true });
    expect(summary).toMatchObject({ fileCount: 0, filesDeleted: 1, partial: false });
  });

  const withCard = () => {
    const mount = (path: string) => ({
      path,
      skipped: path !== '',
      readOnly: false,
      totalBytes: null,
      freeBytes: null,
      blockBytes: null,
    });
    const mounts = [mount(''), mount('sd')];
    return { mounts, ...lab({ 'main.py': 'x', 'sd/log': 'y' }, { info: { mounts } }) };
  };

  it('is refused as well where only a card is gone', async () => {
    const { board, mounts, run } = withCard();
    await run({ mounts: ['sd'] });
    mounts.pop();
    board.files.delete('sd/log');
    for (const options of [{ mounts: ['sd'] }, {}])
      await expect(run(options)).rejects.toMatchObject({ code: 'board/empty' });
  });

  it('is not what a card is that nobody asked for this time', async () => {
    const { run } = withCard();
    await run({ mounts: ['sd'] });
    const { manifest } = await run();
    expect(manifest?.scope.roots).toEqual(['']);
    await expect(run({ path: 'sd' })).rejects.toMatchObject({
      code: 'usage/invalid',
      hint: 'take it as well with --mounts sd',
    });
  });
});

describe('the parent', () => {
  const spoil = (store: MemoryFolder, path: string) => {
    const bytes = store.files.get(path) as Uint8Array;
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] as number) ^ 1;
  };

  it('that is damaged is never extended: the last healthy one is, and it is said (E14)', async () => {
    const { board, store, run, context } = lab();
    const first = await run();
    board.set('main.py', 'noise '.repeat(5000));
    const second = await run();
    spoil(store, second.summary.archive as string);
    const third = await run();
    expect(third.summary.parentId).toBe(first.summary.backupId);
    expect(context.codes('warning')).toContain('backup-passed-over');
    expect(await stateIn(store, third.summary.archive as string)).toEqual(board.state());
  });

  it('that is damaged and alone leads to a full, or to an error under --require-parent (E13)', async () => {
    const { store, run } = lab();
    spoil(store, (await run()).summary.archive as string);
    await expect(run({ requireParent: true })).rejects.toMatchObject({
      code: 'chain/no-parent',
      exitCode: 14,
    });
    expect((await run()).summary.backupType).toBe('full');
  });

  it('of another board is not extended (M10)', async () => {
    const { store, run, context } = lab();
    await run();
    const other = new MemoryBoard({ 'main.py': 'other' }, { info: { uniqueId: 'beef' } });
    const { summary } = await backup({ connect: connectTo(other), store }, {}, context);
    expect(summary.backupType).toBe('full');
    expect(context.codes('warning')).toContain('new-history');
  });

  it('dated later than now still stands before its child (J1)', async () => {
    const { run, context } = lab();
    await run();
    context.advance(-7_200_000);
    const { summary, manifest } = await run();
    expect(summary.backupType).toBe('incremental');
    expect(manifest?.sequence).toBe(2);
    expect(context.codes('warning')).toContain('clock-behind');
  });
});

describe('a board that is lost', () => {
  const lost = () => new BelayError('port/lost', 'the port is gone');

  it('and comes back is read on from the files that are verified', async () => {
    for (let at = 0; at < 220; at += 13) {
      const { board, store, run } = lab(PROJECT, {
        faults: { lostAtEvent: { at, error: lost() } },
      });
      const { summary } = await run(
        {},
        connectTo(board, (time) => {
          if (time === 2) board.faults = {};
        }),
      );
      expect(await stateIn(store, summary.archive as string)).toEqual(board.state());
      expect(summary.partial).toBe(false);
    }
  });

  it('and stays away ends the run with 20 and no archive', async () => {
    const { board, store, run } = lab(PROJECT, {
      faults: { lostAtEvent: { at: 50, error: lost() } },
    });
    const connect = connectTo(board, (time) => {
      if (time > 1) throw new BelayError('port/not-found', 'no port');
    });
    await expect(run({}, connect)).rejects.toMatchObject({
      code: 'board/lost',
      exitCode: 20,
    });
    expect(store.files.size).toBe(0);
    expect(store.lockedBy.size).toBe(0);
  });

  it('again and again without progress ends with board/resets', async () => {
    const { run, store } = lab(PROJECT, {
      faults: { lostAtEvent: { at: 3, error: lost() } },
    });
    await expect(run()).rejects.toMatchObject({ code: 'board/resets' });
    expect(store.files.size).toBe(0);
  });

  it('and replaced by another board is refused', async () => {
    const { board, run } = lab(PROJECT, {
      faults: { lostAtEvent: { at: 50, error: lost() } },
    });
    const other = new MemoryBoard({}, { info: { uniqueId: 'beef' } });
    let time = 0;
    const connect: Connect = async () => (time++ === 0 ? board.connection() : other.connection());
    await expect(run({}, connect)).rejects.toMatchObject({
      code: 'board/other',
      exitCode: 14,
    });
    expect(other.left).toEqual(['leave']);
  });
});

describe('stopping and failing', () => {
  it('cancelled at any event leaves no archive, no lock, and the board as found', async () => {
    for (let at = 1; at < 60; at += 4) {
      const { board, store, context, run } = lab();
      let seen = 0;
      const emit = context.emit;
      Object.assign(context, {
        emit: (event: Parameters<typeof emit>[0]) => {
          seen += 1;
          if (seen === at) context.abort.abort();
          emit(event);
        },
      });
      const outcome = await run().then(
        (result) => result.outcome,
        (error: BelayError) => error.code,
      );
      if (outcome === 'written') continue;
      expect(outcome).toBe('job/cancelled');
      expect(store.files.size).toBe(0);
      expect(store.lockedBy.size).toBe(0);
      if (board.left.length > 0) expect(board.left).toEqual(['auto']);
    }
  });

  it('without room for the archive is noticed before anything is read', async () => {
    const { store, run } = lab();
    store.free = 100_000;
    await expect(run()).rejects.toMatchObject({
      code: 'store/full',
      exitCode: 15,
    });
  });

  it('waits for no lock unless told to', async () => {
    const { store, run } = lab();
    const { boardFolder } = await (async () => ({
      boardFolder: (await run()).summary.archive?.replace(/\/[^/]*$/, '') as string,
    }))();
    store.lockedBy.set(boardFolder, { token: 'x', purpose: 'merge' });
    await expect(run()).rejects.toMatchObject({
      code: 'store/locked',
      exitCode: 11,
    });
  });
});
