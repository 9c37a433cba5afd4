/** What a restore is going to do, as a value: shown, tested, then carried out in its order. */
import type { JobWarning } from './context.js';

export type OverwritePolicy = 'if-changed' | 'always' | 'never';
export type RestoreStrategy = 'staged' | 'one-by-one' | 'in-place';

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
      /** What stands there now: nothing, a file of that content, or something of another kind that is deleted first. */
      readonly replaces: { readonly sha256: string | null; readonly sizeBytes: number } | null;
    }
  | {
      readonly kind: 'delete-file';
      readonly path: string;
      readonly sizeBytes: number;
      readonly sha256: string | null;
      /** `extra`: --delete. `kind-change`: a folder takes its place. `undo`: the restore had made it. */
      readonly reason: 'extra' | 'kind-change' | 'undo';
    }
  | {
      readonly kind: 'delete-folder';
      readonly path: string;
      readonly reason: 'extra' | 'kind-change' | 'undo';
    };

export interface SkippedPath {
  readonly path: string;
  /** `unchanged`: same content already. `exists`: --overwrite never. `conflict`: changed since (undo). `failed`: the backup could not read it. */
  readonly reason: 'unchanged' | 'exists' | 'conflict' | 'failed';
}

export interface RestorePlan {
  readonly operations: readonly PlannedOperation[];
  readonly skipped: readonly SkippedPath[];
  readonly strategy: RestoreStrategy;
  /** False where a file is not replaced in one step: the plan then says "not atomic". */
  readonly atomic: boolean;
  /** Bytes of file content to send. */
  readonly bytesToWrite: number;
  readonly filesToWrite: number;
  readonly filesToDelete: number;
  readonly foldersToMake: number;
  readonly foldersToDelete: number;
  /** Free bytes the board said it has and those the plan needs; null where it can't tell. */
  readonly space: { readonly freeBytes: number; readonly neededBytes: number } | null;
  readonly warnings: readonly JobWarning[];
}
