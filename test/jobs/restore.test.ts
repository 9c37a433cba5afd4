import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BelayError } from '../../src/core/errors.js';
import { backup } from '../../src/jobs/backup.js';
import type { Connect } from '../../src/jobs/context.js';
import type { RestoreOptions } from '../../src/jobs/restore.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import { prepareUndo } from '../../src/jobs/undo-restore.js';
import type { MemoryContent } from '../support/memory-board.js';
import { MemoryBoard } from '../support/memory-board.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { boardContent } from './board-trees.js';
import { connectTo, testContext } from './job-context.js';

const PROJECT = {
  'boot.py': 'import lib',
  'main.py': 'print("hello")\n'.repeat(20),
  'lib/a.py': 'a = 1\n',
  'empty/': null,
  'nothing.txt': '',
  'data.bin': Uint8Array.from({ length: 150_000 }, (_, at) => (at * 7919) >> 3),
};

async function lab(content: MemoryContent = PROJECT) {
  const source = new MemoryBoard(content);
  const store = new MemoryFolder();
  const context = testContext();
  await backup({ connect: connectTo(source), store }, {}, context);
  context.advance(60_000);
  const restore = async (
    target: MemoryBoard,
    options: RestoreOptions = {},
    connect: Connect = connectTo(target),
  ) => {
    const prepared = await prepareRestore({ connect, store }, options, context);
    context.advance(60_000);
    return prepared.carryOut();
  };
  const undo = async (target: MemoryBoard, options = {}) => {
    context.advance(60_000);
    return (await prepareUndo({ connect: connectTo(target), store }, options, context)).carryOut();
  };
  return { source, store, context, restore, undo };
}

const safetyCount = (store: MemoryFolder) =>
  [...store.files.keys()].filter((path) => path.includes('/safety/')).length;

