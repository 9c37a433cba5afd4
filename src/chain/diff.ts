/** What happened between two trees. A rename is a removal and an addition. */
import { comparePaths } from '../core/device-path.js';
import type { Tree, TreeEntry } from '../core/tree.js';

export type TreeChange =
  | {
      readonly status: 'added';
      readonly path: string;
      readonly before: null;
      readonly after: TreeEntry;
    }
  | {
      readonly status: 'removed';
      readonly path: string;
      readonly before: TreeEntry;
      readonly after: null;
    }
  /** Content or size differ; times on boards are fiction and do not count. */
  | {
      readonly status: 'changed';
      readonly path: string;
      readonly before: TreeEntry;
      readonly after: TreeEntry;
    }
  /** File became folder or the reverse. */
  | {
      readonly status: 'kind';
      readonly path: string;
      readonly before: TreeEntry;
      readonly after: TreeEntry;
    }
  /** One side could not be read (or lies below a folder that could not): nothing is known. */
  | {
      readonly status: 'unknown';
      readonly path: string;
      readonly before: TreeEntry | null;
      readonly after: TreeEntry | null;
    };

export type ChangeStatus = TreeChange['status'];

/** `+` added, `-` removed, `M` changed, `T` kind changed, `?` unknown: as `diff` prints them. */
export const CHANGE_MARK: Readonly<Record<ChangeStatus, string>> = {
  added: '+',
  removed: '-',
  changed: 'M',
  kind: 'T',
  unknown: '?',
};

/** Sorted by comparePaths. Trees need not be sorted. Files without a sha256 count as changed. */
export function diffTrees(before: Tree, after: Tree): readonly TreeChange[] {
  const old = new Map(before.map((entry) => [entry.path, entry]));
  const failed = [new FailedPaths(before), new FailedPaths(after)] as const;
  const now = new Map(after.map((entry) => [entry.path, entry]));
  const changes: TreeChange[] = [];
  for (const path of new Set([...old.keys(), ...now.keys()])) {
    const change = compare(path, old.get(path) ?? null, now.get(path) ?? null, failed);
    if (change !== null) changes.push(change);
  }
  return changes.sort((a, b) => comparePaths(a.path, b.path));
}

function compare(
  path: string,
  before: TreeEntry | null,
  after: TreeEntry | null,
  failed: readonly [FailedPaths, FailedPaths],
): TreeChange | null {
  const unknownBefore = before?.kind === 'failed' || (before === null && failed[0].covers(path));
  const unknownAfter = after?.kind === 'failed' || (after === null && failed[1].covers(path));
  if (unknownBefore || unknownAfter) return { status: 'unknown', path, before, after };
  if (before === null) return { status: 'added', path, before, after: after as TreeEntry };
  if (after === null) return { status: 'removed', path, before, after };
  if (before.kind !== after.kind) return { status: 'kind', path, before, after };
  return sameContent(before, after) ? null : { status: 'changed', path, before, after };
}

/** Equal for every purpose of a backup. */
export function sameContent(a: TreeEntry, b: TreeEntry): boolean {
  if (a.kind !== 'file' || b.kind !== 'file') return a.kind === b.kind && a.kind !== 'failed';
  return a.sizeBytes === b.sizeBytes && a.sha256 !== null && a.sha256 === b.sha256;
}

/** Paths that could not be read; a folder among them hides everything below it. */
class FailedPaths {
  readonly #paths: ReadonlySet<string>;

  constructor(tree: Tree) {
    this.#paths = new Set(
      tree.filter((entry) => entry.kind === 'failed').map((entry) => entry.path),
    );
  }

  covers(path: string): boolean {
    if (this.#paths.size === 0) return false;
    if (this.#paths.has('')) return true;
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      if (this.#paths.has(path.slice(0, slash))) return true;
    }
    return this.#paths.has(path);
  }
}

/** The tree that `changes` lead to: applied to the first tree of a diff, they give the second. */
export function applyChanges(before: Tree, changes: readonly TreeChange[]): Tree {
  const tree = new Map(before.map((entry) => [entry.path, entry]));
  for (const change of changes) {
    if (change.after !== null) tree.set(change.path, change.after);
    else tree.delete(change.path);
  }
  return [...tree.values()].sort((a, b) => comparePaths(a.path, b.path));
}
