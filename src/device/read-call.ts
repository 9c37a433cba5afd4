/** How the agent is told which files to read: by path, or by their places in the walk. */
import type { TreeFile } from '../core/tree.js';
import { bytesLiteral, bytesLiteralOfPath, shortName } from './helper-source.js';
import type { Walk } from './scan.js';

/** Names every file: for few, and for those that come again. */
export function callByPath(files: readonly TreeFile[]): string {
  const roots = files.map((file) => `${bytesLiteralOfPath(file.path)},`).join('');
  return `${shortName('read_job')},((${roots}),b"\\xff"*${Math.ceil(files.length / 8)})`;
}

/** One bit a file of the walk, in the board's own order. */
export function callByPlace(files: readonly TreeFile[], walk: Walk): string {
  const roots = walk.plan.roots.map((root) => `${bytesLiteralOfPath(root)},`).join('');
  const bits = new Uint8Array(Math.ceil(walk.places.size / 8));
  for (const file of files) {
    const place = walk.places.get(file.path) as number;
    bits[place >> 3] = (bits[place >> 3] as number) | (1 << (place & 7));
  }
  return `${shortName('read_job')},((${roots}),${literalOfBits(bits)})`;
}

/** Runs of one byte as a product, so that "all" costs the same for any number of files. */
export function literalOfBits(bits: Uint8Array): string {
  const parts: string[] = [];
  let plain = 0;
  for (let at = 0; at < bits.length; ) {
    let end = at;
    while (end < bits.length && bits[end] === bits[at]) end += 1;
    if (end - at >= 6) {
      if (plain < at) parts.push(bytesLiteral(bits.subarray(plain, at)));
      parts.push(`${bytesLiteral(bits.subarray(at, at + 1))}*${end - at}`);
      plain = end;
    }
    at = end;
  }
  if (plain < bits.length || parts.length === 0) parts.push(bytesLiteral(bits.subarray(plain)));
  return parts.join('+');
}
