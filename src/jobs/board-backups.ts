/** What the library's DeviceBackup does with a board; how the board is reached is its subclass's part. */
import type { Manifest } from '../archive/manifest.js';
import { BelayError } from '../core/errors.js';
import type { AfterMode } from '../device/device-fs.js';
import type { BackupResult } from './backup.js';
import { backup } from './backup.js';
import type { BoardParts, JobContext } from './context.js';
import type {
  CallOptions,
  CreateBackupOptions,
  RestoreFromBackupOptions,
  RestoreOutcome,
} from './library-options.js';
import { prepareRestore } from './restore.js';
import { finishRestore } from './restore-outcome.js';
import { prepareUndo } from './undo-restore.js';

const OVERWRITE_WAYS = [true, false, 'if-changed', 'always', 'never'];

/** How the methods reach a board and a folder. */
export interface BoardWorld {
  parts(folder: string | undefined, context: JobContext): BoardParts;
  context(options: CallOptions): JobContext;
  readonly boardName: string | undefined;
  readonly after: AfterMode | undefined;
}

export class BoardBackups {
  /** Of the last createBackup that was through: where the archive is, what was on the wire. */
  lastBackup: BackupResult | null = null;
  readonly #world: BoardWorld;

  constructor(world: BoardWorld) {
    this.#world = world;
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
    refuseUnknown('type', options.type, ['auto', 'full', 'incremental', 'differential']);
    for (const [key, value] of Object.entries(options.metadata ?? {}))
      if (typeof value !== 'string') throw wrongOption(`metadata.${key}`, value, 'a text');
    const context = this.#world.context(options);
    const keep = {
      ...options.keep,
      ...(options.maxBackupCount === undefined ? {} : { last: options.maxBackupCount }),
    };
    const result = await backup(
      this.#world.parts(options.backupDirectory, context),
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
        boardName: this.#world.boardName,
        after: this.#world.after,
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
   * const plan = await board.restoreFromBackup({ backupPath: 'latest', dryRun: true });
   * const done = await board.restoreFromBackup({ selectiveRestore: ['/lib', '/main.py'] });
   */
  async restoreFromBackup(options: RestoreFromBackupOptions = {}): Promise<RestoreOutcome> {
    const context = this.#world.context(options);
    const { overwriteExisting = true } = options;
    refuseUnknown('overwriteExisting', overwriteExisting, OVERWRITE_WAYS);
    const boolean = overwriteExisting === true ? 'if-changed' : 'never';
    const prepared = await prepareRestore(
      this.#world.parts(options.backupDirectory, context),
      {
        backup: options.backupPath,
        to: options.devicePath,
        paths: options.selectiveRestore,
        include: options.includePatterns,
        exclude: options.excludePatterns,
        map: Object.entries(options.pathMap ?? {}).map(([from, to]) => ({
          from,
          to,
        })),
        overwrite: typeof overwriteExisting === 'boolean' ? boolean : overwriteExisting,
        delete: options.deleteExtra,
        safety: options.backupExisting,
        verify: options.verifyIntegrity,
        keepGoing: options.continueOnError,
        preserveTimes: options.preserveTimestamps,
        boardName: this.#world.boardName,
        after: this.#world.after,
      },
      context,
    );
    return finishRestore(prepared, options.dryRun === true);
  }

  /**
   * Takes the last restore of this board back, the removal of what it created included. Paths that
   * have changed since are left alone and are in `skipped`, unless `overwriteChanged`.
   *
   * @example
   * await board.undoRestore();
   */
  async undoRestore(
    options: CallOptions & {
      readonly backupDirectory?: string;
      readonly overwriteChanged?: boolean;
      readonly dryRun?: boolean;
    } = {},
  ): Promise<RestoreOutcome> {
    const context = this.#world.context(options);
    const { boardName, after } = this.#world;
    const overwrite = options.overwriteChanged === true ? 'always' : 'if-changed';
    const prepared = await prepareUndo(
      this.#world.parts(options.backupDirectory, context),
      { overwrite, boardName, after },
      context,
    );
    return finishRestore(prepared, options.dryRun === true);
  }
}

/** Callers in plain JavaScript have no compiler that would tell them. */
function refuseUnknown(option: string, value: unknown, known: readonly unknown[]): void {
  if (value !== undefined && !known.includes(value))
    throw wrongOption(option, value, `one of ${known.join(', ')}`);
}

function wrongOption(option: string, value: unknown, meant: string): BelayError {
  return new BelayError('usage/invalid', `${option}: ${String(value)} is not ${meant}`);
}
