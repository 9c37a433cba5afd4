/** The manifest and the parts of an archive that follow from it, once all data members are known. */
import { createHash } from 'node:crypto';
import type { NewFile } from './big-file.js';
import { checksumsText, integrityChecksumOf } from './checksums.js';
import { packEntries } from './container.js';
import { endMember } from './end-member.js';
import type { DeflateSettings } from './gzip-member.js';
import { DEFLATE_HASHES, gzipMember } from './gzip-member.js';
import type { FileEntry, Manifest, ManifestEntry } from './manifest.js';
import { entryNameOf, pathOfEntry } from './manifest.js';
import { encodeManifest, parseManifest } from './manifest-codec.js';
import type { PendingEntry, Spool, SpooledMember } from './spool.js';
import { stateHash, stateRecordsOf } from './state-hash.js';
import { statisticsOf } from './statistics.js';
import type { TarEntry } from './tar-header.js';
import { isFolder, layoutOfManifest } from './tar-layout.js';
import { CHECKSUMS_NAME, MANIFEST_NAME, tarNameOf } from './tar-name.js';

/** What the caller knows of a manifest; the writer derives the rest. Further fields are kept. */
export type ManifestDraft = Omit<
  Manifest,
  'stateHash' | 'integrityChecksum' | 'statistics' | 'members' | 'files'
> & { readonly statistics: { readonly backupDurationMs: number } };

/** A piece of the spool, or bytes. */
export type BlbPiece = Uint8Array | { readonly offset: number; readonly length: number };

/** A whole archive but for its end, which needs the hash of everything before it. */
export interface BlbParts {
  readonly manifest: Manifest;
  readonly manifestSha256: string;
  /** Head, data members, checksums, in order. */
  readonly pieces: readonly BlbPiece[];
  /** The last 184 bytes. */
  end(sha256OfPieces: string): Uint8Array;
}

/** Folders are headers only: this many of them fill 128 KiB. */
const FOLDERS_PER_MEMBER = 256;
const JOIN_CHUNK_BYTES = 64 * 1024;

/** `entries` sorted by path, `members` in the order of the archive. */
export async function buildParts(
  draft: ManifestDraft,
  entries: readonly PendingEntry[],
  members: readonly SpooledMember[],
  settings: DeflateSettings,
): Promise<BlbParts> {
  const folders = await folderMembers(entries, settings);
  const sizes = [
    ...members,
    ...folders.map(({ tarSize, bytes }) => ({ tarSize, compressedSize: bytes.length })),
  ];
  const manifest = manifestOf(draft, listOf(entries, members), sizes);
  const manifestBytes = encodeManifest(manifest);
  // Paired with the reader's checks: nothing is written that it would refuse.
  parseManifest(manifestBytes);
  const manifestSha256 = createHash('sha256').update(manifestBytes).digest('hex');
  const checksums = checksumsText(manifestSha256, layoutOfManifest(manifest));
  const head = await gzipMember(await packFile(MANIFEST_NAME, manifestBytes), DEFLATE_HASHES);
  return {
    manifest,
    manifestSha256,
    pieces: [
      head,
      ...members.map(({ spoolOffset, compressedSize }) => ({
        offset: spoolOffset,
        length: compressedSize,
      })),
      ...folders.map(({ bytes }) => bytes),
      await gzipMember(await packFile(CHECKSUMS_NAME, checksums), DEFLATE_HASHES),
    ],
    end: (restSha256) => endMember({ headBytes: head.length, manifestSha256, restSha256 }),
  };
}

/** The bytes of the whole archive. */
export async function* joinParts(parts: BlbParts, spool: Spool): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for (const piece of parts.pieces) {
    for await (const bytes of bytesOfPiece(piece, spool)) {
      hash.update(bytes);
      yield bytes;
    }
  }
  yield parts.end(hash.digest('hex'));
}

async function* bytesOfPiece(piece: BlbPiece, spool: Spool): AsyncGenerator<Uint8Array> {
  if (piece instanceof Uint8Array) {
    yield piece;
    return;
  }
  const end = piece.offset + piece.length;
  for (let at = piece.offset; at < end; at += JOIN_CHUNK_BYTES) {
    yield await spool.read(at, Math.min(JOIN_CHUNK_BYTES, end - at));
  }
}

async function folderMembers(entries: readonly PendingEntry[], settings: DeflateSettings) {
  const folders = entries
    .flatMap((each) => (each.kind === 'listed' ? [each.entry] : []))
    .filter(isFolder)
    .map(pathOfEntry);
  const members: { readonly tarSize: number; readonly bytes: Uint8Array }[] = [];
  for (let at = 0; at < folders.length; at += FOLDERS_PER_MEMBER) {
    const tars = folders.slice(at, at + FOLDERS_PER_MEMBER).map(folderTar);
    const packed = await packEntries(tars.map((tar) => ({ tar, bytes: new Uint8Array(0) })));
    members.push({ tarSize: packed.length, bytes: await gzipMember(packed, settings) });
  }
  return members;
}

function folderTar(path: string): TarEntry {
  return { name: tarNameOf(path, true), isFolder: true, sizeBytes: 0, mtimeS: 0 };
}

function packFile(name: string, bytes: Uint8Array): Promise<Uint8Array> {
  return packEntries([
    { tar: { name, isFolder: false, sizeBytes: bytes.length, mtimeS: 0 }, bytes },
  ]);
}

function manifestOf(
  draft: ManifestDraft,
  files: readonly ManifestEntry[],
  sizes: readonly { readonly compressedSize: number; readonly tarSize: number }[],
): Manifest {
  let offset = 0;
  const members = sizes.map(({ compressedSize, tarSize }) => {
    const member = { offset, compressedSize, tarSize };
    offset += compressedSize;
    return member;
  });
  const { statistics, ...fields } = draft;
  return {
    ...fields,
    stateHash: stateHash(stateRecordsOf(files)),
    integrityChecksum: integrityChecksumOf(layoutOfManifest({ members, files })),
    statistics: { ...statistics, ...statisticsOf({ files, members }) },
    members,
    files,
  };
}

function listOf(
  entries: readonly PendingEntry[],
  members: readonly SpooledMember[],
): ManifestEntry[] {
  const places = placesOf(members);
  return entries.map((entry) => {
    if (entry.kind === 'listed') return entry.entry;
    if (entry.kind === 'reference') {
      return { ...fileFields(entry.meta, null), compressionMethod: 'none', dataIn: entry.dataIn };
    }
    const place = places.get(entry.meta.path) as Place;
    const { compressedSize, compressionMethod, member, tarOffset } = place;
    return { ...fileFields(entry.meta, compressedSize), compressionMethod, member, tarOffset };
  });
}

type Place = Pick<
  Required<FileEntry>,
  'compressedSize' | 'compressionMethod' | 'member' | 'tarOffset'
>;

function placesOf(members: readonly SpooledMember[]): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const [member, { files, compressedSize, compressionMethod }] of members.entries()) {
    for (const { meta, tarOffset } of files) {
      const ownSize = files.length === 1 ? compressedSize : null;
      places.set(meta.path, { compressedSize: ownSize, compressionMethod, member, tarOffset });
    }
  }
  return places;
}

function fileFields(meta: NewFile, compressedSize: number | null) {
  return {
    ...entryNameOf(meta.path),
    isDirectory: false as const,
    originalSize: meta.sizeBytes,
    compressedSize,
    lastModified: meta.modifiedS,
    checksum: meta.sha256,
    checkedBy: meta.checkedBy,
    ...(meta.crc32 === undefined ? {} : { crc32: meta.crc32 }),
    ...meta.furtherFields,
  };
}
