/**
 * Names on a board are bytes. A DevicePath is a string that holds them without loss: relative to
 * the board's `/`, components joined by `/`, no leading or trailing slash; every byte that is not
 * part of valid UTF-8 stands as the lone surrogate U+DC80..U+DCFF (Python's `surrogateescape`), so
 * a path can be a map key, be compared, and turned back into exactly the board's bytes.
 */
import picomatch from 'picomatch';
import { NAME_BYTES_MAX, PATH_BYTES_MAX, PATH_DEPTH_MAX } from './limits.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export function pathFromBytes(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeWithEscapes(bytes);
  }
}

function decodeWithEscapes(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = utf8LengthAt(bytes, at);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + (bytes[at] as number));
      at += 1;
    } else {
      text += decoder.decode(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return text;
}

/** Length of the valid UTF-8 sequence at `at`, 0 where there is none. */
function utf8LengthAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  const length =
    first < 0x80
      ? 1
      : first < 0xc2
        ? 0
        : first < 0xe0
          ? 2
          : first < 0xf0
            ? 3
            : first < 0xf5
              ? 4
              : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  try {
    decoder.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

export function bytesOfPath(path: string): Uint8Array {
  if (!/[\udc80-\udcff]/.test(path)) return encoder.encode(path);
  const parts: number[] = [];
  for (const character of path) {
    const code = character.codePointAt(0) as number;
    if (code >= 0xdc80 && code <= 0xdcff) parts.push(code - 0xdc00);
    else parts.push(...encoder.encode(character));
  }
  return Uint8Array.from(parts);
}

/** True where the path's bytes are valid UTF-8. */
export function isUtf8Path(path: string): boolean {
  return (
    !/[\udc80-\udcff]/.test(path) ||
    (pathFromBytes(bytesOfPath(path)) === path && !hasLoneSurrogate(path))
  );
}

function hasLoneSurrogate(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff) return true;
  }
  return false;
}

/** Order by raw bytes, not by JavaScript's UTF-16 units: the order of stateHash. */
export function comparePaths(a: string, b: string): number {
  // Below the surrogates, UTF-16 order is byte order: no need to encode.
  if (!/[\ud800-\uffff]/.test(a) && !/[\ud800-\uffff]/.test(b)) return a === b ? 0 : a < b ? -1 : 1;
  const left = bytesOfPath(a);
  const right = bytesOfPath(b);
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const difference = (left[at] as number) - (right[at] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** For people: control characters, escapes and bytes that are not UTF-8 become `\xNN` / `\uNNNN`. */
export function displayPath(path: string): string {
  let text = '';
  for (const character of path) {
    const code = character.codePointAt(0) as number;
    if (code >= 0xdc80 && code <= 0xdcff) text += `\\x${(code - 0xdc00).toString(16)}`;
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
      text += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (isInvisible(code)) text += `\\u${code.toString(16).padStart(4, '0')}`;
    else text += character;
  }
  return text;
}

/** Bidirectional controls, line separators, byte-order mark, lone surrogates: they forge a line. */
function isInvisible(code: number): boolean {
  return (
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x2069) ||
    (code >= 0xd800 && code <= 0xdfff) ||
    code === 0xfeff
  );
}

export function parentOfPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export function nameOfPath(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `''` stands for the board's root. */
export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** True for the folder itself and everything in it; `''` holds everything. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/** What a user types (`/lib/`, `lib`, `/`) as a DevicePath. */
export function normalizePath(typed: string): string {
  return typed
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** Why no board can hold this path, or null: a NUL, an empty, `.` or `..` component, a limit. */
export function pathProblem(path: string): string | null {
  if (path === '') return 'empty name';
  if (path.includes('\0')) return 'NUL in a name';
  const parts = path.split('/');
  if (parts.length > PATH_DEPTH_MAX) return `deeper than ${PATH_DEPTH_MAX} folders`;
  if (bytesOfPath(path).length > PATH_BYTES_MAX) return `longer than ${PATH_BYTES_MAX} bytes`;
  for (const part of parts) {
    if (part === '') return 'empty component';
    if (part === '.' || part === '..') return `component "${part}"`;
    // A UTF-16 unit takes at most three bytes; a hostile list may hold millions of short parts.
    const mayBeLong = part.length > NAME_BYTES_MAX / 3;
    if (mayBeLong && bytesOfPath(part).length > NAME_BYTES_MAX)
      return `a name longer than ${NAME_BYTES_MAX} bytes`;
  }
  return null;
}

export interface PathPatterns {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/**
 * A test for "is this path asked for". Patterns are globs against the path without its leading
 * slash; one without a slash matches a name at any depth, and a pattern that matches a folder takes
 * what is below it. No include pattern means everything; exclude wins.
 */
export function pathMatcher(patterns: PathPatterns): (path: string) => boolean {
  const included = patterns.include.length === 0 ? () => true : anyOf(patterns.include);
  const excluded = anyOf(patterns.exclude);
  return (path) => included(path) && !excluded(path);
}

function anyOf(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.flatMap((typed) => {
    const pattern = typed.replace(/^\/+/, '').replace(/\/+$/, '');
    const rooted = typed.startsWith('/') || pattern.includes('/');
    const glob = rooted ? pattern : `**/${pattern}`;
    return [glob, `${glob}/**`].map((each) => picomatch(each, { dot: true, nonegate: true }));
  });
  return (path) => tests.some((test) => test(path));
}
