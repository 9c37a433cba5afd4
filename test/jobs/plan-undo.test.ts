import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TreeFile } from '../../src/core/tree.js';
import { planRestore } from '../../src/jobs/plan-restore.js';
import { planUndo } from '../../src/jobs/plan-undo.js';
import { changesOf } from '../../src/jobs/restore-record.js';
import { MemoryBoard } from '../support/memory-board.js';
import { boardContent, carryOut, planInput, treeOf } from './board-trees.js';

const runs = { numRuns: Number(process.env.SLOW === '1' ? 2000 : 150) };

/** What a safety archive would hold: the board as it was. */
function copyOf(board: MemoryBoard): MemoryBoard {
  const copy = new MemoryBoard();
  for (const [path, file] of board.files) copy.files.set(path, file);
  for (const path of board.folders) copy.folders.add(path);
  return copy;
}

async function restored(from: MemoryBoard, target: MemoryBoard) {
  const input = await planInput(from, target, { delete: true });
  const plan = planRestore(input);
  const changes = changesOf(plan.operations, input.board.tree);
  const saved = copyOf(target);
  await carryOut(plan, from, target);
  return { changes, saved };
}

async function undoPlan(
  { changes, saved }: Awaited<ReturnType<typeof restored>>,
  target: MemoryBoard,
  overwriteChanged = false,
) {
  const files = [...saved.files].map(
    ([path, file]) => [path, { sizeBytes: file.bytes.length, modifiedS: null }] as const,
  );
  return planUndo({
    changes,
    saved: new Map(files),
    board: { tree: await treeOf(target), info: target.info },
    overwriteChanged,
    inPlace: false,
    warnings: [],
  });
}

describe('an undo plan, carried out', () => {
  it('brings the board back to what it was, whatever was restored', async () => {
    await fc.assert(
      fc.asyncProperty(boardContent, boardContent, async (from, to) => {
        const source = new MemoryBoard(from);
        const target = new MemoryBoard(to);
        const before = target.state();
        const done = await restored(source, target);
        await carryOut(await undoPlan(done, target), done.saved, target);
        expect(target.state()).toEqual(before);
        expect((await undoPlan(done, target)).operations).toEqual([]);
      }),
      runs,
    );
  });

  it('takes back a restore that stopped anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(boardContent, boardContent, fc.nat(20), async (from, to, stopAt) => {
        const source = new MemoryBoard(from);
        const target = new MemoryBoard(to);
        const before = target.state();
        const input = await planInput(source, target, { delete: true });
        const plan = planRestore(input);
        const done = {
          changes: changesOf(plan.operations, input.board.tree),
          saved: copyOf(target),
        };
        await carryOut({ ...plan, operations: plan.operations.slice(0, stopAt) }, source, target);
        await carryOut(await undoPlan(done, target, true), done.saved, target);
        expect(target.state()).toEqual(before);
      }),
      runs,
    );
  });
});

