/** What the tiny parts print, read back. Pure; the lines are described in tiny-read.py and tiny-list.py. */
import { pathFromBytes } from '../core/device-path.js';
import { type Literal, parseLiteral } from './python-literal.js';

const LINE_BYTES = 64;

/** The answers of an exec, among what the user's program prints. */
export function tildeLines(output: Uint8Array): readonly string[] {
  return Buffer.from(output)
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line.startsWith('~ '))
    .map((line) => line.slice(2).trim());
}

/** Names and sizes, as tiny-list.py prints them. */
export function parseNames(text: string): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const line of text.split('\n').slice(0, -1)) {
    const space = line.indexOf(' ');
    const name = parseLiteral(line.slice(space + 1));
    if (typeof name === 'string')
      sizes.set(pathFromBytes(Buffer.from(name)), Number(line.slice(0, space)));
  }
  return sizes;
}

export interface ParsedLine {
  readonly index: number;
  readonly bytes: Uint8Array | null;
  readonly sums: string;
}

/** A line of tiny-read.py; null where its sums say that it is damaged. */
export function parseLine(line: string): ParsedLine | null {
  const match = /^(\d+) (\d+) (\d+) (.*)$/.exec(line);
  if (match === null) return null;
  const [, index, first, second, rest] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
  ];
  if (rest === 'end') return { index: Number(index), bytes: null, sums: `${first} ${second}` };
  let bytes: Literal;
  try {
    bytes = parseLiteral(rest);
  } catch {
    return null;
  }
  if (!(bytes instanceof Uint8Array) || bytes.length > LINE_BYTES) return null;
  let low = Number(index) & 255;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 255;
    high = (high + low) % 255;
  }
  return low === Number(first) && high === Number(second)
    ? { index: Number(index), bytes, sums: '' }
    : null;
}

/** What the last line of tiny-read.py holds for these contents. */
export function sumsOf(bytes: Uint8Array): string {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return `${a} ${b}`;
}

export function missingOf(lines: ReadonlyMap<number, Uint8Array>, count: number): number[] {
  return Array.from({ length: count }, (_, index) => index).filter((index) => !lines.has(index));
}
