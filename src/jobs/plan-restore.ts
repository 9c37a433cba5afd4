/**
 * What a restore is going to do, as a value: shown, tested, then carried out in its order.
 * Planning changes nothing and asks nothing. A plan carried out makes a second plan empty.
 */
import { comparePaths, displayPath, isWithin } from '../core/device-path.js';
import type { TreeEntry, TreeFile } from '../core/tree.js';
import type { BoardInfo } from '../device/device-fs.js';
import { boardDifferences } from './board-differences.js';
import { bytecodeProblem } from './bytecode.js';
import type { FailedPath, JobWarning } from './context.js';
import { finishPlan } from './finish-plan.js';
import { extrasOf } from './restore-extras.js';
import { targetProblem } from './restore-fitness.js';
import type { DeleteReason, PlannedOperation, RestorePlan, SkippedPath } from './restore-plan.js';
import type { RestorePlanInput } from './restore-plan-input.js';
import { PathMapping, selectEntries } from './restore-selection.js';
import { mountOf } from './restore-space.js';
import { wantedAt } from './restore-targets.js';

export type {
  OverwritePolicy,
  PlannedOperation,
  RestorePlan,
  RestoreStrategy,
  SkippedPath,
} from './restore-plan.js';
export type { RestorePlanInput } from './restore-plan-input.js';

/**
 * Throws `store/not-found` for a selected path that the backup does not have and `usage/invalid`
 * where the mapping makes two things one.
 */
export function planRestore(input: RestorePlanInput): RestorePlan {
  const mapping = new PathMapping(input.map, input.to);
  const wanted = wantedAt(
    selectEntries(input.source.tree, input.selection),
    mapping,
    input.board.info,
  );
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
    warnings: [
      ...boardDifferences(input.source, input.board.info, [...wanted.keys()]),
      ...draft.warnings,
    ],
  });
}

/** The mounts that must be listed before this restore can be planned. */
export function mountsToScan(
  input: Pick<RestorePlanInput, 'source' | 'selection' | 'to' | 'map'>,
  info: BoardInfo,
): readonly string[] {
  const mapping = new PathMapping(input.map, input.to);
  const targets = selectEntries(input.source.tree, input.selection).map((entry) =>
    mapping.target(entry.path),
  );
  const touched = info.mounts.filter(
    (mount) =>
      !mount.skipped ||
      targets.some((target) => mountOf(target, info) === mount && target !== mount.path),
  );
  return touched.map((mount) => mount.path).filter((path) => !HOST_MOUNTS.has(path));
}

/** Read-only firmware data and the host itself (`mpremote mount`): no restore writes there. */
const HOST_MOUNTS: ReadonlySet<string> = new Set(['rom', 'remote']);

class PlanDraft {
  readonly additions: PlannedOperation[] = [];
  readonly deletions = new Map<string, PlannedOperation>();
  readonly skipped: SkippedPath[] = [];
  readonly unfit: FailedPath[] = [];
  readonly warnings: JobWarning[] = [];
  readonly #input: RestorePlanInput;
  readonly #current: ReadonlyMap<string, TreeEntry>;
  readonly #unread: readonly string[];
  /** Targets below these are left alone with them. */
  readonly #blocked: string[] = [];

  constructor(input: RestorePlanInput) {
    this.#input = input;
    this.#current = new Map(input.board.tree.map((entry) => [entry.path, entry]));
    this.#unread = input.board.tree
      .filter((entry) => entry.kind === 'failed')
      .map((entry) => entry.path);
  }

