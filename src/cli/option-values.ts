/** What users type after an option, as values. A wrong one is a usage error that shows a right one. */
import { BelayError } from '../core/errors.js';

const TIME_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `30s`, `5m`, `1h30m`, `500ms`; a bare number is seconds. Milliseconds. */
export function parseTimeMs(text: string): number {
  const typed = text.trim().toLowerCase();
  if (/^\d+(\.\d+)?$/.test(typed)) return bounded(Number(typed) * 1_000, text);
  const parts = [...typed.matchAll(/(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)/g)];
  if (
    parts.length === 0 ||
    parts.map((part) => part[0]).join('') !== typed.replace(/\s+(?=\d)/g, '')
  ) {
    throw invalidTime(text);
  }
  const sum = parts.reduce(
    (total, [, amount, unit]) => total + Number(amount) * (TIME_UNITS_MS[unit as string] as number),
    0,
  );
  return bounded(sum, text);
}

/** setTimeout's own limit, about 24 days. */
const TIME_MS_MAX = 2 ** 31 - 1;

function bounded(ms: number, text: string): number {
  if (!Number.isFinite(ms) || ms > TIME_MS_MAX) throw invalidTime(text);
  return Math.round(ms);
}

function invalidTime(text: string): BelayError {
  return new BelayError('usage/invalid', `"${text}" is not a time`, {
    hint: 'write it as 30s, 5m, 1h or 500ms (at most 24 days)',
  });
}

/** A whole number of at least `least`. */
export function parseCount(text: string, least = 0): number {
  const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || value < least) {
    throw new BelayError('usage/invalid', `"${text}" is not a whole number of at least ${least}`);
  }
  return value;
}

/** `30d`, `1y6m`, `12h`: years, months, weeks, days, hours. Checked here, meant by the policy. */
export function parseWithin(text: string): string {
  if (!/^(\d+[ymwdh])+$/.test(text)) {
    throw new BelayError('usage/invalid', `"${text}" is not a span of time`, {
      hint: 'write it as 30d, 2w, 1y6m or 12h',
    });
  }
  return text;
}

/** `key=value`; the value may hold further `=` and may be empty. */
export function parseKeyValue(text: string, option: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) {
    throw new BelayError('usage/invalid', `${option} ${text}: not of the form key=value`);
  }
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Lines of an exclude file: one pattern each; empty lines and lines that start with # say nothing. */
export function patternsOfFile(text: string): readonly string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
