/**
 * A full archive out of a chain, without the board: what goes into it, from where, what it replaces
 * and what may then be deleted.
 */
import type { FileEntry, Manifest } from '../archive/manifest.js';
import { pathOfEntry } from '../archive/manifest.js';
import { BelayError } from '../core/errors.js';
import type { ChainArchive, KnownArchive } from './archive.js';
import { isKnown, isWhole } from './archive.js';
import type { Lineage, LineageNode } from './lineage.js';
import { chainOf, isHealthy, resolveLineage } from './lineage.js';
import type { ContentMap, ContentSource } from './materialize.js';
import { filesOf, holdsContent, locateContent, requireContent } from './materialize.js';
import { needsOf, removalOrder } from './needs.js';
import { shortNameOf } from './retention.js';

/** A data member whose every file is wanted as it is: its bytes are copied. */
export interface MemberCopy {
  readonly archive: KnownArchive;
  readonly member: number;
  /** The tip's entries that it serves. */
  readonly entries: readonly FileEntry[];
}

export interface MergePlan {
  readonly tip: KnownArchive;
  /** The full first, the tip last. */
  readonly chain: readonly KnownArchive[];
  /** Verify all of these before anything is written: the chain and whatever else is read from. */
  readonly verify: readonly KnownArchive[];
  /** An earlier merge of this tip: nothing to write, only (with replace) to delete. */
  readonly existing: KnownArchive | null;
  readonly content: ContentMap;
  readonly copies: readonly MemberCopy[];
  /** Files to read and write one by one. */
  readonly rewrites: readonly { readonly entry: FileEntry; readonly source: ContentSource }[];
  /** What the merged manifest takes over from its tip, and what it replaces. */
  readonly heritage: MergeHeritage;
  readonly pinned: boolean;
}

export type MergeHeritage = Omit<Manifest, DerivedField>;

type DerivedField =
  | 'backupId'
  | 'backupType'
  | 'parent'
  | 'stateHash'
  | 'mergedAt'
  | 'restoreRecord'
  | 'integrityChecksum'
  | 'statistics'
  | 'members'
  | 'files';

/**
 * Throws the tip's own problem where its chain is broken, chain/missing-content, and
 * archive/unsupported where an archive names a feature without which it must not be merged.
 */
export function planMerge(lineage: Lineage, tip: KnownArchive): MergePlan {
  const node = lineage.byPath.get(tip.path);
  if (node === undefined) throw new TypeError(`planMerge: ${tip.path} is not in this lineage`);
  if (node.problem !== null) throw node.problem;
  const chain = chainOf(node);
  refuseUnknownFeatures(chain);
  const all = lineage.nodes.map((each) => each.archive);
  const content = locateContent(tip, all);
  requireContent(tip, content);
  const { copies, rewrites } = planMembers(tip, content);
  return {
    tip,
    chain,
    verify: [...new Set([...chain, ...content.archives])],
    existing: isWhole(tip.manifest) ? tip : earlierMerge(lineage, tip),
    content,
    copies,
    rewrites,
    heritage: heritageOf(tip.manifest, chain),
    pinned: tip.pinned,
  };
}

function refuseUnknownFeatures(chain: readonly KnownArchive[]): void {
  for (const { path, manifest } of chain) {
    const [feature] = manifest.requiredFeatures.merge;
    if (feature === undefined) continue;
    throw new BelayError('archive/unsupported', `${path}: merging it needs "${feature}"`, {
      hint: 'Merge it with the newer belay-backup that wrote it.',
    });
  }
}

/** A merge of a later archive may hold the same state, but not this one's time, note and pin. */
function earlierMerge(lineage: Lineage, tip: KnownArchive): KnownArchive | null {
  const { backupId, stateHash, sequence } = tip.manifest;
  for (const node of lineage.nodes) {
    if (!isHealthy(node)) continue;
    const archive = node.archive as KnownArchive;
    const { manifest } = archive;
    const ours = manifest.supersedes.some((old) => old.backupId === backupId);
    const same = manifest.stateHash === stateHash && manifest.sequence === sequence;
    if (ours && same && isWhole(manifest)) return archive;
  }
  return null;
}

/** Everything of the tip that a merge does not make anew, fields of newer versions included. */
function heritageOf(tip: Manifest, chain: readonly KnownArchive[]): MergeHeritage {
  const {
    backupId: _id,
    backupType: _type,
    parent: _parent,
    stateHash: _state,
    mergedAt: _mergedAt,
    restoreRecord: _record,
    integrityChecksum: _checksum,
    statistics: _statistics,
    members: _members,
    files: _files,
    ...rest
  } = tip;
  return { ...rest, supersedes: supersededBy(tip, chain) };
}

