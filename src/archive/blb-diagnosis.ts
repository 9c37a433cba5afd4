/**
 * Why a file does not end as an archive must: cut off, something appended, made by a newer version,
 * damaged in its last bytes, or no `.blb` at all. Only reached when the end member is not there.
 */
import { createHash } from 'node:crypto';
import { constants, inflateRawSync } from 'node:zlib';
import { BelayError } from '../core/errors.js';
import type { ByteSource } from './byte-source.js';
import { checksumsText } from './checksums.js';
import { END_MEMBER_BYTES, parseEndMember } from './end-member.js';
import { readFirstMember } from './first-member.js';
import { GZIP_FRAME_BYTES, GZIP_HEADER, gzipTrailer } from './gzip-member.js';
import { parseManifest } from './manifest-codec.js';
import { paddingOf, TAR_BLOCK_BYTES } from './tar-header.js';
import { layoutOfManifest } from './tar-layout.js';

/** Always an error to throw; reading may throw others (store/io). */
export async function diagnose(source: ByteSource): Promise<BelayError> {
  try {
    const { manifestBytes, memberBytes } = await readFirstMember(source);
    const manifest = parseManifest(manifestBytes);
    const sha256 = createHash('sha256').update(manifestBytes).digest('hex');
    const text = checksumsText(sha256, layoutOfManifest(manifest));
    const dataEnd = memberBytes + manifest.statistics.totalCompressedSize;
    return await diagnoseTail(source, dataEnd, text.length);
  } catch (error) {
    if (error instanceof BelayError && error.code.startsWith('archive/')) return error;
    throw error;
  }
}

/** The head is whole; what comes after the data members is not as it must be. */
async function diagnoseTail(
  source: ByteSource,
  dataEnd: number,
  textBytes: number,
): Promise<BelayError> {
  const tarSize = TAR_BLOCK_BYTES + textBytes + paddingOf(textBytes);
  const checksumsBytes = await lengthOfMember(source, dataEnd, tarSize);
  if (checksumsBytes === null) {
    const leastBytes = dataEnd + GZIP_FRAME_BYTES + END_MEMBER_BYTES;
    const isShort = source.sizeBytes < leastBytes + tarSize;
    return isShort ? truncated(source, leastBytes, 'at least ') : damagedEnd();
  }
  const expectedBytes = dataEnd + checksumsBytes + END_MEMBER_BYTES;
  if (source.sizeBytes < expectedBytes) return truncated(source, expectedBytes, '');
  const end = await source.read(expectedBytes - END_MEMBER_BYTES, END_MEMBER_BYTES);
  if (source.sizeBytes > expectedBytes && parseEndMember(end) !== null) {
    const extra = source.sizeBytes - expectedBytes;
    return new BelayError(
      'archive/trailing',
      `trailing data: ${extra} bytes follow the end of the archive`,
      {
        details: { expectedBytes, foundBytes: source.sizeBytes },
      },
    );
  }
  return damagedEnd();
}

/** Length in the file of the member at `offset` that inflates to `tarSize`; null where it is not whole. */
export async function lengthOfMember(
  source: ByteSource,
  offset: number,
  tarSize: number,
): Promise<number | null> {
  const bytes = await source.read(offset, tarSize + Math.ceil(tarSize / 1000) + 1024);
  const body = bytes.subarray(GZIP_HEADER.length);
  if (body.length === 0) return null;
  try {
    const { buffer, engine } = inflateRawSync(body, {
      maxOutputLength: tarSize + 1,
      finishFlush: constants.Z_SYNC_FLUSH,
      info: true,
    }) as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } };
    const trailer = body.subarray(engine.bytesWritten, engine.bytesWritten + 8);
    if (buffer.length !== tarSize || trailer.length < gzipTrailer(0, 0).length) return null;
    return engine.bytesWritten + GZIP_FRAME_BYTES;
  } catch {
    return null;
  }
}

function truncated(source: ByteSource, expectedBytes: number, least: string): BelayError {
  return new BelayError(
    'archive/truncated',
    `truncated: ${source.sizeBytes} bytes found, ${least}${expectedBytes} expected`,
    {
      hint: 'The file was cut off: copy it again from where it came from.',
      details: { expectedBytes, foundBytes: source.sizeBytes },
    },
  );
}

function damagedEnd(): BelayError {
  return new BelayError('archive/damaged', 'the last bytes are not the end of a .blb');
}
