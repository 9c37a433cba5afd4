/** `import`: a project folder or an archive of others as a backup that can be restored to any board. */

import type { Manifest } from '../archive/manifest.js';
import { BelayError } from '../core/errors.js';
import type { FailedPath, JobContext, StoreParts } from './context.js';

export interface ImportOptions {
  /** A folder, .tar, .tgz, .zip or .blb. */
  readonly input: string;
  /** Whose backups it joins; default a board of the input's name. */
  readonly boardName?: string | null | undefined;
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly description?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
  readonly retryLockMs?: number | undefined;
}

export interface ImportResult {
  /** null in a dry run. */
  readonly backupId: string | null;
  readonly archive: string | null;
  readonly manifest: Manifest | null;
  readonly fileCount: number;
  readonly totalOriginalSize: number;
  readonly failed: readonly FailedPath[];
}

export async function importBackup(
  _parts: StoreParts,
  _options: ImportOptions,
  _context: JobContext,
): Promise<ImportResult> {
  throw new BelayError('job/failed', 'import is not available');
}