/**
 * The tip last. A later merge may stand in the chain for a parent that it has replaced: it and what
 * it was made of are newer than the tip, and this merge does not take their place.
 */
function supersededBy(tip: Manifest, chain: readonly KnownArchive[]): Manifest['supersedes'] {
  const supersedes = new Map<string, Manifest['supersedes'][number]>();
  for (const { manifest } of chain) {
    const { backupId, stateHash, sequence } = manifest;
    for (const old of [...manifest.supersedes, { backupId, stateHash, sequence }]) {
      if (old.sequence > tip.sequence) continue;
      supersedes.delete(old.backupId);
      supersedes.set(old.backupId, old);
    }
  }
  return [...supersedes.values()];
}

/** A member is copied where all of its files are in the tip with the same path, content and time. */
function planMembers(
  tip: KnownArchive,
  content: ContentMap,
): Pick<MergePlan, 'copies' | 'rewrites'> {
  const wanted = new Map<string, FileEntry>();
  for (const entry of filesOf(tip.manifest)) wanted.set(pathOfEntry(entry), entry);
  const copies: MemberCopy[] = [];
  const served = new Set<string>();
  for (const archive of content.archives) {
    for (const [member, held] of membersOf(archive.manifest)) {
      const entries = held.map((entry) => wanted.get(pathOfEntry(entry)));
      const usable = held.every((entry, at) => isSameFile(entry, entries[at]));
      const fresh = held.every((entry) => !served.has(pathOfEntry(entry)));
      if (!usable || !fresh) continue;
      for (const entry of held) served.add(pathOfEntry(entry));
      copies.push({ archive, member, entries: entries as FileEntry[] });
    }
  }
  const rewrites = [...content.sources]
    .filter(([path]) => !served.has(path))
    .map(([path, source]) => ({ entry: wanted.get(path) as FileEntry, source }));
  return { copies, rewrites };
}

function membersOf(manifest: Manifest): Map<number, FileEntry[]> {
  const members = new Map<number, FileEntry[]>();
  for (const entry of filesOf(manifest)) {
    if (!holdsContent(entry)) continue;
    const list = members.get(entry.member as number);
    if (list === undefined) members.set(entry.member as number, [entry]);
    else list.push(entry);
  }
  return members;
}

/** The tar header holds path, size and time: a copy needs all of them equal. */
function isSameFile(held: FileEntry, wanted: FileEntry | undefined): boolean {
  return (
    wanted !== undefined &&
    held.checksum === wanted.checksum &&
    held.originalSize === wanted.originalSize &&
    held.lastModified === wanted.lastModified
  );
}

export interface ReplacePlan {
  /** What nobody needs any more, in the order to delete in. */
  readonly remove: readonly KnownArchive[];
  readonly kept: readonly { readonly archive: KnownArchive; readonly why: string }[];
}

/** `merge --replace`, planned with the merged archive in the list. Asking again after it: nothing. */
export function planReplace(archives: readonly ChainArchive[], merged: KnownArchive): ReplacePlan {
  const lineage = resolveLineage(archives);
  const replaced = new Set(lineage.nodes.filter((node) => isSuperseded(node, merged)));
  const { sequence } = merged.manifest;
  const tipId = merged.manifest.supersedes.findLast((old) => old.sequence === sequence)?.backupId;
  const pinned = [...replaced].filter(
    ({ archive }) => archive.pinned && archive.manifest?.backupId !== tipId,
  );
  const wanted = new Set(lineage.nodes.filter((node) => !replaced.has(node)));
  for (const node of pinned) wanted.add(node);
  const needs = needsOf(lineage, wanted);
  const doomed = new Set([...replaced].filter((node) => !wanted.has(node) && !needs.has(node)));
  const kept = [...replaced]
    .filter((node) => !doomed.has(node))
    .map((node) => {
      const by = (needs.get(node) ?? []).map((other) => shortNameOf(other.archive));
      const why = by.length > 0 ? `needed by ${by.join(', ')}` : 'pinned';
      return { archive: node.archive as KnownArchive, why };
    });
  const remove = removalOrder(lineage, doomed).map((node) => node.archive as KnownArchive);
  return { remove, kept };
}

function isSuperseded(node: LineageNode, merged: KnownArchive): boolean {
  if (!isHealthy(node) || !isKnown(node.archive) || node.archive.path === merged.path) return false;
  const { backupId, stateHash, sequence } = node.archive.manifest;
  if (sequence > merged.manifest.sequence) return false;
  return merged.manifest.supersedes.some(
    (old) => old.backupId === backupId && old.stateHash === stateHash,
  );
}
