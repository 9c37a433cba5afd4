/** `cat`: one file of a backup, its hash checked while it flows. */

import type { FileEntry } from '../archive/manifest.js';
import { pathOfEntry } from '../archive/manifest.js';
import { displayPath, normalizePath } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import { listArchives } from './archive-listing.js';
import type { ContentReader } from './content-reader.js';
import type { JobContext, StoreParts } from './context.js';
import { chosenContent } from './restore-source.js';

export interface CatOptions {
  readonly backup: string;
  /** Board path of the file. */
  readonly path: string;
  readonly board?: string | null | undefined;
}

export interface CatResult {
  readonly backupId: string;
  readonly entry: FileEntry;
  /** Throws `archive/damaged` before the last chunk where the content is not what the manifest says. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Checks the hashes of what it touches, not the whole archive. Throws `store/not-found` where the
 * backup has no such file or could not read it.
 */
export async function catFile(
  parts: StoreParts,
  options: CatOptions,
  _context: JobContext,
): Promise<CatResult> {
  const listing = await listArchives(parts.store);
  const { backup: wanted, board } = options;
  const { tip, content } = await chosenContent(parts, { wanted, board }, listing);
  const path = normalizePath(options.path);
  const entry = tip.manifest.files.find((each) => pathOfEntry(each) === path);
  if (entry === undefined || ('isDirectory' in entry && entry.isDirectory && !('error' in entry))) {
    const what = entry === undefined ? 'has no file' : 'has a folder, not a file,';
    throw new BelayError(
      'store/not-found',
      `backup ${tip.manifest.backupId.slice(0, 8)} ${what} /${displayPath(path)}`,
      {
        hint: 'list its files with: belay-backup files',
      },
    );
  }
  if ('error' in entry) {
    throw new BelayError(
      'store/not-found',
      `/${displayPath(path)} could not be read when the backup was made: ${entry.error.message}`,
      {
        hint: 'look for an earlier version with: belay-backup find',
      },
    );
  }
  return {
    backupId: tip.manifest.backupId,
    entry: entry as FileEntry,
    content: closing(content, path),
  };
}

async function* closing(reader: ContentReader, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* reader.read(path);
  } finally {
    await reader.close();
  }
}
