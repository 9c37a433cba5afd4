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
 * The listing with a backup that was named by its path: one outside the folder may build on archives
 * in it, or on those that lie beside it.
 */
export async function listingWith(
  store: BackupFolder,
  named: StoredBackup,
  listing: ArchiveListing,
): Promise<ArchiveListing> {
  const known = new Set(listing.stored.map((each) => each.path));
  if (known.has(named.path)) return listing;
  if (named.safety) return { ...listing, stored: [...listing.stored, named] };
  const beside = (await store.beside(named.path)).filter(
    (each) => each.path !== named.path && !known.has(each.path),
  );
  const stored = [...listing.stored, ...beside, named];
  const archives = [...listing.archives, ...[...beside, named].map(chainArchiveOf)];
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
