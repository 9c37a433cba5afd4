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
    expect(() => plan(chain(2), { last: 0 })).toThrow('no policy was specified');
  });

  it('F2 refuses a policy that keeps nothing', () => {
    expect(() => plan(chain(2), { tags: [['gold']] })).toThrow(failing('usage/removes-all'));
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
