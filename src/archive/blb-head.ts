/**
 * Head and end of an archive: the two small reads that a listing is made of. Together they notice
 * truncation and what was appended; damage in between takes the full pass of blb-reader.ts.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { BelayError, isBelayError } from '../core/errors.js';
import { diagnose } from './blb-diagnosis.js';
import type { ByteSource } from './byte-source.js';
import { fileLines, manifestLine } from './checksums.js';
import type { EndRecord } from './end-member.js';
import { END_MEMBER_BYTES, holdsEnd, parseEndMember } from './end-member.js';
import type { FirstMember } from './first-member.js';
import { readFirstMember } from './first-member.js';
import { GZIP_FRAME_BYTES } from './gzip-member.js';
import type { Manifest } from './manifest.js';
import { parseManifest } from './manifest-codec.js';
import { readFully } from './member-reader.js';
import { tarSizeOf } from './tar-header.js';
import { layoutOfManifest } from './tar-layout.js';
import { CHECKSUMS_NAME } from './tar-name.js';

/** What head and end say. */
export interface BlbHead {
  readonly manifest: Manifest;
  readonly manifestSha256: string;
  /** Length of member 1: offsets of data members count from here. */
  readonly headBytes: number;
  readonly archiveBytes: number;
}

/**
 * Throws archive/empty, archive/not-blb, archive/truncated, archive/trailing, archive/damaged,
 * archive/manifest, archive/path, archive/limit, archive/unsupported (with what the frozen fields
 * say), and what the source throws.
 */
export async function readBlbHead(source: ByteSource): Promise<BlbHead> {
  return naming(source, async () => (await readBlbEnds(source)).head);
}

/** Head and end record; errors do not name the archive yet. */
export async function readBlbEnds(source: ByteSource): Promise<{ head: BlbHead; end: EndRecord }> {
  if (source.sizeBytes === 0) throw new BelayError('archive/empty', 'empty archive');
  const end = await readEnd(source);
  if (end === null) throw await diagnose(source);
  const first = await firstMemberOf(source);
  if (first.memberBytes !== end.headBytes) {
    throw await trailingOr(source, damaged('the end member names another length of member 1'));
  }
  const manifestSha256 = createHash('sha256').update(first.manifestBytes).digest('hex');
  if (manifestSha256 !== end.manifestSha256) {
    throw await trailingOr(source, damaged('manifest.json is not the one that was written'));
  }
  const manifest = parseManifest(first.manifestBytes);
  const head = {
    manifest,
    manifestSha256,
    headBytes: end.headBytes,
    archiveBytes: source.sizeBytes,
  };
  await checkLength(source, head);
  return { head, end };
}

/** Where the member of checksums.txt lies, and the text that must be in it. */
export function checksumsPlaceOf(head: BlbHead): {
  readonly offset: number;
  readonly compressedSize: number;
  readonly tarSize: number;
} {
  const { manifest, headBytes, archiveBytes } = head;
  const offset = headBytes + manifest.statistics.totalCompressedSize;
  let sizeBytes = manifestLine(head.manifestSha256).length;
  for (const line of fileLines(layoutOfManifest(manifest))) sizeBytes += Buffer.byteLength(line);
  const tarSize = tarSizeOf({ name: CHECKSUMS_NAME, isFolder: false, sizeBytes, mtimeS: 0 });
  return { offset, compressedSize: archiveBytes - END_MEMBER_BYTES - offset, tarSize };
}

/** Puts the archive's name before every message about it. */
export async function naming<T>(source: ByteSource, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BelayError) || !error.code.startsWith('archive/')) throw error;
    if (error.message.startsWith(`${source.name}: `)) throw error;
    throw new BelayError(error.code, `${source.name}: ${error.message}`, {
      ...(error.hint === null ? {} : { hint: error.hint }),
      details: { ...error.details, archive: source.name },
      cause: error.cause,
    });
  }
}

/** With an end member it is a `.blb`, whatever its head looks like. */
async function firstMemberOf(source: ByteSource): Promise<FirstMember> {
  try {
    return await readFirstMember(source);
  } catch (error) {
    if (!isBelayError(error, 'archive/not-blb')) throw error;
    throw new BelayError('archive/damaged', 'member 1 cannot be read as manifest.json', {
      cause: error,
    });
  }
}

async function readEnd(source: ByteSource): Promise<EndRecord | null> {
  if (source.sizeBytes < END_MEMBER_BYTES) return null;
  return parseEndMember(
    await readFully(source, source.sizeBytes - END_MEMBER_BYTES, END_MEMBER_BYTES),
  );
}

/** An archive with another one behind it ends as the other does: that is what is wrong with it. */
async function trailingOr(source: ByteSource, otherwise: BelayError): Promise<BelayError> {
  const problem = await diagnose(source);
  return problem.code === 'archive/trailing' ? problem : otherwise;
}

/** The members between head and end must have about the room that they need, and no end in it. */
async function checkLength(source: ByteSource, head: BlbHead): Promise<void> {
  const { offset, compressedSize, tarSize } = checksumsPlaceOf(head);
  if (compressedSize < GZIP_FRAME_BYTES) {
    const expected = head.archiveBytes - compressedSize + GZIP_FRAME_BYTES;
    throw new BelayError(
      'archive/truncated',
      `${head.archiveBytes} bytes long where its members need at least ${expected}`,
      { details: { expectedBytes: expected, foundBytes: head.archiveBytes } },
    );
  }
  // Deflate never adds more than five bytes to every stored block.
  const isTooLong = compressedSize > tarSize + tarSize / 1000 + 1024;
  if (isTooLong || holdsEnd(await source.read(offset, compressedSize))) {
    const trailing = new BelayError(
      'archive/trailing',
      "trailing data after the archive's members",
    );
    throw await trailingOr(source, trailing);
  }
}

function damaged(problem: string): BelayError {
  return new BelayError('archive/damaged', problem);
}
