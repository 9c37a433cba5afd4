/** What a backup is asked for and what it answers. */
import type { BackupType, Manifest } from '../archive/manifest.js';
import type { BelayError } from '../core/errors.js';
import type { AfterMode } from '../device/device-fs.js';
import type { BoardSummary } from './board-identity.js';
import type { FailedPath, JobWarning } from './context.js';
import type { KeepRules, PruneResult } from './prune.js';

export interface BackupOptions {
  /** Default `auto`: incremental where there is a healthy parent, else full. */
  readonly type?: 'auto' | 'full' | 'incremental' | 'differential' | undefined;
  /** Only what lies at or below this path; default the whole board. */
  readonly path?: string | undefined;
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  /** Further mounts to take, e.g. `['sd']`. */
  readonly mounts?: readonly string[] | undefined;
  readonly description?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Default true. */
  readonly compress?: boolean | undefined;
  /** Trust size and time instead of content hashes (default false; boards' clocks are often wrong). */
  readonly quick?: boolean | undefined;
  /** Read the finished archive once more in full (default true). */
  readonly verify?: boolean | undefined;
  /** Accept a board without files where the last backup had some. */
  readonly allowEmpty?: boolean | undefined;
  /** Fail (14) instead of starting a new history when there is no healthy parent. */
  readonly requireParent?: boolean | undefined;
  /** With `auto`: a full after this many increments. */
  readonly fullEvery?: number | null | undefined;
  /** Write no archive when nothing has changed since the last one. */
  readonly skipIfUnchanged?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** The user's name for the board. */
  readonly boardName?: string | null | undefined;
  /** Default `auto`: the program that was interrupted runs again. */
  readonly after?: AfterMode | undefined;
  /** Wait this long for a locked folder; default 0. */
  readonly retryLockMs?: number | undefined;
  /** Prune this board's backups by these rules once the backup has succeeded. */
  readonly keep?: KeepRules | undefined;
}

/** The last JSON line of a backup, without its `type`. */
export interface BackupSummary {
  readonly command: 'backup';
  /** null where no archive was written (dry run, nothing changed). */
  readonly backupId: string | null;
  readonly backupType: BackupType;
  readonly archive: string | null;
  readonly parentId: string | null;
  readonly fileCount: number;
  readonly directoryCount: number;
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnchanged: number;
  readonly filesDeleted: number;
  readonly totalOriginalSize: number;
  readonly archiveSize: number;
  readonly wireBytesIn: number;
  readonly wireBytesOut: number;
  readonly durationMs: number;
  readonly board: BoardSummary;
  /** True where some files could not be read: exit status 3. */
  readonly partial: boolean;
}

export interface BackupResult {
  /** `unchanged`: --skip-if-unchanged and nothing has changed. `planned`: --dry-run. */
  readonly outcome: 'written' | 'unchanged' | 'planned';
  readonly summary: BackupSummary;
  /** null unless an archive was written. */
  readonly manifest: Manifest | null;
  /** Why this type: one sentence. */
  readonly reason: string;
  /** Paths that a dry run would read, or that were read, in order. */
  readonly filesRead: readonly string[];
  readonly failed: readonly FailedPath[];
  readonly warnings: readonly JobWarning[];
  /** What --keep-… removed afterwards; null without keep rules. */
  readonly pruned: PruneResult | null;
  /** Why the keep rules could not be applied; the backup itself is made. */
  readonly pruneProblem: BelayError | null;
}
