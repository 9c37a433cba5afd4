/** `pin` and `unpin`: whether any policy may remove a backup. */
import type { JobContext, StoreParts } from './context.js';
import { knownArchiveOf } from './restore-source.js';
import { selectBackup } from './select-backup.js';

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
  parts: StoreParts,
  options: PinOptions,
  context: JobContext,
): Promise<PinResult> {
  const choice = { wanted: options.backup, board: options.board, safety: true };
  const stored = await selectBackup(parts, choice, context);
  const { manifest, path } = knownArchiveOf(stored);
  const changed = stored.pinned !== options.pinned;
  if (changed && options.dryRun !== true) await parts.store.setPin(path, options.pinned);
  return {
    backupId: manifest.backupId,
    archive: path,
    pinned: options.pinned,
    changed,
  };
}
