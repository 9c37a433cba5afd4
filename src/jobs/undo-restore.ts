/** `restore --undo`: takes the last restore of this board back, from its safety archive. */
import { BelayError } from '../core/errors.js';
import type { AfterMode } from '../device/device-fs.js';
import type { BoardParts, JobContext } from './context.js';
import type { OverwritePolicy } from './restore-plan.js';
import type { PreparedRestore } from './restore.js';

export interface UndoOptions {
  /** A safety archive by id or path; default the newest one of the connected board. */
  readonly backup?: string | undefined;
  /** `always` also takes back paths that have changed since the restore. */
  readonly overwrite?: OverwritePolicy | undefined;
  readonly safety?: boolean | undefined;
  readonly inPlace?: boolean | undefined;
  readonly verify?: boolean | undefined;
  readonly keepGoing?: boolean | undefined;
  readonly boardName?: string | null | undefined;
  readonly after?: AfterMode | undefined;
  readonly retryLockMs?: number | undefined;
}

/** As prepareRestore. Refuses another board (`board/other`) and a folder without safety archives (`store/not-found`). */
export async function prepareUndo(
  _parts: BoardParts,
  _options: UndoOptions,
  _context: JobContext,
): Promise<PreparedRestore> {
  throw new BelayError('job/failed', 'undo is not available');
}
