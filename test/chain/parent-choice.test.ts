import { describe, expect, it } from 'vitest';
import type { KnownArchive } from '../../src/chain/archive.js';
import { resolveLineage } from '../../src/chain/lineage.js';
import type { ParentRequest } from '../../src/chain/parent-choice.js';
import { chooseParent, FULL_EVERY_DEFAULT } from '../../src/chain/parent-choice.js';
import { BelayError } from '../../src/core/errors.js';
import { childOf, fullOf, History } from './history.js';

const BOARD = 'e6614103e7452b2f';
const SCOPE = { roots: [''], path: '', patterns: { include: [], exclude: [] } };

function choose(archives: readonly KnownArchive[], request: Partial<ParentRequest> = {}) {
  return chooseParent(resolveLineage(archives), {
    type: 'auto',
    boardKey: BOARD,
    scope: SCOPE,
    fullEvery: FULL_EVERY_DEFAULT,
    requireParent: false,
    ...request,
  });
}

const damaged = (archive: KnownArchive): KnownArchive => ({
  ...archive,
  problem: new BelayError('archive/damaged', 'a bit flipped'),
});

describe('the choice of a parent', () => {
  it('is none where a full was asked for', () => {
    expect(choose([fullOf()], { type: 'full' })).toEqual({
      type: 'full',
      parent: null,
      reason: 'asked-for',
      sentence: 'taking a full backup, as asked',
      rejected: [],
    });
  });

  it('E13 takes a full where there is nothing to build on, and says so', () => {
    expect(choose([])).toMatchObject({ type: 'full', parent: null, reason: 'first-backup' });
    expect(choose([], { type: 'incremental' }).sentence).toBe(
      'taking a full backup: there is none of this board yet',
    );
  });

  it('E13 refuses under --require-parent', () => {
    const refused = expect.objectContaining({ code: 'chain/no-parent', exitCode: 14 });
    expect(() => choose([], { type: 'incremental', requireParent: true })).toThrow(refused);
    expect(() => choose([], { requireParent: true, boardKey: null })).toThrow(refused);
    const foreign = expect.objectContaining({ code: 'chain/foreign', exitCode: 14 });
    expect(() => choose([fullOf({ uniqueId: 'aa' })], { requireParent: true })).toThrow(foreign);
  });

  it('builds on the newest by sequence, whatever the clock says', () => {
    const root = fullOf();
    const tip = childOf(root, { createdAt: '1999-01-01T00:00:00.000Z' });
    expect(choose([tip, root])).toMatchObject({
      type: 'incremental',
      parent: tip,
      reason: 'healthy-parent',
    });
  });

  it('E14 falls back to the last sound archive, then to a full, and names what it passed over', () => {
    const root = fullOf();
    const middle = childOf(root);
    const tip = childOf(middle);
    const choice = choose([root, middle, damaged(tip)]);
    expect(choice).toMatchObject({
      type: 'incremental',
      parent: middle,
      reason: 'fallback-parent',
    });
    expect(choice.rejected).toEqual([{ path: tip.path, why: 'corrupt' }]);
    expect(choose([damaged(root), middle, tip])).toMatchObject({
      type: 'full',
      reason: 'no-healthy-parent',
    });
  });

  it('E14 believes a verification that failed just now, for the descendants too', () => {
    const root = fullOf();
    const middle = childOf(root);
    const tip = childOf(middle);
    const unfit = new Set([middle.path]);
    const choice = choose([root, middle, tip], { unfit });
    expect(choice.parent).toBe(root);
    expect(choice.rejected).toEqual([
      { path: tip.path, why: `builds on ${middle.path}, which failed its check` },
      { path: middle.path, why: 'failed its check' },
    ]);
    expect(choice.sentence).toMatch(/: 2 newer backups cannot be built on \(builds on /);
  });

  it('E6 never builds on another board or another scope', () => {
    expect(choose([fullOf({ uniqueId: 'aa' })])).toMatchObject({
      type: 'full',
      reason: 'first-backup',
    });
    const scope = { ...SCOPE, path: 'lib' };
    expect(choose([fullOf()], { scope })).toMatchObject({ type: 'full', reason: 'other-scope' });
    expect(choose([fullOf()], { boardKey: null })).toMatchObject({
      type: 'full',
      reason: 'no-identity',
    });
  });

  it('takes a differential on the newest complete full only', () => {
    const history = new History();
    const root = history.take('full', new Map([['a', '1']]));
    history.take('incremental', new Map([['a', '2']]), root);
    const partial = history.take('full', new Map([['a', { failed: true as const }]]));
    const choice = choose(history.archives, { type: 'differential' });
    expect(choice).toMatchObject({ type: 'differential', parent: root });
    expect(choice.rejected.map((each) => each.path)).toEqual([partial.path]);
    expect(choose(history.archives, { type: 'incremental' }).parent).toBe(partial);
    expect(choose([partial], { type: 'differential' })).toMatchObject({
      type: 'full',
      sentence: 'taking a full backup: no complete full backup of this board is left to build on',
    });
  });

  it('takes a new full after --full-every increments, never with 0', () => {
    const archives = [fullOf()];
    while (archives.length < 6) archives.push(childOf(archives.at(-1)!));
    expect(choose(archives, { fullEvery: 6 })).toMatchObject({ type: 'incremental' });
    expect(choose(archives, { fullEvery: 5 })).toMatchObject({
      type: 'full',
      reason: 'full-every',
    });
    expect(choose(archives, { fullEvery: 0 })).toMatchObject({ type: 'incremental' });
    expect(choose(archives.slice(0, 2), { fullEvery: 1 }).sentence).toBe(
      'taking a full backup: one backup is built on the last (--full-every 1)',
    );
    expect(choose(archives, { fullEvery: 5, type: 'incremental' })).toMatchObject({
      type: 'incremental',
    });
  });

  it('takes a new full when the increments outgrow theirs', () => {
    const history = new History();
    let tip = history.take('full', new Map([['a', 'x'.repeat(100)]]));
    for (const text of ['y'.repeat(60), 'z'.repeat(60)]) {
      tip = history.take('incremental', new Map([['a', text]]), tip);
    }
    expect(choose(history.archives)).toMatchObject({ type: 'full', reason: 'chain-outgrew-full' });
  });

  it('does not build on what only a newer version may extend', () => {
    const root = fullOf();
    const newer = childOf(root, { requiredFeatures: { read: [], extend: ['holes'], merge: [] } });
    expect(choose([root, newer]).parent).toBe(root);
  });
});
