/** Which backup a user means: `latest`, an id or unique prefix, a path of a .blb. */
import type { BoardIdentity } from './board-identity.js';
import type { StoredBackup } from '../store/backup-folder.js';
import { BelayError } from '../core/errors.js';
import type { JobContext, StoreParts } from './context.js';

export interface BackupChoice {
  /** What the user typed; `latest` where nothing was typed. */
  readonly wanted: string;
  /** The connected board, for `latest`. */
  readonly connected?: BoardIdentity | null | undefined;
  /** `--board`: a name, a unique id or a prefix of it. */
  readonly board?: string | null | undefined;
  /** Safety archives may be chosen by id or path (never by `latest`). */
  readonly safety?: boolean | undefined;
}

/**
 * Throws `store/not-found` (with what there is), `usage/ambiguous-board` (details.choices) where
 * `latest` could be several boards', `usage/invalid` for an ambiguous prefix, and
 * `archive/ambiguous-id` where two archives of different content bear one id.
 */
export async function selectBackup(
  _parts: StoreParts,
  _choice: BackupChoice,
  _context: JobContext,
): Promise<StoredBackup> {
  throw new BelayError('job/failed', 'select is not available');
}
