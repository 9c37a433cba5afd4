/**
 * Which entry stands where in the tar, worked out from the manifest alone. Reader and writer both
 * start from this list, so the tar is never interpreted: it is compared with what must be there.
 */
import { displayPath } from '../core/device-path.js';
import type { FileEntry, FolderEntry, Manifest, ManifestEntry } from './manifest.js';
import { pathOfEntry } from './manifest.js';
import type { TarEntry } from './tar-header.js';
import { tarMtimeOf, tarSizeOf } from './tar-header.js';
import { tarNameOf } from './tar-name.js';

export interface PlacedEntry {
  readonly path: string;
  readonly entry: FileEntry | FolderEntry;
  readonly tar: TarEntry;
  /** Of the first header block, in the member's tar bytes. */
  readonly tarOffset: number;
  readonly tarSize: number;
}

/** The entries of each member, in the order of the tar. */
export type TarLayout = readonly (readonly PlacedEntry[])[];

/** A file whose content is in this archive. */
export function isStoredFile(
  entry: ManifestEntry,
): entry is FileEntry & { member: number; tarOffset: number } {
  return !('error' in entry) && !entry.isDirectory && entry.member !== undefined;
}

export function isFolder(entry: ManifestEntry): entry is FolderEntry {
  return !('error' in entry) && entry.isDirectory;
}

export function tarEntryOf(entry: FileEntry | FolderEntry): TarEntry {
  const name = tarNameOf(pathOfEntry(entry), entry.isDirectory);
  return entry.isDirectory
    ? { name, isFolder: true, sizeBytes: 0, mtimeS: 0 }
    : {
        name,
        isFolder: false,
        sizeBytes: entry.originalSize,
        mtimeS: tarMtimeOf(entry.lastModified),
      };
}

/**
 * The layout, or a sentence about the first thing that does not fit: every file member is filled by
 * its files without a gap, and the members after them by all folders in the order of the list.
 */
export function tarLayoutOf(manifest: Pick<Manifest, 'members' | 'files'>): TarLayout | string {
  const members: PlacedEntry[][] = manifest.members.map(() => []);
  for (const entry of manifest.files) {
    if (!isStoredFile(entry)) continue;
    const member = members[entry.member];
    if (member === undefined)
      return `${displayPath(entry.relativePath)}: there is no member ${entry.member}`;
    member.push(placed(entry, entry.tarOffset));
  }
  for (const [index, { tarSize }] of manifest.members.entries()) {
    const entries = members[index] as PlacedEntry[];
    entries.sort((a, b) => a.tarOffset - b.tarOffset);
    const problem = entries.length === 0 ? null : gapIn(entries, tarSize);
    if (problem !== null) return `member ${index}: ${problem}`;
  }
  return placeFolders(manifest, members) ?? members;
}

const layouts = new WeakMap<object, TarLayout>();

/** The layout of lists that fit each other, such as a checked manifest's; worked out once. */
export function layoutOfManifest(manifest: Pick<Manifest, 'members' | 'files'>): TarLayout {
  const known = layouts.get(manifest);
  if (known !== undefined) return known;
  const layout = tarLayoutOf(manifest);
  if (typeof layout === 'string') throw new TypeError(`a manifest that was not checked: ${layout}`);
  layouts.set(manifest, layout);
  return layout;
}

function placed(entry: FileEntry | FolderEntry, tarOffset: number): PlacedEntry {
  const tar = tarEntryOf(entry);
  return { path: pathOfEntry(entry), entry, tar, tarOffset, tarSize: tarSizeOf(tar) };
}

function gapIn(entries: readonly PlacedEntry[], tarSize: number): string | null {
  let end = 0;
  for (const { entry, tarOffset, tarSize: size } of entries) {
    if (tarOffset !== end)
      return `${displayPath(entry.relativePath)} at ${tarOffset} where ${end} is next`;
    end += size;
  }
  return end === tarSize ? null : `its entries take ${end} bytes of ${tarSize}`;
}

/** Fills `members` with the folders; returns what does not fit. */
function placeFolders(
  manifest: Pick<Manifest, 'members' | 'files'>,
  members: PlacedEntry[][],
): string | null {
  const folders = manifest.files.filter(isFolder);
  const firstFolderMember = members.findLastIndex((entries) => entries.length > 0) + 1;
  let next = 0;
  for (const [index, { tarSize }] of manifest.members.entries()) {
    const entries = members[index] as PlacedEntry[];
    if (entries.length > 0) continue;
    if (index < firstFolderMember) return `member ${index} holds no file`;
    for (let end = 0; end < tarSize; next += 1) {
      const folder = folders[next];
      if (folder === undefined) return `member ${index} is longer than the folders that are left`;
      const entry = placed(folder, end);
      entries.push(entry);
      end += entry.tarSize;
      if (end > tarSize) return `member ${index} ends inside ${displayPath(folder.relativePath)}`;
    }
  }
  return next === folders.length ? null : `${folders.length - next} folders are in no member`;
}
