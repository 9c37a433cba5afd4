/** Whether the board can take one path of a backup: its name, its mount, what stands there. Pure. */
import {
  bytesOfPath,
  isWithin,
  nameOfPath,
  parentOfPath,
  pathProblem,
} from '../core/device-path.js';
import type { TreeEntry } from '../core/tree.js';
import { fatNameProblem } from './fat-names.js';
import type { RestorePlanInput } from './restore-plan-input.js';
import { mountOf } from './restore-space.js';

export interface FitnessFacts {
  readonly input: RestorePlanInput;
  /** What stands on the board, by path. */
  readonly current: ReadonlyMap<string, TreeEntry>;
  /** What could not be read there. */
  readonly unread: readonly string[];
}

export interface TargetProblem {
  /** `folder-needless`: a folder on a board without folders, nothing is lost with it. */
  readonly kind: 'unfit' | 'folder-needless';
  readonly code: string;
  readonly message: string;
}

/** null where the board can take the entry at `target`. */
export function targetProblem(
  target: string,
  entry: TreeEntry,
  facts: FitnessFacts,
): TargetProblem | null {
  const { input } = facts;
  const name = nameProblem(target, entry, facts);
  if (name !== null) return name;
  const { info, scannedMounts } = input.board;
  const mount = mountOf(target, info);
  const nowhere = mount === null ? outsideOfMounts(target, info) : null;
  if (nowhere !== null) return nowhere;
  if (mount !== null && mount.path !== target) {
    if (mount.readOnly === true && !stands(target, entry, facts))
      return unfit('board/read-only', 'the file system is read-only for Python');
    if (!scannedMounts.has(mount.path))
      return unfit('board/unfit', `/${mount.path} is a mount that a restore does not touch`);
  }
  if (input.safety && facts.unread.some((path) => isWithin(target, path))) {
    return unfit('board/file', 'what stands there could not be read, so it cannot be saved first');
  }
  return null;
}

/** A board that keeps its files under /flash has nothing at its root, where the backup of another had them. */
function outsideOfMounts(
  target: string,
  { mounts }: RestorePlanInput['board']['info'],
): TargetProblem | null {
  const own = mounts.filter((mount) => !mount.skipped).map((mount) => mount.path);
  if (own.length === 0 || own.some((mount) => isWithin(mount, target))) return null;
  const places = own.map((mount) => `/${mount}`).join(' and ');
  return unfit(
    'board/unfit',
    `no file system is there: this board keeps its files under ${places} (try --to /${own[0]})`,
  );
}

function nameProblem(
  target: string,
  entry: TreeEntry,
  { input }: FitnessFacts,
): TargetProblem | null {
  const { info } = input.board;
  const problem = pathProblem(target);
  if (problem !== null) return unfit('board/unfit', problem);
  if (!info.hasFolders && entry.kind === 'folder') {
    return {
      kind: 'folder-needless',
      code: 'board/unfit',
      message: 'this board has no folders',
    };
  }
  if (!info.hasFolders && hasFolderAbove(entry, input))
    return unfit('board/unfit', 'this board has no folders');
  const tooLong = info.hasFolders ? nameOfPath(target) : target;
  if (bytesOfPath(tooLong).length > info.nameBytesMax) {
    return unfit(
      'board/unfit',
      `longer than the ${info.nameBytesMax} bytes that this board allows`,
    );
  }
  // A board with folders that does not rename over a file has FAT.
  const fat = info.hasFolders && !info.atomicRename ? fatNameProblem(nameOfPath(target)) : null;
  return fat === null ? null : unfit('board/unfit', fat);
}

function unfit(code: string, message: string): TargetProblem {
  return { kind: 'unfit', code, message };
}

/** The board has it already, just so. */
function stands(target: string, entry: TreeEntry, { current }: FitnessFacts): boolean {
  const there = current.get(target);
  if (entry.kind !== 'file' || there?.kind !== 'file') return there?.kind === entry.kind;
  return there.sizeBytes === entry.sizeBytes && there.sha256 === entry.sha256;
}

function hasFolderAbove(entry: TreeEntry, input: RestorePlanInput): boolean {
  const parent = parentOfPath(entry.path);
  return (
    parent !== '' &&
    input.source.tree.some((each) => each.kind === 'folder' && each.path === parent)
  );
}
