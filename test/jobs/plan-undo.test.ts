import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
    expect((await undoPlan(done, target, true)).operations).toMatchObject([
      { kind: 'put', path: 'main.py' },
    ]);
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
