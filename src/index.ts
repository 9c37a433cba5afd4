/**
 * The library: everything the command line does, as typed functions. What needs a board is a method
 * of DeviceBackup; what needs only the folder of backups is a function. Every call takes an
 * AbortSignal and tells how far it is; what goes wrong is a BelayError with a stable `code`.
 */
import type { JobEvent } from './core/events.js';
import { BoardBackups } from './jobs/board-backups.js';
import type { JobContext } from './jobs/context.js';
import type { DiffResult } from './jobs/diff.js';
import { compareBackups as compareJob } from './jobs/diff.js';
import type { ExportResult } from './jobs/export.js';
import { exportBackup as exportJob } from './jobs/export.js';
import type { FindResult } from './jobs/find.js';
import { findVersions as findJob } from './jobs/find.js';
import type { ImportResult } from './jobs/import.js';
import { importBackup as importJob } from './jobs/import.js';
import type { BoardOptions, CallOptions } from './jobs/library-options.js';
import type { BackupListing } from './jobs/list.js';
import { listBackups as listJob } from './jobs/list.js';
import type { MergeResult } from './jobs/merge.js';
import { mergeBackups as mergeJob } from './jobs/merge.js';
import type { KeepRules, PruneResult } from './jobs/prune.js';
import { prune } from './jobs/prune.js';
import type { BackupDetails } from './jobs/show.js';
import { showBackup } from './jobs/show.js';
import type { VerifiedArchive } from './jobs/verify.js';
import { verifyBackups } from './jobs/verify.js';
import type { BytePort } from './transport/byte-port.js';
import { connectorFor, connectorThrough, openStore, openStoreOf, systemContext } from './wiring.js';

export type { FileEntry, Manifest, ManifestEntry } from './archive/manifest.js';
export type { ErrorCode } from './core/errors.js';
export {
  BelayError,
  EXIT_STATUS_BY_CODE,
  isBelayError,
} from './core/errors.js';
export type { Operation, Progress } from './core/events.js';
export type { BackupResult, BackupSummary } from './jobs/backup.js';
export type { BoardSummary } from './jobs/board-identity.js';
export type { FailedPath, JobWarning } from './jobs/context.js';
export type { DiffResult, TreeChange } from './jobs/diff.js';
export type { ExportResult } from './jobs/export.js';
export type { FileVersion, FindResult, FoundFile } from './jobs/find.js';
export type { ImportResult } from './jobs/import.js';
export type {
  CallOptions,
  CreateBackupOptions,
  RestoreFromBackupOptions,
  RestoreOutcome,
} from './jobs/library-options.js';
export type { BackupListing, BackupRow, BackupState } from './jobs/list.js';
export type { MergeResult } from './jobs/merge.js';
export type {
  OverwritePolicy,
  PlannedOperation,
  RestorePlan,
} from './jobs/plan-restore.js';
export type { KeepRules, PruneResult, PruneRow } from './jobs/prune.js';
export type { RestoreResult, RestoreSummary } from './jobs/restore.js';
export type { BackupDetails } from './jobs/show.js';
export type { VerifiedArchive, VerifyFinding } from './jobs/verify.js';
export type { BytePort } from './transport/byte-port.js';

export type DeviceBackupOptions = BoardOptions<BytePort>;

/**
 * Backups and restores of one board. The port is opened for each call and closed after it.
 *
 * @example
 * import { DeviceBackup } from 'belay-backup';
 * const board = new DeviceBackup({ port: 'virtual' });
 * const manifest = await board.createBackup({ backupDirectory: './backups' });
 * console.log(`${manifest.statistics.fileCount} files in ${board.lastBackup?.summary.archive}`);
 */
export class DeviceBackup extends BoardBackups {
  constructor(options: DeviceBackupOptions = {}) {
    const { port, baud, openPort, boardName, after } = options;
    const parts = (folder: string | undefined, context: JobContext) => ({
      connect:
        openPort === undefined
          ? connectorFor({ port, baud }, context)
          : connectorThrough(async () => openPort(), context),
      store: openStore(folder),
    });
    super({ parts, context: contextOf, boardName, after });
  }
}

/**
 * The backups of a folder (default: BELAY_DIR, else `~/belay-backups`), by board and in order, with
 * the state of their chains. Reads heads only.
 *
 * @example
 * for (const row of (await listBackups('./backups')).backups) console.log(row.createdAt, row.state);
 */
export function listBackups(
  folder?: string,
  options: CallOptions & { readonly all?: boolean } = {},
): Promise<BackupListing> {
  return listJob({ store: openStore(folder) }, { all: options.all }, contextOf(options));
}

/**
 * Everything in the manifest of one archive but its files, what it depends on and what needs it.
 *
 * @example
 * const { manifest } = await getBackupInfo('./backups/board-1f2e3d4c/backup_20261120_102111_full.blb');
 */
