/** The last step of planning, for restores and undos alike: order, space, sums. */
import { comparePaths, nameOfPath, parentOfPath } from '../core/device-path.js';
import type { BoardInfo } from '../device/device-fs.js';
import type { FailedPath, JobWarning } from './context.js';
import type { PlannedOperation, RestorePlan, SkippedPath } from './restore-plan.js';
import { judgeSpace } from './restore-space.js';

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
  const verdict = judgeSpace(operations, parts.info, {
    inPlace: parts.inPlace,
  });
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
function inOrder(
  operations: readonly PlannedOperation[],
  info: BoardInfo,
): readonly PlannedOperation[] {
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
