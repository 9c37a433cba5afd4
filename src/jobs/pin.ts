/** `pin` and `unpin`: whether any policy may remove a backup. */
import { BelayError } from '../core/errors.js';
import type { JobContext, StoreParts } from './context.js';

export interface PinOptions {
  readonly backup: string;
  readonly pinned: boolean;
  readonly board?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface PinResult {
  readonly backupId: string;
  readonly archive: string;
  readonly pinned: boolean;
  /** False where it was so already. */
  readonly changed: boolean;
}

export async function pinBackup(
  _parts: StoreParts,
  _options: PinOptions,
  _context: JobContext,
): Promise<PinResult> {
  throw new BelayError('job/failed', 'pin is not available');
}
