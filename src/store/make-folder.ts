/** Folders made with all their parents, and the true reason where that is not possible. */
import { access, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskCodeOf, diskError } from '../archive/disk.js';

/** True where it was made, false where it was there. Throws store/permission, store/full, store/exists, store/io. */
export async function makeFolder(path: string): Promise<boolean> {
  try {
    return (await mkdir(path, { recursive: true })) !== undefined;
  } catch (error) {
    throw diskError('make the folder', path, await trueCause(path, error));
  }
}

/** Node says ENOENT where a parent lies on a read-only file system; one step alone says EROFS. */
async function trueCause(path: string, error: unknown): Promise<unknown> {
  if (diskCodeOf(error) !== 'ENOENT') return error;
  let missing = path;
  while (dirname(missing) !== missing && !(await isThere(dirname(missing)))) {
    missing = dirname(missing);
  }
  return mkdir(missing).then(
    () => error,
    (cause: unknown) => cause,
  );
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
