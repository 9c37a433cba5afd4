/** The value that a restore or an undo carries out: its operations in order, what they cost, what is left out. */
import type { FailedPath, JobWarning } from './context.js';

export type OverwritePolicy = 'if-changed' | 'always' | 'never';
export type RestoreStrategy = 'staged' | 'one-by-one' | 'in-place';

/** Why something is deleted: `extra` by --delete, `kind-change` because something of another kind takes its place, `undo` because the restore had made it. */
export type DeleteReason = 'extra' | 'kind-change' | 'undo';

/** One thing a restore does to the board. Paths are where it lands on the board. */
export type PlannedOperation =
  | { readonly kind: 'make-folder'; readonly path: string }
  | {
      readonly kind: 'put';
      readonly path: string;
      /** The path in the backup that the content comes from. */
      readonly source: string;
      readonly sizeBytes: number;
      readonly sha256: string;
      readonly modifiedS: number | null;
      /** The file that stands there now; null where there is none. */
      readonly replaces: {
        readonly sha256: string | null;
        readonly sizeBytes: number;
      } | null;
    }
  | {
      readonly kind: 'delete-file';
      readonly path: string;
      readonly sizeBytes: number;
      readonly sha256: string | null;
      readonly reason: DeleteReason;
    }
  | {
      readonly kind: 'delete-folder';
      readonly path: string;
      readonly reason: DeleteReason;
    };

export interface SkippedPath {
  readonly path: string;
  /** `unchanged`: same content already. `exists`: --overwrite never. `conflict`: changed since (undo). `failed`: the backup could not read it. */
  readonly reason: 'unchanged' | 'exists' | 'conflict' | 'failed';
}

export interface RestorePlan {
  readonly operations: readonly PlannedOperation[];
  readonly skipped: readonly SkippedPath[];
  /** Paths this board cannot take, and why. A restore refuses them unless it was told to keep going. */
  readonly unfit: readonly FailedPath[];
  readonly strategy: RestoreStrategy;
  /** False where the plan does not fit: `space` says by how much, and carrying it out is refused. */
  readonly fits: boolean;
  /** False where a file is not replaced in one step: show it as "not atomic". */
  readonly atomic: boolean;
  /** Bytes of file content to send. */
  readonly bytesToWrite: number;
  readonly filesToWrite: number;
  readonly filesToDelete: number;
  readonly foldersToMake: number;
  readonly foldersToDelete: number;
  /** Free bytes the board said it has and those the plan needs; null where it can't tell. */
  readonly space: {
    readonly freeBytes: number;
    readonly neededBytes: number;
  } | null;
  readonly warnings: readonly JobWarning[];
}