describe('an undo plan', () => {
  it('leaves a file that was edited since as a conflict, unless told to overwrite', async () => {
    const target = new MemoryBoard({ 'main.py': 'old' });
    const done = await restored(new MemoryBoard({ 'main.py': 'new' }), target);
    target.set('main.py', 'edited');
    expect(await undoPlan(done, target)).toMatchObject({
      operations: [],
      skipped: [{ path: 'main.py', reason: 'conflict' }],
    });
    const now = (await treeOf(target))[0] as TreeFile;
    const { sizeBytes, sha256 } = now;
    expect((await undoPlan(done, target, true)).operations).toEqual([
      {
        kind: 'put',
        path: 'main.py',
        source: 'main.py',
        sizeBytes: 3,
        modifiedS: null,
        sha256: done.changes[0]?.before.checksum,
        replaces: { sizeBytes, sha256 },
      },
    ]);
  });

  it('names what is as it was already, and everything in the order of paths', async () => {
    const target = new MemoryBoard({ a: '1', b: '2', c: '3' });
    const done = await restored(new MemoryBoard({ a: '4', b: '5', c: '6' }), target);
    target.set('c', 'edited');
    target.set('b', '2');
    target.set('a', 'edited');
    const plan = await undoPlan({ ...done, changes: [...done.changes].reverse() }, target);
    expect(plan.operations).toEqual([]);
    expect(plan.skipped).toEqual([
      { path: 'a', reason: 'conflict' },
      { path: 'b', reason: 'unchanged' },
      { path: 'c', reason: 'conflict' },
    ]);
  });

  it('says what the restore had made and takes it away, files before their folders', async () => {
    const target = new MemoryBoard();
    const done = await restored(new MemoryBoard({ 'lib/a.py': 'a' }), target);
    const plan = await undoPlan(done, target);
    const sha256 = done.changes.find((each) => each.path === 'lib/a.py')?.after.checksum;
    expect(plan.operations).toEqual([
      { kind: 'delete-file', path: 'lib/a.py', sizeBytes: 1, sha256, reason: 'undo' },
      { kind: 'delete-folder', path: 'lib', reason: 'undo' },
    ]);
    expect([plan.unfit, plan.skipped]).toEqual([[], []]);
  });

  it('names a file that the safety archive does not hold, and leaves what stands in its place', async () => {
    const target = new MemoryBoard({ 'main.py': 'old', kind: 'was a file' });
    const done = await restored(new MemoryBoard({ 'main.py': 'new', 'kind/x': '1' }), target);
    const lost = (path: string) => ({
      path,
      code: 'chain/missing-content',
      message: 'no archive holds its content',
    });
    const empty = await undoPlan({ ...done, saved: new MemoryBoard() }, target);
    expect(empty.unfit).toEqual([lost('kind'), lost('main.py')]);
    expect(empty.operations.map((each) => each.path)).toEqual(['kind/x']);
    const unknown = done.changes.map((change) => ({
      ...change,
      before: { kind: 'file' as const },
    }));
    const vague = await undoPlan({ ...done, changes: unknown }, target);
    expect(vague.unfit.map((each) => each.path)).toEqual(['kind', 'kind/x', 'main.py']);
    expect(vague.operations).toEqual([]);
  });

  it('puts nothing below a file that somebody put where its folder was', async () => {
    const target = new MemoryBoard({ 'lib/a.py': 'a', 'z.py': 'z' });
    const done = await restored(new MemoryBoard(), target);
    target.set('lib', 'a file now');
    const plan = await undoPlan(done, target);
    expect(plan.operations.map((each) => `${each.kind} ${each.path}`)).toEqual(['put z.py']);
    expect(plan.skipped).toEqual([
      { path: 'lib', reason: 'conflict' },
      { path: 'lib/a.py', reason: 'conflict' },
    ]);
  });

  it('does not touch what cannot be read any more, even when it may overwrite', async () => {
    const target = new MemoryBoard({ lib: 'was a file' });
    const done = await restored(new MemoryBoard({ 'lib/a.py': 'a' }), target);
    const board = {
      tree: [
        { kind: 'folder', path: 'lib' },
        { kind: 'failed', path: 'lib/a.py', code: 'board/file', message: 'EIO' },
      ],
      info: target.info,
    } as const;
    const saved = new Map([['lib', { sizeBytes: 10, modifiedS: null }]]);
    const rest = { board, saved, overwriteChanged: true, inPlace: false, warnings: [] };
    expect(planUndo({ changes: done.changes, ...rest })).toMatchObject({
      operations: [],
      skipped: [
        { path: 'lib', reason: 'conflict' },
        { path: 'lib/a.py', reason: 'conflict' },
      ],
    });
  });

  it('makes a folder out of a file again, and hands on what it was given to say', async () => {
    const target = new MemoryBoard({ 'lib/': null });
    const done = await restored(new MemoryBoard({ lib: 'a file' }), target);
    const board = { tree: await treeOf(target), info: target.info };
    const warnings = [{ code: 'other-board', message: 'another', path: null }];
    const rest = { board, saved: new Map(), overwriteChanged: false, inPlace: true, warnings };
    const plan = planUndo({ changes: done.changes, ...rest });
    expect(plan.operations.map((each) => `${each.kind} ${each.path}`)).toEqual([
      'delete-file lib',
      'make-folder lib',
    ]);
    expect(plan.warnings).toEqual(warnings);
  });

  it('never deletes what somebody put into a folder that the restore made', async () => {
    const target = new MemoryBoard();
    const done = await restored(new MemoryBoard({ 'lib/a.py': 'a' }), target);
    target.set('lib/mine.py', 'mine');
    const plan = await undoPlan(done, target, true);
    expect(plan.operations.map((each) => `${each.kind} ${each.path}`)).toEqual([
      'delete-file lib/a.py',
    ]);
    expect(plan.skipped).toEqual([{ path: 'lib', reason: 'conflict' }]);
  });
});
