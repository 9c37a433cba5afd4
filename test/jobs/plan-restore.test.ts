import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BoardMount } from '../../src/device/device-fs.js';
import { mountsToScan, planRestore } from '../../src/jobs/plan-restore.js';
import { MemoryBoard } from '../support/memory-board.js';
import { boardContent, carryOut, deviceOf, planInput, treeOf, WHOLE_BOARD } from './board-trees.js';

const mount = (path: string, changes: Partial<BoardMount> = {}): BoardMount => ({
  path,
  skipped: false,
  readOnly: false,
  totalBytes: null,
  freeBytes: null,
  blockBytes: null,
  ...changes,
});

const runs = { numRuns: Number(process.env.SLOW === '1' ? 2000 : 150) };

describe('a restore plan, carried out', () => {
  it('with delete makes the board equal to the backup, and a second plan is empty', async () => {
    await fc.assert(
      fc.asyncProperty(boardContent, boardContent, async (from, to) => {
        const source = new MemoryBoard(from);
        const target = new MemoryBoard(to);
        await carryOut(
          planRestore(await planInput(source, target, { delete: true })),
          source,
          target,
        );
        expect(target.state()).toEqual(source.state());
        const again = planRestore(await planInput(source, target, { delete: true }));
        expect(again.operations).toEqual([]);
      }),
      runs,
    );
  });

  it('without delete keeps everything that the backup does not name', async () => {
    await fc.assert(
      fc.asyncProperty(boardContent, boardContent, async (from, to) => {
        const source = new MemoryBoard(from);
        const target = new MemoryBoard(to);
        const before = target.state();
        await carryOut(planRestore(await planInput(source, target)), source, target);
        const after = target.state();
        expect(after).toMatchObject(source.state());
        const wanted = source.state();
        for (const [path, value] of Object.entries(before)) {
          const replaced = Object.keys(wanted).some(
            (each) => path.startsWith(`${each}/`) && wanted[each] !== 'folder',
          );
          if (!(path in wanted) && !replaced) expect(after[path]).toBe(value);
        }
        expect(planRestore(await planInput(source, target)).operations).toEqual([]);
      }),
      runs,
    );
  });

  it('with --overwrite never changes nothing that exists', async () => {
    await fc.assert(
      fc.asyncProperty(boardContent, boardContent, async (from, to) => {
        const source = new MemoryBoard(from);
        const target = new MemoryBoard(to);
        const before = target.state();
        await carryOut(
          planRestore(await planInput(source, target, { overwrite: 'never' })),
          source,
          target,
        );
        expect(target.state()).toMatchObject(before);
      }),
      runs,
    );
  });

  it('--to puts the whole tree below a folder, and --delete stays in there', async () => {
    await fc.assert(
      fc.asyncProperty(boardContent, boardContent, async (from, to) => {
        const source = new MemoryBoard(from);
        const target = new MemoryBoard(to);
        target.set('deep/down/old', 'old');
        const outside = Object.entries(target.state()).filter(([path]) => !path.startsWith('deep'));
        const changes = { to: '/deep/down', delete: true };
        await carryOut(planRestore(await planInput(source, target, changes)), source, target);
        expect(Object.entries(target.state()).filter(([path]) => !path.startsWith('deep'))).toEqual(
          outside,
        );
        const below = Object.entries(target.state())
          .filter(([path]) => path.startsWith('deep/down/'))
          .map(([path, value]) => [path.slice('deep/down/'.length), value]);
        expect(Object.fromEntries(below)).toEqual(source.state());
      }),
      runs,
    );
  });
});

