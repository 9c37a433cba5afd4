/**
 * --delete: what the board has and the backup has not, where the backup looked and saw. Never below
 * what it could not read, never on a mount that it did not take, and a folder only when nothing
 * stays in it.
 */
import { isWithin, parentOfPath, pathMatcher } from '../core/device-path.js';
import type { Tree, TreeEntry } from '../core/tree.js';
import type { RestorePlanInput } from './restore-plan-input.js';
import type { PathMapping } from './restore-selection.js';
import { selectionTest } from './restore-selection.js';
import { mountOf } from './restore-space.js';

type Input = Pick<RestorePlanInput, 'source' | 'board' | 'selection'>;

export interface Staying {
  /** Paths that the plan leaves alone, with everything below them. */
  readonly blocked: readonly string[];
  /** Paths that go anyway. */
  readonly deleted: ReadonlySet<string>;
}

export function extrasOf(
  input: Input,
  mapping: PathMapping,
  wanted: ReadonlyMap<string, TreeEntry>,
  staying: Staying,
): readonly TreeEntry[] {
  const { board } = input;
  const isExtra = extraTest(input);
  const { source } = input;
  const mounts = new Set(
    source.scope.roots.map((root) => mountOf(mapping.target(root), board.info)?.path),
  );
  const extras = board.tree.filter(
    ({ path, kind }) =>
      kind !== 'failed' &&
      !wanted.has(path) &&
      !staying.blocked.some((each) => isWithin(path, each)) &&
      mounts.has(mountOf(path, board.info)?.path) &&
      board.info.mounts.every((mount) => mount.path !== path) &&
      mapping.sources(path).some(isExtra),
  );
  const occupied = occupiedFolders(board.tree, extras, wanted, staying);
  return extras.filter((entry) => entry.kind === 'file' || !occupied.has(entry.path));
}

/** By the path in the backup: it looked there, saw nothing, and could see. */
function extraTest({ source, selection }: Input): (path: string) => boolean {
  const { scope, tree } = source;
  const inPatterns = pathMatcher(scope.patterns);
  const selected = selectionTest(selection);
  const had = new Set(tree.map((entry) => entry.path));
  const failed = tree.filter((entry) => entry.kind === 'failed').map((entry) => entry.path);
  return (path) =>
    isWithin(path, scope.path) &&
    inPatterns(path) &&
    selected(path) &&
    !had.has(path) &&
    !failed.some((each) => isWithin(path, each));
}

/** Everything that stays, and every folder above it. */
function occupiedFolders(
  tree: Tree,
  extras: Tree,
  wanted: ReadonlyMap<string, TreeEntry>,
  { deleted }: Staying,
): ReadonlySet<string> {
  const leaving = new Set(extras.map((entry) => entry.path));
  const stays = tree
    .map((entry) => entry.path)
    .filter((path) => !leaving.has(path) && !deleted.has(path));
  const occupied = new Set([...stays, ...wanted.keys()]);
  for (const path of [...occupied]) {
    for (let at = parentOfPath(path); at !== ''; at = parentOfPath(at)) occupied.add(at);
  }
  return occupied;
}