describe('a restore', () => {
  it('onto a fresh board makes it equal to the backup, and undo empties it again', async () => {
    const { source, store, restore, undo } = await lab();
    const fresh = new MemoryBoard({});
    const { summary, safetyArchive } = await restore(fresh);
    expect(fresh.state()).toEqual(source.state());
    expect(summary).toMatchObject({
      command: 'restore',
      filesWritten: 5,
      filesSkipped: 0,
      verified: true,
      failed: [],
    });
    expect(safetyArchive).toContain('/safety/');
    await undo(fresh);
    expect(fresh.state()).toEqual({});
    expect(fresh.left).toEqual(['auto', 'auto']);
    expect(store.lockedBy.size).toBe(0);
  });

  it('calls the board by its own name, not by that of the board whose backups are meant', async () => {
    const { store, context } = await lab();
    const id = 'feedc0de00000001';
    const boardOf = async (uniqueId: string | null, boardName: string) => {
      const board = new MemoryBoard({}, { info: { uniqueId } });
      const parts = { connect: connectTo(board), store };
      const prepared = await prepareRestore(parts, { boardName, safety: false }, context);
      await prepared.cancel();
      return prepared.board.name;
    };
    expect(await boardOf('cafe', id)).toBe(await boardOf(id, id));
    const named = new MemoryBoard({ x: '1' }, { info: { uniqueId: 'beef' } });
    await backup({ connect: connectTo(named), store }, { boardName: 'roof' }, context);
    expect(await boardOf('beef', 'beef')).toBe('roof');
    expect(await boardOf(null, 'roof')).toBe('roof');
  });

  it('sends only what differs, and does nothing the second time', async () => {
    const { source, restore } = await lab();
    source.set('main.py', 'broken');
    const first = await restore(source);
    expect(first.summary).toMatchObject({ filesWritten: 1, filesSkipped: 4 });
    const second = await restore(source);
    expect(second.summary).toMatchObject({
      filesWritten: 0,
      bytesWritten: 0,
      verified: true,
    });
    expect(second.safetyArchive).toBeNull();
  });

  it('of chosen paths leaves the others alone', async () => {
    const { restore } = await lab();
    const target = new MemoryBoard({ 'main.py': 'mine' });
    await restore(target, { paths: ['lib', '/boot.py'] });
    expect(Object.keys(target.state())).toEqual(['boot.py', 'lib', 'lib/a.py', 'main.py']);
  });

  it('any board to any backup and back again by undo', async () => {
    await fc.assert(
      fc.asyncProperty(boardContent, boardContent, async (from, to) => {
        const { source, restore, undo } = await lab({ ...from, always: '1' });
        const target = new MemoryBoard({ ...to, 'its own': '2' });
        const before = target.state();
        await restore(target, { delete: true });
        expect(target.state()).toEqual(source.state());
        await undo(target);
        expect(target.state()).toEqual(before);
      }),
      { numRuns: process.env.SLOW === '1' ? 500 : 40 },
    );
  });

  it('does not count the time in which a person thought about its plan', async () => {
    const { store, context } = await lab();
    const connect = connectTo(new MemoryBoard({}));
    const prepared = await prepareRestore({ connect, store }, {}, context);
    await context.clock.delay(3_600_000, context.signal);
    const { summary } = await prepared.carryOut();
    expect(summary.durationMs).toBeGreaterThan(0);
    expect(summary.durationMs).toBeLessThan(60_000);
  });

  it('is only shown when it is cancelled', async () => {
    const { store, context } = await lab();
    const target = new MemoryBoard({});
    const prepared = await prepareRestore({ connect: connectTo(target), store }, {}, context);
    expect(prepared.plan.filesToWrite).toBe(5);
    expect(prepared.source.board.uniqueId).toBe('feedc0de00000001');
    await prepared.cancel();
    expect(target.state()).toEqual({});
    expect(target.left).toEqual(['auto']);
    expect(safetyCount(store)).toBe(0);
  });

  it('of a damaged archive changes nothing, even with --no-verify', async () => {
    const { store, restore } = await lab();
    const [path, bytes] = [...store.files][0] as [string, Uint8Array];
    const at = Math.floor(bytes.length * 0.6);
    bytes[at] = (bytes[at] as number) ^ 1;
    expect(path).toContain('full');
    const target = new MemoryBoard({ 'main.py': 'mine' });
    await expect(restore(target, { verify: false })).rejects.toMatchObject({
      exitCode: 13,
    });
    expect(target.state()).toEqual(new MemoryBoard({ 'main.py': 'mine' }).state());
  });

  it('stops the board, which is looked at meanwhile, where an archive turns out to be damaged', async () => {
    const { store, restore } = await lab();
    const [, bytes] = [...store.files][0] as [string, Uint8Array];
    const at = Math.floor(bytes.length * 0.6);
    bytes[at] = (bytes[at] as number) ^ 1;
    const target = new MemoryBoard({});
    const stopped: string[] = [];
    const connect: Connect = async (options) => {
      const connection = await connectTo(target)(options);
      connection.fs.scan = ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            stopped.push('scan');
            reject(new BelayError('job/cancelled', 'stopped'));
          });
        });
      return connection;
    };
    await expect(restore(target, {}, connect)).rejects.toMatchObject({ exitCode: 13 });
    expect([...stopped, ...target.left]).toEqual(['scan', 'auto']);
  });

  it('that does not fit is refused before anything is written', async () => {
    const { restore } = await lab();
    const mounts = [
      {
        path: '',
        skipped: false,
        readOnly: false,
        totalBytes: 81_920,
        freeBytes: 40_960,
        blockBytes: 4096,
      },
    ];
    await expect(restore(new MemoryBoard({}, { info: { mounts } }))).rejects.toMatchObject({
      code: 'board/full',
      exitCode: 15,
    });
  });

  it('to a board without folders is refused, and with keepGoing does the rest', async () => {
    const { restore } = await lab();
    const flat = () => new MemoryBoard({}, { info: { hasFolders: false } });
    await expect(restore(flat())).rejects.toMatchObject({
      code: 'board/unfit',
    });
    const target = flat();
    const { partial, summary } = await restore(target, { keepGoing: true });
    expect(partial).toBe(true);
    expect(summary.failed.map((each) => each.path)).toEqual(['lib/a.py']);
    expect(target.files.has('main.py')).toBe(true);
  });
});