describe('what is there already', () => {
  const source = () => new MemoryBoard({ a: 'same', b: 'new', 'c/d': 'more' });
  const target = () => new MemoryBoard({ a: 'same', b: 'old', 'c/': null });

  it('is written again only where it differs, or with --overwrite always', async () => {
    const plan = async (overwrite: 'if-changed' | 'always' | 'never') =>
      planRestore(await planInput(source(), target(), { overwrite }));
    const changed = await plan('if-changed');
    expect(changed.operations.map((each) => each.path)).toEqual(['b', 'c/d']);
    expect(changed.skipped).toEqual([{ path: 'a', reason: 'unchanged' }]);
    const always = await plan('always');
    expect(always.operations.map((each) => each.path)).toEqual(['a', 'b', 'c/d']);
    expect(always.skipped).toEqual([]);
    const never = await plan('never');
    expect(never.operations.map((each) => each.path)).toEqual(['c/d']);
    expect(never.skipped).toEqual([
      { path: 'a', reason: 'exists' },
      { path: 'b', reason: 'exists' },
    ]);
  });

  it('is told by hash and size, not by one of them', async () => {
    const input = await planInput(source(), new MemoryBoard({ a: 'same' }));
    const tree = input.board.tree.map((entry) => ({ ...entry, sizeBytes: 5 }));
    const plan = planRestore({ ...input, board: { ...input.board, tree } });
    expect(plan.operations.map((each) => each.path)).toContain('a');
  });

  it('is left with all that would come below it, when nothing may be overwritten', async () => {
    const board = new MemoryBoard({ deep: 'a file' });
    const plan = planRestore(await planInput(source(), board, { to: 'deep', overwrite: 'never' }));
    expect(plan.operations).toEqual([]);
    expect(plan.skipped).toEqual([{ path: 'deep', reason: 'exists' }]);
  });

  it('gives way to something of another kind, all of it', async () => {
    const from = new MemoryBoard({ lib: 'a file now', 'data/x': '1' });
    const to = new MemoryBoard({ 'lib/a.py': 'a', 'lib/b/': null, data: 'was a file' });
    const { operations } = planRestore(await planInput(from, to));
    expect(operations).toMatchObject([
      { kind: 'delete-file', path: 'data', reason: 'kind-change', sizeBytes: 10 },
      { kind: 'delete-file', path: 'lib/a.py', reason: 'kind-change' },
      { kind: 'delete-folder', path: 'lib/b', reason: 'kind-change' },
      { kind: 'delete-folder', path: 'lib', reason: 'kind-change' },
      { kind: 'make-folder', path: 'data' },
      { kind: 'put', path: 'data/x', replaces: null },
      { kind: 'put', path: 'lib', replaces: null },
    ]);
  });
});

describe('the order of a plan', () => {
  it('is deletions, folders, files, and at last what the board starts by itself', async () => {
    const source = new MemoryBoard({
      'main.py': '1',
      'boot.py': '2',
      'lib/main.py': '3',
      'z.py': '4',
      'kind/x': '5',
    });
    const target = new MemoryBoard({
      kind: 'was a file',
      'old/deep/x': '',
      'old/y': '',
    });
    const plan = planRestore(await planInput(source, target, { delete: true }));
    expect(plan.operations.map((each) => `${each.kind} ${each.path}`)).toEqual([
      'delete-file kind',
      'delete-file old/deep/x',
      'delete-file old/y',
      'delete-folder old/deep',
      'delete-folder old',
      'make-folder kind',
      'make-folder lib',
      'put kind/x',
      'put lib/main.py',
      'put z.py',
      'put boot.py',
      'put main.py',
    ]);
  });
});

describe('--delete', () => {
  it('removes nothing outside the path and the patterns that the backup looked at', async () => {
    const source = new MemoryBoard({ 'lib/a.py': 'a' });
    const target = new MemoryBoard({
      'lib/a.py': 'a',
      'lib/b.py': 'b',
      'lib/b.txt': 't',
      'main.py': 'm',
    });
    const input = await planInput(source, target, { delete: true });
    const scope = {
      ...WHOLE_BOARD,
      path: 'lib',
      patterns: { include: ['*.py'], exclude: [] },
    };
    const plan = planRestore({ ...input, source: { ...input.source, scope } });
    expect(plan.operations).toMatchObject([
      { kind: 'delete-file', path: 'lib/b.py', reason: 'extra' },
    ]);
  });

  it('removes nothing below a path that the backup could not read', async () => {
    const target = new MemoryBoard({ 'data/x': '1', 'other/y': '2' });
    const input = await planInput(new MemoryBoard(), target, { delete: true });
    const tree = [{ kind: 'failed', path: 'data', code: 'board/listing', message: 'EIO' }] as const;
    const plan = planRestore({ ...input, source: { ...input.source, tree } });
    expect(plan.operations.map((each) => each.path)).toEqual(['other/y', 'other']);
    expect(plan.skipped).toEqual([{ path: 'data', reason: 'failed' }]);
  });

  it('removes nothing on a mount that the backup did not take', async () => {
    const mounts = [mount(''), mount('sd', { skipped: true })];
    const target = new MemoryBoard({ 'sd/photo': 'p', old: 'o' }, { info: { mounts } });
    const input = await planInput(new MemoryBoard(), target, { delete: true });
    const plan = planRestore({
      ...input,
      board: { ...input.board, scannedMounts: new Set(['', 'sd']) },
    });
    expect(plan.operations.map((each) => each.path)).toEqual(['old']);
  });

  it('is refused for what lies on a file system that Python may not write', async () => {
    const info = { mounts: [mount('', { readOnly: true })] };
    const target = new MemoryBoard({ 'old.py': 'o' }, { info });
    const plan = planRestore(await planInput(new MemoryBoard(), target, { delete: true }));
    expect(plan.operations).toEqual([]);
    expect(plan.unfit).toEqual([
      {
        path: 'old.py',
        code: 'board/read-only',
        message: 'the file system is read-only for Python',
      },
    ]);
    const bare = new MemoryBoard({ 'old.py': 'o' }, { info: { mounts: [] } });
    const there = planRestore(await planInput(new MemoryBoard(), bare, { delete: true }));
    expect(there.operations.map((each) => each.path)).toEqual(['old.py']);
  });

  it('with chosen paths removes only below them', async () => {
    const target = new MemoryBoard({ 'lib/old.py': '1', 'old.py': '2' });
    const selection = { paths: ['/lib'], include: [], exclude: [] };
    const input = await planInput(new MemoryBoard({ 'lib/a.py': 'a' }), target, {
      delete: true,
      selection,
    });
    expect(planRestore(input).operations.map((each) => `${each.kind} ${each.path}`)).toEqual([
      'delete-file lib/old.py',
      'put lib/a.py',
    ]);
  });
});

