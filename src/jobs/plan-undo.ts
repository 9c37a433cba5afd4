/**
 * Taking a restore back, as a plan: every recorded path returns to what it was. A path that is
 * neither as the restore left it nor as it was before is a conflict and stays, unless `overwrite`
 * says otherwise; what somebody put into a folder since then is never deleted.
 */
import { comparePaths, isWithin } from '../core/device-path.js';
import type { Tree, TreeEntry } from '../core/tree.js';
import type { BoardInfo } from '../device/device-fs.js';
import type { JobWarning } from './context.js';
import { finishPlan } from './finish-plan.js';
import type { PlannedOperation, RestorePlan, SkippedPath } from './restore-plan.js';
import type { RecordedChange } from './restore-record.js';
import { sameState, stateOf } from './restore-record.js';

/** What the safety archive keeps of a file. */
export interface SavedFile {
  readonly sizeBytes: number;
  readonly modifiedS: number | null;
}

export interface UndoPlanInput {
  readonly changes: readonly RecordedChange[];
  /** By path: content that can be put back. */
  readonly saved: ReadonlyMap<string, SavedFile>;
  readonly board: { readonly tree: Tree; readonly info: BoardInfo };
  /** Also paths that have changed since: for a rollback, and for `--overwrite always`. */
  readonly overwriteChanged: boolean;
  readonly inPlace: boolean;
  readonly warnings: readonly JobWarning[];
}

export function planUndo(input: UndoPlanInput): RestorePlan {
  const current = new Map(input.board.tree.map((entry) => [entry.path, entry]));
  const skipped: SkippedPath[] = [];
  const due: RecordedChange[] = [];
  for (const change of input.changes) {
    const now = stateOf(current.get(change.path));
    if (sameState(now, change.before)) skipped.push({ path: change.path, reason: 'unchanged' });
    else if (input.overwriteChanged || sameState(now, change.after)) due.push(change);
    else skipped.push({ path: change.path, reason: 'conflict' });
  }
  const deletions = removable(due, current, input.board.tree);
  const operations: PlannedOperation[] = [];
  for (const change of due) {
    const entry = current.get(change.path);
    const mustGo =
      entry !== undefined &&
      (change.before.kind === 'absent' || change.before.kind !== stateOf(entry).kind);
    if (mustGo && !deletions.has(change.path)) {
      skipped.push({ path: change.path, reason: 'conflict' });
      continue;
    }
    if (mustGo) operations.push(deletion(entry));
    operations.push(...comeback(change, entry, input.saved));
  }
  return finishPlan({
    operations: withoutOrphans(operations, current, skipped),
    skipped: skipped.sort((a, b) => comparePaths(a.path, b.path)),
    unfit: [],
    info: input.board.info,
    inPlace: input.inPlace,
    warnings: input.warnings,
  });
}

/** Of the paths that must go, those that can: a folder only when everything in it goes too. */
function removable(
  due: readonly RecordedChange[],
  current: ReadonlyMap<string, TreeEntry>,
  tree: Tree,
): ReadonlySet<string> {
  const going = new Set(
    due
      .filter(({ path, before }) => {
        const entry = current.get(path);
        return (
          entry !== undefined && entry.kind !== 'failed' && before.kind !== stateOf(entry).kind
        );
      })
      .map((change) => change.path),
  );
  for (const { path } of tree) {
    if (going.has(path)) continue;
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      going.delete(path.slice(0, slash));
    }
  }
  return going;
}

function deletion(entry: TreeEntry): PlannedOperation {
  if (entry.kind === 'folder') return { kind: 'delete-folder', path: entry.path, reason: 'undo' };
  const { path } = entry;
  return entry.kind === 'file'
    ? {
        kind: 'delete-file',
        path,
        sizeBytes: entry.sizeBytes,
        sha256: entry.sha256,
        reason: 'undo',
      }
    : { kind: 'delete-file', path, sizeBytes: 0, sha256: null, reason: 'undo' };
}

function comeback(
  change: RecordedChange,
  entry: TreeEntry | undefined,
  saved: ReadonlyMap<string, SavedFile>,
): readonly PlannedOperation[] {
  const { path, before } = change;
  if (before.kind === 'folder') return [{ kind: 'make-folder', path }];
  const file = saved.get(path);
  if (before.kind !== 'file' || before.checksum === undefined || file === undefined) return [];
  const replaces =
    entry?.kind === 'file' ? { sha256: entry.sha256, sizeBytes: entry.sizeBytes } : null;
  return [
    {
      kind: 'put',
      path,
      source: path,
      ...file,
      sha256: before.checksum,
      replaces,
    },
  ];
}

/** Drops what would come back below something that stays in its way, as a conflict. */
function withoutOrphans(
  operations: readonly PlannedOperation[],
  current: ReadonlyMap<string, TreeEntry>,
  skipped: SkippedPath[],
): readonly PlannedOperation[] {
  const deleted = new Set(
    operations.filter((each) => each.kind.startsWith('delete')).map((each) => each.path),
  );
  const inTheWay = [...current.values()]
    .filter((entry) => entry.kind !== 'folder' && !deleted.has(entry.path))
    .map((entry) => entry.path);
  return operations.filter((operation) => {
    const blocked = inTheWay.some(
      (path) => path !== operation.path && isWithin(operation.path, path),
    );
    if (blocked) skipped.push({ path: operation.path, reason: 'conflict' });
    return !blocked;
  });
}
