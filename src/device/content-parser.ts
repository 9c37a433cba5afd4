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
  /** The board can begin again here: nothing before is needed any more. */
  restartable(): void;
}

/** The board's encoder: bits that wait for the next byte, and how many (8 more where no block is open). */
export interface PackState {
  readonly bits: number;
  readonly held: number;
}

export interface RestartPoint {
  readonly offset: number;
  readonly state: PackState | undefined;
}

const DIGEST_AFTER_BYTES = 32 * 1024;
/** Compressed, the window is lost at a restart point: there are fewer. */
const DIGESTS_PER_RESTART = 4;
const ATTEMPTS = 3;
type State = 'speed' | 'size' | 'mark' | 'content' | 'status' | 'digest' | 'state' | 'over';

export class ContentParser<F> {
  readonly #format: ContentFormat;
  readonly #events: ContentEvents<F>;
  #state: State = 'size';
  /** Bytes of a record that is not whole yet. */
  #held: number[] = [];
  #offset = 0;
  #restart: RestartPoint = { offset: 0, state: undefined };
  #isPacked = false;
  #digests = 0;
  #kilobyteUs: number | null = null;
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

  /** Where in the job's stream the board can begin again: behind a digest. */
  get restart(): RestartPoint {
    return this.#restart;
  }

  /** How long the board took to compress a kilobyte; null where it does not. */
  get kilobyteUs(): number | null {
    return this.#kilobyteUs;
  }

  /** Before the first byte: whether the contents were compressed, and where they begin. */
  begin(isPacked: boolean, offset: number): void {
    this.#isPacked = isPacked;
    this.#offset = offset;
    if (isPacked) this.#state = 'speed';
    else this.#restart = { offset, state: undefined };
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
      case 'speed': {
        this.#kilobyteUs = this.#number();
        if (this.#kilobyteUs !== null) this.#state = 'state';
        return;
      }
      case 'state':
        if (this.#held.length > 2 && (this.#held.at(-3) as number) < 128) this.#packState();
        return;
      case 'size': {
        const value = this.#number();
        if (value === null) return;
        this.#isLast = value === 0;
        this.#cannotOpen = value === 1;
        this.#sizeBytes = value - 2;
        if (this.#isLast) this.#last(offset);
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

  /** Files without content need no digest. */
  #last(offset: number): void {
    if (this.#sinceDigest > 0) {
      this.#toDigest(offset);
      return;
    }
    this.#events.checked(true);
    this.#state = 'over';
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
    if (this.#isPacked) {
      this.#digests += 1;
      const isRestart = this.#digests % DIGESTS_PER_RESTART === 0;
      this.#state = isRestart ? 'state' : this.#isLast ? 'over' : 'size';
      return;
    }
    this.#restart = { offset, state: undefined };
    this.#events.restartable();
    this.#state = this.#isLast ? 'over' : 'size';
  }

  /** Where the compressed stream stood when this record was begun, and what the encoder held. */
  #packState(): void {
    const [bits, held] = this.#held.splice(-2) as [number, number];
    this.#restart = { offset: this.#number() ?? 0, state: { bits, held } };
    this.#events.restartable();
    this.#state = this.#isLast ? 'over' : 'size';
  }

  #number(): number | null {
    if ((this.#held.at(-1) as number) > 127) {
      if (this.#held.length > 6)
        throw new BelayError('board/integrity', 'the board sent contents that make no sense', {
          retryable: true,
        });
      return null;
    }
    const value = this.#held.reduceRight((sum, byte) => sum * 128 + (byte & 127), 0);
    this.#held = [];
    return value;
  }
}
