/**
 * What a restore is going to do, as a value: shown, tested, then carried out in its order.
 * Planning changes nothing and asks nothing. A plan carried out makes a second plan empty.
 */
import type { Manifest, ManifestDeviceInfo } from '../archive/manifest.js';
import { bytesOfPath, comparePaths, displayPath, isWithin, nameOfPath, parentOfPath, pathMatcher, pathProblem } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import type { Tree, TreeEntry, TreeFile } from '../core/tree.js';
import type { BoardInfo } from '../device/device-fs.js';
import type { FailedPath } from './context.js';
import { boardDifferences } from './board-differences.js';
import { PathMapping, selectEntries, selectionTest } from './restore-selection.js';
import type { PathRule, Selection } from './restore-selection.js';
import { finishPlan } from './restore-plan.js';
import type { DeleteReason, OverwritePolicy, PlannedOperation, RestorePlan, SkippedPath } from './restore-plan.js';
import { mountOf } from './restore-space.js';

export type { OverwritePolicy, PlannedOperation, RestorePlan, RestoreStrategy, SkippedPath } from './restore-plan.js';

export interface RestorePlanInput {
  readonly source: {
    readonly tree: Tree;
    readonly scope: Manifest['scope'];
    readonly device: ManifestDeviceInfo;
  };
  readonly board: {
    /** With content hashes. */
    readonly tree: Tree;
    readonly info: BoardInfo;
    /** Paths of the mounts that `tree` lists; the others are not touched. */
    readonly scannedMounts: ReadonlySet<string>;
  };
  readonly selection: Selection;
  readonly to: string;
  readonly map: readonly PathRule[];
  readonly overwrite: OverwritePolicy;
  readonly delete: boolean;
  readonly inPlace: boolean;
  /** What is overwritten or deleted is saved first: what cannot be read may then not be touched. */
  readonly safety: boolean;
}

/**
 * Throws `store/not-found` for a selected path that the backup does not have and `usage/invalid`
 * where the mapping makes two things one.
 */
export function planRestore(input: RestorePlanInput): RestorePlan {
  const mapping = new PathMapping(input.map, input.to);
  const wanted = wantedAt(selectEntries(input.source.tree, input.selection), mapping, input.board.info);
  const draft = new PlanDraft(input);
  for (const target of [...wanted.keys()].sort(comparePaths)) {
    draft.want(target, wanted.get(target) as TreeEntry);
  }
  if (input.delete) draft.deleteExtras(mapping, wanted);
  draft.refuseCaseTwins();
  return finishPlan({
    operations: [...draft.deletions.values(), ...draft.additions],
    skipped: draft.skipped,
    unfit: draft.unfit,
    info: input.board.info,
    inPlace: input.inPlace,
    warnings: boardDifferences(input.source, input.board.info, [...wanted.keys()]),
  });
}

/** The mounts that must be listed before this restore can be planned. */
export function mountsToScan(
  input: Pick<RestorePlanInput, 'source' | 'selection' | 'to' | 'map'>,
  info: BoardInfo,
): readonly string[] {
  const mapping = new PathMapping(input.map, input.to);
  const targets = selectEntries(input.source.tree, input.selection).map((entry) => mapping.target(entry.path));
  const touched = info.mounts.filter(
    (mount) => !mount.skipped || targets.some((target) => mountOf(target, info) === mount && target !== mount.path),
  );
  return touched.map((mount) => mount.path).filter((path) => !HOST_MOUNTS.has(path));
}

/** Read-only firmware data and the host itself (`mpremote mount`): no restore writes there. */
const HOST_MOUNTS: ReadonlySet<string> = new Set(['rom', 'remote']);
/** Target path -> entry of the backup, with the folders that lead there. */
function wantedAt(
  entries: readonly TreeEntry[],
  mapping: PathMapping,
  info: BoardInfo,
): Map<string, TreeEntry> {
  const wanted = new Map<string, TreeEntry>();
  const flatNames = new Set<string>();
  const folders = new Set(entries.filter((entry) => entry.kind === 'folder').map((entry) => entry.path));
  for (const entry of entries) {
    const target = mapping.target(entry.path);
    if (target === '') {
      if (entry.kind === 'folder') continue;
      throw new BelayError('usage/invalid', `/${displayPath(entry.path)} would land on the board's root`);
    }
    const other = wanted.get(target);
    if (other !== undefined && !(other.kind === 'folder' && entry.kind === 'folder')) throw collision(target, other, entry);
    wanted.set(target, entry);
    // On a board without folders `d/x` is a legal name: there is no folder d in its backup.
    if (!folders.has(parentOfPath(entry.path))) flatNames.add(target);
  }
  for (const [target, entry] of [...wanted]) {
    if (!info.hasFolders && flatNames.has(target)) continue;
    for (let at = parentOfPath(target); at !== ''; at = parentOfPath(at)) {
      const above = wanted.get(at);
      if (above?.kind === 'file') throw collision(at, above, entry);
      if (above === undefined) wanted.set(at, { kind: 'folder', path: entry.path });
    }
  }
  return wanted;
}

