import { describe, expect, it } from 'vitest';
import type { ChainArchive, KnownArchive } from '../../src/chain/archive.js';
import { resolveLineage } from '../../src/chain/lineage.js';
import { planRemoval } from '../../src/chain/removal.js';
import { planMergeExpired, planRetention } from '../../src/chain/retention.js';
import type { KeepPolicy } from '../../src/chain/retention-policy.js';
import { parseSpan } from '../../src/chain/retention-policy.js';
import { BelayError } from '../../src/core/errors.js';
import { childOf, fullOf, History } from './history.js';

const BOARD = 'e6614103e7452b2f';
const NOW = Date.UTC(2030, 0, 1);
const plan = (archives: readonly ChainArchive[], policy: KeepPolicy, nowMs = NOW) =>
  planRetention(archives, { boardKey: BOARD, policy, nowMs });

function chain(length: number): KnownArchive[] {
  const archives = [fullOf()];
  while (archives.length < length) archives.push(childOf(archives.at(-1)!));
  return archives;
}

const failing = (code: string) => expect.objectContaining({ code, exitCode: 2 });

describe('retention', () => {
  it('F1 refuses an empty policy', () => {
    expect(() => plan(chain(2), {})).toThrow(failing('usage/no-policy'));
    expect(() => plan(chain(2), { last: 0 })).toThrow(
      expect.objectContaining({
        message: 'no policy was specified, no backups will be removed',
        hint: expect.stringContaining('--keep-'),
      }),
    );
  });

  it('F2 refuses a policy that keeps nothing', () => {
    expect(() => plan(chain(2), { tags: [['gold']] })).toThrow(failing('usage/removes-all'));
    expect(() => plan(chain(2), { tags: [['']] })).toThrow(
      expect.objectContaining({
        message: 'refusing to delete the last backup: the policy keeps none of 2',
        hint: expect.stringContaining('`remove`'),
      }),
    );
  });

  it('F2 lets a policy that keeps nothing go on where a pin does, and where there is nothing', () => {
    const old = fullOf();
    const pinned = { ...fullOf(), pinned: true };
    expect(plan([old, pinned], { tags: [['gold']] }).remove).toEqual([old]);
    expect(plan([], { tags: [['gold']] })).toEqual({
      boardKey: BOARD,
      verdicts: [],
      remove: [],
      warnings: [],
    });
  });

  it('says of each archive whether it stays, and whether only for others', () => {
    const [root, tip] = chain(2) as [KnownArchive, KnownArchive];
    const gone = fullOf();
    const kept = [fullOf({ metadata: { tags: ' gold ,, ' } })];
    const base = { ...root, pinned: true };
    const { verdicts } = plan([base, tip, gone, ...kept], { tags: [['gold']], last: 1 });
    expect(verdicts.map(({ keep, neededOnly, reasons }) => [keep, neededOnly, reasons])).toEqual([
      [true, false, ['has tags [gold]', 'last snapshot']],
      [false, false, []],
      [false, false, []],
      [true, false, ['pinned']],
    ]);
  });

  it('F5 keeps what a kept increment needs, with the reason', () => {
    const [full, middle, tip] = chain(3) as [KnownArchive, KnownArchive, KnownArchive];
    const { verdicts, remove } = plan([full, middle, tip], { last: 1 });
    expect(remove).toEqual([]);
    const name = (archive: KnownArchive) => archive.manifest.backupId.slice(0, 8);
    expect(verdicts.map((each) => each.reasons)).toEqual([
      ['last snapshot'],
      [`needed by ${name(tip)}`],
      [`needed by ${name(middle)}`],
    ]);
    expect(verdicts.map((each) => each.neededOnly)).toEqual([false, true, true]);
    expect(verdicts.every((each) => each.keep)).toBe(true);
  });

  it('F6 removes dependants before what they depend on', () => {
    const old = chain(4);
    const full = fullOf();
    const { remove } = plan([...old, full], { last: 1 });
    expect(remove).toEqual([...old].reverse());
    for (let step = 0; step <= remove.length; step += 1) {
      const left = [...old, full].filter((archive) => !remove.slice(0, step).includes(archive));
      expect(resolveLineage(left).nodes.every((node) => node.state === 'ok')).toBe(true);
    }
  });

  it('F12 keeps pinned archives and what they need', () => {
    const old = chain(3);
    const pinned = { ...old[1]!, pinned: true };
    const { remove, verdicts } = plan([old[0]!, pinned, old[2]!, fullOf()], { last: 1 });
    expect(remove).toEqual([old[2]]);
    expect(verdicts.find((each) => each.archive === pinned)?.reasons).toEqual(['pinned']);
  });

  it('F12 keeps archives that carry a wanted tag', () => {
    const tagged = fullOf({ metadata: { tags: 'gold, field' } });
    const { remove } = plan([fullOf(), tagged, fullOf()], { last: 1, tags: [['field']] });
    expect(remove).toHaveLength(1);
    expect(remove).not.toContain(tagged);
  });

  it('F13 warns of archives dated in the future and does not measure from them', () => {
    const old = fullOf({ createdAt: '2026-01-01T00:00:00.000Z' });
    const recent = fullOf({ createdAt: '2026-06-01T00:00:00.000Z' });
    const future = fullOf({ createdAt: '2090-01-01T00:00:00.000Z' });
    const result = plan([old, recent, future], { within: parseSpan('7d') }, Date.UTC(2026, 5, 2));
    expect(result.remove).toEqual([old]);
    expect(result.warnings).toHaveLength(1);
    expect(result.warnings[0]).toContain('2090');
    expect(plan([recent], { last: 1 }, Date.UTC(2026, 5, 1)).warnings).toEqual([]);
  });

  it('F15 removes nothing when it is applied twice', () => {
    const archives = [...chain(3), ...chain(2), ...chain(4)];
    const first = plan(archives, { last: 2, daily: 1 });
    const left = archives.filter((archive) => !first.remove.includes(archive));
    expect(first.remove.length).toBeGreaterThan(0);
    expect(plan(left, { last: 2, daily: 1 }).remove).toEqual([]);
  });

  it('never expires what is broken, of a newer format, or an orphan', () => {
    const [root, child] = chain(2) as [KnownArchive, KnownArchive];
    const corrupt = { ...fullOf(), problem: new BelayError('archive/damaged', 'a bit flipped') };
    const newer = {
      ...fullOf(),
      manifest: null,
      problem: new BelayError('archive/unsupported', 'newer'),
    };
    const { remove } = plan([child, corrupt, newer, fullOf(), fullOf()], { last: 1 });
    expect(remove).toHaveLength(1);
    expect(remove).not.toContain(child);
    expect(root).toBeDefined();
  });

  it('looks at an archive of a newer format that is of this board, or does not say of which', () => {
    const newer = (deviceInfo: unknown) => ({
      ...fullOf(),
      manifest: null,
      problem: new BelayError('archive/unsupported', 'newer', {
        details: { frozen: { deviceInfo } },
      }),
    });
    const [ours, theirs, mute] = [newer({ uniqueId: BOARD }), newer({ uniqueId: 'aa' }), newer({})];
    const known = fullOf();
    const { verdicts } = plan([ours, theirs, mute, known], { last: 1 });
    expect(new Set(verdicts.map((each) => each.archive))).toEqual(new Set([ours, mute, known]));
  });

  it('keeps the parent of an archive of a newer format', () => {
    const base = fullOf();
    const parent = { backupId: base.manifest.backupId, stateHash: base.manifest.stateHash };
    const problem = new BelayError('archive/unsupported', 'newer', {
      details: { frozen: { parent } },
    });
    const newer = { ...childOf(base), manifest: null, problem };
    const { remove } = plan([base, fullOf(), newer, fullOf()], { last: 1 });
    expect(remove).toHaveLength(1);
    expect(remove).not.toContain(base);
  });

  it('keeps the newest complete archive when only partial ones are newer', () => {
    const history = new History();
    const complete = history.take('full', new Map([['a', '1']]));
    history.take('full', new Map([['a', '0']]), null, { sequence: 0 });
    history.take('full', new Map([['a', { failed: true as const }]]));
    const { remove, verdicts } = plan(history.archives, { last: 1 });
    expect(remove).toHaveLength(1);
    expect(verdicts[1]).toMatchObject({ archive: complete, reasons: ['newest complete backup'] });
    const partial = history.archives.slice(2);
    expect(plan(partial, { last: 1 }).verdicts[0]?.reasons).toEqual(['last snapshot']);
  });

  it('judges one board at a time', () => {
    const others = [fullOf({ uniqueId: 'aa' }), fullOf({ uniqueId: 'aa' })];
    const { verdicts, remove } = plan([...others, fullOf(), fullOf()], { last: 1 });
    expect(verdicts).toHaveLength(2);
    expect(remove).toHaveLength(1);
  });

  it('names the archive to make full so that an expired tail can go', () => {
    const archives = chain(5);
    const request = { boardKey: BOARD, policy: { last: 2 }, nowMs: NOW };
    expect(planMergeExpired(archives, request)).toEqual([archives[3]]);
    expect(planMergeExpired(chain(1), request)).toEqual([]);
  });

  it('names of two archives in one chain the lower one: the other is done on the merged one', () => {
    const [root, one, two, three, four] = chain(5) as [
      KnownArchive,
      KnownArchive,
      KnownArchive,
      KnownArchive,
      KnownArchive,
    ];
    const [kept, tip] = [two, four].map((archive) => ({ ...archive, pinned: true }));
    const request = { boardKey: BOARD, policy: { last: 1 }, nowMs: NOW };
    expect(planMergeExpired([root, one, kept!, three, tip!], request)).toEqual([kept]);
  });

  it('never makes a full for what is broken', () => {
    const [root, one, two] = chain(3) as [KnownArchive, KnownArchive, KnownArchive];
    const broken = { ...two, problem: new BelayError('archive/damaged', 'a bit flipped') };
    const request = { boardKey: BOARD, policy: { last: 1 }, nowMs: NOW };
    expect(planMergeExpired([root, one, broken, fullOf()], request)).toEqual([]);
  });

  it('makes the end of an expired tail full where several stand on it', () => {
    const root = fullOf();
    const base = childOf(root);
    const kept = [childOf(base), childOf(base)];
    const request = { boardKey: BOARD, policy: { last: 2 }, nowMs: NOW };
    expect(planMergeExpired([root, base, ...kept], request)).toEqual([base]);
    const whole = fullOf();
    expect(planMergeExpired([whole, childOf(whole), childOf(whole)], request)).toEqual([]);
  });
});

