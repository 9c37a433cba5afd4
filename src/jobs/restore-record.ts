/** What a restore changes, path by path: written into the safety archive before it begins, read by an undo. */

import type { RestoreRecordEntry } from '../archive/manifest.js';
import { entryNameOf, pathOfEntry } from '../archive/manifest.js';
import { comparePaths } from '../core/device-path.js';
import type { Tree, TreeFile } from '../core/tree.js';
import type { PlannedOperation } from './restore-plan.js';

/** One path's state, as a record keeps it. */
export type RecordedState = RestoreRecordEntry['before'];

export interface RecordedChange {
  readonly path: string;
  readonly before: RecordedState;
  readonly after: RecordedState;
}

export const ABSENT: RecordedState = { kind: 'absent' };

/** Sorted by path; a path that is deleted and made anew (a change of kind) is one change. */
export function changesOf(
  operations: readonly PlannedOperation[],
  current: Tree,
): readonly RecordedChange[] {
  const states = new Map(current.map((entry) => [entry.path, stateOf(entry)]));
  const after = new Map<string, RecordedState>();
  for (const operation of operations) {
    switch (operation.kind) {
      case 'put':
        after.set(operation.path, { kind: 'file', checksum: operation.sha256 });
        break;
      case 'make-folder':
        after.set(operation.path, { kind: 'folder' });
        break;
      default:
        after.set(operation.path, ABSENT);
    }
  }
  return [...after]
    .map(([path, state]) => ({
      path,
      before: states.get(path) ?? ABSENT,
      after: state,
    }))
    .sort((a, b) => comparePaths(a.path, b.path));
}

/** The files whose content must be saved before the operations: overwritten or deleted ones. */
export function filesToSave(
  operations: readonly PlannedOperation[],
  current: Tree,
): readonly TreeFile[] {
  const touched = new Set(
    operations
      .filter((operation) => operation.kind === 'put' || operation.kind === 'delete-file')
      .map((operation) => operation.path),
  );
  return current.filter(
    (entry): entry is TreeFile => entry.kind === 'file' && touched.has(entry.path),
  );
}

export function recordEntryOf(change: RecordedChange): RestoreRecordEntry {
  return {
    ...entryNameOf(change.path),
    before: change.before,
    after: change.after,
  };
}

export function changeOfRecord(entry: RestoreRecordEntry): RecordedChange {
  return { path: pathOfEntry(entry), before: entry.before, after: entry.after };
}

/** A path's state on the board; what could not be read is a file of unknown content. */
export function stateOf(entry: Tree[number] | undefined): RecordedState {
  if (entry === undefined) return ABSENT;
  if (entry.kind === 'folder') return { kind: 'folder' };
  if (entry.kind === 'file' && entry.sha256 !== null)
    return { kind: 'file', checksum: entry.sha256 };
  return { kind: 'file' };
}

/** A file without a checksum equals nothing. */
export function sameState(a: RecordedState, b: RecordedState): boolean {
  if (a.kind !== b.kind) return false;
  return a.kind !== 'file' || (a.checksum !== undefined && a.checksum === b.checksum);
}
