/** Whether a target folder has room for what is about to be written into it. */
import { lstat, statfs } from 'node:fs/promises';
import { BelayError } from '../core/errors.js';

/** A file that will stand at `hostPath`, beside or in place of what is there. */
export interface SpaceWish {
  readonly hostPath: string;
  readonly sizeBytes: number;
}

/** Throws store/full before the first byte; a file system that cannot say how full it is passes. */
export async function checkSpace(target: string, wishes: readonly SpaceWish[]): Promise<void> {
  const free = await statfs(target).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => null,
  );
  const total = wishes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (free === null || total <= free) return;
  // Only now: what is replaced gives its space back, and what is equal is not written.
  let need = 0;
  for (const { hostPath, sizeBytes } of wishes) {
    const there = await lstat(hostPath).catch(() => null);
    need += sizeBytes - (there?.isFile() ? there.size : 0);
  }
  if (need <= free) return;
  throw new BelayError('store/full', `${target} has ${free} bytes free, the files need ${need}`, {
    hint: 'free some space there, or choose another folder',
    details: { freeBytes: free, neededBytes: need },
  });
}
