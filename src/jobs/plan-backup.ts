/**
 * What a backup is going to take, as a value. The rule that keeps histories mergeable: content may
 * be left out only where the base's own file list has it (the direct parent's; a differential: its
 * full's). Everything else is read, each content once.
 */

import type { NewFile } from '../archive/blb-writer.js';
import type { Manifest } from '../archive/manifest.js';
import { pathOfEntry } from '../archive/manifest.js';
import { stateHash, stateRecordsOf } from '../archive/state-hash.js';
import { isPartial, treeOf } from '../chain/archive.js';
import { diffTrees } from '../chain/diff.js';
import { contentKeyOf, filesOf, omittableContent } from '../chain/materialize.js';
import type { PathPatterns } from '../core/device-path.js';
import { isWithin } from '../core/device-path.js';
import type { Tree, TreeFailure, TreeFile } from '../core/tree.js';
import type { BoardInfo } from '../device/device-fs.js';
import { selectionTest, withAncestors } from './restore-selection.js';

/** Identical files above this are read one by one: their content is not kept in memory. */
export const COPY_BYTES_MAX = 8 * 1024 * 1024;
/** Asking for hashes takes two turns and some 350 bytes, and most files of one size differ: below this it does not pay. */
const HASH_WORTH_BYTES = 4096;

export interface BackupPlan {
  readonly folders: readonly string[];
  readonly failures: readonly TreeFailure[];
  /** Content that another archive holds. */
  readonly references: readonly {
    readonly meta: NewFile;
    readonly dataIn: string;
  }[];
  /** To be read over the wire, in the tree's order. */
  readonly reads: readonly TreeFile[];
  /** Path of a read -> files of the same content, which get theirs from it; only where there are. */
  readonly copies: ReadonlyMap<string, readonly TreeFile[]>;
  readonly bytesToRead: number;
}

export interface FileCounts {
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnchanged: number;
  readonly filesDeleted: number;
}

/** `base`: whose file list content may be left out against; null for a full. */
export function planBackup(tree: Tree, base: Manifest | null): BackupPlan {
  const holderOf = base === null ? () => null : omittableContent(base);
  const references: { meta: NewFile; dataIn: string }[] = [];
  const reads: TreeFile[] = [];
  const copies = new Map<string, TreeFile[]>();
  const firstOf = new Map<string, string>();
  for (const file of tree) {
    if (file.kind !== 'file') continue;
    const { path, sizeBytes, sha256 } = file;
    if (sha256 === null) {
      reads.push(file);
      continue;
    }
    const content = { checksum: sha256, originalSize: sizeBytes };
    const dataIn = holderOf(content);
    const first = firstOf.get(contentKeyOf(content));
    if (dataIn !== null) references.push({ meta: referenceOf(file, sha256), dataIn });
    else if (first !== undefined && sizeBytes <= COPY_BYTES_MAX) addTo(copies, first, file);
    else {
      reads.push(file);
      firstOf.set(contentKeyOf(content), path);
    }
  }
  return {
    folders: tree.filter((entry) => entry.kind === 'folder').map((entry) => entry.path),
    failures: tree.filter((entry) => entry.kind === 'failed'),
    references,
    reads,
    copies,
    bytesToRead: reads.reduce((sum, file) => sum + file.sizeBytes, 0),
  };
}

function addTo<K, T>(groups: Map<K, T[]>, key: K, member: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [member]);
  else group.push(member);
}

function referenceOf(file: TreeFile, sha256: string): NewFile {
  const { path, sizeBytes, modifiedS } = file;
  const checkedBy = trusted.has(file) ? 'size-time' : 'sha256';
  return { path, sizeBytes, modifiedS, sha256, checkedBy };
}

/** Files whose hash was taken over from the base by size and time. */
const trusted = new WeakSet<TreeFile>();

