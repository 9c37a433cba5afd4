/**
 * Restic's keep rules, exactly: independent of each other and OR-ed; a rule that counts n buckets
 * keeps the newest of each; while it has counts left it keeps the oldest of all as well; -1 keeps
 * every one. Source: restic internal/data/snapshot_policy.go at a80be1478 (BSD-2-Clause); its golden
 * results are in fixtures/retention.
 */
import { BelayError } from '../core/errors.js';

/** A span of calendar time, as restic writes it: `1y2m3d4h`. */
export interface Span {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

/** Counts: 0 or absent = no such rule, -1 = all. */
export interface KeepPolicy {
  readonly last?: number;
  readonly hourly?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly yearly?: number;
  readonly within?: Span;
  readonly withinHourly?: Span;
  readonly withinDaily?: Span;
  readonly withinWeekly?: Span;
  readonly withinMonthly?: Span;
  readonly withinYearly?: Span;
  /** Kept where an item has every tag of one of these lists. */
  readonly tags?: readonly (readonly string[])[];
}

export interface PolicyItem {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** The local calendar that the buckets go by. */
  readonly utcOffsetMinutes: number;
  readonly tags: readonly string[];
}

/** Throws usage/invalid for anything but numbers with the units y, m, d, h. */
export function parseSpan(text: string): Span {
  if (!/^(?:\d+[ymdh])+$/.test(text)) {
    throw new BelayError('usage/invalid', `"${text}" is no span of time`, {
      hint: 'Write numbers with y, m, d or h, such as 1y6m or 14d.',
    });
  }
  const sum = (unit: string) =>
    [...text.matchAll(/(\d+)([ymdh])/g)]
      .filter((match) => match[2] === unit)
      .reduce((total, match) => total + Number(match[1]), 0);
  return { years: sum('y'), months: sum('m'), days: sum('d'), hours: sum('h') };
}

export function formatSpan(span: Span): string {
  const part = (count: number, unit: string) => (count === 0 ? '' : `${count}${unit}`);
  return (
    part(span.years, 'y') + part(span.months, 'm') + part(span.days, 'd') + part(span.hours, 'h')
  );
}

function isZero(span: Span | undefined): boolean {
  return span === undefined || formatSpan(span) === '';
}

export function isEmptyPolicy(policy: KeepPolicy): boolean {
  const counts = COUNT_RULES.every(({ key }) => !policy[key]);
  const spans = SPAN_RULES.every(({ key }) => isZero(policy[key])) && isZero(policy.within);
  return counts && spans && (policy.tags ?? []).length === 0;
}

type Bucket = (item: PolicyItem, index: number) => number;

const hour: Bucket = (item) => Math.floor(localMs(item) / 3_600_000);
const day: Bucket = (item) => Math.floor(localMs(item) / 86_400_000);
const month: Bucket = (item) => local(item).getUTCFullYear() * 12 + local(item).getUTCMonth();
const year: Bucket = (item) => local(item).getUTCFullYear();
/** ISO 8601 weeks: Monday first; counted from the Monday 1969-12-29. */
const week: Bucket = (item) => Math.floor((localMs(item) / 86_400_000 + 3) / 7);

const COUNT_RULES = [
  { key: 'last', bucket: (_item, index) => index, reason: 'last snapshot' },
  { key: 'hourly', bucket: hour, reason: 'hourly snapshot' },
  { key: 'daily', bucket: day, reason: 'daily snapshot' },
  { key: 'weekly', bucket: week, reason: 'weekly snapshot' },
  { key: 'monthly', bucket: month, reason: 'monthly snapshot' },
  { key: 'yearly', bucket: year, reason: 'yearly snapshot' },
] as const satisfies readonly { key: keyof KeepPolicy; bucket: Bucket; reason: string }[];

const SPAN_RULES = [
  { key: 'withinHourly', bucket: hour, reason: 'hourly within' },
  { key: 'withinDaily', bucket: day, reason: 'daily within' },
  { key: 'withinWeekly', bucket: week, reason: 'weekly within' },
  { key: 'withinMonthly', bucket: month, reason: 'monthly within' },
  { key: 'withinYearly', bucket: year, reason: 'yearly within' },
] as const satisfies readonly { key: keyof KeepPolicy; bucket: Bucket; reason: string }[];

function localMs(item: PolicyItem): number {
  return item.timeMs + item.utcOffsetMinutes * 60_000;
}

function local(item: PolicyItem): Date {
  return new Date(localMs(item));
}

/**
 * Reasons to keep each item; an empty list means expired. `items` are newest first, the caller's
 * order. `nowMs`: items dated later never count as "latest" for the within rules.
 */
export function applyPolicy<T extends PolicyItem>(
  items: readonly T[],
  policy: KeepPolicy,
  nowMs: number,
): ReadonlyMap<T, readonly string[]> {
  const counted = COUNT_RULES.map((rule) => ({
    ...rule,
    left: policy[rule.key] ?? 0,
    last: Number.NaN,
  }));
  const latest = latestOf(items, nowMs);
  const spanned = SPAN_RULES.filter((rule) => !isZero(policy[rule.key])).map((rule) => {
    const span = policy[rule.key] as Span;
    const reason = `${rule.reason} ${formatSpan(span)}`;
    return { ...rule, reason, since: before(latest, span), last: Number.NaN };
  });
  const within = isZero(policy.within) ? null : (policy.within as Span);
  const withinSince = within === null ? 0 : before(latest, within);
  const result = new Map<T, readonly string[]>();
  items.forEach((item, index) => {
    const isOldest = index === items.length - 1;
    const reasons = tagReasons(item, policy);
    if (within !== null && item.timeMs > withinSince) reasons.push(`within ${formatSpan(within)}`);
    for (const rule of counted) {
      const value = rule.bucket(item, index);
      if (rule.left === 0 || (value === rule.last && !isOldest)) continue;
      reasons.push(value === rule.last ? `oldest ${rule.reason}` : rule.reason);
      rule.last = value;
      if (rule.left > 0) rule.left -= 1;
    }
    for (const rule of spanned) {
      const value = rule.bucket(item, index);
      if (item.timeMs <= rule.since || (value === rule.last && !isOldest)) continue;
      rule.last = value;
      reasons.push(rule.reason);
    }
    result.set(item, reasons);
  });
  return result;
}

function tagReasons(item: PolicyItem, policy: KeepPolicy): string[] {
  return (policy.tags ?? [])
    .filter((wanted) => wanted.every((tag) => item.tags.includes(tag)))
    .map((wanted) => `has tags [${wanted.join(', ')}]`);
}

/** The newest item that is not dated in the future; the newest of all where every one is. */
function latestOf(items: readonly PolicyItem[], nowMs: number): PolicyItem | null {
  let latest: PolicyItem | null = null;
  for (const item of items) {
    if (item.timeMs <= nowMs && (latest === null || item.timeMs > latest.timeMs)) latest = item;
  }
  return latest ?? items[0] ?? null;
}

/** Calendar arithmetic in the item's local time; days that do not exist roll on, as Go's AddDate. */
function before(item: PolicyItem | null, span: Span): number {
  if (item === null) return 0;
  const at = local(item);
  const shifted = Date.UTC(
    at.getUTCFullYear() - span.years,
    at.getUTCMonth() - span.months,
    at.getUTCDate() - span.days,
    at.getUTCHours() - span.hours,
    at.getUTCMinutes(),
    at.getUTCSeconds(),
    at.getUTCMilliseconds(),
  );
  return shifted - item.utcOffsetMinutes * 60_000;
}
