/**
 * The backup that files are taken from: found, its chain judged, every archive it is read from
 * verified in full. Nothing is restored or extracted without having passed here.
 */
import { pathOfEntry } from '../archive/manifest.js';
import type { KnownArchive } from '../chain/archive.js';
import { treeOf } from '../chain/archive.js';
import { isHealthy } from '../chain/lineage.js';
import { locateContent, requireContent } from '../chain/materialize.js';
import type { BelayError } from '../core/errors.js';
import type { Tree } from '../core/tree.js';
import type { BackupFolder, StoredBackup } from '../store/backup-folder.js';
import type { ArchiveListing } from './archive-listing.js';
import { chainArchiveOf, listingWith } from './archive-listing.js';
import { ContentReader } from './content-reader.js';
import type { StoreParts } from './context.js';
import type { BackupChoice } from './select-backup.js';
import { chooseBackup } from './select-backup.js';
import type { VerifiedArchives } from './verified-archives.js';

export interface SourceBackup {
  readonly stored: StoredBackup;
  readonly tip: KnownArchive;
  readonly tree: Tree;
  readonly content: ContentReader;
}

/** The head of a stored backup; throws its problem where it has one. */
export function knownArchiveOf(stored: StoredBackup): KnownArchive {
  const archive = chainArchiveOf(stored);
  if (archive.manifest === null || archive.problem !== null) throw archive.problem as BelayError;
  return { ...archive, manifest: archive.manifest };
}

/** Throws what is wrong with the chain, unless whatever is left shall be used. */
export function requireChain(tip: KnownArchive, listing: ArchiveListing, keepGoing: boolean): void {
  const node = listing.lineage.byPath.get(tip.path);
  if (node === undefined || isHealthy(node) || node.problem === null) return;
  if (!keepGoing || node.state !== 'orphan') throw node.problem;
}

/** A backup that was chosen, and where its content is; nothing is verified. */
export interface ChosenBackup {
  readonly stored: StoredBackup;
  /** With the backup in it, and what lies beside it, where it is outside the folder. */
  readonly listing: ArchiveListing;
  readonly tip: KnownArchive;
  readonly content: ContentReader;
}

/**
 * The backup that the user means, safety archives too where they are named, for jobs that check the
 * hashes of what they read. Throws as chooseBackup, and the archive's own problem where it has one.
 */
export async function chosenContent(
  parts: StoreParts,
  choice: Omit<BackupChoice, 'safety'>,
  folder: ArchiveListing,
): Promise<ChosenBackup> {
  const stored = await chooseBackup(parts, { ...choice, safety: true }, folder);
  const tip = knownArchiveOf(stored);
  const listing = await listingWith(parts.store, stored, folder);
  const content = stored.safety
    ? ContentReader.alone(parts.store, tip)
    : ContentReader.of(parts.store, tip, listing.archives);
  return { stored, listing, tip, content };
}

/**
 * Verifies the tip and every archive that the `wanted` files are read from. A damaged ancestor is
 * passed over where another archive has the content; otherwise its damage is thrown. With
 * `keepGoing` the files that nothing holds are left out of `content`.
 */
export async function verifiedSource(
  parts: { readonly store: BackupFolder; readonly verified: VerifiedArchives },
  stored: StoredBackup,
  listing: ArchiveListing,
  options: {
    readonly keepGoing: boolean;
    readonly wanted: (tree: Tree) => (path: string) => boolean;
  },
): Promise<SourceBackup> {
  const tip = knownArchiveOf(stored);
  requireChain(tip, listing, options.keepGoing);
  await parts.verified.verify(tip.path);
  const tree = treeOf(tip.manifest);
  if (stored.safety)
    return {
      stored,
      tip,
      tree,
      content: ContentReader.alone(parts.store, tip),
    };
  const isWanted = options.wanted(tree);
  const { archives } = await listingWith(parts.store, stored, listing);
  const unfit = new Set<string>();
  let firstDamage: BelayError | null = null;
  for (;;) {
    const located = locateContent(tip, archives, { unfit });
    const content = new ContentReader(parts.store, located);
    const wanted = [...located.sources.keys()].filter(isWanted);
    const damaged = await parts.verified.firstDamaged(
      content.archivesFor(wanted).map((archive) => archive.path),
    );
    if (damaged !== null) {
      unfit.add(damaged.path);
      firstDamage ??= damaged.error;
      continue;
    }
    const missing = located.missing.filter((entry) => isWanted(pathOfEntry(entry)));
    if (missing.length > 0 && !options.keepGoing) {
      if (firstDamage !== null) throw firstDamage;
      requireContent(tip, { ...located, missing });
    }
    return { stored, tip, tree, content };
  }
}