function collision(target: string, a: TreeEntry, b: TreeEntry): BelayError {
  return new BelayError(
    'usage/invalid',
    `/${displayPath(a.path)} and /${displayPath(b.path)} would both land on /${displayPath(target)}`,
    { hint: 'change --map or --to', details: { target, sources: [a.path, b.path] } },
  );
}

class PlanDraft {
  readonly additions: PlannedOperation[] = [];
  readonly deletions = new Map<string, PlannedOperation>();
  readonly skipped: SkippedPath[] = [];
  readonly unfit: FailedPath[] = [];
  readonly #input: RestorePlanInput;
  readonly #current: ReadonlyMap<string, TreeEntry>;
  readonly #unread: readonly string[];
  /** Targets below these are left alone with them. */
  readonly #blocked: string[] = [];

  constructor(input: RestorePlanInput) {
    this.#input = input;
    this.#current = new Map(input.board.tree.map((entry) => [entry.path, entry]));
    this.#unread = input.board.tree.filter((entry) => entry.kind === 'failed').map((entry) => entry.path);
  }

  want(target: string, entry: TreeEntry): void {
    if (this.#blocked.some((path) => isWithin(target, path))) return;
    if (entry.kind === 'failed') return void this.skipped.push({ path: target, reason: 'failed' });
    const problem = this.#problemOf(target, entry);
    if (problem !== null) {
      if (problem.kind === 'unfit') this.#refuse(target, problem.code, problem.message);
      return;
    }
    if (entry.kind === 'folder') this.#wantFolder(target);
    else this.#wantFile(target, entry);
  }

  #wantFolder(target: string): void {
    const current = this.#current.get(target);
    if (current?.kind === 'folder' || mountOf(target, this.#input.board.info)?.path === target) return;
    if (current?.kind === 'file') {
      if (this.#input.overwrite === 'never') return this.#leave(target, 'exists');
      this.#delete(current, 'kind-change');
    }
    this.additions.push({ kind: 'make-folder', path: target });
  }

  #wantFile(target: string, entry: TreeFile): void {
    if (entry.sha256 === null) throw new Error(`${entry.path}: a backup's file without a hash`);
    const current = this.#current.get(target);
    if (current?.kind === 'file') {
      const same = current.sizeBytes === entry.sizeBytes && current.sha256 === entry.sha256;
      if (this.#input.overwrite === 'never') return this.#leave(target, 'exists');
      if (same && this.#input.overwrite === 'if-changed') return this.#leave(target, 'unchanged');
    }
    if (current?.kind === 'folder') {
      if (this.#input.overwrite === 'never') return this.#leave(target, 'exists');
      if (!this.#deleteTree(target)) return;
    }
    const replaces = current?.kind === 'file' ? { sha256: current.sha256, sizeBytes: current.sizeBytes } : null;
    const { sizeBytes, sha256, modifiedS } = entry;
    this.additions.push({ kind: 'put', path: target, source: entry.path, sizeBytes, sha256, modifiedS, replaces });
  }

  /** A folder makes room for a file: everything in it goes, or nothing of it. */
  #deleteTree(folder: string): boolean {
    const { info } = this.#input.board;
    if (info.mounts.some((mount) => mount.path !== '' && isWithin(mount.path, folder))) {
      this.#refuse(folder, 'board/unfit', 'a file system is mounted there');
      return false;
    }
    if (this.#unread.some((path) => isWithin(path, folder))) {
      this.#refuse(folder, 'board/file', 'the folder in its place holds what could not be read');
      return false;
    }
    for (const entry of this.#input.board.tree) {
      if (entry.kind !== 'failed' && isWithin(entry.path, folder)) this.#delete(entry, 'kind-change');
    }
    return true;
  }

  #delete(entry: TreeEntry, reason: DeleteReason): void {
    const { path } = entry;
    if (entry.kind === 'file') {
      const { sizeBytes, sha256 } = entry;
      this.deletions.set(path, { kind: 'delete-file', path, sizeBytes, sha256, reason });
    } else if (entry.kind === 'folder') {
      this.deletions.set(path, { kind: 'delete-folder', path, reason });
    }
  }

  #leave(target: string, reason: 'unchanged' | 'exists'): void {
    this.skipped.push({ path: target, reason });
    if (reason === 'exists') this.#blocked.push(target);
  }

  #refuse(path: string, code: string, message: string): void {
    this.unfit.push({ path, code, message });
    this.#blocked.push(path);
  }

  #problemOf(
    target: string,
    entry: TreeEntry,
  ): { readonly kind: 'unfit' | 'folder-needless'; readonly code: string; readonly message: string } | null {
    const { info, scannedMounts } = this.#input.board;
    const unfit = (code: string, message: string) => ({ kind: 'unfit' as const, code, message });
    const name = pathProblem(target);
    if (name !== null) return unfit('board/unfit', name);
    if (!info.hasFolders && entry.kind === 'folder') {
      return { kind: 'folder-needless', code: 'board/unfit', message: 'this board has no folders' };
    }
    if (!info.hasFolders && this.#hasFolderAbove(entry)) return unfit('board/unfit', 'this board has no folders');
    const tooLong = info.hasFolders ? nameOfPath(target) : target;
    if (bytesOfPath(tooLong).length > info.nameBytesMax) {
      return unfit('board/unfit', `longer than the ${info.nameBytesMax} bytes that this board allows`);
    }
    const mount = mountOf(target, info);
    if (mount !== null && mount.path !== target) {
      if (mount.readOnly === true) return unfit('board/read-only', `/${mount.path} is read-only`);
      if (!scannedMounts.has(mount.path)) return unfit('board/unfit', `/${mount.path} is a mount that a restore does not touch`);
    }
    if (this.#input.safety && this.#unread.some((path) => isWithin(target, path))) {
      return unfit('board/file', 'what stands there could not be read, so it cannot be saved first');
    }
    return null;
  }

  #hasFolderAbove(entry: TreeEntry): boolean {
    const parent = parentOfPath(entry.path);
    return parent !== '' && this.#input.source.tree.some((each) => each.kind === 'folder' && each.path === parent);
  }

  /**
   * --delete: what the board has and the backup has not, where the backup looked and saw. Never
   * below what it could not read, never on a mount that it did not take.
   */
  deleteExtras(mapping: PathMapping, wanted: ReadonlyMap<string, TreeEntry>): void {
    const { source, board, selection } = this.#input;
    const inPatterns = pathMatcher(source.scope.patterns);
    const selected = selectionTest(selection);
    const had = new Set(source.tree.map((entry) => entry.path));
    const failed = source.tree.filter((entry) => entry.kind === 'failed').map((entry) => entry.path);
    const mounts = new Set(source.scope.roots.map((root) => mountOf(mapping.target(root), board.info)?.path));
    const isExtra = (path: string) =>
      isWithin(path, source.scope.path) && inPatterns(path) && selected(path) &&
      !had.has(path) && !failed.some((each) => isWithin(path, each));
    const extras = board.tree.filter(
      ({ path }) =>
        !wanted.has(path) &&
        !this.#blocked.some((each) => isWithin(path, each)) &&
        mounts.has(mountOf(path, board.info)?.path) &&
        board.info.mounts.every((mount) => mount.path !== path) &&
        mapping.sources(path).some(isExtra),
    );
    const kept = new Set(board.tree.map((entry) => entry.path));
    for (const entry of extras) if (entry.kind === 'file') kept.delete(entry.path);
    for (const path of this.deletions.keys()) kept.delete(path);
    // A folder goes only when nothing stays in it.
    const extraFolders = new Set(extras.filter((each) => each.kind === 'folder').map((each) => each.path));
    const occupied = new Set([...kept, ...wanted.keys()].filter((path) => !extraFolders.has(path)));
    for (const path of [...occupied]) {
      for (let at = parentOfPath(path); at !== ''; at = parentOfPath(at)) occupied.add(at);
    }
    for (const entry of extras) {
      if (entry.kind === 'file' || !occupied.has(entry.path)) this.#delete(entry, 'extra');
    }
  }

  /** FAT keeps one of two names that differ only in case: the other's content would be lost. */
  refuseCaseTwins(): void {
    const { info, tree } = this.#input.board;
    if (info.atomicRename || !info.hasFolders) return;
    const byFolded = new Map<string, string>();
    for (const { path } of tree) if (!this.deletions.has(path)) byFolded.set(path.toLowerCase(), path);
    for (const operation of [...this.additions].sort((a, b) => comparePaths(a.path, b.path))) {
      const twin = byFolded.get(operation.path.toLowerCase());
      if (twin !== undefined && twin !== operation.path) {
        this.#refuse(operation.path, 'board/unfit', `differs from /${displayPath(twin)} only in case, which FAT cannot tell apart`);
      } else byFolded.set(operation.path.toLowerCase(), operation.path);
    }
    const kept = this.additions.filter((each) => !this.#blocked.some((path) => isWithin(each.path, path)));
    this.additions.splice(0, this.additions.length, ...kept);
  }
}
