/** Whether the folder has room for a backup, asked before the first byte is written. */
import { BelayError } from '../core/errors.js';
import type { BackupFolder } from '../store/backup-folder.js';
import type { BackupPlan } from './plan-backup.js';

/** What an entry may take in the manifest and in the tar, generously. */
const ENTRY_BYTES = 1024;

/**
 * The archive is spooled and then joined, so for a moment everything is there twice. Throws
 * store/full; a file system that does not tell its room is trusted.
 */
export async function requireSpace(
  store: BackupFolder,
  plan: BackupPlan,
  entries: number,
): Promise<void> {
  const neededBytes = 2 * (plan.bytesToRead + entries * ENTRY_BYTES);
  const freeBytes = await store.freeBytes();
  if (freeBytes === null || freeBytes >= neededBytes) return;
  throw new BelayError(
    'store/full',
    `${store.path} has ${freeBytes} bytes free, this backup may need ${neededBytes}`,
    {
      hint: 'free some space, or choose another folder with --dir',
      details: { freeBytes, neededBytes },
    },
  );
}
