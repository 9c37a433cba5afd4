/** What a run that was killed behind its last change has left: no work, but its lock and names. */
import type { BackupFolder } from '../store/backup-folder.js';

/** For runs that find nothing to do and so take no lock; touches nothing of a process that may live. */
export async function clearAfterDead(store: BackupFolder): Promise<void> {
  for (const lock of await store.locks()) if (lock.state === 'dead') await store.breakLock(lock);
  await store.sweep();
}
