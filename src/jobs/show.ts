/** `show`: everything in a manifest but the files. */
import type { Manifest } from '../archive/manifest.js';
import { listArchives } from './archive-listing.js';
import type { JobContext, StoreParts } from './context.js';
import type { BackupRow } from './list.js';
import { rowOf } from './list.js';
import { chosenContent } from './restore-source.js';

export interface ShowOptions {
  readonly backup: string;
  readonly board?: string | null | undefined;
}

export interface BackupDetails {
  readonly row: BackupRow;
  readonly manifest: Omit<Manifest, 'files'>;
  readonly manifestSha256: string;
  /** backupIds this backup takes content from, itself left out. */
  readonly dependsOn: readonly string[];
  /** backupIds that are built on it. */
  readonly neededBy: readonly string[];
}

export async function showBackup(
  parts: StoreParts,
  options: ShowOptions,
  _context: JobContext,
): Promise<BackupDetails> {
  const folder = await listArchives(parts.store);
  const { backup: wanted, board } = options;
  const chosen = await chosenContent(parts, { wanted, board }, folder);
  const { stored, listing, tip, content } = chosen;
  const { files: _files, ...manifest } = tip.manifest;
  const own = tip.manifest.backupId;
  const idOf = (archive: { readonly manifest: { readonly backupId: string } | null }) =>
    archive.manifest?.backupId ?? null;
  const children = folder.lineage.byPath.get(stored.path)?.children ?? [];
  return {
    row: rowOf(stored, listing),
    manifest,
    manifestSha256: (stored.head as NonNullable<typeof stored.head>).manifestSha256,
    dependsOn: content.content.archives
      .map(idOf)
      .filter((id): id is string => id !== null && id !== own),
    neededBy: children
      .map((child) => idOf(child.archive))
      .filter((id): id is string => id !== null),
  };
}
