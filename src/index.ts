/**
 * The library: everything the command line does, as typed functions. What needs a board is a method
 * of DeviceBackup; what needs only the folder of backups is a function. Every call takes an
 * AbortSignal and tells how far it is; what goes wrong is a BelayError with a stable `code`.
 *
 * One file on purpose: it is the whole public face, and its types and examples are read together.
 */
import type { Manifest } from './archive/manifest.js';
import type { JobEvent, Progress } from './core/events.js';
import type { AfterMode } from './device/device-fs.js';
import { backup } from './jobs/backup.js';
import type { BackupResult } from './jobs/backup.js';
import type { Connect, FailedPath, JobContext, JobWarning } from './jobs/context.js';
import { compareBackups as compareJob } from './jobs/diff.js';
import type { DiffResult } from './jobs/diff.js';
import { exportBackup as exportJob } from './jobs/export.js';
import type { ExportResult } from './jobs/export.js';
import { findVersions as findJob } from './jobs/find.js';
import type { FindResult } from './jobs/find.js';
import { importBackup as importJob } from './jobs/import.js';
import type { ImportResult } from './jobs/import.js';
import { listBackups as listJob } from './jobs/list.js';
import type { BackupListing } from './jobs/list.js';
import { mergeBackups as mergeJob } from './jobs/merge.js';
import type { MergeResult } from './jobs/merge.js';
import type { OverwritePolicy, RestorePlan } from './jobs/plan-restore.js';
import { prune } from './jobs/prune.js';
import type { KeepRules, PruneResult } from './jobs/prune.js';
import { prepareRestore } from './jobs/restore.js';
import type { PreparedRestore, RestoreResult } from './jobs/restore.js';
import { showBackup } from './jobs/show.js';
import type { BackupDetails } from './jobs/show.js';
import { prepareUndo } from './jobs/undo-restore.js';
import { verifyBackups } from './jobs/verify.js';
import type { VerifiedArchive } from './jobs/verify.js';
import type { BytePort } from './transport/byte-port.js';
import { connectorFor, connectorThrough, openStore, openStoreOf, systemContext } from './wiring.js';

export { BelayError, EXIT_STATUS_BY_CODE, isBelayError } from './core/errors.js';
export type { ErrorCode } from './core/errors.js';
export type { Operation, Progress } from './core/events.js';
export type { FileEntry, Manifest, ManifestEntry } from './archive/manifest.js';
export type { BackupResult, BackupSummary } from './jobs/backup.js';
export type { BoardSummary } from './jobs/board-identity.js';
export type { FailedPath, JobWarning } from './jobs/context.js';
export type { DiffResult, TreeChange } from './jobs/diff.js';
export type { ExportResult } from './jobs/export.js';
export type { FileVersion, FindResult, FoundFile } from './jobs/find.js';
export type { ImportResult } from './jobs/import.js';
export type { BackupListing, BackupRow, BackupState } from './jobs/list.js';
export type { MergeResult } from './jobs/merge.js';
export type { OverwritePolicy, PlannedOperation, RestorePlan } from './jobs/plan-restore.js';
export type { KeepRules, PruneResult, PruneRow } from './jobs/prune.js';
export type { RestoreResult, RestoreSummary } from './jobs/restore.js';
export type { BackupDetails } from './jobs/show.js';
export type { VerifiedArchive, VerifyFinding } from './jobs/verify.js';
export type { BytePort } from './transport/byte-port.js';

/** What every call takes besides its own options. */
export interface CallOptions {
  /** Called at most about ten times a second, and at the end of each stage. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onWarning?: ((warning: JobWarning) => void) | undefined;
  /** Aborting ends the call with `job/cancelled`; a restore puts the board back first. */
  readonly signal?: AbortSignal | undefined;
}

export interface DeviceBackupOptions {
  /** `auto` (default), a path, `id:<serial number>`, `virtual` or `virtual:<folder>`. */
  readonly port?: string | undefined;
  /** Speed of a UART bridge; default 115200. */
  readonly baud?: number | undefined;
  /** A port of your own instead of `port`, e.g. `() => virtualBoard.port()`. Called again after a loss. */
  readonly openPort?: (() => BytePort | Promise<BytePort>) | undefined;
  /** Your name for the board; needed for boards without an id of their own. */
  readonly boardName?: string | undefined;
  /** How the board is left; default `auto`: a program that was interrupted runs again. */
  readonly after?: AfterMode | undefined;
}

