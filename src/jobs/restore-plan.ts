/** The value that a restore or an undo carries out: its operations in order, what they cost, what is left out. */
import { comparePaths, nameOfPath, parentOfPath } from '../core/device-path.js';
import type { BoardInfo } from '../device/device-fs.js';
import type { FailedPath, JobWarning } from './context.js';
import { judgeSpace } from './restore-space.js';

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
      readonly replaces: { readonly sha256: string | null; readonly sizeBytes: number } | null;
    }
  | {
      readonly kind: 'delete-file';
      readonly path: string;
      readonly sizeBytes: number;
      readonly sha256: string | null;
      readonly reason: DeleteReason;
    }
  | { readonly kind: 'delete-folder'; readonly path: string; readonly reason: DeleteReason };

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
  readonly space: { readonly freeBytes: number; readonly neededBytes: number } | null;
  readonly warnings: readonly JobWarning[];
}

/** What a board runs by itself comes last, so that a half-done restore is not started by a reset. */
const STARTED_BY_BOARD = ['boot.py', 'main.py', 'code.py'];

/** Orders the operations, judges the space, counts. Also for an undo. */
export function finishPlan(parts: {
  readonly operations: readonly PlannedOperation[];
  readonly skipped: readonly SkippedPath[];
  readonly unfit: readonly FailedPath[];
  readonly info: BoardInfo;
  readonly inPlace: boolean;
  readonly warnings: readonly JobWarning[];
}): RestorePlan {
  const operations = inOrder(parts.operations, parts.info);
  const verdict = judgeSpace(operations, parts.info, { inPlace: parts.inPlace });
  const strategy = verdict.strategy ?? 'one-by-one';
  const of = <K extends PlannedOperation['kind']>(kind: K) =>
    operations.filter((each): each is PlannedOperation & { kind: K } => each.kind === kind);
  const puts = of('put');
  return {
    operations,
    skipped: parts.skipped,
    unfit: parts.unfit,
    strategy,
    fits: verdict.strategy !== null,
    atomic: parts.info.atomicRename && strategy !== 'in-place',
    bytesToWrite: puts.reduce((sum, put) => sum + put.sizeBytes, 0),
    filesToWrite: puts.length,
    filesToDelete: of('delete-file').length,
    foldersToMake: of('make-folder').length,
    foldersToDelete: of('delete-folder').length,
    space: verdict.space,
    warnings: parts.warnings,
  };
}

/** Deleted files, deleted folders from the deepest, new folders, files, what the board starts by itself. */
function inOrder(operations: readonly PlannedOperation[], info: BoardInfo): readonly PlannedOperation[] {
  return [...operations].sort((a, b) => {
    const step = stepOf(a, info) - stepOf(b, info);
    if (step !== 0) return step;
    return a.kind === 'delete-folder' ? comparePaths(b.path, a.path) : comparePaths(a.path, b.path);
  });
}

function stepOf(operation: PlannedOperation, info: BoardInfo): number {
  if (operation.kind === 'delete-file') return 0;
  if (operation.kind === 'delete-folder') return 1;
  if (operation.kind === 'make-folder') return 2;
  const folder = parentOfPath(operation.path);
  const atRoot = folder === '' || info.mounts.some((mount) => mount.path === folder);
  const late = atRoot ? STARTED_BY_BOARD.indexOf(nameOfPath(operation.path)) : -1;
  return 4 + late;
}
