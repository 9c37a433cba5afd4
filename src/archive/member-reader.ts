/**
 * Inflates one gzip member, bounded by what the manifest declares: at most one byte more than that
 * is ever produced. Frame, checksum, lengths, and that nothing follows the deflate stream inside
 * the member, are all checked before the last bytes are handed out.
 */
import { Buffer } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { constants, crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { BelayError } from '../core/errors.js';
import type { ByteSource } from './byte-source.js';
import { GZIP_FRAME_BYTES, GZIP_HEADER, GZIP_TRAILER_BYTES, gzipTrailer } from './gzip-member.js';

export interface MemberRange {
  /** For messages, e.g. `member 3`. */
  readonly name: string;
  /** In the file. */
  readonly offset: number;
  readonly compressedSize: number;
  /** Bytes that it must inflate to. */
  readonly tarSize: number;
}

/** Larger ones are mapped from the system one by one and cost more memory than they save time. */
const CHUNK_BYTES = 64 * 1024;
/** Up to here a member is inflated in one go, which is faster. */
const WHOLE_BYTES_MAX = 256 * 1024;

/** `onInput` sees every compressed byte in order. Throws archive/damaged, and what the source throws. */
export async function* inflateMember(
  source: ByteSource,
  range: MemberRange,
  onInput: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  if (range.compressedSize < GZIP_FRAME_BYTES) throw damaged(range, 'shorter than an empty member');
  if (range.compressedSize <= WHOLE_BYTES_MAX && range.tarSize <= WHOLE_BYTES_MAX) {
    yield await inflateWhole(source, range, onInput);
  } else {
    yield* inflatePieces(source, range, onInput);
  }
}

async function inflateWhole(
  source: ByteSource,
  range: MemberRange,
  onInput: (bytes: Uint8Array) => void,
): Promise<Uint8Array> {
  const bytes = await readFully(source, range.offset, range.compressedSize);
  onInput(bytes);
  checkHeader(range, bytes);
  const body = bytes.subarray(GZIP_HEADER.length, bytes.length - GZIP_TRAILER_BYTES);
  const { output, consumed } = inflateBody(range, body);
  if (consumed !== body.length) throw damaged(range, 'bytes follow its deflate stream');
  checkEnd(range, bytes.subarray(-GZIP_TRAILER_BYTES), crc32(output), output.length);
  return output;
}

function inflateBody(
  range: MemberRange,
  body: Uint8Array,
): { output: Uint8Array; consumed: number } {
  try {
    // With `info`, Node returns the engine beside the buffer; its types do not know that.
    const { buffer, engine } = inflateRawSync(body, {
      maxOutputLength: range.tarSize + 1,
      finishFlush: constants.Z_FINISH,
      info: true,
    }) as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } };
    return { output: buffer, consumed: engine.bytesWritten };
  } catch (cause) {
    throw damaged(range, 'cannot be inflated to the length declared', cause);
  }
}

async function* inflatePieces(
  source: ByteSource,
  range: MemberRange,
  onInput: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  const { offset, compressedSize, tarSize } = range;
  const header = await readFully(source, offset, GZIP_HEADER.length);
  onInput(header);
  checkHeader(range, header);
  const bodyEnd = offset + compressedSize - GZIP_TRAILER_BYTES;
  const body = bodyChunks(source, offset + GZIP_HEADER.length, bodyEnd, onInput);
  const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES });
  // Errors of either side reach the loop below through `inflate`.
  pipeline(Readable.from(body, { objectMode: false }), inflate, () => {});
  let crc = 0;
  let sizeBytes = 0;
  let held: Uint8Array | null = null;
  try {
    for await (const chunk of inflate as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.length;
      if (sizeBytes > tarSize) throw damaged(range, `inflates to more than ${tarSize} bytes`);
      crc = crc32(chunk, crc);
      if (held !== null) yield held;
      held = chunk;
    }
  } catch (cause) {
    throw cause instanceof BelayError ? cause : damaged(range, 'cannot be inflated', cause);
  } finally {
    inflate.destroy();
  }
  const bodyBytes = compressedSize - GZIP_FRAME_BYTES;
  if (inflate.bytesWritten !== bodyBytes) throw damaged(range, 'bytes follow its deflate stream');
  const trailer = await readFully(source, bodyEnd, GZIP_TRAILER_BYTES);
  onInput(trailer);
  checkEnd(range, trailer, crc, sizeBytes);
  // All of tarSize has come, and no member is empty (manifest-rules.ts).
  yield held as unknown as Uint8Array;
}

async function* bodyChunks(
  source: ByteSource,
  start: number,
  end: number,
  onInput: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += CHUNK_BYTES) {
    const bytes = await readFully(source, at, Math.min(CHUNK_BYTES, end - at));
    onInput(bytes);
    yield bytes;
  }
}

/** Exactly `length` bytes; archive/truncated where the source ends before. */
export async function readFully(
  source: ByteSource,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = await source.read(offset, length);
  if (bytes.length === length) return bytes;
  throw new BelayError(
    'archive/truncated',
    `${source.name}: ends at byte ${offset + bytes.length}, expected at least ${offset + length}`,
    { details: { expectedBytes: offset + length, foundBytes: offset + bytes.length } },
  );
}

function checkHeader(range: MemberRange, bytes: Uint8Array): void {
  if (Buffer.compare(bytes.subarray(0, GZIP_HEADER.length), GZIP_HEADER) !== 0) {
    throw damaged(range, 'does not begin with the gzip header of this format');
  }
}

function checkEnd(range: MemberRange, trailer: Uint8Array, crc: number, sizeBytes: number): void {
  if (sizeBytes !== range.tarSize) {
    throw damaged(range, `inflates to ${sizeBytes} bytes, not ${range.tarSize}`);
  }
  if (Buffer.compare(trailer, gzipTrailer(crc, sizeBytes)) !== 0) {
    throw damaged(range, 'its CRC-32 or length does not fit its content');
  }
}

function damaged(range: MemberRange, problem: string, cause?: unknown): BelayError {
  return new BelayError('archive/damaged', `${range.name}: ${problem}`, { cause });
}
