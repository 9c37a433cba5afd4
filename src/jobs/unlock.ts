/** `unlock`: who holds the folder's locks, and their removal when asked. */
import { BelayError } from '../core/errors.js';
import type { LockHolder } from '../store/backup-folder.js';
import type { JobContext, StoreParts } from './context.js';

export interface UnlockOptions {
  /** Remove the lock; without it the holder is only shown. */
  readonly remove?: boolean | undefined;
}

export interface ShownHolder {
  /** The lock file. */
  readonly path: string;
  readonly host: string;
  readonly pid: number;
  readonly since: string;
  readonly purpose: string;
  /** `alive`, `dead` (same computer), `unknown` (another computer, or an unreadable lock). */
  readonly state: 'alive' | 'dead' | 'unknown';
}

export interface UnlockResult {
  /** The first of `holders`; null: not locked. */
  readonly holder: ShownHolder | null;
  /** One for each board folder that is locked. */
  readonly holders: readonly ShownHolder[];
  readonly removed: boolean;
}

/** Throws `store/refused` for a lock whose process is alive on this computer. */
export async function unlock(
  parts: StoreParts,
  options: UnlockOptions,
  _context: JobContext,
): Promise<UnlockResult> {
  const locks = await parts.store.locks();
  const holders = locks.map(shownHolder);
  const shown = { holder: holders[0] ?? null, holders };
  if (options.remove !== true || locks.length === 0) return { ...shown, removed: false };
  const alive = locks.find((lock) => lock.state === 'alive');
  if (alive !== undefined) {
    throw new BelayError(
      'store/refused',
      `process ${alive.pid ?? '?'} is alive and works in this folder (${alive.purpose ?? 'unknown purpose'})`,
      {
        hint: 'wait for it, or stop it; its lock goes with it',
        details: { pid: alive.pid },
      },
    );
  }
  let removed = false;
  for (const lock of locks) removed = (await parts.store.breakLock(lock)) || removed;
  return { ...shown, removed };
}

function shownHolder(lock: LockHolder): ShownHolder {
  return {
    path: lock.path,
    host: lock.host ?? 'unknown',
    pid: lock.pid ?? 0,
    since: lock.since ?? 'unknown',
    purpose: lock.purpose ?? 'unknown',
    state: lock.state === 'alive' || lock.state === 'dead' ? lock.state : 'unknown',
  };
}
