import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRestore } from '../../src/jobs/plan-restore.js';
import { MemoryBoard } from '../support/memory-board.js';
import { boardContent, carryOut, deviceOf, planInput, treeOf, WHOLE_BOARD } from './board-trees.js';

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
    const mounts = ['', 'sd'].map((path) => ({
      path,
      skipped: path !== '',
      readOnly: false,
      totalBytes: null,
      freeBytes: null,
      blockBytes: null,
    }));
    const target = new MemoryBoard({ 'sd/photo': 'p', old: 'o' }, { info: { mounts } });
    const input = await planInput(new MemoryBoard(), target, { delete: true });
    const plan = planRestore({
      ...input,
      board: { ...input.board, scannedMounts: new Set(['', 'sd']) },
    });
    expect(plan.operations.map((each) => each.path)).toEqual(['old']);
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
  const mount = (freeBlocks: number) => [
    {
      path: '',
      skipped: false,
      readOnly: false,
      totalBytes: 400 * 4096,
      freeBytes: freeBlocks * 4096,
      blockBytes: 4096,
    },
  ];
  /** 10 blocks of new content over 10 blocks of old, 8 spare. */
  const planWith = async (freeBlocks: number, inPlace: boolean) => {
    const size = 10 * 4088;
    const target = new MemoryBoard(
      { data: 'o'.repeat(size) },
      { info: { mounts: mount(freeBlocks) } },
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
    const target = (free: number) => new MemoryBoard({}, { info: { mounts: mount(free) } });
    const source = new MemoryBoard({ 'a/': null, 'b/': null });
    expect(planRestore(await planInput(source, target(16))).fits).toBe(true);
    expect(planRestore(await planInput(source, target(15))).fits).toBe(false);
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

  it('are none for the same board', async () => {
    const plan = planRestore(await planInput(new MemoryBoard({ a: '' }), new MemoryBoard()));
    expect(plan.warnings).toEqual([]);
    expect(await treeOf(new MemoryBoard())).toEqual([]);
  });
});