describe('what a board cannot take', () => {
  const plan = async (content: Record<string, string | null>, target: MemoryBoard) =>
    planRestore(await planInput(new MemoryBoard(content), target));

  it('is two names on FAT that differ only in case', async () => {
    const fat = new MemoryBoard({ 'Main.py': 'old' }, { info: { atomicRename: false } });
    const { unfit, operations, atomic } = await plan({ 'main.py': 'new', 'lib/x': '' }, fat);
    expect(unfit).toMatchObject([{ path: 'main.py', code: 'board/unfit' }]);
    expect(operations.map((each) => each.path)).toEqual(['lib', 'lib/x']);
    expect(atomic).toBe(false);
  });

  it('is a twin on FAT among the new names too; the first stays', async () => {
    const fat = () => new MemoryBoard({}, { info: { atomicRename: false } });
    const { unfit, operations } = await plan({ 'b/Ab': '1', 'b/aB': '2', c: '3' }, fat());
    expect(operations.map((each) => each.path)).toEqual(['b', 'b/Ab', 'c']);
    expect(unfit).toEqual([
      {
        path: 'b/aB',
        code: 'board/unfit',
        message: 'differs from /b/Ab only in case, which FAT cannot tell apart',
      },
    ]);
  });

  it('is no twin that goes, no file that is replaced, and none where case counts', async () => {
    const fat = { info: { atomicRename: false } };
    const gone = await planInput(
      new MemoryBoard({ 'main.py': 'new' }),
      new MemoryBoard({ 'Main.py': 'old' }, fat),
      { delete: true },
    );
    expect(planRestore(gone)).toMatchObject({ unfit: [], filesToWrite: 1, filesToDelete: 1 });
    const same = await plan({ 'a.py': 'new' }, new MemoryBoard({ 'a.py': 'old' }, fat));
    expect(same).toMatchObject({ unfit: [], filesToWrite: 1 });
    const cased = { 'a.py': '1', 'A.py': '2' };
    const flat = { info: { atomicRename: false, hasFolders: false } };
    expect((await plan(cased, new MemoryBoard({}, flat))).unfit).toEqual([]);
    expect((await plan(cased, new MemoryBoard())).unfit).toEqual([]);
  });

  it('is a folder of a twin with all that is in it', async () => {
    const fat = new MemoryBoard({ 'Lib/x': 'old' }, { info: { atomicRename: false } });
    const { unfit, operations } = await plan({ 'lib/a.py': '1', 'lib/b/c.py': '2', z: '' }, fat);
    expect(unfit.map((each) => each.path)).toEqual(['lib']);
    expect(operations.map((each) => each.path)).toEqual(['z']);
  });

  it('is content that no archive holds, unless the board has it', async () => {
    const source = new MemoryBoard({ a: 'lost', b: 'lost too' });
    const input = await planInput(source, new MemoryBoard({ b: 'lost too' }));
    const lost = { ...input, source: { ...input.source, missing: new Set(['a', 'b']) } };
    expect(planRestore(lost)).toMatchObject({
      operations: [],
      skipped: [{ path: 'b', reason: 'unchanged' }],
      unfit: [
        { path: 'a', code: 'chain/missing-content', message: 'no archive holds its content' },
      ],
    });
  });

  it('is bytecode of another version, unless that very file is there already', async () => {
    const source = new MemoryBoard({ 'a.mpy': 'M' });
    const header = { magic: 'C', version: 5, subVersion: 0, architecture: 0 };
    const bytecode = new Map([['a.mpy', header]]);
    const there = new MemoryBoard({ 'a.mpy': 'M' });
    expect(planRestore(await planInput(source, there, { bytecode })).unfit).toEqual([]);
    const blank = planRestore(await planInput(source, new MemoryBoard(), { bytecode }));
    expect(blank.unfit).toMatchObject([{ path: 'a.mpy', code: 'board/unfit' }]);
    const told = await planInput(source, new MemoryBoard(), { bytecode, allowUnfit: true });
    expect(planRestore(told)).toMatchObject({
      operations: [{ kind: 'put', path: 'a.mpy' }],
      warnings: [{ code: 'other-bytecode', path: 'a.mpy' }],
    });
  });

  it('is a file in place of a folder where something is mounted, or could not be read', async () => {
    const source = new MemoryBoard({ sd: 'a file' });
    const mounts = [mount(''), mount('sd/card')];
    const target = new MemoryBoard({ 'sd/card/x': '1' }, { info: { mounts } });
    const mounted = await planInput(source, target, { safety: false });
    expect(planRestore(mounted)).toMatchObject({
      operations: [],
      unfit: [{ path: 'sd', code: 'board/unfit', message: 'a file system is mounted there' }],
    });
    const plain = await planInput(source, new MemoryBoard({ 'sd/x': '1' }), { safety: false });
    const unread = { kind: 'failed', path: 'sd/y', code: 'board/file', message: 'EIO' } as const;
    const board = { ...plain.board, tree: [...plain.board.tree, unread] };
    expect(planRestore({ ...plain, board })).toMatchObject({
      operations: [],
      unfit: [
        {
          path: 'sd',
          code: 'board/file',
          message: 'the folder in its place holds what could not be read',
        },
      ],
    });
  });

  it('is a name longer than its file system allows', async () => {
    const board = new MemoryBoard({}, { info: { nameBytesMax: 8 } });
    expect((await plan({ 'toolong.py': '' }, board)).unfit).toMatchObject([{ path: 'toolong.py' }]);
  });

  it('is a folder on a board that has none, but not a flat name with a slash', async () => {
    const flat = new MemoryBoard({}, { info: { hasFolders: false } });
    const result = await plan({ 'lib/a.py': 'a', 'main.py': 'm' }, flat);
    expect(result.unfit).toMatchObject([{ path: 'lib/a.py' }]);
    const source = new MemoryBoard({ 'main.py': 'm' }, { info: { hasFolders: false } });
    source.files.set('d/x', { bytes: new Uint8Array([1]), modifiedS: null });
    const fromFlat = planRestore(await planInput(source, flat));
    expect(fromFlat.operations.map((each) => each.path)).toEqual(['d/x', 'main.py']);
  });

  it('is what would replace a file that cannot be saved first, unless safety is off', async () => {
    const target = new MemoryBoard({ 'main.py': 'm' });
    const input = await planInput(new MemoryBoard({ 'main.py': 'new' }), target);
    const tree = [{ kind: 'failed', path: 'main.py', code: 'board/file', message: 'EIO' }] as const;
    const board = { ...input.board, tree };
    expect(planRestore({ ...input, board }).unfit).toMatchObject([
      { path: 'main.py', code: 'board/file' },
    ]);
    expect(planRestore({ ...input, board, safety: false }).operations).toMatchObject([
      { kind: 'put', path: 'main.py' },
    ]);
  });
});

