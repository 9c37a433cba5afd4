/** Which folder a board's archives go to. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { diskCodeOf, diskError } from '../archive/disk.js';
import { boardGroupOf } from '../core/board-key.js';
import { boardSuffixOf, slugOf } from './archive-name.js';
import { ARCHIVE_ENDING, inspect } from './listing.js';

/**
 * Found by its suffix and confirmed by the first manifest in it that can be read; a folder of this
 * suffix that holds another board's archives (a collision of 32 bits, or files that were moved) is
 * passed over. Else the name for a new one.
 */
export async function findBoardFolder(
  root: string,
  board: { readonly uniqueKey: string; readonly name: string },
): Promise<string> {
  const suffix = boardSuffixOf(board.uniqueKey);
  const names = await foldersIn(root);
  for (const name of names.filter((each) => each.endsWith(`-${suffix}`))) {
    const path = join(root, name);
    const key = await keyOfArchivesIn(path);
    if (key === undefined || key === board.uniqueKey) return path;
  }
  const slug = slugOf(board.name);
  for (let copy = 1; ; copy += 1) {
    const name = copy === 1 ? `${slug}-${suffix}` : `${slug}-${copy}-${suffix}`;
    if (!names.includes(name)) return join(root, name);
  }
}

async function foldersIn(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (diskCodeOf(error) === 'ENOENT') return [];
    throw diskError('read the folder', root, error);
  }
}

/** The key of the first archive that can be read; undefined where there is none. */
async function keyOfArchivesIn(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw diskError('read the folder', folder, error);
  });
  for (const name of names.filter((each) => each.endsWith(ARCHIVE_ENDING)).sort()) {
    const backup = await inspect(join(folder, name), false);
    if (backup?.head) return boardGroupOf(backup.head.manifest.deviceInfo);
  }
  return undefined;
}
