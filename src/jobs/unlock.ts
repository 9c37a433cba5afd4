/** `unlock`: who holds the folder's lock, and its removal when asked. */
import { BelayError } from '../core/errors.js';
import type { JobContext, StoreParts } from './context.js';

export interface UnlockOptions {
  /** Remove the lock; without it the holder is only shown. */
  readonly remove?: boolean | undefined;
}

export interface UnlockResult {
  /** null: not locked. */
  readonly holder: {
    readonly host: string;
    readonly pid: number;
    readonly since: string;
    readonly purpose: string;
    /** `alive`, `dead` (same computer), `unknown` (another computer). */
    readonly state: 'alive' | 'dead' | 'unknown';
  } | null;
  readonly removed: boolean;
}

export async function unlock(
  _parts: StoreParts,
  _options: UnlockOptions,
  _context: JobContext,
): Promise<UnlockResult> {
  throw new BelayError('job/failed', 'unlock is not available');
}