describe('space', () => {
  const flash = (freeBlocks: number) => [
    mount('', { totalBytes: 400 * 4096, freeBytes: freeBlocks * 4096, blockBytes: 4096 }),
  ];
  /** 10 blocks of new content over 10 blocks of old, 8 spare. */
  const planWith = async (freeBlocks: number, inPlace: boolean) => {
    const size = 10 * 4088;
    const target = new MemoryBoard(
      { data: 'o'.repeat(size) },
      { info: { mounts: flash(freeBlocks) } },
    );
    return planRestore(
      await planInput(new MemoryBoard({ data: 'n'.repeat(size) }), target, {
        inPlace,
      }),
    );
  };

  it('is enough to stage everything where new, largest replaced and spare fit', async () => {
    expect(await planWith(28, false)).toMatchObject({
      strategy: 'staged',
      fits: true,
    });
    expect(await planWith(27, false)).toMatchObject({
      strategy: 'one-by-one',
      fits: true,
    });
  });

  it('that fits only in place of the old file needs leave for it', async () => {
    expect(await planWith(18, false)).toMatchObject({
      strategy: 'one-by-one',
      fits: true,
    });
    expect(await planWith(17, false)).toMatchObject({
      fits: false,
      space: { freeBytes: 17 * 4096, neededBytes: 18 * 4096 },
    });
    expect(await planWith(17, true)).toMatchObject({
      strategy: 'in-place',
      fits: true,
      atomic: false,
    });
  });

  it('counts four blocks for a new folder', async () => {
    const target = (free: number) => new MemoryBoard({}, { info: { mounts: flash(free) } });
    const source = new MemoryBoard({ 'a/': null, 'b/': null });
    expect(planRestore(await planInput(source, target(16))).fits).toBe(true);
    expect(planRestore(await planInput(source, target(15))).fits).toBe(false);
  });
});

