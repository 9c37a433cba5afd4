/** What the library's calls are asked for and answer, as its users write and read it. */
import type { Progress } from '../core/events.js';
import type { AfterMode } from '../device/device-fs.js';
import type { FailedPath, JobWarning } from './context.js';
import type { KeepRules } from './prune.js';
import type { OverwritePolicy, RestorePlan } from './restore-plan.js';

/** What every call takes besides its own options. */
export interface CallOptions {
  /** Called at most about ten times a second, and at the end of each stage. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onWarning?: ((warning: JobWarning) => void) | undefined;
  /** Aborting ends the call with `job/cancelled`; a restore puts the board back first. */
  readonly signal?: AbortSignal | undefined;
}

/** Generic over the port, which this room does not know. */
export interface BoardOptions<Port> {
  /** `auto` (default), a path, `id:<serial number>`, `virtual` or `virtual:<folder>`. */
  readonly port?: string | undefined;
  /** Speed of a UART bridge; default 115200. */
  readonly baud?: number | undefined;
  /** A port of your own instead of `port`, e.g. `() => virtualBoard.port()`. Called again after a loss. */
  readonly openPort?: (() => Port | Promise<Port>) | undefined;
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
  readonly backupPath?: string | undefined;
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
  /**
   * Give files the times that the backup has of them: by os.utime (CircuitPython), or by setting the
   * board's clock around each write and putting it right afterwards. Default false. A board that has
   * no way gives the warning `times-not-set`.
   */
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
  /** Files that the board shows with the time of the backup. */
  readonly timesSet: number;
  /** Path of the safety archive; null where none was needed or wanted. */
  readonly safetyArchive: string | null;
  readonly warnings: readonly JobWarning[];
  readonly plan: RestorePlan;
}
