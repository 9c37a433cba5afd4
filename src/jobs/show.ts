/** `show`: everything in a manifest but the files. */
import { BelayError } from '../core/errors.js';
import type { Manifest } from '../archive/manifest.js';
import type { JobContext, StoreParts } from './context.js';
import type { BackupRow } from './list.js';

export interface ShowOptions {
  readonly backup: string;
  readonly board?: string | null | undefined;
}

export interface BackupDetails {
  readonly row: BackupRow;
  readonly manifest: Omit<Manifest, 'files'>;
  readonly manifestSha256: string;
  /** backupIds this backup takes content from, itself left out. */
  readonly dependsOn: readonly string[];
  /** backupIds that are built on it. */
  readonly neededBy: readonly string[];
}

export async function showBackup(
  _parts: StoreParts,
  _options: ShowOptions,
  _context: JobContext,
): Promise<BackupDetails> {
  throw new BelayError('job/failed', 'show is not available');
}
