import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Which half of a folder's Python files: codes are trained on one and tried on the other. */
export type Half = 'training' | 'unseen';

const NO_BOARD_TEXT = /test|encodings|idlelib|lib2to3|__pycache__/;

/**
 * About `sizeBytes` of the Python sources below `folder`, files of 1 to 40 kB in an order that
 * depends on nothing but their names. Empty where there is no such folder.
 */
export function pythonSources(folder: string, half: Half, sizeBytes: number): Uint8Array {
  const files = filesBelow(folder)
    .map((path) => ({ path, sum: sumOf(relative(folder, path)) }))
    .filter(({ sum }) => (Number.parseInt(sum.slice(0, 2), 16) % 2 === 0) === (half === 'training'))
    .sort((a, b) => (a.sum < b.sum ? -1 : 1));
  const chosen: Uint8Array[] = [];
  let total = 0;
  for (const { path } of files) {
    if (total >= sizeBytes) break;
    chosen.push(readFileSync(path));
    total += chosen.at(-1)?.length ?? 0;
  }
  return new Uint8Array(Buffer.concat(chosen)).subarray(0, sizeBytes);
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.py') && !NO_BOARD_TEXT.test(path))
      .map((path) => join(folder, path))
      .filter((path) => {
        const { size } = statSync(path);
        return size > 1_000 && size < 40_000;
      });
  } catch {
    return [];
  }
}

function sumOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}
