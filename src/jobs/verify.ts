/** `verify`: every byte of archives and chains, or a board against a backup. */
import { BelayError } from '../core/errors.js';
import type { BoardParts, JobContext, StoreParts } from './context.js';
import type { TreeChange } from './diff.js';
import type { BackupState } from './list.js';

export interface VerifyOptions {
  /** Ids, prefixes, paths, `latest`; none: all of the folder. */
  readonly backups?: readonly string[] | undefined;
  readonly board?: string | null | undefined;
}

export interface VerifyFinding {
  readonly code: string;
  readonly message: string;
  readonly path: string | null;
}

export interface VerifiedArchive {
  readonly archive: string;
  readonly backupId: string | null;
  readonly createdAt: string | null;
  readonly state: BackupState;
  readonly findings: readonly VerifyFinding[];
  /** Everything it needs is there and whole: it can be restored. */
  readonly restorable: boolean;
}

export interface VerifyResult {
  readonly archives: readonly VerifiedArchive[];
  readonly bytesRead: number;
  /** No finding anywhere. */
  readonly ok: boolean;
  /** The code that decides the exit status: the first finding's; null where ok. */
  readonly code: string | null;
}

/** Also reads the ancestors of what is asked for. Every finding is data; throws only where a backup is not found. */
export async function verifyBackups(
  _parts: StoreParts,
  _options: VerifyOptions,
  _context: JobContext,
): Promise<VerifyResult> {
  throw new BelayError('job/failed', 'verify is not available');
}

export interface VerifyBoardOptions {
  readonly backup?: string | undefined;
  readonly boardName?: string | null | undefined;
}

export interface VerifyBoardResult {
  readonly backupId: string;
  readonly archive: string;
  /** From the backup to the board; empty where they are equal. */
  readonly changes: readonly TreeChange[];
  readonly ok: boolean;
}

/** Hashes the files on the board and compares; reads no content over the wire. */
export async function verifyAgainstBoard(
  _parts: BoardParts,
  _options: VerifyBoardOptions,
  _context: JobContext,
): Promise<VerifyBoardResult> {
  throw new BelayError('job/failed', 'verify is not available');
}