export function getBackupInfo(path: string, options: CallOptions = {}): Promise<BackupDetails> {
  return showBackup({ store: openStoreOf(path) }, { backup: path }, contextOf(options));
}

export interface ValidationResult {
  /** No finding, here or in what the archive is built on. */
  readonly valid: boolean;
  /** The archive first, then what it is built on; each with every finding. */
  readonly archives: readonly VerifiedArchive[];
}

/**
 * Reads every byte of an archive and of what it is built on; findings are data, never thrown.
 *
 * @example
 * const { valid, archives } = await validateBackup(path);
 * if (!valid) console.error(archives.flatMap((archive) => archive.findings));
 */
export async function validateBackup(
  path: string,
  options: CallOptions = {},
): Promise<ValidationResult> {
  const { ok, archives } = await verifyBackups(
    { store: openStoreOf(path) },
    { backups: [path] },
    contextOf(options),
  );
  return { valid: ok, archives };
}

/**
 * Retention by restic's keep rules. With `dryRun` the plan alone; the rows say why each backup stays.
 *
 * @example
 * const { rows } = await cleanupBackups('./backups', { last: 7, monthly: 12 }, { dryRun: true });
 */
export function cleanupBackups(
  folder: string | undefined,
  policy: KeepRules,
  options: CallOptions & {
    readonly dryRun?: boolean;
    readonly board?: string;
    readonly mergeExpired?: boolean;
  } = {},
): Promise<PruneResult> {
  const { board, mergeExpired, dryRun } = options;
  return prune(
    { store: openStore(folder) },
    { keep: policy, board, mergeExpired, dryRun },
    contextOf(options),
  );
}

/**
 * What changed from one archive to another: `+`, `-`, `M`, `T`; with `text` the changed lines too.
 *
 * @example
 * const { changes } = await compareBackups(older, newer, { text: true });
 */
export function compareBackups(
  a: string,
  b: string,
  options: CallOptions & { readonly text?: boolean } = {},
): Promise<DiffResult> {
  const parts = { store: openStoreOf(a), connect: null };
  return compareJob(parts, { a, b, text: options.text }, contextOf(options));
}

/**
 * A full archive out of the chain that ends in `path`, without the board. `replace` deletes what it
 * supersedes and nobody needs.
 *
 * @example
 * const { archive, removed } = await mergeBackups(newest, { replace: true });
 */
export function mergeBackups(
  path: string,
  options: CallOptions & {
    readonly replace?: boolean;
    readonly dryRun?: boolean;
    readonly backupDirectory?: string;
  } = {},
): Promise<MergeResult> {
  const store =
    options.backupDirectory === undefined ? openStoreOf(path) : openStore(options.backupDirectory);
  return mergeJob(
    { store },
    { backup: path, replace: options.replace, dryRun: options.dryRun },
    contextOf(options),
  );
}

/**
 * A backup as .tar, .tgz, .zip, a folder, or one .blb that needs no other: `output` decides.
 *
 * @example
 * await exportBackup(path, './project.zip');
 */
export function exportBackup(
  path: string,
  output: string,
  options: CallOptions = {},
): Promise<ExportResult> {
  return exportJob({ store: openStoreOf(path) }, { backup: path, output }, contextOf(options));
}

/**
 * A project folder, .tar, .tgz, .zip or .blb as a backup that can be restored to any board.
 *
 * @example
 * const { archive } = await importBackup('./my-project', { boardName: 'greenhouse' });
 */
export function importBackup(
  input: string,
  options: CallOptions & {
    readonly backupDirectory?: string;
    readonly boardName?: string;
    readonly description?: string;
  } = {},
): Promise<ImportResult> {
  const { boardName, description } = options;
  return importJob(
    { store: openStore(options.backupDirectory) },
    { input, boardName, description },
    contextOf(options),
  );
}

/**
 * Every version of matching files over all backups of a folder, oldest first.
 *
 * @example
 * const { files } = await findVersions('*.py', { backupDirectory: './backups' });
 */
export function findVersions(
  pattern: string,
  options: CallOptions & {
    readonly backupDirectory?: string;
    readonly board?: string;
  } = {},
): Promise<FindResult> {
  return findJob(
    { store: openStore(options.backupDirectory) },
    { pattern, board: options.board },
    contextOf(options),
  );
}

function contextOf(options: CallOptions): JobContext {
  const emit = (event: JobEvent): void => {
    if (event.type === 'progress') {
      const { type: _type, board: _board, ...progress } = event;
      options.onProgress?.(progress);
    } else if (event.type === 'warning') {
      options.onWarning?.({
        code: event.code,
        message: event.message,
        path: event.path,
      });
    }
  };
  return systemContext({
    signal: options.signal ?? new AbortController().signal,
    emit,
  });
}
