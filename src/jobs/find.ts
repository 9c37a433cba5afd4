/** `find`: the versions of matching files over all backups. */

import type { FileEntry, Manifest } from '../archive/manifest.js';
import { pathOfEntry } from '../archive/manifest.js';
import { comparePaths, isWithin, pathMatcher } from '../core/device-path.js';
import { listArchives } from './archive-listing.js';
import { identityOfManifest } from './board-identity.js';
import type { JobContext, StoreParts } from './context.js';
import { matcherOf } from './files.js';
import { isOfBoard } from './select-backup.js';

export interface FindOptions {
  readonly pattern: string;
  readonly board?: string | null | undefined;
}

export interface FileVersion {
  /** The oldest backup that has this content at this path, and the newest of that unbroken run. */
  readonly firstBackupId: string;
  readonly firstCreatedAt: string;
  readonly lastBackupId: string;
  readonly lastCreatedAt: string;
  readonly sizeBytes: number;
  readonly checksum: string;
  readonly lastModified: number | null;
}

export interface FoundFile {
  readonly path: string;
  readonly boardName: string;
  readonly uniqueId: string | null;
  /** Oldest first; a file that was deleted and came back has a version each time. */
  readonly versions: readonly FileVersion[];
}

export interface FindResult {
  readonly files: readonly FoundFile[];
}

export async function findVersions(
  parts: StoreParts,
  options: FindOptions,
  _context: JobContext,
): Promise<FindResult> {
  const { lineage } = await listArchives(parts.store);
  const matches = matcherOf(options.pattern);
  const board = options.board ?? null;
  const histories = new Map<string, History>();
  for (const node of lineage.nodes) {
    const { manifest } = node.archive;
    if (manifest === null || (board !== null && !isOfBoard(node, board))) continue;
    const identity = identityOfManifest(manifest.deviceInfo);
    const seen = new Set<string>();
    for (const entry of manifest.files) {
      const path = pathOfEntry(entry);
      if (!matches(path) || ('isDirectory' in entry && entry.isDirectory)) continue;
      const key = `${identity.uniqueKey}\0${path}`;
      seen.add(key);
      if ('error' in entry) continue;
      const history = histories.get(key) ?? {
        path,
        boardName: identity.name,
        uniqueId: manifest.deviceInfo.uniqueId,
        versions: [],
        isOpen: false,
      };
      extend(history, manifest, entry);
      histories.set(key, history);
    }
    // A backup that does not list the path ends the run; one that looked elsewhere says nothing.
    for (const [key, history] of histories) {
      if (
        !seen.has(key) &&
        key.startsWith(`${identity.uniqueKey}\0`) &&
        looksAt(manifest, history.path)
      )
        history.isOpen = false;
    }
  }
  const files = [...histories.values()].map(({ isOpen: _isOpen, ...file }) => file);
  return { files: files.sort((a, b) => comparePaths(a.path, b.path)) };
}

interface History {
  readonly path: string;
  readonly boardName: string;
  readonly uniqueId: string | null;
  readonly versions: FileVersion[];
  /** The last version was still there in the backup before. */
  isOpen: boolean;
}

function extend(history: History, manifest: Manifest, entry: FileEntry): void {
  const { backupId, createdAt } = manifest;
  const last = history.versions.at(-1);
  if (history.isOpen && last !== undefined && last.checksum === entry.checksum) {
    history.versions[history.versions.length - 1] = {
      ...last,
      lastBackupId: backupId,
      lastCreatedAt: createdAt,
    };
    return;
  }
  history.isOpen = true;
  history.versions.push({
    firstBackupId: backupId,
    firstCreatedAt: createdAt,
    lastBackupId: backupId,
    lastCreatedAt: createdAt,
    sizeBytes: entry.originalSize,
    checksum: entry.checksum,
    lastModified: entry.lastModified,
  });
}

function looksAt({ scope, files }: Manifest, path: string): boolean {
  if (!isWithin(path, scope.path) || !pathMatcher(scope.patterns)(path)) return false;
  return !files.some((entry) => 'error' in entry && isWithin(path, pathOfEntry(entry)));
}
