/** `extract`: files of a backup into a folder of this computer. */
import { BelayError } from '../core/errors.js';
import type { FailedPath, JobContext, StoreParts } from './context.js';

export interface ExtractOptions {
  readonly backup: string;
  /** Files and folders; default everything. */
  readonly paths?: readonly string[] | undefined;
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly output: string;
  readonly board?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
  readonly keepGoing?: boolean | undefined;
}

export interface ExtractResult {
  readonly backupId: string;
  readonly output: string;
  readonly filesWritten: number;
  readonly foldersMade: number;
  readonly bytesWritten: number;
  /** Board paths in the order they were (or would be) written. */
  readonly paths: readonly string[];
  /** Names this computer can't hold, content that is missing: exit status 3 where not empty. */
  readonly failed: readonly FailedPath[];
}

/** Verifies every archive it reads from in full before the first file is written. */
export async function extractBackup(
  _parts: StoreParts,
  _options: ExtractOptions,
  _context: JobContext,
): Promise<ExtractResult> {
  throw new BelayError('job/failed', 'extract is not available');
}
