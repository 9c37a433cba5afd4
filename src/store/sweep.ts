/**
 * Clears away what processes left that died: temporary files and guards of lock takeovers. Nothing
 * of a process that may still run is touched.
 */
import { readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPORARY_NAME } from '../archive/blb-file.js';
import { diskCodeOf } from '../archive/disk.js';
import type { HostProcess } from './host-process.js';
import { archiveFolders, boardFolderOf } from './listing.js';
import { decodeLock, judgeHolder, LOCK_NAME } from './lock-file.js';

const GUARD_NAME = new RegExp(`^\\${LOCK_NAME}\\.[0-9a-z]+\\.taken$`);
/** A file may be a little older than what the system says of its process' start. */
const START_TOLERANCE_MS = 60_000;

/** Paths of what was removed, or would be. What cannot be removed is left for the next time. */
export async function sweepFolder(
  root: string,
  host: HostProcess,
  dryRun = false,
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { path, names } of await archiveFolders(root)) {
    if (names.every((name) => !TEMPORARY_NAME.test(name) && !GUARD_NAME.test(name))) continue;
    const holder = await lockHolderOf(boardFolderOf(join(path, 'x')), host);
    if (holder === 'foreign') continue;
    for (const name of names) {
      const file = join(path, name);
      if (!(await isLeftover(file, name, holder, host))) continue;
      if (dryRun || (await remove(file))) removed.push(file);
    }
  }
  return removed;
}

/** The pid that holds the lock; 'foreign' where another computer does: its pids mean nothing here. */
async function lockHolderOf(
  boardFolder: string,
  host: HostProcess,
): Promise<number | 'foreign' | null> {
  const record = decodeLock(await readText(join(boardFolder, LOCK_NAME)));
  if (record === null) return null;
  const state = judgeHolder(record, host);
  return state === 'foreign' ? 'foreign' : state === 'alive' ? record.pid : null;
}

async function isLeftover(
  path: string,
  name: string,
  lockPid: number | null,
  host: HostProcess,
): Promise<boolean> {
  if (GUARD_NAME.test(name)) {
    const record = decodeLock(await readText(path));
    return record !== null && judgeHolder(record, host) === 'dead';
  }
  const pid = Number(TEMPORARY_NAME.exec(name)?.[1] ?? Number.NaN);
  if (Number.isNaN(pid) || pid === host.pid || pid === lockPid) return false;
  return host.startTimeOf(pid) === 'gone' || (await isOlderThan(path, host.startedAtMs(pid)));
}

/** A file from before the process that now bears its number. */
async function isOlderThan(path: string, startedAtMs: number | null): Promise<boolean> {
  if (startedAtMs === null) return false;
  try {
    return (await stat(path)).mtimeMs < startedAtMs - START_TOLERANCE_MS;
  } catch {
    return false;
  }
}

async function remove(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'EBUSY'].includes(diskCodeOf(error))) return false;
    throw error;
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** Lock files below, for `unlock`. */
export async function lockFilesBelow(root: string): Promise<readonly string[]> {
  const folders = await archiveFolders(root);
  const found: string[] = [];
  for (const { path } of folders) {
    const names = await readdir(path).catch(() => [] as string[]);
    if (names.includes(LOCK_NAME)) found.push(join(path, LOCK_NAME));
  }
  return found;
}
