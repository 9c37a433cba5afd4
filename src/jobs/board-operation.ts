/** Planned operations as a board's file system takes them. */
import type { Tree, TreeEntry } from '../core/tree.js';
import type { BoardOperation } from '../device/device-fs.js';
import type { ContentReader } from './content-reader.js';
import type { PlannedOperation } from './restore-plan.js';

/** What the content of a planned file is read from. */
export function boardOperationOf(
  operation: PlannedOperation,
  content: ContentReader,
): BoardOperation {
  switch (operation.kind) {
    case 'put': {
      const { path, sizeBytes, sha256, modifiedS, source } = operation;
      return {
        kind: 'put',
        path,
        sizeBytes,
        sha256,
        modifiedS,
        content: () => content.read(source),
      };
    }
    case 'delete-file':
      return { kind: 'delete-file', path: operation.path };
    default:
      return { kind: operation.kind, path: operation.path };
  }
}

/** Those that the board does not show the result of yet: what is left after a loss. */
export function remainingOperations(
  operations: readonly PlannedOperation[],
  now: Tree,
): readonly PlannedOperation[] {
  const current = new Map(now.map((entry) => [entry.path, entry]));
  return operations.filter((operation) => !isAchieved(operation, current.get(operation.path)));
}

function isAchieved(operation: PlannedOperation, entry: TreeEntry | undefined): boolean {
  switch (operation.kind) {
    case 'put':
      return (
        entry?.kind === 'file' &&
        entry.sha256 === operation.sha256 &&
        entry.sizeBytes === operation.sizeBytes
      );
    case 'make-folder':
      return entry?.kind === 'folder';
    case 'delete-file':
      return entry?.kind !== 'file';
    case 'delete-folder':
      return entry?.kind !== 'folder';
  }
}
