/** Folders made with all their parents, with the true reason where that is not possible, and taken away again. */
import { access, mkdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskCodeOf, diskError } from '../archive/disk.js';
import type { BelayError } from '../core/errors.js';

/** So often may others take a folder away while it is made. */
const TRIES_MAX = 100;

/** True where it was made, false where it was there. Throws store/permission, store/full, store/exists, store/io. */
export async function makeFolder(path: string): Promise<boolean> {
  let made = false;
  for (let tries = 1; ; tries += 1) {
    try {
      return (await mkdir(path, { recursive: true })) !== undefined || made;
    } catch (error) {
      if (diskCodeOf(error) !== 'ENOENT' || tries === TRIES_MAX) throw failed(path, error);
      made = (await makeFirstMissing(path)) || made;
    }
  }
}

/** True where it was empty and is gone; anything else stays. */
export function removeEmptyFolder(path: string): Promise<boolean> {
  return rmdir(path).then(
    () => true,
    () => false,
  );
}

/**
 * Node says ENOENT for two things: a parent lies on a read-only file system, where one step alone says
 * EROFS; or the folder was there and was taken away before Node had looked at it again (where the
 * last holder of a lock leaves; seen on Node 24), where one step alone goes well. False: others made it.
 */
async function makeFirstMissing(path: string): Promise<boolean> {
  let missing = path;
  while (dirname(missing) !== missing && !(await isThere(dirname(missing)))) {
    missing = dirname(missing);
  }
  return mkdir(missing).then(
    () => true,
    (cause: unknown) => {
      if (['EEXIST', 'ENOENT'].includes(diskCodeOf(cause))) return false;
      throw failed(path, cause);
    },
  );
}

function failed(path: string, cause: unknown): BelayError {
  return diskError('make the folder', path, cause);
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
