/** `merge`: a full archive out of a chain, without the board. */
import { BelayError } from '../core/errors.js';
import type { JobContext, StoreParts } from './context.js';

export interface MergeOptions {
  /** The tip of what is folded into one. */
  readonly backup: string;
  /** Delete what the new archive supersedes and no survivor needs. */
  readonly replace?: boolean | undefined;
  readonly board?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
  readonly retryLockMs?: number | undefined;
}

export interface MergeResult {
  /** null in a dry run. */
  readonly backupId: string | null;
  readonly archive: string | null;
  /** True where it was merged already and nothing was written. */
  readonly alreadyMerged: boolean;
  /** The archives it is made of, oldest first. */
  readonly sources: readonly string[];
  readonly removed: readonly string[];
  readonly kept: readonly { readonly archive: string; readonly reason: string }[];
  readonly archiveSize: number;
  readonly dryRun: boolean;
}

export async function mergeBackups(
  _parts: StoreParts,
  _options: MergeOptions,
  _context: JobContext,
): Promise<MergeResult> {
  throw new BelayError('job/failed', 'merge is not available');
}