  want(target: string, entry: TreeEntry): void {
    if (this.#blocked.some((path) => isWithin(target, path))) return;
    if (entry.kind === 'failed') {
      this.skipped.push({ path: target, reason: 'failed' });
      return;
    }
    const problem = targetProblem(target, entry, {
      input: this.#input,
      current: this.#current,
      unread: this.#unread,
    });
    if (problem !== null) {
      if (problem.kind === 'unfit') this.#refuse(target, problem.code, problem.message);
      return;
    }
    if (entry.kind === 'folder') this.#wantFolder(target);
    else this.#wantFile(target, entry);
  }

  #wantFolder(target: string): void {
    const current = this.#current.get(target);
    const isMount = this.#input.board.info.mounts.some((mount) => mount.path === target);
    if (current?.kind === 'folder' || isMount) return;
    if (current?.kind === 'file') {
      if (this.#isLeft(target, false)) return;
      this.#delete(current, 'kind-change');
    }
    this.additions.push({ kind: 'make-folder', path: target });
  }

  #wantFile(target: string, entry: TreeFile): void {
    const { path: source, sizeBytes, modifiedS } = entry;
    // A backup knows the hash of every file that it has.
    const sha256 = entry.sha256 as string;
    const current = this.#current.get(target);
    const file = current?.kind === 'file' ? current : null;
    const same = file !== null && file.sizeBytes === sizeBytes && file.sha256 === sha256;
    if (current !== undefined && this.#isLeft(target, same)) return;
    if (this.#input.source.missing?.has(source) === true) {
      this.#refuse(target, 'chain/missing-content', 'no archive holds its content');
      return;
    }
    if (!same && this.#cannotRun(target, source)) return;
    if (current?.kind === 'folder' && !this.#deleteTree(target)) return;
    const replaces = file === null ? null : { sha256: file.sha256, sizeBytes: file.sizeBytes };
    this.additions.push({
      kind: 'put',
      path: target,
      source,
      sizeBytes,
      sha256,
      modifiedS,
      replaces,
    });
  }

  /** Bytecode of another version or processor: refused, or a warning where the user was told. */
  #cannotRun(target: string, source: string): boolean {
    const { bytecode, allowUnfit, board } = this.#input;
    const header = bytecode?.get(source);
    const problem = header === undefined ? null : bytecodeProblem(header, board.info);
    if (problem === null) return false;
    if (allowUnfit === true) {
      this.warnings.push({ code: 'other-bytecode', message: problem, path: target });
      return false;
    }
    this.#refuse(target, 'board/unfit', problem);
    return true;
  }

  /** The policy leaves what stands there; notes why. */
  #isLeft(target: string, same: boolean): boolean {
    const { overwrite } = this.#input;
    if (overwrite === 'never') {
      this.skipped.push({ path: target, reason: 'exists' });
      this.#blocked.push(target);
      return true;
    }
    if (overwrite === 'always' || !same) return false;
    this.skipped.push({ path: target, reason: 'unchanged' });
    return true;
  }

  /** A folder makes room for a file: everything in it goes, or nothing of it. */
  #deleteTree(folder: string): boolean {
    const { info } = this.#input.board;
    if (info.mounts.some((mount) => isWithin(mount.path, folder))) {
      this.#refuse(folder, 'board/unfit', 'a file system is mounted there');
      return false;
    }
    if (this.#unread.some((path) => isWithin(path, folder))) {
      this.#refuse(folder, 'board/file', 'the folder in its place holds what could not be read');
      return false;
    }
    for (const entry of this.#input.board.tree) {
      if (isWithin(entry.path, folder)) this.#delete(entry, 'kind-change');
    }
    return true;
  }

  #delete(entry: TreeEntry, reason: DeleteReason): void {
    const { path } = entry;
    if (entry.kind !== 'file') {
      this.deletions.set(path, { kind: 'delete-folder', path, reason });
      return;
    }
    const { sizeBytes, sha256 } = entry;
    this.deletions.set(path, { kind: 'delete-file', path, sizeBytes, sha256, reason });
  }

  #refuse(path: string, code: string, message: string): void {
    this.unfit.push({ path, code, message });
    this.#blocked.push(path);
  }

  deleteExtras(mapping: PathMapping, wanted: ReadonlyMap<string, TreeEntry>): void {
    const staying = {
      blocked: this.#blocked,
      deleted: new Set(this.deletions.keys()),
    };
    const { info } = this.#input.board;
    for (const entry of extrasOf(this.#input, mapping, wanted, staying)) {
      if (mountOf(entry.path, info)?.readOnly === true)
        this.#refuse(entry.path, 'board/read-only', 'the file system is read-only for Python');
      else this.#delete(entry, 'extra');
    }
  }

  /** FAT keeps one of two names that differ only in case: the other's content would be lost. */
  refuseCaseTwins(): void {
    const { info, tree } = this.#input.board;
    if (info.atomicRename || !info.hasFolders) return;
    const byFolded = new Map<string, string>();
    for (const { path } of tree)
      if (!this.deletions.has(path)) byFolded.set(path.toLowerCase(), path);
    for (const operation of this.additions) {
      const twin = byFolded.get(operation.path.toLowerCase());
      if (twin !== undefined && twin !== operation.path) {
        this.#refuse(
          operation.path,
          'board/unfit',
          `differs from /${displayPath(twin)} only in case, which FAT cannot tell apart`,
        );
      } else byFolded.set(operation.path.toLowerCase(), operation.path);
    }
    const kept = this.additions.filter(
      (each) => !this.#blocked.some((path) => isWithin(each.path, path)),
    );
    this.additions.splice(0, this.additions.length, ...kept);
  }
}
