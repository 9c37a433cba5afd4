/** `files`: the file list of one backup. */

import type { ManifestEntry } from '../archive/manifest.js';
import { pathOfEntry } from '../archive/manifest.js';
import { isWithin, normalizePath, pathMatcher } from '../core/device-path.js';
import type { JobContext, StoreParts } from './context.js';
import { knownArchiveOf } from './restore-source.js';
import { selectBackup } from './select-backup.js';

export interface FilesOptions {
  readonly backup: string;
  /** A glob, a file or a folder; default everything. */
  readonly pattern?: string | null | undefined;
  readonly board?: string | null | undefined;
}

export interface FileListing {
  readonly backupId: string;
  readonly archive: string;
  /** Entries as in the manifest. */
  readonly files: readonly ManifestEntry[];
}

export async function listFiles(
  parts: StoreParts,
  options: FilesOptions,
  context: JobContext,
): Promise<FileListing> {
  const choice = { wanted: options.backup, board: options.board, safety: true };
  const { manifest, path } = knownArchiveOf(await selectBackup(parts, choice, context));
  const matches = matcherOf(options.pattern ?? null);
  return {
    backupId: manifest.backupId,
    archive: path,
    files: manifest.files.filter((entry) => matches(pathOfEntry(entry))),
  };
}

/** A glob, or a file or folder by its exact path; a name with brackets in it still finds itself. */
export function matcherOf(pattern: string | null): (path: string) => boolean {
  if (pattern === null) return () => true;
  const exact = normalizePath(pattern);
  const matches = pathMatcher({ include: [pattern], exclude: [] });
  return (path) => isWithin(path, exact) || matches(path);
}
