/** `repair`: names what is broken, quarantines it, sweeps leftovers; never deletes unreadable data. */
import { BelayError } from '../core/errors.js';
import type { JobContext, StoreParts } from './context.js';

export interface RepairOptions {
  readonly dryRun?: boolean | undefined;
  readonly retryLockMs?: number | undefined;
}

export interface RepairResult {
  /** Temporary files of dead processes that were removed. */
  readonly swept: readonly string[];
  readonly quarantined: readonly { readonly from: string; readonly to: string; readonly code: string; readonly message: string }[];
  /** Backups that can't be restored although their own archive is whole. */
  readonly orphans: readonly { readonly archive: string; readonly message: string }[];
  readonly healthy: number;
  readonly dryRun: boolean;
}

export async function repair(
  _parts: StoreParts,
  _options: RepairOptions,
  _context: JobContext,
): Promise<RepairResult> {
  throw new BelayError('job/failed', 'repair is not available');
}
