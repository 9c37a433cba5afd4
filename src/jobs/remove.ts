/** `remove`: deletes named backups; what is built on them only with `cascade`. */
import { BelayError } from '../core/errors.js';
import type { JobContext, StoreParts } from './context.js';

export interface RemoveOptions {
  readonly backups: readonly string[];
  readonly cascade?: boolean | undefined;
  /** `--yes`: with cascade, allows the last complete backup of a board to go. */
  readonly yes?: boolean | undefined;
  readonly board?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
  readonly retryLockMs?: number | undefined;
}

export interface RemoveResult {
  /** Newest dependants first, in the order of removal. */
  readonly removed: readonly { readonly backupId: string | null; readonly archive: string; readonly reason: 'asked' | 'dependant' }[];
  readonly freedBytes: number;
  readonly dryRun: boolean;
}

/** Refuses (`store/refused`, details.dependants or details.last) and then has removed nothing. */
export async function removeBackups(
  _parts: StoreParts,
  _options: RemoveOptions,
  _context: JobContext,
): Promise<RemoveResult> {
  throw new BelayError('job/failed', 'remove is not available');
}