export interface CreateBackupOptions extends CallOptions {
  /** Default: BELAY_DIR, else `~/belay-backups`. */
  readonly backupDirectory?: string | undefined;
  /** Only what lies at or below this path of the board; default `/`. */
  readonly devicePath?: string | undefined;
  /** Default `auto`: incremental where there is a healthy parent, else full. */
  readonly type?: 'auto' | 'full' | 'incremental' | 'differential' | undefined;
  readonly includePatterns?: readonly string[] | undefined;
  readonly excludePatterns?: readonly string[] | undefined;
  /** Further mounts to take, e.g. `['sd']`. */
  readonly mounts?: readonly string[] | undefined;
  /** Default true. */
  readonly enableCompression?: boolean | undefined;
  /** Also verify what the parent is built on; default true. The new archive is always verified. */
  readonly verifyIntegrity?: boolean | undefined;
  /** Keep this many backups of the board, prune the rest afterwards; default: nothing is deleted. */
  readonly maxBackupCount?: number | undefined;
  /** The other keep rules. */
  readonly keep?: KeepRules | undefined;
  readonly description?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Accept a board without files where the last backup had some. */
  readonly allowEmpty?: boolean | undefined;
}

export interface RestoreFromBackupOptions extends CallOptions {
  /** The path of a `.blb`, an id or a unique prefix of one, or `latest` (default). */
  readonly backup?: string | undefined;
  readonly backupDirectory?: string | undefined;
  /** Put everything below this folder of the board; default `/`. */
  readonly devicePath?: string | undefined;
  /** Only these files and folders of the backup. */
  readonly selectiveRestore?: readonly string[] | undefined;
  readonly includePatterns?: readonly string[] | undefined;
  readonly excludePatterns?: readonly string[] | undefined;
  /** Old path to new path; the longest match wins. */
  readonly pathMap?: Readonly<Record<string, string>> | undefined;
  /** true (default): replace what differs; false: keep what exists; or a policy. */
  readonly overwriteExisting?: boolean | OverwritePolicy | undefined;
  /** Save what is overwritten or deleted first, so that it can be undone; default true. */
  readonly backupExisting?: boolean | undefined;
  /** Hash every written file on the board; default true. Archives are always verified. */
  readonly verifyIntegrity?: boolean | undefined;
  /** MicroPython cannot set times: true is answered with the warning `times-not-restored`. */
  readonly preserveTimestamps?: boolean | undefined;
  /** Go on after a file failed instead of putting everything back; default false. */
  readonly continueOnError?: boolean | undefined;
  /** Remove what the backup does not have, within what it looked at; default false. */
  readonly deleteExtra?: boolean | undefined;
  /** Only plan. */
  readonly dryRun?: boolean | undefined;
}

export interface RestoreOutcome {
  readonly backupId: string;
  /** Paths on the board. In a dry run: what would be written, skipped and deleted. */
  readonly written: readonly string[];
  readonly skipped: readonly string[];
  readonly deleted: readonly string[];
  readonly failed: readonly FailedPath[];
  readonly bytes: number;
  readonly durationMs: number;
  readonly verified: boolean;
  /** Path of the safety archive; null where none was needed or wanted. */
  readonly safetyArchive: string | null;
  readonly warnings: readonly JobWarning[];
  readonly plan: RestorePlan;
}

/**
 * Backups and restores of one board. The port is opened for each call and closed after it.
 *
 * @example
 * import { DeviceBackup } from 'belay-backup';
 * const board = new DeviceBackup({ port: 'virtual' });
 * const manifest = await board.createBackup({ backupDirectory: './backups' });
 * console.log(`${manifest.statistics.fileCount} files in ${board.lastBackup?.summary.archive}`);
 */
export class DeviceBackup {
  /** Of the last createBackup that was through: where the archive is, what was on the wire. */
  lastBackup: BackupResult | null = null;
  readonly #options: DeviceBackupOptions;

