/**
 * Compares the tar bytes of one entry with what the manifest says must stand there: header blocks
 * rebuilt, content hashed, padding zero. Takes bytes in pieces of any size; never waits.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { displayPath } from '../core/device-path.js';
import type { ErrorCode } from '../core/errors.js';
import { TAR_BLOCK_BYTES, tarHeader } from './tar-header.js';
import type { PlacedEntry } from './tar-layout.js';

/** One thing wrong with an archive, as data. */
export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
  /** DevicePath of the file it concerns, null for the archive as a whole. */
  readonly path: string | null;
}

export class EntryCheck {
  readonly placed: PlacedEntry;
  readonly findings: Finding[] = [];
  readonly #header: Uint8Array;
  readonly #sha256 = createHash('sha256');
  #crc = 0;
  /** Position in the entry. */
  #at = 0;

  constructor(placed: PlacedEntry) {
    this.placed = placed;
    this.#header = tarHeader(placed.tar);
  }

  get isOver(): boolean {
    return this.#at === this.placed.tarSize;
  }

  /** Takes what belongs to this entry; `content` is the part of it that is the file's. */
  push(bytes: Uint8Array): { readonly used: number; readonly content: Uint8Array } {
    const used = Math.min(bytes.length, this.placed.tarSize - this.#at);
    const header = this.#cut(bytes, 0, this.#header.length);
    this.#compareHeader(header, bytes);
    const contentEnd = this.#header.length + this.placed.tar.sizeBytes;
    const content = this.#cut(bytes, this.#header.length, contentEnd);
    this.#sha256.update(content);
    if (this.#wantedCrc !== undefined) this.#crc = crc32(content, this.#crc);
    const padding = this.#cut(bytes, contentEnd, this.placed.tarSize);
    if (padding.some((byte) => byte !== 0)) this.#find('its padding is not zero');
    this.#at += used;
    if (this.isOver) this.#compareContent();
    return { used, content };
  }

  /** The part of `bytes`, which stand at the current position, that lies between two positions. */
  #cut(bytes: Uint8Array, from: number, to: number): Uint8Array {
    const start = Math.min(Math.max(from - this.#at, 0), bytes.length);
    return bytes.subarray(start, Math.max(start, Math.min(to - this.#at, bytes.length)));
  }

  #compareHeader(part: Uint8Array, bytes: Uint8Array): void {
    if (part.length === 0) return;
    const expected = this.#header.subarray(this.#at, this.#at + part.length);
    if (Buffer.compare(part, expected) === 0) return;
    this.#find(this.#at === 0 ? headerProblem(bytes) : 'its tar header is not the one expected');
  }

  #compareContent(): void {
    const { entry } = this.placed;
    if (entry.isDirectory) return;
    const found = this.#sha256.digest('hex');
    if (found !== entry.checksum) this.#find(`content has sha256 ${found}, not ${entry.checksum}`);
    const crc = (this.#crc >>> 0).toString(16).padStart(8, '0');
    if (this.#wantedCrc !== undefined && crc !== this.#wantedCrc) {
      this.#find(`content has crc32 ${crc}, not ${this.#wantedCrc}`);
    }
  }

  get #wantedCrc(): string | undefined {
    const { entry } = this.placed;
    return entry.isDirectory ? undefined : entry.crc32;
  }

  #find(problem: string): void {
    const { path } = this.placed;
    this.findings.push({
      code: 'archive/damaged',
      message: `${displayPath(path)}: ${problem}`,
      path,
    });
  }
}

/** For people: what stands where another header was expected. */
function headerProblem(block: Uint8Array): string {
  if (block.length < TAR_BLOCK_BYTES) return 'its tar header is not the one expected';
  const type = String.fromCharCode(block[156] as number);
  const name = Buffer.from(block.subarray(0, 100)).toString('latin1').split('\0')[0] as string;
  if (!'05x'.includes(type)) return `unsupported entry type "${displayPath(type)}" in the tar`;
  return `its tar header is not the one expected (there is "${displayPath(name)}")`;
}
