/** Reads `.blb` archives: strictly, and with bounds on everything before it is allocated. */
import type { ErrorCode } from '../core/errors.js';
import type { ByteSource } from './byte-source.js';
import type { FileEntry, Manifest } from './manifest.js';

/** What the head and the end member say; small to read, and it notices truncation. */
export interface BlbHead {
  readonly manifest: Manifest;
  readonly manifestSha256: string;
  /** Length of member 1: offsets of data members count from here. */
  readonly headBytes: number;
  readonly archiveBytes: number;
}

/** One thing wrong with an archive, as data. */
export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
  /** DevicePath of the file it concerns, null for the archive as a whole. */
  readonly path: string | null;
}

export interface VerifyOptions {
  readonly signal: AbortSignal;
  /** Called with the number of bytes of the archive that were read since the last call. */
  readonly onBytes?: (count: number) => void;
}

export async function readBlbHead(_source: ByteSource): Promise<BlbHead> {
  throw new Error('readBlbHead: being written');
}

export async function verifyBlb(_source: ByteSource, _options: VerifyOptions): Promise<BlbHead> {
  throw new Error('verifyBlb: being written');
}

export async function validateBlb(
  _source: ByteSource,
  _options: VerifyOptions,
): Promise<{ head: BlbHead | null; findings: Finding[] }> {
  throw new Error('validateBlb: being written');
}

// biome-ignore lint/correctness/useYield: being written
export async function* readBlbFile(
  _source: ByteSource,
  _head: BlbHead,
  _entry: FileEntry,
): AsyncIterable<Uint8Array> {
  throw new Error('readBlbFile: being written');
}
