/**
 * The agent's parts as they travel: read from firmware-helpers/*.py, without comments and spare
 * blanks, with the short names of names.txt, wrapped so that the board checks every byte before it
 * runs one (boot.py). Line ends are LF. Each byte saved here is 87 µs of every connection.
 */
import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { bytesOfPath } from '../core/device-path.js';
import { minifyPython, nameClash } from './minify-python.js';
import { packText } from './packed-text.js';

const folder = new URL('../../firmware-helpers/', import.meta.url);
const cache = new Map<string, string>();

/** One part, e.g. `stream`, ready to be joined with others; exact text of boot.py for `boot`. */
export function helperPart(name: string): string {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const source = readFileSync(new URL(`${name}.py`, folder), 'utf8');
  const clash = nameClash(source, shortNames());
  if (clash !== null)
    throw new Error(`${name}.py uses "${clash}", which names.txt gives to another of its words`);
  const text = minifyPython(source, shortNames());
  cache.set(name, text);
  return text;
}

let names: ReadonlyMap<string, string> | null = null;

function shortNames(): ReadonlyMap<string, string> {
  names ??= new Map(
    readFileSync(new URL('names.txt', folder), 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const [short, long] = line.trim().split(' ') as [string, string];
        return [long, short];
      }),
  );
  return names;
}

/** What a word of the agent is called on the wire. */
export function shortName(word: string): string {
  const short = shortNames().get(word);
  if (short === undefined) throw new Error(`names.txt has no ${word}`);
  return short;
}

/** The sum that boot.py makes of a text's bytes. */
export function bootSum(bytes: Uint8Array): number {
  let sum = 9;
  for (const byte of bytes) sum = (((sum * 33) & 0xffffff) ^ byte) & 0xffffff;
  return sum;
}

/** `source` as an exec that runs it only when it arrived whole; boot.py must be there. */
export function checkedExec(source: string): string {
  return `_belay(${rawLiteral(source)},${bootSum(new TextEncoder().encode(source))})`;
}

function rawLiteral(text: string): string {
  if (text.includes("'''") || /['\\]$/.test(text))
    throw new Error('a part may not hold three quotes');
  return `rb'''${text}'''`;
}

/** 2 kB on the board while it inflates. */
const SOURCE_WINDOW_BITS = 11;
/** What the raw REPL acts upon (1 to 4), what a lexer changes (CR), and what a literal cannot hold. */
const ESCAPED: ReadonlyMap<number, string> = new Map([
  [0, '\\0'],
  [1, '\\1'],
  [2, '\\2'],
  [3, '\\3'],
  [4, '\\4'],
  [13, '\\r'],
  [39, "\\'"],
  [92, '\\\\'],
]);

/** The same for a board that can inflate: about half as long, and not text. */
export function deflatedExec(source: string, windowBits = SOURCE_WINDOW_BITS): Uint8Array {
  return shortExec(deflateRawSync(source, { level: 9, windowBits, memLevel: 9 }), windowBits);
}

/** And for one that cannot (packed-text.ts). */
export function packedExec(source: string): Uint8Array {
  return shortExec(
    packText(source, (byte) => ESCAPED.get(byte)?.length ?? 1),
    1,
  );
}

function shortExec(packed: Uint8Array, form: number): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from("_belay(b'''")];
  packed.forEach((byte, at) => {
    const short = ESCAPED.get(byte);
    const next = packed[at + 1] ?? 0;
    const long = byte < 5 && next >= 0x30 && next < 0x38;
    parts.push(
      long
        ? Buffer.from(`\\00${byte}`)
        : short === undefined
          ? Uint8Array.of(byte)
          : Buffer.from(short),
    );
  });
  return Buffer.concat([...parts, Buffer.from(`''',${bootSum(packed)},${form})`)]);
}

/**
 * A source as an exec of its own that says whether it ran: `~` and the sum of what came.
 * Never deflated: for boards with little memory.
 */
export function toldExec(source: string): string {
  return `print('~',${checkedExec(source)})`;
}

/** What removes the agent and all it holds, after it was told `last`. Works when there is none. */
export function farewell(last: string | null): string {
  // Deleting a name that is not there is a NameError, or a KeyError (py/modbuiltins.c, globals).
  const told = last === null ? '' : `${checkedExec(last)};`;
  return `try:\n ${told}del _belay\nexcept Exception:pass`;
}

/** Any bytes as a Python literal without quotes, backslashes at the end, or control bytes in it. */
export function bytesLiteral(bytes: Uint8Array): string {
  let text = 'b"';
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x27 && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `${text}"`;
}

/** A DevicePath as the agent names it: with a leading slash, '' for the root. */
export function bytesLiteralOfPath(path: string): string {
  return path === '' ? 'b""' : bytesLiteral(Buffer.concat([Buffer.from('/'), bytesOfPath(path)]));
}
