/**
 * Taking a restore back, as a plan: every recorded path returns to what it was. A path that is
 * neither as the restore left it nor as it was before is a conflict and stays, unless `overwrite`
 * says otherwise; what somebody put into a folder since then is never deleted.
 */
import { comparePaths, isWithin, parentOfPath } from '../core/device-path.js';
import type { Tree, TreeEntry } from '../core/tree.js';
import type { BoardInfo } from '../device/device-fs.js';
import type { FailedPath, JobWarning } from './context.js';
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
  const unfit: FailedPath[] = [];
  const operations: PlannedOperation[] = [];
  for (const change of due) {
    const { path } = change;
    const entry = current.get(path);
    if (isLost(change, input.saved)) {
      unfit.push({ path, code: 'chain/missing-content', message: 'no archive holds its content' });
    } else if (isInTheWay(entry, change) && !deletions.has(path)) {
      skipped.push({ path, reason: 'conflict' });
    } else {
      if (isInTheWay(entry, change)) operations.push(deletion(entry));
      operations.push(...comeback(change, entry, input.saved));
    }
  }
  const possible = withoutOrphans(operations, current, skipped);
  return finishPlan({
    operations: possible,
    skipped: skipped.sort((a, b) => comparePaths(a.path, b.path)),
    unfit,
    info: input.board.info,
    inPlace: input.inPlace,
    warnings: input.warnings,
  });
}

/** A file that was there and that the safety archive does not hold. */
function isLost({ path, before }: RecordedChange, saved: UndoPlanInput['saved']): boolean {
  return before.kind === 'file' && (before.checksum === undefined || !saved.has(path));
}

/** Something of another kind stands where a file or a folder shall come back, or nothing shall be. */
function isInTheWay(entry: TreeEntry | undefined, change: RecordedChange): entry is TreeEntry {
  return entry !== undefined && change.before.kind !== stateOf(entry).kind;
}

/** Of the paths that must go, those that can: a folder only when everything in it goes too. */
function removable(
  due: readonly RecordedChange[],
  current: ReadonlyMap<string, TreeEntry>,
  tree: Tree,
): ReadonlySet<string> {
  const going = new Set<string>();
  for (const change of due) {
    const entry = current.get(change.path);
    if (isInTheWay(entry, change) && entry.kind !== 'failed') going.add(change.path);
  }
  for (const { path } of tree) {
    if (going.has(path)) continue;
    for (let at = parentOfPath(path); at !== ''; at = parentOfPath(at)) going.delete(at);
  }
  return going;
}

function deletion(entry: TreeEntry): PlannedOperation {
  const { path } = entry;
  if (entry.kind !== 'file') return { kind: 'delete-folder', path, reason: 'undo' };
  const { sizeBytes, sha256 } = entry;
  return { kind: 'delete-file', path, sizeBytes, sha256, reason: 'undo' };
}

function comeback(
  change: RecordedChange,
  entry: TreeEntry | undefined,
  saved: UndoPlanInput['saved'],
): readonly PlannedOperation[] {
  const { path, before } = change;
  if (before.kind === 'folder') return [{ kind: 'make-folder', path }];
  if (before.kind === 'absent') return [];
  const file = saved.get(path) as SavedFile;
  const sha256 = before.checksum as string;
  const replaces =
    entry?.kind === 'file' ? { sha256: entry.sha256, sizeBytes: entry.sizeBytes } : null;
  return [{ kind: 'put', path, source: path, ...file, sha256, replaces }];
}

/** Drops what would come back below something that stays in its way, as a conflict. */
function withoutOrphans(
  operations: readonly PlannedOperation[],
  current: ReadonlyMap<string, TreeEntry>,
  skipped: SkippedPath[],
): readonly PlannedOperation[] {
  const handled = new Set(operations.map((each) => each.path));
  const staying = [...current.values()]
    .filter((entry) => entry.kind !== 'folder' && !handled.has(entry.path))
    .map((entry) => entry.path);
  return operations.filter((operation) => {
    const blocked = staying.some((path) => isWithin(operation.path, path));
    if (blocked) skipped.push({ path: operation.path, reason: 'conflict' });
    return !blocked;
  });
}
