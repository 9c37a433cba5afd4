/**
 * The head of an archive for a listing: everything but the list of files, which is parsed when it is
 * first asked for. Most of a manifest is that list, and a listing of a thousand archives needs none.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { BelayError } from '../core/errors.js';
import type { BlbHead } from './blb-head.js';
import { readBlbHead } from './blb-head.js';
import type { ByteSource } from './byte-source.js';
import { END_MEMBER_BYTES, holdsEnd, parseEndMember } from './end-member.js';
import { readFirstMember } from './first-member.js';
import { hasProtoKey } from './json-bounds.js';
import type { Manifest, ManifestEntry } from './manifest.js';
import { parseManifest } from './manifest-codec.js';
import { manifestSchema } from './manifest-schema.js';

export interface ListedHead {
  readonly head: BlbHead;
  /** True where something could not be read: an entry has an error. */
  readonly partial: boolean;
}

/** What checksums.txt takes beyond its lines, frames included, and what deflate may add. */
const CHECKSUMS_SPARE_BYTES = 4096;
const LIST_START = Buffer.from(',"files":[');
/** In JSON a quote inside of a name is escaped, so this is found in no name. */
const ERROR_KEY = Buffer.from('"error":{');

/**
 * Fails as readBlbHead does, but for what only the list of files can show: that is thrown (as
 * archive/manifest and the like) by `head.manifest.files` when it is first used. Head, end and the
 * manifest's hash agree, so such an archive was made wrong, not damaged; `verify` tells.
 */
export async function readListedHead(source: ByteSource): Promise<ListedHead> {
  const head = await quickHead(source);
  if (head !== null) return head;
  const whole = await readBlbHead(source);
  return { head: whole, partial: whole.manifest.files.some((entry) => 'error' in entry) };
}

/** null where anything is out of the ordinary: the strict reader then says what. */
async function quickHead(source: ByteSource): Promise<ListedHead | null> {
  if (source.sizeBytes < END_MEMBER_BYTES) return null;
  const tail = await source.read(source.sizeBytes - END_MEMBER_BYTES, END_MEMBER_BYTES);
  const end = parseEndMember(tail);
  const first = end === null ? null : await readFirstMember(source).catch(() => null);
  if (end === null || first === null || first.memberBytes !== end.headBytes) return null;
  const bytes = Buffer.from(
    first.manifestBytes.buffer,
    first.manifestBytes.byteOffset,
    first.manifestBytes.length,
  );
  const manifestSha256 = createHash('sha256').update(bytes).digest('hex');
  if (manifestSha256 !== end.manifestSha256) return null;
  const listStart = bytes.indexOf(LIST_START);
  const manifest = listStart < 0 ? null : withoutList(bytes, listStart);
  if (manifest === null) return null;
  const dataEnd = end.headBytes + manifest.statistics.totalCompressedSize;
  const checksumsBytes = source.sizeBytes - END_MEMBER_BYTES - dataEnd;
  // Every line of checksums.txt is shorter than the manifest's entry of that file.
  if (checksumsBytes <= 0 || checksumsBytes > bytes.length + CHECKSUMS_SPARE_BYTES) return null;
  if (holdsEnd(await source.read(dataEnd, checksumsBytes))) return null;
  attachList(manifest, source.name, bytes);
  return {
    head: { manifest, manifestSha256, headBytes: end.headBytes, archiveBytes: source.sizeBytes },
    partial: bytes.indexOf(ERROR_KEY, listStart) >= 0,
  };
}

function withoutList(bytes: Buffer, listStart: number): Manifest | null {
  const text = `${bytes.toString('utf8', 0, listStart)},"files":[]}`;
  try {
    const value = JSON.parse(text) as Manifest;
    const isAsSpecified =
      JSON.stringify(value) === text &&
      !hasProtoKey(value) &&
      manifestSchema.safeParse(value).success &&
      value.requiredFeatures.read.length === 0;
    return isAsSpecified ? value : null;
  } catch {
    return null;
  }
}

function attachList(manifest: Manifest, name: string, bytes: Uint8Array): void {
  const list = { configurable: true, enumerable: true };
  Object.defineProperty(manifest, 'files', {
    ...list,
    get: () => {
      const files = parseNaming(name, bytes);
      Object.defineProperty(manifest, 'files', { ...list, value: files });
      return files;
    },
  });
}

function parseNaming(name: string, bytes: Uint8Array): readonly ManifestEntry[] {
  try {
    return parseManifest(bytes).files;
  } catch (error) {
    const { code, message, details } = error as BelayError;
    throw new BelayError(code, `${name}: ${message}`, { details: { ...details, archive: name } });
  }
}
