/** What a restore is asked for, its plan before the question, and what it answers. */
import type { AfterMode } from '../device/device-fs.js';
import type { BoardSummary } from './board-identity.js';
import type { FailedPath, JobWarning } from './context.js';
import type { TimesKept } from './file-dates.js';
import type { OverwritePolicy, RestorePlan } from './restore-plan.js';

export interface RestoreOptions {
  /** `latest` (default), an id or unique prefix, or the path of a .blb. */
  readonly backup?: string | undefined;
  /** Only these files and folders of the backup; default all. */
  readonly paths?: readonly string[] | undefined;
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  /** Put everything below this folder of the board. */
  readonly to?: string | undefined;
  /** Old path -> new path, the longest match wins. */
  readonly map?: readonly { readonly from: string; readonly to: string }[] | undefined;
  /** Default `if-changed`. */
  readonly overwrite?: OverwritePolicy | undefined;
  readonly delete?: boolean | undefined;
  /** Make a safety archive of what is overwritten or deleted; default true. */
  readonly safety?: boolean | undefined;
  readonly inPlace?: boolean | undefined;
  /** Hash every written file on the board afterwards; default true. */
  readonly verify?: boolean | undefined;
  readonly keepGoing?: boolean | undefined;
  /** Write also what this board cannot run: .mpy files of another bytecode version or processor. */
  readonly allowUnfit?: boolean | undefined;
  /** Give files the times that the backup has of them, where the board has a way to. */
  readonly preserveTimes?: boolean | undefined;
  readonly boardName?: string | null | undefined;
  readonly after?: AfterMode | undefined;
  readonly retryLockMs?: number | undefined;
}

/** The last JSON line of a restore, without its `type`. */
export interface RestoreSummary {
  readonly command: 'restore';
  readonly backupId: string;
  readonly filesWritten: number;
  readonly filesSkipped: number;
  readonly filesDeleted: number;
  readonly bytesWritten: number;
  readonly wireBytesIn: number;
  readonly wireBytesOut: number;
  /** Every written file was hashed on the board under its final name and is right. */
  readonly verified: boolean;
  /** How files got their times, and how many the board shows with the time of the backup. */
  readonly times: TimesKept;
  readonly timesSet: number;
  readonly durationMs: number;
  readonly failed: readonly FailedPath[];
}

export interface RestoreResult {
  readonly summary: RestoreSummary;
  readonly plan: RestorePlan;
  readonly board: BoardSummary;
  /** Path of the safety archive, null where none was needed or wanted. */
  readonly safetyArchive: string | null;
  readonly warnings: readonly JobWarning[];
  /** Paths an undo left alone because they have changed since. */
  readonly conflicts: readonly string[];
  /** True: exit status 3 (failed files with keepGoing, conflicts of an undo). */
  readonly partial: boolean;
}

/** The backup a plan restores from. */
export interface RestoreSource {
  readonly backupId: string;
  readonly archive: string;
  readonly createdAt: string;
  readonly description: string | null;
  readonly board: BoardSummary;
}

/** A restore whose plan is made and not carried out. Call exactly one of `carryOut` and `cancel`. */
export interface PreparedRestore {
  readonly plan: RestorePlan;
  readonly source: RestoreSource;
  readonly board: BoardSummary;
  /** How files will get their times. */
  readonly times: TimesKept;
  readonly warnings: readonly JobWarning[];
  /** Throws the cause of a failure after everything was rolled back (details.rolledBack). */
  carryOut(): Promise<RestoreResult>;
  /** Leaves the board as it was found. Also for dry runs. */
  cancel(): Promise<void>;
}
