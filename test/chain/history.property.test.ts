/** Laws over random histories: nothing that a rule allows may lose a file. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KnownArchive } from '../../src/chain/archive.js';
import { isPartial, isWhole } from '../../src/chain/archive.js';
import { isHealthy, resolveLineage } from '../../src/chain/lineage.js';
import { planReplace } from '../../src/chain/merge-plan.js';
import { planRemoval } from '../../src/chain/removal.js';
import { planMergeExpired, planRetention } from '../../src/chain/retention.js';
import type { KeepPolicy } from '../../src/chain/retention-policy.js';
import { parseSpan } from '../../src/chain/retention-policy.js';
import type { Files } from './history.js';
import { History } from './history.js';

const RUNS = process.env.SLOW ? 3000 : 200;
const BOARD = 'e6614103e7452b2f';
const NOW = Date.UTC(2027, 0, 1);

/** Few paths and few texts, so that files take old content again and content moves about. */
const path = fc.constantFrom('a', 'b', 'c', 'lib/d', 'lib');
const content = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('', '1', '22', '333', '4444') },
  { weight: 1, arbitrary: fc.constant(null) },
);
const edit = fc.record({ path, content: fc.option(content, { nil: undefined }) });
const step = fc.record({
  type: fc.constantFrom('full', 'incremental', 'incremental', 'incremental', 'differential'),
  /** 0 is the newest; more makes a fork. */
  back: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) }),
  edits: fc.array(edit, { maxLength: 3 }),
  failed: fc.option(path, { nil: undefined, freq: 12 }),
  hours: fc.nat(60),
  pinned: fc.integer({ min: 0, max: 9 }).map((each) => each === 0),
  merge: fc
    .integer({ min: 0, max: 9 })
    .map((each) => (each === 0 ? 'replace' : each === 1 ? 'beside' : 'no')),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const steps = fc.array(step, { minLength: 1, maxLength: 14 });

function play(list: readonly Step[]): History {
  const history = new History();
  const board = new Map<string, string | null>();
  let timeMs = Date.UTC(2026, 0, 1);
  for (const each of list) {
    for (const { path: at, content: text } of each.edits) {
      if (text === undefined) board.delete(at);
      else board.set(at, text);
    }
    const files: Files = new Map<string, string | null | { failed: true }>([
      ...board,
      ...(each.failed === undefined ? [] : ([[each.failed, { failed: true }]] as const)),
    ]);
    timeMs += each.hours * 3_600_000;
    take(history, each, files, new Date(timeMs).toISOString());
    if (each.merge !== 'no') merge(history, each.back, each.merge === 'replace');
  }
  return history;
}

function take(history: History, each: Step, files: Files, createdAt: string): void {
  const usable = history.archives.filter(
    ({ manifest }) => each.type === 'incremental' || (isWhole(manifest) && !isPartial(manifest)),
  );
  const parent = each.type === 'full' ? null : (usable.at(-1 - each.back) ?? usable.at(-1) ?? null);
  const type = parent === null ? 'full' : (each.type as 'incremental' | 'differential');
  const archive = history.take(type, files, parent, { createdAt });
  if (each.pinned) {
    history.archives = history.archives.map((other) =>
      other === archive ? { ...other, pinned: true } : other,
    );
  }
}

function merge(history: History, back: number, replace: boolean): void {
  const tip = history.archives.at(-1 - back);
  if (tip === undefined) return;
  const { merged } = history.merge(tip);
  if (!replace) return;
  const { remove } = planReplace(history.archives, merged);
  // What is newer than the tip is a backup of its own, whatever part it has in the chain.
  for (const { manifest } of remove) {
    expect(manifest.sequence).toBeLessThanOrEqual(merged.manifest.sequence);
  }
  history.remove(remove);
}

function expectAllWhole(history: History): void {
  for (const node of resolveLineage(history.archives).nodes) {
    expect(isHealthy(node), node.problem?.message).toBe(true);
    const archive = node.archive as KnownArchive;
    expect(history.contentOf(archive)).toEqual(history.states.get(archive.manifest.backupId));
  }
}

const span = fc.constantFrom('1d', '3d', '1m', '36h').map(parseSpan);
const count = fc.option(fc.constantFrom(1, 2, 3, -1), { nil: 0, freq: 2 });
const policies = fc
  .record({
    last: count,
    hourly: count,
    daily: count,
    weekly: count,
    monthly: count,
    within: fc.option(span, { nil: undefined }),
  })
  .map(
    ({ within, ...counts }) =>
      (within === undefined ? counts : { ...counts, within }) as KeepPolicy,
  );

/** The plan, or null for the policies that are refused. */
function tryPlan(history: History, policy: KeepPolicy) {
  try {
    return planRetention(history.archives, { boardKey: BOARD, policy, nowMs: NOW });
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2 });
    return null;
  }
}

describe('any history', () => {
  it('gives back from every archive exactly the state at its time, merges with and without replace among them', () => {
    fc.assert(
      fc.property(steps, (list) => expectAllWhole(play(list))),
      { numRuns: RUNS },
    );
  });

  it('keeps all survivors whole under any policy, between any two deletions', () => {
    fc.assert(
      fc.property(steps, policies, (list, policy) => {
        const history = play(list);
        for (const archive of tryPlan(history, policy)?.remove ?? []) {
          history.remove([archive]);
          expectAllWhole(history);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('F15 loses nothing more when a policy is applied again', () => {
    fc.assert(
      fc.property(steps, policies, (list, policy) => {
        const history = play(list);
        const first = tryPlan(history, policy);
        if (first === null) return;
        history.remove(first.remove);
        expect(tryPlan(history, policy)?.remove ?? []).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it('never loses a pinned archive or the newest complete one to a policy', () => {
    fc.assert(
      fc.property(steps, policies, (list, policy) => {
        const history = play(list);
        const removed = tryPlan(history, policy)?.remove ?? [];
        expect(removed.some((archive) => archive.pinned)).toBe(false);
        const complete = resolveLineage(history.archives).nodes.filter(
          (node) => node.state === 'ok',
        );
        const newest = complete.at(-1)?.archive;
        expect(removed.some((archive) => archive === newest)).toBe(false);
      }),
      { numRuns: RUNS },
    );
  });

  it('comes to rest with --merge-expired, and then keeps nothing expired but what a fork stands on', () => {
    fc.assert(
      fc.property(steps, policies, (list, policy) => {
        const history = play(list);
        const request = { boardKey: BOARD, policy, nowMs: NOW };
        if (tryPlan(history, policy) === null) return;
        for (let round = 0; ; round += 1) {
          expect(round).toBeLessThan(20);
          const [tip] = planMergeExpired(history.archives, request);
          if (tip === undefined) break;
          const { merged } = history.merge(tip);
          history.remove(planReplace(history.archives, merged).remove);
          expectAllWhole(history);
        }
        const plan = tryPlan(history, policy);
        history.remove(plan?.remove ?? []);
        expectAllWhole(history);
      }),
      { numRuns: RUNS },
    );
  });

  it('keeps all survivors whole when archives are removed with their dependants', () => {
    fc.assert(
      fc.property(steps, fc.nat(13), (list, at) => {
        const history = play(list);
        const target = history.archives[at % history.archives.length] as KnownArchive;
        const plan = planRemoval(resolveLineage(history.archives), [target]);
        expect(plan.remove).toContain(target);
        for (const archive of plan.remove) {
          history.remove([archive]);
          expectAllWhole(history);
        }
      }),
      { numRuns: RUNS },
    );
  });
});
