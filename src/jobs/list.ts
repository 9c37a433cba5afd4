/** `list`: the backups of the folder, with the state of their chains. */
import { BelayError } from '../core/errors.js';
import type { BackupType } from '../archive/manifest.js';
import type { BoardSummary } from './board-identity.js';
import type { JobContext, StoreParts } from './context.js';

export type BackupState = 'ok' | 'partial' | 'orphan' | 'corrupt' | 'unsupported';

export interface BackupRow {
  /** null where the archive could not be read. */
  readonly backupId: string | null;
  readonly backupType: BackupType | null;
  readonly createdAt: string | null;
  readonly sequence: number | null;
  readonly parentId: string | null;
  readonly archive: string;
  readonly archiveSize: number;
  readonly fileCount: number | null;
  readonly totalOriginalSize: number | null;
  readonly description: string | null;
  readonly state: BackupState;
  /** Why the state is not ok: one sentence; null for ok. */
  readonly problem: string | null;
  readonly pinned: boolean;
  readonly safety: boolean;
  readonly board: BoardSummary | null;
}

export interface ListOptions {
  /** Safety archives too. */
  readonly all?: boolean | undefined;
  /** Only this board's (name, unique id or a prefix of it). */
  readonly board?: string | null | undefined;
}

export interface BackupListing {
  readonly folder: string;
  /** By board, then by sequence: a parent stands before its children. */
  readonly backups: readonly BackupRow[];
}

/** Reads heads only: `ok` is said of head, length and chain; `verify` reads everything. Takes no lock. */
export async function listBackups(
  _parts: StoreParts,
  _options: ListOptions,
  _context: JobContext,
): Promise<BackupListing> {
  throw new BelayError('job/failed', 'list is not available');
}
