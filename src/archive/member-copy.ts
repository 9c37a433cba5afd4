/** What a merge takes from an archive: entries as new files, and members that may stay as they are. */
import type { NewFile } from './big-file.js';
import type { BlbHead } from './blb-head.js';
import type { ByteSource } from './byte-source.js';
import type { FileEntry, Manifest } from './manifest.js';
import { pathOfEntry } from './manifest.js';
import { readFully } from './member-reader.js';
import type { Spool } from './spool.js';
import { tarMtimeOf } from './tar-header.js';
import type { PlacedEntry } from './tar-layout.js';
import { layoutOfManifest } from './tar-layout.js';

const COPY_CHUNK_BYTES = 256 * 1024;

/** An entry of another archive as the writer takes it; fields unknown to this version are kept. */
export function newFileOf(entry: FileEntry): NewFile {
  const { relativePath, rawPath, isDirectory, originalSize, compressedSize, ...rest } = entry;
  const { lastModified, checksum, checkedBy, crc32, ...others } = rest;
  const { compressionMethod, member, tarOffset, dataIn, ...furtherFields } = others;
  return {
    path: pathOfEntry(entry),
    sizeBytes: originalSize,
    modifiedS: lastModified,
    sha256: checksum,
    checkedBy,
    ...(crc32 === undefined ? {} : { crc32 }),
    ...(Object.keys(furtherFields).length === 0 ? {} : { furtherFields }),
  };
}

/**
 * True where every file of the member is wanted with the same content and time. False for members
 * of folders: the writer makes those itself.
 */
export function isMemberUnchanged(
  manifest: Manifest,
  member: number,
  wanted: ReadonlyMap<string, NewFile>,
): boolean {
  const placed = layoutOfManifest(manifest)[member] as readonly PlacedEntry[];
  return placed.every(({ path, entry }) => {
    const meta = wanted.get(path);
    return (
      meta !== undefined &&
      !entry.isDirectory &&
      meta.sizeBytes === entry.originalSize &&
      meta.sha256 === entry.checksum &&
      tarMtimeOf(meta.modifiedS) === tarMtimeOf(entry.lastModified)
    );
  });
}

/** Appends the member's bytes as they are. */
export async function copyMemberBytes(
  source: ByteSource,
  head: BlbHead,
  member: number,
  spool: Spool,
): Promise<{ readonly compressedSize: number; readonly tarSize: number }> {
  const range = head.manifest.members[member] as BlbHead['manifest']['members'][number];
  const start = head.headBytes + range.offset;
  for (let done = 0; done < range.compressedSize; done += COPY_CHUNK_BYTES) {
    const length = Math.min(COPY_CHUNK_BYTES, range.compressedSize - done);
    await spool.append(await readFully(source, start + done, length));
  }
  return range;
}

/** How the member of these files was compressed. */
export function methodOf(files: readonly PlacedEntry[]): FileEntry['compressionMethod'] {
  const { entry } = files[0] as PlacedEntry;
  return (entry as FileEntry).compressionMethod;
}
