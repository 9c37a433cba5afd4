/** `find`: the versions of matching files over all backups. */
import { BelayError } from '../core/errors.js';
import type { JobContext, StoreParts } from './context.js';

export interface FindOptions {
  readonly pattern: string;
  readonly board?: string | null | undefined;
}

export interface FileVersion {
  /** The oldest backup that has this content at this path, and the newest of that unbroken run. */
  readonly firstBackupId: string;
  readonly firstCreatedAt: string;
  readonly lastBackupId: string;
  readonly lastCreatedAt: string;
  readonly sizeBytes: number;
  readonly checksum: string;
  readonly lastModified: number | null;
}

export interface FoundFile {
  readonly path: string;
  readonly boardName: string;
  readonly uniqueId: string | null;
  /** Oldest first; a file that was deleted and came back has a version each time. */
  readonly versions: readonly FileVersion[];
}

export interface FindResult {
  readonly files: readonly FoundFile[];
}

export async function findVersions(
  _parts: StoreParts,
  _options: FindOptions,
  _context: JobContext,
): Promise<FindResult> {
  throw new BelayError('job/failed', 'find is not available');
}
