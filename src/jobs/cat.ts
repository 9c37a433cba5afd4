/** `cat`: one file of a backup, its hash checked while it flows. */
import { BelayError } from '../core/errors.js';
import type { FileEntry } from '../archive/manifest.js';
import type { JobContext, StoreParts } from './context.js';

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

/** Throws `store/not-found` where the backup has no such file. */
export async function catFile(
  _parts: StoreParts,
  _options: CatOptions,
  _context: JobContext,
): Promise<CatResult> {
  throw new BelayError('job/failed', 'cat is not available');
}