describe('removing single archives', () => {
  it('F3 lists dependants, the same ones each time', () => {
    const archives = chain(4);
    const lineage = resolveLineage(archives);
    const first = planRemoval(lineage, [archives[1]!]);
    expect(first.dependants).toEqual([archives[3], archives[2]]);
    expect(first.remove).toEqual([archives[3], archives[2], archives[1]]);
    expect(planRemoval(lineage, [archives[1]!])).toEqual(first);
  });

  it('F4 says when a board would be left without a complete backup', () => {
    const [root, tip] = chain(2) as [KnownArchive, KnownArchive];
    expect(planRemoval(resolveLineage([root, tip]), [root]).lastOfBoards).toEqual([BOARD]);
    expect(planRemoval(resolveLineage([root, tip]), [tip]).lastOfBoards).toEqual([]);
    expect(planRemoval(resolveLineage([root, tip, fullOf()]), [root]).lastOfBoards).toEqual([]);
  });

  it('knows nothing of an archive that is not in the picture', () => {
    const [root, tip] = chain(2) as [KnownArchive, KnownArchive];
    expect(planRemoval(resolveLineage([root]), [tip])).toEqual({
      remove: [],
      dependants: [],
      lastOfBoards: [],
    });
  });

  it('dooms nothing more that is broken already', () => {
    const history = new History();
    const root = history.take('full', new Map([['a', 'rare']]));
    const again = fullOf({ backupId: root.manifest.backupId });
    const orphan = childOf(root, { sequence: again.manifest.sequence + 1 });
    const holder = {
      ...orphan,
      manifest: { ...orphan.manifest, files: root.manifest.files },
    };
    const base = history.take('full', new Map([['b', '1']]));
    const tip = history.take('incremental', new Map([['b', '1']]), base);
    const files = orphan.manifest.files;
    const odd = { ...tip, manifest: { ...tip.manifest, files } };
    const lineage = resolveLineage([again, holder, base, odd]);
    expect(lineage.byPath.get(holder.path)?.state).toBe('orphan');
    expect(planRemoval(lineage, [again]).remove).toEqual([again]);
  });

  it('goes from dependants to what they need, even where sequences lie', () => {
    const root = fullOf({ sequence: 9000 });
    const child = childOf(root, { sequence: 9 });
    const grandchild = childOf(child, { sequence: 90 });
    const { remove } = planRemoval(resolveLineage([root, child, grandchild]), [root]);
    expect(remove).toEqual([grandchild, child, root]);
  });

  it('has no dependants where a merged archive stands in', () => {
    const history = new History();
    const root = history.take('full', new Map([['a', '1']]));
    const middle = history.take('incremental', new Map([['a', '2']]), root);
    const tip = history.take(
      'incremental',
      new Map([
        ['a', '2'],
        ['b', '1'],
      ]),
      middle,
    );
    expect(planRemoval(resolveLineage(history.archives), [middle]).dependants).toEqual([tip]);
    history.merge(middle);
    expect(planRemoval(resolveLineage(history.archives), [root, middle]).dependants).toEqual([]);
  });

  it('counts an archive that only holds content as needed', () => {
    const history = new History();
    const holder = history.take('full', new Map([['a', 'rare']]));
    const root = history.take('full', new Map([['b', '1']]));
    const tip = history.take('incremental', new Map([['b', '1']]), root);
    const files = [...holder.manifest.files].map((entry) => {
      const {
        member: _m,
        tarOffset: _t,
        ...rest
      } = entry as { member?: number; tarOffset?: number };
      return { ...rest, dataIn: holder.manifest.backupId } as (typeof tip.manifest.files)[number];
    });
    const odd = { ...tip, manifest: { ...tip.manifest, files } };
    const plan = planRemoval(resolveLineage([holder, root, odd]), [holder]);
    expect(plan.dependants).toEqual([odd]);
  });
});
