/**
 * The stream of contents that the agent's read.py sends, as events of files. Pure: it takes
 * payloads in order and knows from where the board can begin again.
 */
import { createHash, type Hash } from 'node:crypto';
import { BelayError } from '../core/errors.js';

/** How the board vouches for contents. */
export interface ContentFormat {
  /** Bytes of a digest record: 32 sha256, 4 crc32, 0 none. */
  readonly digestBytes: 0 | 4 | 32;
  newDigest(): { update(bytes: Uint8Array): void; digest(): Uint8Array };
}

/** `F` is what the caller calls a file. */
export interface ContentEvents<F> {
  /** The file whose path has this mark; null for one that was not asked for. */
  fileOf(mark: number): F | null;
  data(file: F, bytes: Uint8Array): void;
  /** The board reads it again: what came is void. */
  restart(file: F, errorNumber: number): void;
  end(file: F, sizeBytes: number, sha256: string): void;
  /** Not to be had: 1 changed three times, else the board's error number. */
  failed(file: F, errorNumber: number): void;
  /** The digest over all content since the last one was compared. */
  checked(matches: boolean): void;
}

const DIGEST_AFTER_BYTES = 32 * 1024;
const ATTEMPTS = 3;
type State = 'size' | 'mark' | 'content' | 'status' | 'digest' | 'over';

export class ContentParser<F> {
  readonly #format: ContentFormat;
  readonly #events: ContentEvents<F>;
  #state: State = 'size';
  /** Bytes of a record that is not whole yet. */
  #held: number[] = [];
  #offset = 0;
  #restartOffset = 0;
  #sizeBytes = 0;
  #cannotOpen = false;
  #left = 0;
  #file: F | null = null;
  #attempt = 0;
  #sinceDigest = 0;
  #isLast = false;
  #hash: Hash = createHash('sha256');
  #digest;

  constructor(format: ContentFormat, events: ContentEvents<F>) {
    this.#format = format;
    this.#events = events;
    this.#digest = format.newDigest();
  }

  /** Where in the stream the last digest ended: the board begins there with a fresh one. */
  get restartOffset(): number {
    return this.#restartOffset;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  take(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#state !== 'over') {
      if (this.#state === 'content') {
        const part = bytes.subarray(at, at + this.#left);
        at += part.length;
        this.#content(part);
      } else {
        this.#held.push(bytes[at] as number);
        at += 1;
        this.#record(this.#offset + at);
      }
    }
    this.#offset += bytes.length;
  }

  #record(offset: number): void {
    switch (this.#state) {
      case 'size': {
        const value = this.#number();
        if (value === null) return;
        this.#isLast = value === 0;
        this.#cannotOpen = value === 1;
        this.#sizeBytes = value - 2;
        if (this.#isLast) this.#toDigest(offset);
        else this.#state = 'mark';
        return;
      }
      case 'mark':
        if (this.#held.length < 3) return;
        this.#file = this.#events.fileOf(Buffer.from(this.#held).readUIntBE(0, 3));
        this.#held = [];
        this.#begin();
        return;
      case 'status': {
        const status = this.#number();
        if (status !== null) this.#fileOver(status, offset);
        return;
      }
      case 'digest':
        if (this.#held.length < this.#format.digestBytes) return;
        this.#events.checked(Buffer.from(this.#digest.digest()).equals(Buffer.from(this.#held)));
        this.#held = [];
        this.#digestOver(offset);
        return;
    }
  }

  #begin(): void {
    this.#hash = createHash('sha256');
    this.#left = this.#cannotOpen ? 0 : this.#sizeBytes;
    if (!this.#cannotOpen) this.#sinceDigest += this.#sizeBytes;
    this.#state = this.#left > 0 ? 'content' : 'status';
  }

  #content(part: Uint8Array): void {
    this.#left -= part.length;
    this.#hash.update(part);
    this.#digest.update(part);
    if (this.#file !== null) this.#events.data(this.#file, part);
    if (this.#left === 0) this.#state = 'status';
  }

  #fileOver(status: number, offset: number): void {
    const file = this.#file;
    this.#attempt += 1;
    const again = status !== 0 && !this.#cannotOpen && this.#attempt < ATTEMPTS;
    if (file !== null) {
      if (again) this.#events.restart(file, status);
      else if (status === 0) this.#events.end(file, this.#sizeBytes, this.#hash.digest('hex'));
      else this.#events.failed(file, status);
    }
    this.#state = 'size';
    if (again) return;
    this.#attempt = 0;
    if (!this.#cannotOpen && this.#sinceDigest >= DIGEST_AFTER_BYTES) this.#toDigest(offset);
  }

  #toDigest(offset: number): void {
    this.#state = 'digest';
    if (this.#format.digestBytes > 0) return;
    this.#events.checked(true);
    this.#digestOver(offset);
  }

  #digestOver(offset: number): void {
    this.#digest = this.#format.newDigest();
    this.#sinceDigest = 0;
    this.#restartOffset = offset;
    this.#state = this.#isLast ? 'over' : 'size';
  }

  #number(): number | null {
    if ((this.#held.at(-1) as number) > 127) {
      if (this.#held.length > 6) throw new BelayError('board/integrity', 'the board sent contents that make no sense', { retryable: true });
      return null;
    }
    const value = this.#held.reduceRight((sum, byte) => sum * 128 + (byte & 127), 0);
    this.#held = [];
    return value;
  }
}
