/** `files`: the file list of one backup. */
import { BelayError } from '../core/errors.js';
import type { ManifestEntry } from '../archive/manifest.js';
import type { JobContext, StoreParts } from './context.js';

export interface FilesOptions {
  readonly backup: string;
  /** A glob, a file or a folder; default everything. */
  readonly pattern?: string | null | undefined;
  readonly board?: string | null | undefined;
}

export interface FileListing {
  readonly backupId: string;
  readonly archive: string;
  /** Entries as in the manifest. */
  readonly files: readonly ManifestEntry[];
}

export async function listFiles(
  _parts: StoreParts,
  _options: FilesOptions,
  _context: JobContext,
): Promise<FileListing> {
  throw new BelayError('job/failed', 'files is not available');
}
