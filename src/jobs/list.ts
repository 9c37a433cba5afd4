/** `list`: the backups of the folder, with the state of their chains. */
import type { BackupType } from '../archive/manifest.js';
import type { BelayError } from '../core/errors.js';
import type { StoredBackup } from '../store/backup-folder.js';
import type { ArchiveListing } from './archive-listing.js';
import { chainArchiveOf, listArchives } from './archive-listing.js';
import type { BoardSummary } from './board-identity.js';
import { summaryOfManifest } from './board-identity.js';
import type { JobContext, StoreParts } from './context.js';
import { isOfBoard } from './select-backup.js';

export type BackupState = 'ok' | 'partial' | 'orphan' | 'corrupt' | 'unsupported';

export interface BackupRow {
  /** null where the archive could not be read. */
  readonly backupId: string | null;
  readonly backupType: BackupType | null;
  readonly createdAt: string | null;
  readonly sequence: number | null;
  readonly parentId: string | null;
  /** Who stands for the parent here: itself, or a full that has replaced it; null where nobody does. */
  readonly builtOn: string | null;
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
  parts: StoreParts,
  options: ListOptions,
  _context: JobContext,
): Promise<BackupListing> {
  const listing = await listArchives(parts.store);
  const board = options.board ?? null;
  const rows = rowsOf(listing).filter((row) => row.row.safety === false || options.all === true);
  const wanted =
    board === null
      ? rows
      : rows.filter(({ stored }) => isOfBoard({ archive: chainArchiveOf(stored) }, board));
  return { folder: parts.store.path, backups: wanted.map(({ row }) => row) };
}

/** Boards in the order of their folders; within a board by sequence, unreadable archives last. */
export function rowsOf(
  listing: ArchiveListing,
): readonly { readonly stored: StoredBackup; readonly row: BackupRow }[] {
  const last = Number.POSITIVE_INFINITY;
  return listing.stored
    .map((stored) => ({ stored, row: rowOf(stored, listing) }))
    .sort((a, b) => {
      if (a.stored.boardFolder !== b.stored.boardFolder)
        return a.stored.boardFolder < b.stored.boardFolder ? -1 : 1;
      const order = (a.row.sequence ?? last) - (b.row.sequence ?? last);
      return order !== 0 && !Number.isNaN(order) ? order : a.stored.path < b.stored.path ? -1 : 1;
    });
}

export function rowOf(stored: StoredBackup, listing: ArchiveListing): BackupRow {
  const manifest = stored.head?.manifest ?? null;
  const node = listing.lineage.byPath.get(stored.path);
  const { state, problem } = stored.safety || node === undefined ? stateOfSingle(stored) : node;
  return {
    backupId: manifest?.backupId ?? null,
    backupType: manifest?.backupType ?? null,
    createdAt: manifest?.createdAt ?? null,
    sequence: manifest?.sequence ?? null,
    parentId: manifest?.parent?.backupId ?? null,
    builtOn: node?.parent?.archive.manifest?.backupId ?? null,
    archive: stored.path,
    archiveSize: stored.archiveBytes,
    fileCount: manifest?.statistics.fileCount ?? null,
    totalOriginalSize: manifest?.statistics.totalOriginalSize ?? null,
    description: manifest?.description ?? null,
    state,
    problem: problem?.message ?? null,
    pinned: stored.pinned,
    safety: stored.safety,
    board: manifest === null ? null : summaryOfManifest(manifest.deviceInfo),
  };
}

/** Of an archive that is in no chain: a safety archive, or one outside the folder. */
function stateOfSingle(stored: StoredBackup): {
  readonly state: BackupState;
  readonly problem: BelayError | null;
} {
  const { problem, partial } = stored;
  if (problem !== null)
    return {
      state: problem.code === 'archive/unsupported' ? 'unsupported' : 'corrupt',
      problem,
    };
  return { state: partial ? 'partial' : 'ok', problem: null };
}
