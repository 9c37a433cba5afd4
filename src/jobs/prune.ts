/** Retention: which backups a policy keeps, why, and the removal of the others. */
import { BelayError } from '../core/errors.js';
import type { JobContext, StoreParts } from './context.js';

/** Restic's keep rules; they are OR-ed and independent of each other. 0 or absent: rule not given, -1: all. */
export interface KeepRules {
  readonly last?: number | undefined;
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  /** Everything younger than this, e.g. `30d`, `1y6m`, `12h`. */
  readonly within?: string | undefined;
  readonly withinHourly?: string | undefined;
  readonly withinDaily?: string | undefined;
  readonly withinWeekly?: string | undefined;
  readonly withinMonthly?: string | undefined;
  readonly withinYearly?: string | undefined;
}

export interface PruneOptions {
  readonly keep: KeepRules;
  /** Only this board's backups (name, unique id or a prefix of it); default all boards of the folder. */
  readonly board?: string | null | undefined;
  /** Fold the expired tail that survivors need into one full. */
  readonly mergeExpired?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly retryLockMs?: number | undefined;
}

export interface PruneRow {
  readonly backupId: string;
  readonly archive: string;
  readonly createdAt: string;
  readonly boardName: string;
  readonly action: 'keep' | 'remove' | 'merge';
  /** e.g. `last`, `daily`, `pinned`, `needed by 1f2e3d4c`, `newest complete backup`. */
  readonly reasons: readonly string[];
  readonly archiveSize: number;
}

export interface PruneResult {
  readonly rows: readonly PruneRow[];
  /** Paths that were removed (or would be, in a dry run). */
  readonly removed: readonly string[];
  readonly freedBytes: number;
  /** Archives made by --merge-expired. */
  readonly merged: readonly string[];
  readonly dryRun: boolean;
}

/** Refuses an empty policy and one that keeps nothing (`usage/no-policy`). */
export async function prune(
  _parts: StoreParts,
  _options: PruneOptions,
  _context: JobContext,
): Promise<PruneResult> {
  throw new BelayError('job/failed', 'prune is not available');
}
