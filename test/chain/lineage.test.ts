import { describe, expect, it } from 'vitest';
import type { ChainArchive, KnownArchive } from '../../src/chain/archive.js';
import { chainOf, latestOf, nextSequence, resolveLineage } from '../../src/chain/lineage.js';
import { locateContent, requireContent } from '../../src/chain/materialize.js';
import { BelayError } from '../../src/core/errors.js';
import { archiveOf, childOf, fullOf, History, manifestOf } from './history.js';

const damaged = new BelayError('archive/damaged', 'a bit flipped');

function statesOf(archives: readonly ChainArchive[]): Record<string, string> {
  const { byPath } = resolveLineage(archives);
  return Object.fromEntries(
    archives.map((archive, at) => {
      const node = byPath.get(archive.path);
      return [at, node?.problem ? `${node.state} ${node.problem.code}` : (node?.state ?? '')];
    }),
  );
}

function chain(length: number): KnownArchive[] {
  const archives = [fullOf()];
  while (archives.length < length) archives.push(childOf(archives.at(-1) as KnownArchive));
  return archives;
}

const broken = (archive: KnownArchive): KnownArchive => ({ ...archive, problem: damaged });
const unreadable = (archive: KnownArchive): ChainArchive => ({
  ...archive,
  manifest: null,
  problem: new BelayError('archive/truncated', 'cut', {
    details: {
      frozen: { backupId: archive.manifest.backupId, sequence: archive.manifest.sequence },
    },
  }),
});

