/**
 * Names of a board as names on this computer. What this computer cannot hold, or what could do harm
 * on a terminal or in a path, is written as `%` and two hex digits a byte. Pure, and reversible:
 * decodeHostName gives the board's name back for every name.
 */
import { bytesOfPath, pathFromBytes, pathProblem } from '../core/device-path.js';
import { NAME_BYTES_MAX } from '../core/limits.js';

export type HostPlatform = 'posix' | 'windows';

export interface HostName {
  /** Components below the target folder. */
  readonly parts: readonly string[];
  /** True where a component differs from the board's name. */
  readonly encoded: boolean;
}

/** The components on this computer, or why there can be none. */
export function hostNameOf(
  path: string,
  platform: HostPlatform,
): HostName | { readonly refused: string } {
  const problem = pathProblem(path);
  if (problem !== null) return { refused: problem };
  const names = path.split('/');
  const parts = names.map((name) => encodeHostName(name, platform));
  const long = parts.find((part) => bytesOfPath(part).length > NAME_BYTES_MAX);
  if (long !== undefined) return { refused: 'its encoded name is longer than 255 bytes' };
  return { parts, encoded: parts.some((part, at) => part !== names[at]) };
}

/** C0, DEL, C1, both slashes, and what steers a terminal's writing direction or hides a line. */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f/\\\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/;
const UNSAFE_ON_WINDOWS = /[<>:"|?*]/;
/** Devices, with any extension and trailing spaces before it; superscript digits count (Win32). */
const RESERVED_ON_WINDOWS =
  /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\.|$)/i;
/** What a reader would take for an escape. */
const LOOKS_ENCODED = /^%[0-9A-Fa-f]{2}/;

export function encodeHostName(name: string, platform: HostPlatform): string {
  let text = '';
  let at = 0;
  for (const character of name) {
    const isLast = at + character.length === name.length;
    const unsafe =
      (isLone(character) && UNSAFE.test(character)) ||
      (character === '%' && LOOKS_ENCODED.test(name.slice(at))) ||
      (platform === 'windows' && isUnsafeOnWindows(character, at, isLast, name));
    text += unsafe ? percent(character) : character;
    at += character.length;
  }
  return text;
}

/** Whole surrogate pairs are ordinary characters. */
function isLone(character: string): boolean {
  return character.length === 1;
}

function isUnsafeOnWindows(character: string, at: number, isLast: boolean, name: string): boolean {
  if (UNSAFE_ON_WINDOWS.test(character)) return true;
  if (isLast && (character === '.' || character === ' ')) return true;
  return at === 0 && RESERVED_ON_WINDOWS.test(name);
}

function percent(character: string): string {
  return [...bytesOfPath(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

/** The name on the board. Names that were never encoded come back as they are. */
export function decodeHostName(name: string): string {
  if (!/%[0-9A-Fa-f]{2}/.test(name)) return name;
  const bytes: number[] = [];
  for (let at = 0; at < name.length; ) {
    const digits = LOOKS_ENCODED.exec(name.slice(at, at + 3));
    if (digits !== null) {
      bytes.push(Number.parseInt(name.slice(at + 1, at + 3), 16));
      at += 3;
      continue;
    }
    const character = String.fromCodePoint(name.codePointAt(at) as number);
    bytes.push(...bytesOfPath(character));
    at += character.length;
  }
  return pathFromBytes(Uint8Array.from(bytes));
}

/**
 * Groups of paths that a file system without case would take for one, folders on the way included.
 * Unicode forms count as one too (APFS, HFS+).
 */
export function caseTwins(paths: Iterable<string>): readonly (readonly string[])[] {
  const spellings = new Map<string, Set<string>>();
  for (const path of paths) {
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const part = end < 0 ? path : path.slice(0, end);
      const key = part.normalize('NFC').toLowerCase();
      const known = spellings.get(key);
      if (known === undefined) spellings.set(key, new Set([part]));
      else known.add(part);
      if (end < 0) break;
    }
  }
  return [...spellings.values()].filter((set) => set.size > 1).map((set) => [...set].sort());
}