/** --quick: files whose size and time are the base's get its hash without being looked into. */
export function trustTimes(tree: Tree, base: Manifest): Tree {
  const known = new Map(filesOf(base).map((entry) => [pathOfEntry(entry), entry]));
  return tree.map((file) => {
    if (file.kind !== 'file' || file.sha256 !== null || file.modifiedS === null) return file;
    const before = known.get(file.path);
    const isSame =
      before?.originalSize === file.sizeBytes && before.lastModified === file.modifiedS;
    if (!isSame) return file;
    const same = { ...file, sha256: before.checksum };
    trusted.add(same);
    return same;
  });
}

/** What the patterns ask for, with the folders that lead there and what could not be listed. */
export function filterTree(tree: Tree, patterns: PathPatterns): Tree {
  return withAncestors(tree, selectionTest({ paths: [], ...patterns }));
}

/** Files worth a hash before they are read: another one of the same size may be the same. */
export function likelyTwins(tree: Tree): readonly string[] {
  const bySize = new Map<number, string[]>();
  for (const entry of tree) {
    if (entry.kind !== 'file' || entry.sha256 !== null) continue;
    if (entry.sizeBytes < HASH_WORTH_BYTES || entry.sizeBytes > COPY_BYTES_MAX) continue;
    addTo(bySize, entry.sizeBytes, entry.path);
  }
  return [...bySize.values()].filter((group) => group.length > 1).flat();
}

/** The mounts a backup takes: those that a board has by itself, and those asked for. */
export function scopeRoots(
  info: BoardInfo,
  path: string,
  mounts: readonly string[],
): readonly string[] {
  const taken = info.mounts
    .filter((mount) => !mount.skipped || mounts.includes(mount.path))
    .map((mount) => mount.path)
    .filter((mount) => isWithin(mount, path) || isWithin(path, mount));
  const roots = taken.filter(
    (root) =>
      !taken.some((other) => other !== root && isWithin(path, other) && isWithin(other, root)),
  );
  return roots.length === 0 ? [''] : [...roots].sort();
}

/** True where nothing has changed: every hash is known, nothing failed, and the states are equal. */
export function isUnchanged(tree: Tree, reference: Manifest): boolean {
  const isKnown = tree.every((entry) => entry.kind !== 'file' || entry.sha256 !== null);
  // What could not be read then and cannot now has equal states, and may have changed between.
  return (
    isKnown && !isPartial(reference) && stateHash(stateRecordsOf(tree)) === reference.stateHash
  );
}

/** What became of the base's files. Without a base every file is new. */
export function countFiles(tree: Tree, base: Manifest | null): FileCounts {
  const files = tree.filter((entry) => entry.kind === 'file').length;
  if (base === null) {
    return { filesNew: files, filesChanged: 0, filesUnchanged: 0, filesDeleted: 0 };
  }
  let filesNew = 0;
  let filesChanged = 0;
  let filesDeleted = 0;
  for (const { status, before, after } of diffTrees(treeOf(base), tree)) {
    if (after?.kind === 'file') {
      if (before?.kind === 'file') filesChanged += 1;
      else filesNew += 1;
    } else if (before?.kind === 'file' && status !== 'unknown') filesDeleted += 1;
  }
  return {
    filesNew,
    filesChanged,
    filesUnchanged: files - filesNew - filesChanged,
    filesDeleted,
  };
}

/**
 * Roots that held files in the last backup and hold none now (or are gone): a card that was pulled,
 * a file system that did not mount. Never read as deletions.
 */
export function emptiedRoots(
  tree: Tree,
  roots: readonly string[],
  last: Manifest,
): readonly string[] {
  const files = tree.filter((entry) => entry.kind === 'file').map((entry) => entry.path);
  const before = filesOf(last).map((entry) => pathOfEntry(entry));
  return last.scope.roots.filter((root) => {
    const deeper = last.scope.roots.filter((other) => other !== root && isWithin(other, root));
    const own = (path: string) =>
      isWithin(path, root) && !deeper.some((other) => isWithin(path, other));
    return before.some(own) && (!roots.includes(root) || !files.some(own));
  });
}
