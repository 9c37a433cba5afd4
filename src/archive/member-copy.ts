/** What a merge takes from an archive: entries as new files, and members that may stay as they are. */
import type { NewFile } from './big-file.js';
import type { FileEntry, Manifest } from './manifest.js';
import { pathOfEntry } from './manifest.js';
import { tarMtimeOf } from './tar-header.js';
import { layoutOfManifest } from './tar-layout.js';

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
  const placed = layoutOfManifest(manifest)[member];
  if (placed === undefined || placed.length === 0) return false;
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
