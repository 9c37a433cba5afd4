/**
 * What this room reasons about: archives as plain data. Nothing here waits or touches a disk.
 */

import type { Manifest, ManifestEntry } from '../archive/manifest.js';
import { pathOfEntry } from '../archive/manifest.js';
import { comparePaths } from '../core/device-path.js';
import type { BelayError } from '../core/errors.js';
import type { Tree, TreeEntry } from '../core/tree.js';

/** One `.blb` as a listing or a verification saw it. Safety archives are not handed in. */
export interface ChainArchive {
  readonly path: string;
  readonly archiveBytes: number;
  readonly pinned: boolean;
  /** null where the head could not be read; then `problem` is set. */
  readonly manifest: Manifest | null;
  /** Damage, an unsupported format, a name that lies, or null. */
  readonly problem: BelayError | null;
  /** Known from a listing, so that the list of files need not be looked through for it. */
  readonly partial?: boolean;
}

/** An archive whose manifest could be read. */
export interface KnownArchive extends ChainArchive {
  readonly manifest: Manifest;
}

export function isKnown(archive: ChainArchive): archive is KnownArchive {
  return archive.manifest !== null;
}

/** What an archive of a newer format still says: the fields frozen for every version. */
export interface FrozenRecord {
  readonly backupId?: unknown;
  readonly sequence?: unknown;
  readonly parent?: { readonly backupId?: unknown } | null;
  readonly deviceInfo?: { readonly uniqueId?: unknown };
}

/** From the problem of an archive whose manifest is null; empty where it says nothing. */
export function frozenRecordOf(archive: ChainArchive): FrozenRecord {
  const frozen = archive.problem?.details.frozen;
  return typeof frozen === 'object' && frozen !== null ? frozen : {};
}

/** Canonical text of a scope: the order of roots and patterns does not matter. */
export function scopeKeyOf(scope: Manifest['scope']): string {
  return JSON.stringify([
    [...scope.roots].sort(comparePaths),
    scope.path,
    [...scope.patterns.include].sort(),
    [...scope.patterns.exclude].sort(),
  ]);
}

/** True where a file or a folder of the board could not be read. */
export function isPartial(manifest: Manifest): boolean {
  return manifest.files.some((entry) => 'error' in entry);
}

/** Holds all its content itself and needs no other archive. */
export function isWhole(manifest: Manifest): boolean {
  return manifest.backupType === 'full' || manifest.backupType === 'merged';
}

/** The manifest's list as a tree, sorted by comparePaths. */
export function treeOf(manifest: Manifest): Tree {
  return manifest.files.map(treeEntryOf).sort((a, b) => comparePaths(a.path, b.path));
}

function treeEntryOf(entry: ManifestEntry): TreeEntry {
  const path = pathOfEntry(entry);
  if ('error' in entry) {
    return { kind: 'failed', path, code: entry.error.code, message: entry.error.message };
  }
  if (entry.isDirectory) return { kind: 'folder', path };
  return {
    kind: 'file',
    path,
    sizeBytes: entry.originalSize,
    modifiedS: entry.lastModified,
    sha256: entry.checksum,
  };
}
