/** `export`: a backup as a folder-like archive that others read (.tar, .tgz, .zip) or a self-contained .blb. */
import { BelayError } from '../core/errors.js';
import type { FailedPath, JobContext, StoreParts } from './context.js';

export interface ExportOptions {
  readonly backup: string;
  /** The ending decides the format: .tar, .tgz, .tar.gz, .zip, .blb; a folder otherwise. */
  readonly output: string;
  readonly board?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface ExportResult {
  readonly backupId: string;
  readonly output: string;
  readonly format: 'tar' | 'tgz' | 'zip' | 'blb' | 'folder';
  readonly filesWritten: number;
  readonly bytesWritten: number;
  readonly failed: readonly FailedPath[];
}

export async function exportBackup(
  _parts: StoreParts,
  _options: ExportOptions,
  _context: JobContext,
): Promise<ExportResult> {
  throw new BelayError('job/failed', 'export is not available');
}