describe('the mounts of a board', () => {
  const info = (mounts: readonly BoardMount[]) => new MemoryBoard({}, { info: { mounts } }).info;
  const card = mount('sd', { skipped: true });
  const all = info([mount(''), card, mount('rom'), mount('remote')]);
  const scanned = async (content: Record<string, string>, to = '') => {
    const { source, selection } = await planInput(new MemoryBoard(content), new MemoryBoard());
    return mountsToScan({ source, selection, to, map: [] }, all);
  };

  it('are listed where a backup takes them by itself, but never what the host lends', async () => {
    expect(await scanned({ 'main.py': '' })).toEqual(['']);
  });

  it('are listed as well where something lands on them', async () => {
    expect(await scanned({ 'sd/photo': '' })).toEqual(['', 'sd']);
    expect(await scanned({ photo: '' }, 'sd')).toEqual(['', 'sd']);
    expect(await scanned({ sd: 'only its own name' })).toEqual(['']);
  });

  it('are never made as folders', async () => {
    const board = new MemoryBoard({}, { info: { mounts: [mount(''), card] } });
    const input = await planInput(new MemoryBoard({ 'sd/': null, 'lib/': null }), board);
    const { operations } = planRestore(input);
    expect(operations).toEqual([{ kind: 'make-folder', path: 'lib' }]);
  });
});

describe('mapping', () => {
  it('takes the longest rule and leaves the rest where it is', async () => {
    const source = new MemoryBoard({
      'lib/a.py': 'a',
      'lib/sub/b.py': 'b',
      'main.py': 'm',
    });
    const map = [
      { from: '/lib', to: '/flash/lib' },
      { from: 'lib/sub', to: 'elsewhere' },
    ];
    const plan = planRestore(await planInput(source, new MemoryBoard(), { map }));
    expect(plan.operations.filter((each) => each.kind === 'put').map((each) => each.path)).toEqual([
      'elsewhere/b.py',
      'flash/lib/a.py',
      'main.py',
    ]);
  });

  it('refuses to make two files one', async () => {
    const source = new MemoryBoard({ a: '1', b: '2' });
    const input = await planInput(source, new MemoryBoard(), {
      map: [{ from: 'a', to: 'b' }],
    });
    expect(() => planRestore(input)).toThrow(expect.objectContaining({ code: 'usage/invalid' }));
  });

  it('names a path that the backup does not have', async () => {
    const selection = { paths: ['nope.py'], include: [], exclude: [] };
    const input = await planInput(new MemoryBoard({ a: '1' }), new MemoryBoard(), { selection });
    expect(() => planRestore(input)).toThrow(expect.objectContaining({ code: 'store/not-found' }));
  });
});

describe('warnings', () => {
  it('name another board, machine and firmware', async () => {
    const source = new MemoryBoard({ 'lib/x.mpy': 'M' });
    const info = {
      uniqueId: 'beef',
      machine: 'other',
      firmware: 'circuitpython',
    };
    const plan = planRestore(await planInput(source, new MemoryBoard({}, { info })));
    expect(plan.warnings.map((each) => each.code)).toEqual([
      'other-board',
      'other-machine',
      'other-firmware',
    ]);
    expect(deviceOf(source.info).mpy).toBe(0x2206);
  });

  it('name a program that the board would not start', async () => {
    const source = new MemoryBoard({ 'code.py': '' }, { info: { firmware: 'circuitpython' } });
    const { warnings } = planRestore(await planInput(source, new MemoryBoard()));
    expect(warnings.map((each) => [each.code, each.path])).toContainEqual([
      'not-started',
      'code.py',
    ]);
  });

  it('are none for the same board', async () => {
    const plan = planRestore(await planInput(new MemoryBoard({ a: '' }), new MemoryBoard()));
    expect(plan.warnings).toEqual([]);
    expect(await treeOf(new MemoryBoard())).toEqual([]);
  });
});