describe('a restore that fails', () => {
  const MINE = { 'main.py': 'mine', 'lib/': null, 'old/keep.txt': 'old' };

  it('at a file puts everything back and names it', async () => {
    const { restore, store } = await lab();
    const target = new MemoryBoard(MINE, {
      faults: { unwritable: new Set(['nothing.txt']) },
    });
    const before = target.state();
    await expect(restore(target, { delete: true })).rejects.toMatchObject({
      code: 'board/file',
      details: { rolledBack: true },
    });
    expect(target.state()).toEqual(before);
    expect(safetyCount(store)).toBe(0);
    expect(store.lockedBy.size).toBe(0);
  });

  it('with keepGoing does the rest and is partial', async () => {
    const { restore } = await lab();
    const target = new MemoryBoard(MINE, {
      faults: { unwritable: new Set(['nothing.txt']) },
    });
    const { partial, summary } = await restore(target, { keepGoing: true });
    expect(partial).toBe(true);
    expect(summary).toMatchObject({
      filesWritten: 4,
      verified: false,
      failed: [{ path: 'nothing.txt' }],
    });
  });

  it('without a safety archive stops and says what was written', async () => {
    const { restore, store } = await lab();
    const target = new MemoryBoard(MINE, {
      faults: { unwritable: new Set(['main.py']) },
    });
    const { partial, summary } = await restore(target, { safety: false });
    expect(partial).toBe(true);
    expect(summary.failed).toMatchObject([{ path: 'main.py' }]);
    expect(safetyCount(store)).toBe(0);
  });

  it('because what it overwrites cannot be saved has changed nothing', async () => {
    const { restore } = await lab();
    const target = new MemoryBoard(MINE, {
      faults: { unreadable: new Set(['main.py']) },
    });
    const before = target.state();
    await expect(restore(target)).rejects.toMatchObject({ code: 'board/file' });
    expect(target.state()).toEqual(before);
  });

  it('at any event by a lost board that comes back still ends right', async () => {
    for (let at = 0; at < 200; at += 9) {
      const { source, restore } = await lab();
      const error = new BelayError('port/lost', 'the port is gone');
      const target = new MemoryBoard(MINE, {
        faults: { lostAtEvent: { at, error } },
      });
      await restore(
        target,
        { delete: true },
        connectTo(target, (time) => {
          if (time === 2) target.faults = {};
        }),
      );
      expect(target.state()).toEqual(source.state());
    }
  });

  it('at any event by a board that stays away keeps the safety archive for an undo', async () => {
    for (let at = 0; at < 200; at += 9) {
      const { source, restore, store, undo } = await lab();
      const error = new BelayError('port/lost', 'the port is gone');
      const target = new MemoryBoard(MINE, {
        faults: { lostAtEvent: { at, error } },
      });
      const before = target.state();
      const connect = connectTo(target, (time) => {
        if (time > 1) throw new BelayError('port/not-found', 'no port');
      });
      const outcome = await restore(target, { delete: true }, connect).then(
        () => 'done',
        (failure: BelayError) => failure.code,
      );
      target.faults = {};
      if (outcome === 'done') expect(target.state()).toEqual(source.state());
      else {
        expect(outcome).toBe('board/lost');
        if (safetyCount(store) > 0) await undo(target);
        expect(target.state()).toEqual(before);
      }
    }
  });

  it('cancelled at any event leaves the board as it was', async () => {
    for (let at = 1; at < 80; at += 4) {
      const { restore, context } = await lab();
      const target = new MemoryBoard(MINE);
      const before = target.state();
      let seen = 0;
      const { emit } = context;
      Object.assign(context, {
        emit: (event: Parameters<typeof emit>[0]) => {
          seen += 1;
          if (seen === at) context.abort.abort();
          emit(event);
        },
      });
      const outcome = await restore(target, { delete: true }).then(
        () => 'done',
        (error: BelayError) => error.code,
      );
      if (outcome === 'done') continue;
      expect(outcome).toBe('job/cancelled');
      expect(target.state()).toEqual(before);
    }
  });
});

describe('undo', () => {
  it('leaves edited files as conflicts unless told to overwrite', async () => {
    const { restore, undo } = await lab();
    const target = new MemoryBoard({ 'main.py': 'mine', 'boot.py': 'my boot' });
    await restore(target);
    target.set('main.py', 'edited since');
    const first = await undo(target);
    expect(first).toMatchObject({ partial: true, conflicts: ['main.py'] });
    expect(target.state()['main.py']).toBe(
      new MemoryBoard({ 'main.py': 'edited since' }).state()['main.py'],
    );
    expect(target.state()['boot.py']).toBe(
      new MemoryBoard({ 'boot.py': 'my boot' }).state()['boot.py'],
    );
  });

  it('refuses another board, and a folder in which nothing was restored', async () => {
    const { restore, undo } = await lab();
    const other = new MemoryBoard({}, { info: { uniqueId: 'beef' } });
    await expect(undo(other)).rejects.toMatchObject({
      code: 'store/not-found',
      exitCode: 10,
    });
    await restore(new MemoryBoard({}));
    await expect(undo(other)).rejects.toMatchObject({
      code: 'board/other',
      exitCode: 14,
    });
  });

  it('can be undone itself', async () => {
    const { restore, undo } = await lab();
    const target = new MemoryBoard({ 'main.py': 'mine' });
    await restore(target);
    const after = target.state();
    await undo(target);
    await undo(target);
    expect(target.state()).toEqual(after);
  });
});