  constructor(options: DeviceBackupOptions = {}) {
    this.#options = options;
  }

  /**
   * One new `.blb`. A file that could not be read has an `error` in the manifest instead of its
   * content, and `lastBackup.summary.partial` is true; everything else that goes wrong is thrown,
   * and then there is no archive.
   *
   * @example
   * await board.createBackup({ excludePatterns: ['*.log'], onProgress: (p) => console.log(p.percentComplete) });
   */
  async createBackup(options: CreateBackupOptions = {}): Promise<Manifest> {
    const context = contextOf(options);
    const keep = { ...options.keep, ...(options.maxBackupCount === undefined ? {} : { last: options.maxBackupCount }) };
    const result = await backup(
      this.#parts(options.backupDirectory, context),
      {
        type: options.type,
        path: options.devicePath,
        include: options.includePatterns,
        exclude: options.excludePatterns,
        mounts: options.mounts,
        compress: options.enableCompression,
        verify: options.verifyIntegrity,
        description: options.description,
        metadata: options.metadata,
        allowEmpty: options.allowEmpty,
        keep: Object.keys(keep).length === 0 ? undefined : keep,
        boardName: this.#options.boardName,
        after: this.#options.after,
      },
      context,
    );
    this.lastBackup = result;
    return result.manifest as Manifest;
  }

  /**
   * Files of a backup onto the board: planned, saved first, replaced atomically where the board
   * can, checked. A failure puts the board back as it was and is thrown, unless `continueOnError`.
   *
   * @example
   * const plan = await board.restoreFromBackup({ backup: 'latest', dryRun: true });
   * const done = await board.restoreFromBackup({ selectiveRestore: ['/lib', '/main.py'] });
   */
  async restoreFromBackup(options: RestoreFromBackupOptions = {}): Promise<RestoreOutcome> {
    const context = contextOf(options);
    const { overwriteExisting = true } = options;
    const boolean = overwriteExisting === true ? 'if-changed' : 'never';
    const prepared = await prepareRestore(
      this.#parts(options.backupDirectory, context),
      {
        backup: options.backup,
        to: options.devicePath,
        paths: options.selectiveRestore,
        include: options.includePatterns,
        exclude: options.excludePatterns,
        map: Object.entries(options.pathMap ?? {}).map(([from, to]) => ({ from, to })),
        overwrite: typeof overwriteExisting === 'boolean' ? boolean : overwriteExisting,
        delete: options.deleteExtra,
        safety: options.backupExisting,
        verify: options.verifyIntegrity,
        keepGoing: options.continueOnError,
        boardName: this.#options.boardName,
        after: this.#options.after,
      },
      context,
    );
    if (options.preserveTimestamps === true) {
      options.onWarning?.({ code: 'times-not-restored', message: 'MicroPython cannot set the times of files', path: null });
    }
    return finish(prepared, options.dryRun === true);
  }

  /**
   * Takes the last restore of this board back, the removal of what it created included. Paths that
   * have changed since are left alone and are in `skipped`, unless `overwriteChanged`.
   *
   * @example
   * await board.undoRestore();
   */
  async undoRestore(
    options: CallOptions & { readonly backupDirectory?: string; readonly overwriteChanged?: boolean; readonly dryRun?: boolean } = {},
  ): Promise<RestoreOutcome> {
    const context = contextOf(options);
    const { boardName, after } = this.#options;
    const overwrite = options.overwriteChanged === true ? 'always' : 'if-changed';
    const prepared = await prepareUndo(this.#parts(options.backupDirectory, context), { overwrite, boardName, after }, context);
    return finish(prepared, options.dryRun === true);
  }

  #parts(folder: string | undefined, context: JobContext) {
    const { port, baud, openPort } = this.#options;
    const connect: Connect =
      openPort === undefined ? connectorFor({ port, baud }, context) : connectorThrough(async () => openPort(), context);
    return { connect, store: openStore(folder) };
  }
}

async function finish(prepared: PreparedRestore, dryRun: boolean): Promise<RestoreOutcome> {
  if (!dryRun) return outcomeOf(prepared, await prepared.carryOut());
  await prepared.cancel();
  return outcomeOf(prepared, null);
}

