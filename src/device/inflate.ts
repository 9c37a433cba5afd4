/**
 * Inflates a board's compressed frames: synchronously, in order, piece by piece. zlib-sync where its
 * native part was built, else fflate in plain JavaScript. One instance a stream: zlib-sync leaks
 * about 42 kB each.
 */
import { createRequire } from 'node:module';
import { Inflate as FflateInflate } from 'fflate';
import { BelayError } from '../core/errors.js';

export type InflateEngine = 'zlib-sync' | 'fflate';

export interface Inflater {
  readonly engine: InflateEngine;
  /** Gives out what can be known so far. Throws board/integrity for what is no raw deflate, or more than the bound. */
  push(bytes: Uint8Array, take: (plain: Uint8Array) => void): void;
  /** True once the stream's last block has come whole. A stream that ends before is truncated. */
  readonly isOver: boolean;
}

interface ZlibSync {
  readonly Inflate: new (options: {
    windowBits: number;
    chunkSize: number;
  }) => {
    push(bytes: Buffer, flush: number): void;
    readonly err: number;
    readonly msg: string | null;
    readonly result: Buffer | Uint8Array | null;
  };
  readonly Z_SYNC_FLUSH: number;
}

const Z_OK = 0;
const Z_STREAM_END = 1;
const Z_BUF_ERROR = -5;
/** zlib-sync has no bound of its own: small slices, counted, keep what one of them can become small. */
const SLICE_BYTES = 4096;
/** zlib-sync makes a buffer of this size for every push, however little comes out. */
const CHUNK_BYTES = 16_384;
const RAW_WINDOW = -15;

let loaded: ZlibSync | null | undefined;

/** Which engine is there, for `doctor`. */
export function inflateEngine(): InflateEngine {
  return zlibSync() === null ? 'fflate' : 'zlib-sync';
}

function zlibSync(): ZlibSync | null {
  if (loaded === undefined) {
    try {
      loaded = createRequire(import.meta.url)('zlib-sync') as ZlibSync;
    } catch {
      loaded = null;
    }
  }
  return loaded;
}

/** `maxBytes` bounds everything that comes out; `engine` is for tests. */
export function createInflater(
  maxBytes: number,
  engine: InflateEngine = inflateEngine(),
): Inflater {
  const zlib = engine === 'zlib-sync' ? zlibSync() : null;
  return zlib === null ? new PlainInflater(maxBytes) : new NativeInflater(maxBytes, zlib);
}

class NativeInflater implements Inflater {
  readonly engine = 'zlib-sync';
  readonly #zlib: ZlibSync;
  readonly #inflate;
  readonly #maxBytes: number;
  #bytes = 0;
  isOver = false;

  constructor(maxBytes: number, zlib: ZlibSync) {
    this.#zlib = zlib;
    this.#maxBytes = maxBytes;
    this.#inflate = new zlib.Inflate({ windowBits: RAW_WINDOW, chunkSize: CHUNK_BYTES });
  }

  push(bytes: Uint8Array, take: (plain: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length && !this.isOver; at += SLICE_BYTES) {
      // Anything but a Buffer ends the whole process.
      let slice = Buffer.from(bytes.subarray(at, at + SLICE_BYTES));
      // One push does not give all there is: ask on with nothing new until nothing comes.
      for (;;) {
        this.#inflate.push(slice, this.#zlib.Z_SYNC_FLUSH);
        slice = Buffer.alloc(0);
        const { err } = this.#inflate;
        if (err !== Z_OK && err !== Z_STREAM_END && err !== Z_BUF_ERROR)
          throw notDeflate(this.#inflate.msg ?? `zlib says ${err}`);
        const result = err === Z_BUF_ERROR ? null : this.#inflate.result;
        if (result !== null && result.length > 0) {
          this.#bytes = bounded(this.#bytes + result.length, this.#maxBytes);
          take(new Uint8Array(result));
        }
        if (err === Z_STREAM_END) this.isOver = true;
        if (err !== Z_OK || result === null || result.length === 0) break;
      }
    }
  }
}

class PlainInflater implements Inflater {
  readonly engine = 'fflate';
  readonly #inflate: FflateInflate;
  readonly #maxBytes: number;
  #bytes = 0;
  #take: (plain: Uint8Array) => void = () => {};

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#inflate = new FflateInflate((plain) => {
      if (plain.length === 0) return;
      this.#bytes = bounded(this.#bytes + plain.length, this.#maxBytes);
      this.#take(plain);
    });
  }

  push(bytes: Uint8Array, take: (plain: Uint8Array) => void): void {
    this.#take = take;
    try {
      for (let at = 0; at < bytes.length; at += SLICE_BYTES)
        this.#inflate.push(bytes.slice(at, at + SLICE_BYTES));
    } catch (error) {
      throw error instanceof BelayError ? error : notDeflate(String((error as Error).message));
    }
  }

  /** fflate keeps to itself where it is: `f` is set with the final block, `l` while one is open. */
  get isOver(): boolean {
    const { s } = this.#inflate as unknown as { s: { f?: number; l?: unknown } };
    return s.f === 1 && !s.l;
  }
}

function bounded(bytes: number, maxBytes: number): number {
  if (bytes > maxBytes)
    throw new BelayError('board/integrity', `compressed frames became more than ${maxBytes} bytes`);
  return bytes;
}

function notDeflate(reason: string): BelayError {
  return new BelayError(
    'board/integrity',
    `the board's compressed frames cannot be inflated (${reason})`,
    { retryable: true },
  );
}
