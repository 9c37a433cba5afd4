/**
 * Member 1 of an archive of any version: gzip of the tar entry `manifest.json`. Read from the start
 * of the file without knowing its length, with a bound on what it may inflate to.
 */
import { Buffer } from 'node:buffer';
import { crc32, createInflateRaw } from 'node:zlib';
import { BelayError } from '../core/errors.js';
import { MANIFEST_BYTES_MAX } from '../core/limits.js';
import type { ByteSource } from './byte-source.js';
import { GZIP_HEADER, GZIP_TRAILER_BYTES, gzipTrailer, joinBytes } from './gzip-member.js';
import { readFully } from './member-reader.js';
import { paddingOf, TAR_BLOCK_BYTES, tarHeader } from './tar-header.js';
import { MANIFEST_NAME } from './tar-name.js';

export interface FirstMember {
  readonly manifestBytes: Uint8Array;
  /** Length of the member in the file. */
  readonly memberBytes: number;
}

const CHUNK_BYTES = 64 * 1024;

/** Throws archive/not-blb, archive/truncated, archive/damaged, archive/limit. */
export async function readFirstMember(source: ByteSource): Promise<FirstMember> {
  const header = await source.read(0, GZIP_HEADER.length);
  checkGzipHeader(header);
  const { tar, sizeBytes, bodyBytes, crc } = await inflateFirst(source);
  const manifestBytes = manifestIn(tar, sizeBytes);
  const trailer = await readFully(source, GZIP_HEADER.length + bodyBytes, GZIP_TRAILER_BYTES);
  if (Buffer.compare(trailer, gzipTrailer(crc, tar.length)) !== 0) {
    throw new BelayError(
      'archive/damaged',
      'member 1: its CRC-32 or length does not fit its content',
    );
  }
  return { manifestBytes, memberBytes: GZIP_HEADER.length + bodyBytes + GZIP_TRAILER_BYTES };
}

function checkGzipHeader(header: Uint8Array): void {
  const isGzip = header[0] === 0x1f && (header.length < 2 || header[1] === 0x8b);
  if (!isGzip) throw notBlb('it is not a gzip file');
  if (header.length < GZIP_HEADER.length) {
    throw new BelayError('archive/truncated', `only ${header.length} bytes long`);
  }
  if (Buffer.compare(header, GZIP_HEADER) !== 0)
    throw notBlb('its gzip header is not that of a .blb');
}

/** Inflates until the deflate stream ends or shows that it is no manifest. */
async function inflateFirst(
  source: ByteSource,
): Promise<{ tar: Uint8Array; sizeBytes: number; bodyBytes: number; crc: number }> {
  const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES });
  const output = new FirstOutput();
  let failure: Error | null = null;
  let isOver = false;
  inflate.on('data', (chunk: Uint8Array) => output.push(chunk));
  inflate.on('error', (error) => {
    failure = error;
  });
  inflate.on('end', () => {
    isOver = true;
  });
  try {
    for (let at = GZIP_HEADER.length; !isOver; at += CHUNK_BYTES) {
      const chunk = await source.read(at, CHUNK_BYTES);
      if (chunk.length === 0) throw truncatedInside(source);
      await written(inflate, chunk);
      if (output.problem !== null) throw output.problem;
      if (failure !== null) throw failureOf(output, failure);
    }
    const sizeBytes = output.manifestBytes();
    const { chunks, crc } = output;
    return { tar: joinBytes(chunks), sizeBytes, bodyBytes: inflate.bytesWritten, crc };
  } finally {
    inflate.destroy();
  }
}

/** Until the chunk was taken, or the stream ended or failed. */
function written(inflate: ReturnType<typeof createInflateRaw>, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      inflate.off('end', done);
      inflate.off('error', done);
      resolve();
    };
    inflate.on('end', done);
    inflate.on('error', done);
    inflate.write(chunk, () => setImmediate(done));
  });
}

/** What came out so far; refuses as soon as it cannot become a manifest any more. */
class FirstOutput {
  readonly chunks: Uint8Array[] = [];
  problem: BelayError | null = null;
  crc = 0;
  #sizeBytes = 0;
  #expected: { readonly manifestBytes: number; readonly tarBytes: number } | null = null;

  push(chunk: Uint8Array): void {
    if (this.problem !== null) return;
    this.chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    this.crc = crc32(chunk, this.crc);
    if (this.#expected === null && this.#sizeBytes >= TAR_BLOCK_BYTES) this.#readHeader();
    if (this.#expected !== null && this.#sizeBytes > this.#expected.tarBytes) {
      this.problem = new BelayError('archive/damaged', 'member 1 is longer than its manifest.json');
    }
  }

  /** Length of the manifest, once all has come out; refuses where that is less than declared. */
  manifestBytes(): number {
    if (this.#expected === null) throw notBlb('it does not begin with manifest.json');
    if (this.#sizeBytes !== this.#expected.tarBytes) {
      throw new BelayError('archive/damaged', 'member 1 is shorter than its manifest.json');
    }
    return this.#expected.manifestBytes;
  }

  #readHeader(): void {
    const block = joinBytes(this.chunks).subarray(0, TAR_BLOCK_BYTES);
    const sizeBytes = manifestSizeIn(block);
    if (sizeBytes === null) {
      this.problem = notBlb('it does not begin with manifest.json');
    } else if (sizeBytes > MANIFEST_BYTES_MAX) {
      this.problem = new BelayError(
        'archive/limit',
        `manifest.json: limit exceeded: ${sizeBytes} bytes where at most ${MANIFEST_BYTES_MAX} are read`,
      );
    } else {
      const tarBytes = TAR_BLOCK_BYTES + sizeBytes + paddingOf(sizeBytes);
      this.#expected = { manifestBytes: sizeBytes, tarBytes };
    }
  }
}

/** The size in the one right header of manifest.json; null where the block is another. */
function manifestSizeIn(block: Uint8Array): number | null {
  const digits = Buffer.from(block.subarray(124, 135)).toString('latin1');
  if (!/^[0-7]{11}$/.test(digits)) return null;
  const sizeBytes = Number.parseInt(digits, 8);
  const expected = tarHeader({ name: MANIFEST_NAME, isFolder: false, sizeBytes, mtimeS: 0 });
  return Buffer.compare(block, expected) === 0 ? sizeBytes : null;
}

function manifestIn(tar: Uint8Array, sizeBytes: number): Uint8Array {
  const end = TAR_BLOCK_BYTES + sizeBytes;
  if (tar.subarray(end).some((byte) => byte !== 0)) {
    throw new BelayError('archive/damaged', 'member 1: its padding is not zero');
  }
  return tar.subarray(TAR_BLOCK_BYTES, end);
}

function failureOf(output: FirstOutput, cause: Error): BelayError {
  if (output.chunks.length === 0) return notBlb('its first member holds no tar', cause);
  return new BelayError('archive/damaged', 'member 1 cannot be inflated', { cause });
}

function truncatedInside(source: ByteSource): BelayError {
  return new BelayError(
    'archive/truncated',
    `ends inside its first member: ${source.sizeBytes} bytes found, more expected`,
    { details: { foundBytes: source.sizeBytes } },
  );
}

function notBlb(why: string, cause?: unknown): BelayError {
  return new BelayError('archive/not-blb', `not a .blb: ${why}`, {
    hint: 'Check that this is the file that belay-backup wrote.',
    cause,
  });
}