function outcomeOf(prepared: PreparedRestore, result: RestoreResult | null): RestoreOutcome {
  const { plan } = prepared;
  const failed = result === null ? plan.unfit : result.summary.failed;
  const ended = (kind: 'put' | 'delete-file') =>
    plan.operations
      .filter((operation) => operation.kind === kind && !failed.some((each) => each.path === operation.path))
      .map((operation) => operation.path);
  return {
    backupId: prepared.source.backupId,
    written: ended('put'),
    skipped: plan.skipped.map((each) => each.path),
    deleted: ended('delete-file'),
    failed,
    bytes: result === null ? plan.bytesToWrite : result.summary.bytesWritten,
    durationMs: result?.summary.durationMs ?? 0,
    verified: result?.summary.verified ?? false,
    safetyArchive: result?.safetyArchive ?? null,
    warnings: prepared.warnings,
    plan,
  };
}

/**
 * The backups of a folder (default: BELAY_DIR, else `~/belay-backups`), by board and in order, with
 * the state of their chains. Reads heads only.
 *
 * @example
 * for (const row of (await listBackups('./backups')).backups) console.log(row.createdAt, row.state);
 */
export function listBackups(folder?: string, options: CallOptions & { readonly all?: boolean } = {}): Promise<BackupListing> {
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
export async function validateBackup(path: string, options: CallOptions = {}): Promise<ValidationResult> {
  const { ok, archives } = await verifyBackups({ store: openStoreOf(path) }, { backups: [path] }, contextOf(options));
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
  options: CallOptions & { readonly dryRun?: boolean; readonly board?: string; readonly mergeExpired?: boolean } = {},
): Promise<PruneResult> {
  const { board, mergeExpired, dryRun } = options;
  return prune({ store: openStore(folder) }, { keep: policy, board, mergeExpired, dryRun }, contextOf(options));
}

/**
 * What changed from one archive to another: `+`, `-`, `M`, `T`; with `text` the changed lines too.
 *
 * @example
 * const { changes } = await compareBackups(older, newer, { text: true });
 */
export function compareBackups(a: string, b: string, options: CallOptions & { readonly text?: boolean } = {}): Promise<DiffResult> {
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
  options: CallOptions & { readonly replace?: boolean; readonly dryRun?: boolean; readonly backupDirectory?: string } = {},
): Promise<MergeResult> {
  const store = options.backupDirectory === undefined ? openStoreOf(path) : openStore(options.backupDirectory);
  return mergeJob({ store }, { backup: path, replace: options.replace, dryRun: options.dryRun }, contextOf(options));
}

/**
 * A backup as .tar, .tgz, .zip, a folder, or one .blb that needs no other: `output` decides.
 *
 * @example
 * await exportBackup(path, './project.zip');
 */
export function exportBackup(path: string, output: string, options: CallOptions = {}): Promise<ExportResult> {
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
  options: CallOptions & { readonly backupDirectory?: string; readonly boardName?: string; readonly description?: string } = {},
): Promise<ImportResult> {
  const { boardName, description } = options;
  return importJob({ store: openStore(options.backupDirectory) }, { input, boardName, description }, contextOf(options));
}

/**
 * Every version of matching files over all backups of a folder, oldest first.
 *
 * @example
 * const { files } = await findVersions('*.py', { backupDirectory: './backups' });
 */
export function findVersions(
  pattern: string,
  options: CallOptions & { readonly backupDirectory?: string; readonly board?: string } = {},
): Promise<FindResult> {
  return findJob({ store: openStore(options.backupDirectory) }, { pattern, board: options.board }, contextOf(options));
}

function contextOf(options: CallOptions): JobContext {
  const emit = (event: JobEvent): void => {
    if (event.type === 'progress') {
      const { type: _type, board: _board, ...progress } = event;
      options.onProgress?.(progress);
    } else if (event.type === 'warning') {
      options.onWarning?.({ code: event.code, message: event.message, path: event.path });
    }
  };
  return systemContext({ signal: options.signal ?? new AbortController().signal, emit });
}
