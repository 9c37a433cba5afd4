import { describe, expect, it } from 'vitest';
import type { FileEntry } from '../../src/archive/manifest.js';
import type { KnownArchive } from '../../src/chain/archive.js';
import { resolveLineage } from '../../src/chain/lineage.js';
import { planMerge, planReplace } from '../../src/chain/merge-plan.js';
import { BelayError } from '../../src/core/errors.js';
import { archiveOf, History } from './history.js';

const files = (record: Record<string, string>) => new Map(Object.entries(record));

function sample() {
  const history = new History();
  const full = history.take('full', files({ a: '1', b: '2', c: '3', d: '4', e: '5' }));
  const one = history.take('incremental', files({ a: '1', b: '9', c: '3', d: '4', e: '5' }), full);
  const two = history.take('incremental', files({ a: '1', b: '9', d: '4', e: '6', f: '7' }), one);
  return { history, full, one, two };
}

describe('a merge', () => {
  it('F11 gives what a restore of the tip gives', () => {
    const { history, two } = sample();
    const { merged } = history.merge(two);
    expect(merged.manifest.stateHash).toBe(two.manifest.stateHash);
    expect(history.contentOf(merged)).toEqual(history.states.get(two.manifest.backupId));
  });

  it('F10 keeps pin, description, metadata, board, sequence and time of its tip', () => {
    const { history, one } = sample();
    const tip = history.take('incremental', files({ a: '1' }), one, {
      description: 'before the fair',
      metadata: { tags: 'gold' },
      utcOffsetMinutes: 120,
    });
    const pinned = { ...tip, pinned: true };
    history.archives = history.archives.map((each) => (each === tip ? pinned : each));
    const { merged } = history.merge(pinned);
    expect(merged.pinned).toBe(true);
    for (const key of [
      'sequence',
      'createdAt',
      'utcOffsetMinutes',
      'description',
      'metadata',
      'deviceInfo',
    ] as const) {
      expect(merged.manifest[key]).toEqual(tip.manifest[key]);
    }
  });

  it('F9 done twice is done once', () => {
    const { history, two } = sample();
    const { merged } = history.merge(two);
    expect(history.merge(two).plan.existing).toBe(merged);
    expect(planMerge(resolveLineage(history.archives), merged).existing).toBe(merged);
  });

  it('F9 is done again where the earlier one is damaged', () => {
    const { history, two } = sample();
    const { merged } = history.merge(two);
    const damaged = { ...merged, problem: new BelayError('archive/damaged', 'a bit flipped') };
    const left = history.archives.map((each) => (each === merged ? damaged : each));
    expect(planMerge(resolveLineage(left), two).existing).toBeNull();
  });

  it('is only of archives in the picture', () => {
    const { history, two } = sample();
    const others = history.archives.filter((each) => each !== two);
    expect(() => planMerge(resolveLineage(others), two)).toThrow(TypeError);
  });

  it('F8 is refused where a member is corrupt or its content is gone', () => {
    const { history, full, one, two } = sample();
    const corrupt = { ...one, problem: new BelayError('archive/damaged', 'a bit flipped') };
    expect(() => planMerge(resolveLineage([full, corrupt, two]), two)).toThrow(
      expect.objectContaining({ code: 'chain/no-parent' }),
    );
    const hollow = archiveOf({ ...full.manifest, files: [] });
    expect(() => planMerge(resolveLineage([hollow, one, two]), two)).toThrow(
      expect.objectContaining({ code: 'chain/missing-content' }),
    );
    expect(history.archives).toHaveLength(3);
  });

  it('B11 is refused where an archive asks for a feature to be merged', () => {
    const { history, two } = sample();
    const odd = history.take('incremental', files({ a: '1' }), two, {
      requiredFeatures: { read: [], extend: [], merge: ['holes'] },
    });
    expect(() => history.merge(odd)).toThrow(
      expect.objectContaining({ code: 'archive/unsupported' }),
    );
  });

  it('copies members whose every file is wanted as it is, and rewrites the rest', () => {
    const { history, full, two } = sample();
    const { copies, rewrites } = planMerge(resolveLineage(history.archives), two);
    const served = copies.flatMap((copy) => copy.entries.map((entry) => entry.relativePath));
    const written = rewrites.map(({ entry }) => entry.relativePath);
    expect([...served, ...written].sort()).toEqual(['a', 'b', 'd', 'e', 'f']);
    // Member 0 of the full holds a and the b that has changed since; member 1 c, which is gone.
    expect(copies.some((copy) => copy.archive === full && copy.member === 0)).toBe(false);
    expect(written).toContain('a');
  });

  it('does not copy a member for a file whose time has changed', () => {
    const { history, full } = sample();
    const aged = full.manifest.files.map((entry) => {
      const { member: _m, tarOffset: _t, ...rest } = entry as FileEntry;
      return { ...rest, lastModified: 7, dataIn: full.manifest.backupId };
    });
    const { backupId, stateHash } = full.manifest;
    const tip = history.take('incremental', new Map(), full, {
      parent: { backupId, stateHash },
      stateHash,
    });
    const odd = { ...tip, manifest: { ...tip.manifest, files: aged } };
    const { copies, rewrites } = planMerge(resolveLineage([full, odd]), odd);
    expect([copies.length, rewrites.length]).toEqual([0, 5]);
  });

  it('with replace deletes what nobody needs, dependants first', () => {
    const { history, full, one, two } = sample();
    const { merged } = history.merge(two);
    expect(planReplace(history.archives, merged)).toEqual({ remove: [two, one, full], kept: [] });
  });

  it('with replace keeps the full of a differential, with the reason', () => {
    const { history, full, one, two } = sample();
    const differential = history.take('differential', files({ a: '1', z: '0' }), full);
    const { merged } = history.merge(two);
    const { remove, kept } = planReplace(history.archives, merged);
    expect(remove).toEqual([two, one]);
    const why = `needed by ${differential.manifest.backupId.slice(0, 8)}`;
    expect(kept).toEqual([{ archive: full, why }]);
  });

  it('E8 with replace keeps both arms of a fork usable', () => {
    const { history, full, one, two } = sample();
    const other = history.take('incremental', files({ a: '1', g: '8' }), one);
    const { merged } = history.merge(two);
    const { remove, kept } = planReplace(history.archives, merged);
    expect(remove).toEqual([two]);
    expect(kept.map((each) => each.archive)).toEqual([full, one]);
    history.remove(remove);
    expect(history.contentOf(other)).toEqual(history.states.get(other.manifest.backupId));
  });

  it('lets children of the tip go on working', () => {
    const { history, two } = sample();
    const child = history.take('incremental', files({ a: '1', b: '9', h: 'new' }), two);
    const { merged } = history.merge(two);
    const { remove } = planReplace(history.archives, merged);
    history.remove(remove);
    expect(resolveLineage(history.archives).nodes.map((node) => node.state)).toEqual(['ok', 'ok']);
    expect(history.contentOf(child)).toEqual(history.states.get(child.manifest.backupId));
    const again = history.take('incremental', files({ a: '1', b: '9' }), merged);
    expect(history.contentOf(again)).toEqual(history.states.get(again.manifest.backupId));
  });

  it('F7 killed between any two deletions leaves every survivor whole, and a rerun goes on', () => {
    const { history, two } = sample();
    const child = history.take('incremental', files({ a: '1' }), two);
    const { merged } = history.merge(two);
    const { remove } = planReplace(history.archives, merged);
    for (let step = 0; step <= remove.length; step += 1) {
      const left = history.archives.filter((each) => !remove.slice(0, step).includes(each));
      expect(resolveLineage(left).nodes.every((node) => node.state === 'ok')).toBe(true);
      expect(planReplace(left, merged).remove).toEqual(remove.slice(step));
    }
    expect(child).toBeDefined();
  });

  it('keeps pinned members, but not a pinned tip, whose pin it has taken over', () => {
    const { history, full, one, two } = sample();
    const pin = (archive: KnownArchive): KnownArchive => ({ ...archive, pinned: true });
    history.archives = [full, pin(one), pin(two)];
    const { merged } = history.merge(history.archives[2]!);
    const { remove, kept } = planReplace(history.archives, merged);
    expect(remove.map((each) => each.path)).toEqual([two.path]);
    expect(kept.map((each) => each.why)).toEqual([
      `needed by ${one.manifest.backupId.slice(0, 8)}`,
      'pinned',
    ]);
  });

  it('leaves a newer merge that stands in for its parent: that is a backup of its own', () => {
    const history = new History();
    const full = history.take('full', files({ a: '1' }));
    const one = history.take('incremental', files({ a: '2' }), full);
    const two = history.take('incremental', files({ a: '1' }), one);
    const newer = history.merge(two).merged;
    history.remove([full, two]);
    const { merged } = history.merge(one);
    expect(merged.manifest.supersedes.at(-1)?.backupId).toBe(one.manifest.backupId);
    expect(planReplace(history.archives, merged).remove).toEqual([one]);
    history.remove([one]);
    expect(history.contentOf(newer)).toEqual(files({ a: '1' }));
  });
});
