/**
 * Which paths of a backup are wanted, and where each lands on the board. `map` rules come first
 * (the longest match wins), then `to` is put in front of the result.
 */
import { isWithin, joinPath, normalizePath, pathMatcher } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import type { Tree, TreeEntry } from '../core/tree.js';

export interface PathRule {
  readonly from: string;
  readonly to: string;
}

export interface Selection {
  /** Files and folders as typed; none: everything. */
  readonly paths: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/**
 * The selected entries in the tree's order, with the folders that lead to them. Throws
 * `store/not-found` for a path that the tree does not have.
 */
export function selectEntries(tree: Tree, selection: Selection): readonly TreeEntry[] {
  const selected = selectionTest(selection);
  for (const path of selection.paths.map(normalizePath)) {
    if (path !== '' && !tree.some((entry) => isWithin(entry.path, path))) {
      throw new BelayError('store/not-found', `the backup has no /${path}`, {
        hint: 'list its files with: belay-backup files',
        details: { path },
      });
    }
  }
  return withAncestors(tree, selected);
}

/** True for a path that the selection names, whether the tree has it or not. */
export function selectionTest(selection: Selection): (path: string) => boolean {
  const paths = selection.paths.map(normalizePath);
  const matches = pathMatcher(selection);
  return (path) =>
    (paths.length === 0 || paths.some((wanted) => isWithin(path, wanted))) && matches(path);
}

/** What passes the test, and every folder above it: a file without its folders cannot be put back. */
export function withAncestors(tree: Tree, test: (path: string) => boolean): readonly TreeEntry[] {
  const kept = new Set<string>();
  for (const { path } of tree) {
    if (!test(path)) continue;
    for (
      let at = path;
      at !== '' && !kept.has(at);
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')))
    ) {
      kept.add(at);
    }
  }
  return tree.filter((entry) => kept.has(entry.path));
}

export class PathMapping {
  readonly #rules: readonly PathRule[];
  readonly #to: string;

  constructor(rules: readonly PathRule[], to: string) {
    this.#rules = rules
      .map((rule) => ({
        from: normalizePath(rule.from),
        to: normalizePath(rule.to),
      }))
      .sort((a, b) => b.from.length - a.from.length);
    this.#to = normalizePath(to);
  }

  get isIdentity(): boolean {
    return this.#rules.length === 0 && this.#to === '';
  }

  /** Where a path of the backup lands. `''`, a mapped root, stays the folder itself. */
  target(path: string): string {
    const rule = this.#rules.find((each) => isWithin(path, each.from));
    return prefixed(this.#to, rule === undefined ? path : rebased(path, rule.from, rule.to));
  }

  /** The paths of a backup that would land here; empty where nothing could. */
  sources(target: string): readonly string[] {
    if (!isWithin(target, this.#to)) return [];
    const below = rebased(target, this.#to, '');
    const candidates = [
      below,
      ...this.#rules
        .filter((rule) => isWithin(below, rule.to))
        .map((rule) => rebased(below, rule.to, rule.from)),
    ];
    return [...new Set(candidates)].filter((path) => this.target(path) === target);
  }
}

function rebased(path: string, from: string, to: string): string {
  const rest = from === '' ? path : path.slice(from.length + 1);
  return prefixed(to, rest);
}

function prefixed(folder: string, path: string): string {
  return path === '' ? folder : joinPath(folder, path);
}
