/** Changed lines of two versions of a text file. */
import { createTwoFilesPatch } from 'diff';
import { displayPath } from '../core/device-path.js';

/** Larger files are not compared line by line. */
export const TEXT_BYTES_MAX = 1024 * 1024;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A unified diff; null where a side is not text. */
export function unifiedDiff(path: string, before: Uint8Array, after: Uint8Array): string | null {
  const old = textOf(before);
  const now = textOf(after);
  if (old === null || now === null) return null;
  const name = displayPath(path);
  return createTwoFilesPatch(`a/${name}`, `b/${name}`, old, now, undefined, undefined, {
    context: 3,
  });
}

function textOf(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