describe('a lineage', () => {
  it('follows a chain from its full to its tip', () => {
    const archives = chain(4);
    const lineage = resolveLineage([...archives].reverse());
    expect(statesOf(archives)).toEqual({ 0: 'ok', 1: 'ok', 2: 'ok', 3: 'ok' });
    const tip = lineage.nodes.at(-1)!;
    expect(chainOf(tip)).toEqual(archives);
    expect(lineage.nodes.map((node) => node.depth)).toEqual([0, 1, 2, 3]);
  });

  it('has no chain for what is broken, and knows no depth of it', () => {
    const [a, b, c] = chain(3) as [KnownArchive, KnownArchive, KnownArchive];
    const { nodes } = resolveLineage([a, broken(b), c]);
    expect(nodes.map(chainOf)).toEqual([[a], [], []]);
    expect(nodes.map((node) => node.depth)).toEqual([0, -1, -1]);
  });

  it('E1 calls an archive whose parent is missing an orphan and names the id', () => {
    const [root, child] = chain(2) as [KnownArchive, KnownArchive];
    const node = resolveLineage([child]).nodes[0]!;
    expect(node.state).toBe('orphan');
    expect(node.problem?.code).toBe('chain/no-parent');
    const id = root.manifest.backupId;
    expect(node.problem?.message).toBe(`${child.path}: its parent ${id} is missing`);
    expect(node.problem?.hint).toMatch(/^Put the missing archive back/);
    expect(node.problem?.details).toEqual({
      backupId: child.manifest.backupId,
      parentId: id,
    });
    expect(node.problem?.exitCode).toBe(14);
  });

  it('says of every orphan what became of its parent', () => {
    const [a, b] = chain(2) as [KnownArchive, KnownArchive];
    const { backupId, sequence, stateHash } = a.manifest;
    const why = (...archives: ChainArchive[]) =>
      resolveLineage([...archives, b]).byPath.get(b.path)?.problem?.message;
    const parent = `${b.path}: its parent ${backupId}`;
    expect(why(broken(a))).toBe(`${parent} is corrupt`);
    expect(why(unreadable(a))).toBe(`${parent} is corrupt`);
    expect(why(fullOf({ backupId, sequence }, 'other'))).toBe(
      `${parent} is there but holds another state`,
    );
    expect(why(fullOf({ backupId, sequence, uniqueId: 'bb', stateHash }))).toBe(
      `${parent} is of another board or scope`,
    );
    const mute = resolveLineage([archiveOf(manifestOf('incremental', []))]).nodes[0]?.problem;
    expect(mute?.message).toMatch(/: names no parent$/);
    expect(mute?.details).toMatchObject({ parentId: null });
  });

  it('E2 orphans the descendants of a missing middle, not its ancestors', () => {
    const [a, b, , d, e] = chain(5) as [
      KnownArchive,
      KnownArchive,
      KnownArchive,
      KnownArchive,
      KnownArchive,
    ];
    expect(statesOf([a, b, d, e])).toEqual({
      0: 'ok',
      1: 'ok',
      2: 'orphan chain/no-parent',
      3: 'orphan chain/no-parent',
    });
  });

  it('E3 orphans the descendants of a corrupt archive until it is sound again', () => {
    const [a, b, c] = chain(3) as [KnownArchive, KnownArchive, KnownArchive];
    const orphaned = { 0: 'ok', 1: 'corrupt archive/damaged', 2: 'orphan chain/no-parent' };
    expect(statesOf([a, broken(b), c])).toEqual(orphaned);
    expect(statesOf([a, unreadable(b), c])).toMatchObject({ 2: 'orphan chain/no-parent' });
    expect(statesOf([a, b, c])).toEqual({ 0: 'ok', 1: 'ok', 2: 'ok' });
  });

  it('E4 refuses a parent that was made again with the same id and other content', () => {
    const [a, b] = chain(2) as [KnownArchive, KnownArchive];
    const again = fullOf({ backupId: a.manifest.backupId, sequence: a.manifest.sequence }, 'other');
    expect(statesOf([again, b])).toEqual({ 0: 'ok', 1: 'orphan chain/parent-mismatch' });
  });

  it('E5 ends on circles and on archives that are their own parent', () => {
    const first = childOf(fullOf());
    const second = childOf(first);
    const link = { backupId: second.manifest.backupId, stateHash: second.manifest.stateHash };
    const circle = [archiveOf({ ...first.manifest, parent: link }), second];
    expect(statesOf(circle)).toEqual({ 0: 'orphan chain/cycle', 1: 'orphan chain/cycle' });
    const { backupId, stateHash } = first.manifest;
    const self = archiveOf({ ...first.manifest, parent: { backupId, stateHash } });
    expect(statesOf([self])).toEqual({ 0: 'orphan chain/cycle' });
    expect(statesOf([...circle, childOf(second)])).toMatchObject({ 2: 'orphan chain/cycle' });
    expect(resolveLineage([self]).nodes[0]?.problem?.message).toMatch(/among its ancestors/);
  });

  it('E6 refuses a parent of another board or another scope', () => {
    const other = fullOf({ uniqueId: 'aa' });
    const scoped = fullOf({
      scope: { roots: ['lib'], path: 'lib', patterns: { include: [], exclude: [] } },
    });
    expect(statesOf([other, childOf(other, { uniqueId: 'bb' })])[1]).toBe('orphan chain/foreign');
    expect(statesOf([scoped, childOf(scoped)])[1]).toBe('orphan chain/foreign');
  });

  it('does not count the order of roots and patterns as another scope', () => {
    const scope = (roots: string[], exclude: string[]) => ({
      roots,
      path: '',
      patterns: { include: [], exclude },
    });
    const parent = fullOf({ scope: scope(['', 'sd'], ['*.log', 'tmp']) });
    expect(
      statesOf([parent, childOf(parent, { scope: scope(['sd', ''], ['tmp', '*.log']) })])[1],
    ).toBe('ok');
  });

  it('E8 allows two children of one parent', () => {
    const root = fullOf();
    const archives = [root, childOf(root), childOf(root)];
    expect(statesOf(archives)).toEqual({ 0: 'ok', 1: 'ok', 2: 'ok' });
    expect(resolveLineage(archives).nodes[0]?.children).toHaveLength(2);
  });

  it('E9 says which file has its content nowhere', () => {
    const history = new History();
    const root = history.take('full', new Map([['a.py', 'one']]));
    const tip = history.take('incremental', new Map([['a.py', 'one']]), root);
    const empty = archiveOf({ ...root.manifest, files: [] });
    const map = locateContent(tip, [empty, tip]);
    expect(map.missing.map((entry) => entry.relativePath)).toEqual(['a.py']);
    expect(() => requireContent(tip, map)).toThrow(
      expect.objectContaining({ code: 'chain/missing-content', exitCode: 14 }),
    );
  });

  it('E12 lets a merged full with the same state stand for the parent, and no other', () => {
    const root = fullOf();
    const differential = childOf(root, { backupType: 'differential' });
    const { backupId, stateHash, sequence } = root.manifest;
    const supersedes = [{ backupId, stateHash, sequence }];
    const stand = fullOf({ backupType: 'merged', supersedes, sequence });
    expect(statesOf([stand, differential])).toEqual({ 0: 'ok', 1: 'ok' });
    const other = fullOf({ backupType: 'merged', supersedes, sequence }, 'other state');
    expect(statesOf([other, differential])[1]).toBe('orphan chain/no-parent');
    const stranger = fullOf({ sequence });
    expect(statesOf([stranger, differential])[1]).toBe('orphan chain/no-parent');
  });

  it('E12 takes the newest of several that supersede the parent', () => {
    const root = fullOf();
    const child = childOf(root);
    const { backupId, stateHash, sequence } = root.manifest;
    const supersedes = [{ backupId, stateHash, sequence }];
    const stands = [sequence, sequence + 1].map((at) =>
      fullOf({ backupType: 'merged', supersedes, sequence: at }),
    );
    const node = resolveLineage([...stands, child]).byPath.get(child.path);
    expect(node?.candidates.map(({ archive }) => archive)).toEqual([...stands].reverse());
    expect(node?.parent?.archive).toBe(stands[1]);
  });

  it('keeps every archive that claims an id, and none that tells no id', () => {
    const a = fullOf();
    const again = { ...a, path: `${a.path}.copy` };
    const mute = { ...fullOf(), manifest: null, problem: damaged };
    const { byId } = resolveLineage([again, mute, a]);
    expect([...byId.keys()]).toEqual([a.manifest.backupId]);
    expect(byId.get(a.manifest.backupId)?.map(({ archive }) => archive)).toEqual([a, again]);
  });

  it('marks partial archives, and lets increments build on them', () => {
    const history = new History();
    const root = history.take(
      'full',
      new Map<string, string | { failed: true }>([
        ['a', { failed: true }],
        ['b', 'x'],
      ]),
    );
    const tip = history.take(
      'incremental',
      new Map([
        ['a', 'now'],
        ['b', 'x'],
      ]),
      root,
    );
    expect(statesOf([root, tip])).toEqual({ 0: 'partial', 1: 'ok' });
  });

  it('keeps apart what is of a newer format', () => {
    const [a, b] = chain(2) as [KnownArchive, KnownArchive];
    const newer = { ...unreadable(a), problem: new BelayError('archive/unsupported', 'newer') };
    expect(statesOf([newer, b])).toEqual({
      0: 'unsupported archive/unsupported',
      1: 'orphan chain/no-parent',
    });
  });

  it('calls an increment without a parent an orphan', () => {
    expect(statesOf([archiveOf(manifestOf('incremental', []))])).toEqual({
      0: 'orphan chain/no-parent',
    });
  });

  it('D5 resolves a chain of 20,000 without recursion', () => {
    const archives = chain(20_000);
    const lineage = resolveLineage(archives);
    expect(lineage.nodes.every((node) => node.state === 'ok')).toBe(true);
    expect(lineage.nodes.at(-1)?.depth).toBe(19_999);
  });

  it('J1 sorts by sequence when the clock went back', () => {
    const [a] = chain(1) as [KnownArchive];
    const later = childOf(a, { createdAt: '2020-01-01T00:00:00.000Z' });
    const lineage = resolveLineage([later, a]);
    expect(latestOf(lineage, a.manifest.deviceInfo.uniqueId)?.archive).toBe(later);
  });

  it('sorts equal sequences by path, and what cannot be read last', () => {
    const named = (archive: ChainArchive, path: string) => ({ ...archive, path });
    const a = fullOf();
    const b = fullOf({ sequence: a.manifest.sequence });
    const list = [
      named(unreadable(fullOf()), '/a'),
      named(b, '/c'),
      named(unreadable(fullOf()), '/d'),
      named(a, '/b'),
    ];
    const sorted = ['/b', '/c', '/a', '/d'];
    for (const order of [list, [...list].reverse()]) {
      expect(resolveLineage(order).nodes.map((node) => node.archive.path)).toEqual(sorted);
    }
  });

  it('takes the next sequence from what an archive supersedes, too', () => {
    const [a] = chain(1) as [KnownArchive];
    const { backupId, stateHash, sequence } = a.manifest;
    const supersedes = [{ backupId, stateHash, sequence: sequence + 7 }];
    expect(nextSequence([fullOf({ supersedes, sequence: 3 })])).toBe(sequence + 8);
  });

  it('takes the next sequence from broken archives too', () => {
    const [a, b] = chain(2) as [KnownArchive, KnownArchive];
    expect(nextSequence([])).toBe(1);
    expect(nextSequence([b, a])).toBe(b.manifest.sequence + 1);
    expect(nextSequence([a, unreadable(b)])).toBe(b.manifest.sequence + 1);
    const mute = new BelayError('archive/damaged', 'no head');
    expect(nextSequence([a, { ...b, manifest: null, problem: mute }])).toBe(
      a.manifest.sequence + 2,
    );
  });

  it('never takes a broken or orphaned archive for the latest', () => {
    const [a, b, c] = chain(3) as [KnownArchive, KnownArchive, KnownArchive];
    const lineage = resolveLineage([a, broken(b), c]);
    expect(latestOf(lineage, a.manifest.deviceInfo.uniqueId)?.archive).toBe(a);
    expect(latestOf(lineage, 'ffff')).toBeNull();
  });
});
