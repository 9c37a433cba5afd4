/** The folder as the chain room reasons about it. */
import type { ChainArchive } from '../chain/archive.js';
import type { Lineage } from '../chain/lineage.js';
import { resolveLineage } from '../chain/lineage.js';
import type { BackupFolder, StoredBackup } from '../store/backup-folder.js';

export interface ArchiveListing {
  readonly stored: readonly StoredBackup[];
  /** Without safety archives, which are never part of a chain. */
  readonly archives: readonly ChainArchive[];
  readonly lineage: Lineage;
}

export async function listArchives(store: BackupFolder): Promise<ArchiveListing> {
  const stored = await store.list({ safety: true });
  const archives = stored.filter((each) => !each.safety).map(chainArchiveOf);
  return { stored, archives, lineage: resolveLineage(archives) };
}

/**
 * The listing with a backup that was named by its path: one outside the folder may still build on
 * archives in it, and what it builds on may be missing there.
 */
export function listingWith(named: StoredBackup, listing: ArchiveListing): ArchiveListing {
  if (listing.stored.some((each) => each.path === named.path)) return listing;
  const stored = [...listing.stored, named];
  if (named.safety) return { ...listing, stored };
  const archives = [...listing.archives, chainArchiveOf(named)];
  return { stored, archives, lineage: resolveLineage(archives) };
}

export function chainArchiveOf(stored: StoredBackup): ChainArchive {
  return {
    path: stored.path,
    archiveBytes: stored.archiveBytes,
    pinned: stored.pinned,
    manifest: stored.head?.manifest ?? null,
    problem: stored.problem,
    partial: stored.partial,
  };
}
