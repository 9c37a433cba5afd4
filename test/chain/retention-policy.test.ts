import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { KeepPolicy } from '../../src/chain/retention-policy.js';
import {
  applyPolicy,
  formatSpan,
  isEmptyPolicy,
  parseSpan,
} from '../../src/chain/retention-policy.js';

interface Golden {
  readonly snapshots: readonly { readonly time: string; readonly tags: readonly string[] }[];
  readonly cases: readonly {
    readonly policy: Readonly<Record<string, unknown>>;
    readonly keep: readonly string[];
    readonly reasons: readonly (readonly string[])[];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/retention/restic-policies.json', import.meta.url), 'utf8'),
) as Golden;

const items = golden.snapshots
  .map(({ time, tags }) => ({
    timeMs: timeOf(`${time.replace(' ', 'T')}Z`),
    utcOffsetMinutes: 0,
    tags,
  }))
  .sort((a, b) => b.timeMs - a.timeMs);

/** The golden times carry up to 9 digits of a second; milliseconds tell them apart. */
function timeOf(text: string): number {
  return Date.parse(text.replace(/(\.\d{3})\d*Z$/, '$1Z'));
}

function policyOf(record: Readonly<Record<string, unknown>>): KeepPolicy {
  const entries = Object.entries(record).map(([key, value]) => {
    const name = key.charAt(0).toLowerCase() + key.slice(1);
    return [name, typeof value === 'string' ? parseSpan(value) : value];
  });
  return Object.fromEntries(entries) as KeepPolicy;
}

describe('keep rules', () => {
  for (const each of golden.cases) {
    it(`keeps what restic keeps under ${JSON.stringify(each.policy)}`, () => {
      const policy = policyOf(each.policy);
      const kept = applyPolicy(items, policy, Date.parse('2020-01-01'));
      const mine = items.filter((item) => (kept.get(item) as readonly string[]).length > 0);
      expect(mine.map((item) => item.timeMs)).toEqual(each.keep.map(timeOf));
      expect(mine.map((item) => kept.get(item))).toEqual(each.reasons.map((reasons) => reasons));
    });
  }

  it('has 20 golden policies over 103 snapshots', () => {
    expect([golden.cases.length, golden.snapshots.length]).toEqual([20, 103]);
  });

  it('goes by the local calendar of the computer that made the backup', () => {
    const at = (time: string, utcOffsetMinutes: number) => ({
      timeMs: Date.parse(time),
      utcOffsetMinutes,
      tags: [],
    });
    const evening = [at('2026-03-01T23:30:00Z', 60), at('2026-03-01T12:00:00Z', 60)];
    const kept = (list: typeof evening) =>
      list.filter(
        (item) =>
          (applyPolicy(list, { daily: 9 }, Date.now()).get(item) as readonly string[]).length > 0,
      );
    expect(kept([...evening, at('2026-02-28T12:00:00Z', 60)])).toHaveLength(3);
    expect(
      kept([
        at('2026-03-01T23:30:00Z', 0),
        at('2026-03-01T12:00:00Z', 0),
        at('2026-02-28T12:00:00Z', 0),
      ]),
    ).toHaveLength(2);
  });

  it('F13 does not measure "within" from an archive dated in the future', () => {
    const at = (time: string) => ({ timeMs: Date.parse(time), utcOffsetMinutes: 0, tags: [] });
    const list = [
      at('2036-01-01T00:00:00Z'),
      at('2026-01-10T00:00:00Z'),
      at('2026-01-09T12:00:00Z'),
      at('2026-01-01T00:00:00Z'),
    ];
    const kept = applyPolicy(list, { within: parseSpan('2d') }, Date.parse('2026-01-11'));
    expect(list.map((item) => (kept.get(item) as readonly string[]).length)).toEqual([1, 1, 1, 0]);
  });

  it('measures "within" from the newest where all are dated in the future, and keeps none of none', () => {
    const at = (time: string) => ({ timeMs: Date.parse(time), utcOffsetMinutes: 0, tags: [] });
    const list = [
      at('2036-01-03T00:00:00Z'),
      at('2036-01-02T12:00:00Z'),
      at('2036-01-01T00:00:00Z'),
    ];
    const policy = { within: parseSpan('1d') };
    const kept = applyPolicy(list, policy, Date.parse('2026-01-11'));
    expect(list.map((item) => kept.get(item)?.length)).toEqual([1, 1, 0]);
    expect(applyPolicy([], policy, Date.parse('2026-01-11')).size).toBe(0);
  });

  it('reads spans as restic writes them and refuses others', () => {
    expect(parseSpan('1y2m3d4h')).toEqual({ years: 1, months: 2, days: 3, hours: 4 });
    expect(formatSpan(parseSpan('1y1d1m'))).toBe('1y1m1d');
    for (const bad of ['', '5', 'd', '1w', '-1d', '1d ', '1.5d']) {
      expect(() => parseSpan(bad)).toThrow(expect.objectContaining({ code: 'usage/invalid' }));
    }
  });

  it('counts zeros, empty spans and no tags as an empty policy', () => {
    expect(isEmptyPolicy({})).toBe(true);
    expect(isEmptyPolicy({ last: 0, daily: 0, within: parseSpan('0d'), tags: [] })).toBe(true);
    expect(isEmptyPolicy({ withinDaily: parseSpan('1d') })).toBe(false);
    expect(isEmptyPolicy({ yearly: -1 })).toBe(false);
  });
});
