/** Which backup the new one builds on: chosen by the chain's rules, then verified before it is used. */
import type { Manifest } from '../archive/manifest.js';
import type { KnownArchive } from '../chain/archive.js';
import { locateContent } from '../chain/materialize.js';
import type { ParentChoice, ParentRequest } from '../chain/parent-choice.js';
import { chooseParent, FULL_EVERY_DEFAULT } from '../chain/parent-choice.js';
import { boardKeyOf } from '../core/board-key.js';
import { throwIfAborted } from '../core/errors.js';
import type { ArchiveListing } from './archive-listing.js';
import type { VerifiedArchives } from './verified-archives.js';

export interface ParentWish {
  readonly type: ParentRequest['type'];
  readonly boardKey: string | null;
  readonly scope: Manifest['scope'];
  readonly fullEvery: number | null;
  readonly requireParent: boolean;
  /** Also verify the older archives that the parent takes content from. */
  readonly verifyAncestors: boolean;
}

/** Damaged archives are passed over, newest first, until one is whole or a full is due. */
export async function chooseVerifiedParent(
  listing: ArchiveListing,
  wish: ParentWish,
  verified: VerifiedArchives,
  signal: AbortSignal,
): Promise<ParentChoice> {
  const unfit = new Set<string>();
  for (;;) {
    throwIfAborted(signal);
    const { type, boardKey, scope, requireParent } = wish;
    const fullEvery = wish.fullEvery ?? FULL_EVERY_DEFAULT;
    const choice = chooseParent(listing.lineage, {
      type,
      boardKey,
      scope,
      fullEvery,
      requireParent,
      unfit,
    });
    if (choice.parent === null) return choice;
    const content = locateContent(choice.parent, listing.archives, { unfit });
    if (content.missing.length > 0) {
      unfit.add(choice.parent.path);
      continue;
    }
    const needed = wish.verifyAncestors ? content.archives : [choice.parent];
    const damaged = await verified.firstDamaged(needed.map((archive) => archive.path));
    if (damaged === null) return choice;
    unfit.add(damaged.path);
  }
}

/** The newest backup that looked at the same path through the same patterns, whole or not: what "the last backup" had. */
export function lastOfSameView(
  listing: ArchiveListing,
  boardKey: string | null,
  scope: Manifest['scope'],
): KnownArchive | null {
  if (boardKey === null) return null;
  const view = (of: Manifest['scope']) =>
    JSON.stringify([of.path, [...of.patterns.include].sort(), [...of.patterns.exclude].sort()]);
  let last: KnownArchive | null = null;
  for (const { archive } of listing.lineage.nodes) {
    const { manifest } = archive;
    if (manifest === null || boardKeyOf(manifest.deviceInfo) !== boardKey) continue;
    if (view(manifest.scope) === view(scope)) last = { ...archive, manifest };
  }
  return last;
}
