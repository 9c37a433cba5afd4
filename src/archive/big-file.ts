/**
 * One large file on its way into a member of its own. Its bytes go to the spool as they come; it
 * joins the archive only when its content has been verified, and is cut off where it was not.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { displayPath } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import { EntryPacker } from './container.js';
import type { DeflateSettings } from './gzip-member.js';
import { GzipMemberStream } from './gzip-stream.js';
import type { CheckedBy } from './manifest.js';
import type { TarEntry } from './tar-header.js';

export interface NewFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Seconds since 1970 as the board says, null where unknown. */
  readonly modifiedS: number | null;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly checkedBy: CheckedBy;
  /** 8 lower-case hex digits, where the board has no sha256. */
  readonly crc32?: string;
  /** Fields of a manifest entry that this version does not know, kept by a merge. */
  readonly furtherFields?: Readonly<Record<string, unknown>>;
}

/** What the tar header needs, before the content is known. */
export type FileStart = Pick<NewFile, 'path' | 'sizeBytes' | 'modifiedS'>;

/** A big file as the writer's callers see it. */
export interface BigFile {
  /**
   * In order; waits until the bytes were handed on. Throws archive/damaged beyond `sizeBytes`.
   * `hurry` deflates them lightly: their source is faster than the usual level.
   */
  write(bytes: Uint8Array, hurry?: boolean): Promise<void>;
  /**
   * The content is verified: it becomes part of the archive. Throws archive/damaged where its
   * sha256, crc32 or size differ from `meta`; then it is not part of the archive.
   */
  end(meta: NewFile): Promise<void>;
  /** What came is dropped; the path may be begun again. Idempotent. */
  abort(): Promise<void>;
}

/** What the writer does with the member, step by step. */
export interface BigFileOwner {
  append(bytes: Uint8Array): Promise<void>;
  /** All bytes came: others may use the spool again. */
  complete(file: BigFileBytes): Promise<void>;
  accept(file: BigFileBytes, meta: NewFile): void;
  drop(file: BigFileBytes): Promise<void>;
}

export class BigFileBytes implements BigFile {
  readonly start: FileStart;
  readonly #owner: BigFileOwner;
  readonly #packer: EntryPacker;
  readonly #gzip: GzipMemberStream;
  readonly #sha256 = createHash('sha256');
  #crc = 0;
  #receivedBytes = 0;
  #state: 'receiving' | 'complete' | 'over' = 'receiving';

  constructor(start: FileStart, tar: TarEntry, settings: DeflateSettings, owner: BigFileOwner) {
    this.start = start;
    this.#owner = owner;
    this.#packer = new EntryPacker(tar);
    this.#gzip = new GzipMemberStream(settings, (bytes) => owner.append(bytes));
  }

  async write(bytes: Uint8Array, hurry = false): Promise<void> {
    if (this.#receivedBytes + bytes.length > this.start.sizeBytes) {
      throw contentError(this.start.path, `more than ${this.start.sizeBytes} bytes`);
    }
    if (this.#state !== 'receiving' || bytes.length === 0) return;
    this.#receivedBytes += bytes.length;
    this.#sha256.update(bytes);
    this.#crc = crc32(bytes, this.#crc);
    for (const piece of await this.#packer.write(bytes)) await this.#gzip.write(piece, hurry);
    if (this.#receivedBytes === this.start.sizeBytes) await this.#finish();
  }

  async end(meta: NewFile): Promise<void> {
    if (this.#state === 'receiving' && this.start.sizeBytes === 0) await this.#finish();
    const problem =
      this.#state === 'complete'
        ? differenceOf(meta, this.start, this.#sha256.digest('hex'), this.#crc)
        : `${this.#receivedBytes} of ${this.start.sizeBytes} bytes came`;
    if (problem !== null) {
      await this.abort();
      throw contentError(meta.path, problem);
    }
    this.#state = 'over';
    this.#owner.accept(this, meta);
  }

  async abort(): Promise<void> {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#packer.abort();
    this.#gzip.abort();
    await this.#owner.drop(this);
  }

  async #finish(): Promise<void> {
    for (const piece of await this.#packer.end()) await this.#gzip.write(piece);
    await this.#gzip.end();
    this.#state = 'complete';
    await this.#owner.complete(this);
  }
}

/** What differs between a file as announced and its bytes, or null. */
export function differenceOf(
  meta: NewFile,
  start: FileStart,
  sha256: string,
  crc: number,
): string | null {
  if (meta.path !== start.path || meta.sizeBytes !== start.sizeBytes)
    return 'not the file that was begun';
  if (meta.modifiedS !== start.modifiedS) return 'another modification time than when it was begun';
  if (meta.sha256 !== sha256) return `content has sha256 ${sha256}, not ${meta.sha256}`;
  const hex = (crc >>> 0).toString(16).padStart(8, '0');
  if (meta.crc32 !== undefined && meta.crc32 !== hex)
    return `content has crc32 ${hex}, not ${meta.crc32}`;
  return null;
}

export function contentError(path: string, problem: string): BelayError {
  return new BelayError('archive/damaged', `${displayPath(path)}: ${problem}`, {
    details: { path },
  });
}
