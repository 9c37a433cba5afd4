/**
 * Making a lock file appear, and removing one that nobody holds any more, so that of any number of
 * processes doing the same at once one wins.
 *
 * A lock appears with its content in one step (a hard link to a finished temporary file). It is
 * removed under a guard named after its token: only the one process that made the guard may remove
 * the lock of that token, and only after it has seen the token there again, so a fresh lock that
 * took its place meanwhile is never removed. A guard whose maker died is removed in the same way.
 */
import type { FileHandle } from 'node:fs/promises';
import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskCodeOf, diskError } from '../archive/disk.js';
import type { HostProcess } from './host-process.js';
import type { LockRecord } from './lock-file.js';
import { decodeLock, encodeLock, judgeHolder } from './lock-file.js';

export interface LockMaker {
  readonly host: HostProcess;
  readonly randomHex: (bytes: number) => string;
}

/** The text of a lock file; null where there is none. */
export async function readLock(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (diskCodeOf(error) === 'ENOENT') return null;
    throw diskError('read the lock', path, error);
  }
}

/**
 * The open lock file, or null where the name is taken. The handle stays with this file even when
 * its name is given to another.
 */
export async function createLock(
  path: string,
  record: LockRecord,
  maker: LockMaker,
): Promise<FileHandle | null> {
  const temporary = join(dirname(path), `.belay-${maker.host.pid}-${maker.randomHex(8)}.tmp`);
  const handle = await open(temporary, 'wx', 0o644).catch((error: unknown) => {
    throw diskError('write the lock in', dirname(path), error);
  });
  try {
    await handle.write(encodeLock(record), 0, 'utf8');
    await link(temporary, path);
    // The lock is made, whatever becomes of its other name: a later run sweeps that.
    await unlink(temporary).catch(() => {});
    return handle;
  } catch (error) {
    await unlink(temporary).catch(() => {});
    // A network folder may say that it failed although it did not.
    if (await holdsToken(path, record.token).catch(() => false)) return handle;
    await handle.close().catch(() => {});
    const code = diskCodeOf(error);
    if (code === 'EEXIST') return null;
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS') {
      return createWithoutLinks(path, record);
    }
    throw diskError('write the lock in', dirname(path), error);
  }
}

/** FAT, exFAT and some network folders have no hard links: empty for a moment, then written. */
async function createWithoutLinks(path: string, record: LockRecord): Promise<FileHandle | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'wx', 0o644);
  } catch (error) {
    if (diskCodeOf(error) === 'EEXIST') return null;
    throw diskError('write the lock in', dirname(path), error);
  }
  try {
    await handle.write(encodeLock(record), 0, 'utf8');
    return handle;
  } catch (error) {
    await handle.close().catch(() => {});
    await unlink(path).catch(() => {});
    throw diskError('write the lock in', dirname(path), error);
  }
}

/**
 * Removes the lock with this token. False where somebody else is at it, or it is gone or changed:
 * look again. `token` null stands for a file that is no lock record.
 */
export async function removeLock(
  path: string,
  token: string | null,
  own: LockRecord,
  maker: LockMaker,
): Promise<boolean> {
  const guard = `${path}.${token ?? 'unreadable'}.taken`;
  const handle = await createLock(guard, own, maker);
  if (handle === null) {
    await removeDeadGuard(guard, own, maker);
    return false;
  }
  try {
    if (!(await holdsToken(path, token))) return false;
    return await moveAway(path, token, maker);
  } finally {
    await handle.close();
    await unlink(guard).catch(() => {});
  }
}

async function holdsToken(path: string, token: string | null): Promise<boolean> {
  const text = await readLock(path);
  return text !== null && (decodeLock(text)?.token ?? null) === token;
}

/** Renamed first and looked at again: what is deleted is exactly what was judged. */
async function moveAway(path: string, token: string | null, maker: LockMaker): Promise<boolean> {
  const aside = join(dirname(path), `.belay-${maker.host.pid}-${maker.randomHex(8)}.tmp`);
  try {
    await rename(path, aside);
  } catch (error) {
    if (diskCodeOf(error) === 'ENOENT') return false;
    throw diskError('remove the lock', path, error);
  }
  if (!(await holdsToken(aside, token))) {
    await link(aside, path).catch(() => {});
    await unlink(aside);
    return false;
  }
  await unlink(aside);
  return true;
}

async function removeDeadGuard(guard: string, own: LockRecord, maker: LockMaker): Promise<void> {
  const record = decodeLock((await readLock(guard)) ?? '');
  if (record === null || judgeHolder(record, maker.host) !== 'dead') return;
  await removeLock(guard, record.token, own, maker);
}
