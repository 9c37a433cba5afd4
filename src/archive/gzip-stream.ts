/**
 * A gzip member that is written piece by piece. Noise (compressed data, keys, images) is stored
 * where it stands: deflating it gains nothing and takes 40 times as long as storing it.
 */
import { finished } from 'node:stream/promises';
import type { DeflateRaw } from 'node:zlib';
import { constants, crc32, createDeflateRaw, deflateRawSync } from 'node:zlib';
import type { DeflateSettings } from './gzip-member.js';
import { GZIP_HEADER, gzipTrailer, joinBytes, STORE } from './gzip-member.js';

/** Input is gathered to pieces of this size; for each it is decided anew whether to store it. */
const PIECE_BYTES = 128 * 1024;
const SAMPLE_BYTES = 8 * 1024;
/** A sample that does not shrink below this is noise. */
const NOISE_RATIO_MIN = 0.97;
/** Three to four times as fast as the usual level, and a tenth larger. */
const HURRIED_LEVEL = 1;

export class GzipMemberStream {
  readonly #deflate: DeflateRaw;
  readonly #settings: DeflateSettings;
  readonly #append: (bytes: Uint8Array) => Promise<void>;
  #ready: Uint8Array[] = [GZIP_HEADER];
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #level: number;
  #crc = 0;
  #sizeBytes = 0;

  /** `append` is never called twice at once. */
  constructor(settings: DeflateSettings, append: (bytes: Uint8Array) => Promise<void>) {
    this.#append = append;
    this.#settings = settings;
    this.#level = settings.level;
    this.#deflate = createDeflateRaw({ ...settings, chunkSize: PIECE_BYTES });
    this.#deflate.on('data', (chunk: Uint8Array) => this.#ready.push(chunk));
    // The same error is what the call at work ends with.
    this.#deflate.on('error', () => {});
  }

  /** The bytes may be changed once the call has resolved. */
  async write(bytes: Uint8Array, hurry = false): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.slice(at, at + PIECE_BYTES - this.#gatheredBytes);
      at += piece.length;
      this.#gathered.push(piece);
      this.#gatheredBytes += piece.length;
      if (this.#gatheredBytes === PIECE_BYTES) await this.#deflateGathered(hurry);
    }
  }

  async end(): Promise<void> {
    await this.#deflateGathered();
    this.#deflate.end();
    await finished(this.#deflate);
    this.#ready.push(gzipTrailer(this.#crc, this.#sizeBytes));
    await this.#flush();
  }

  abort(): void {
    this.#deflate.destroy();
  }

  async #deflateGathered(hurry = false): Promise<void> {
    const piece = joinBytes(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (piece.length === 0) return;
    this.#crc = crc32(piece, this.#crc);
    this.#sizeBytes += piece.length;
    const level = hurry ? Math.min(HURRIED_LEVEL, this.#settings.level) : this.#settings.level;
    await this.#setLevel(isNoise(piece) ? STORE.level : level);
    await new Promise<void>((resolve, reject) => {
      this.#deflate.write(piece, (error) => (error ? reject(error) : resolve()));
    });
    await this.#flush();
  }

  async #setLevel(level: number): Promise<void> {
    if (level === this.#level) return;
    this.#level = level;
    await new Promise<void>((resolve, reject) => {
      const done = (error: Error | null) => (error ? reject(error) : resolve());
      // Node calls back with an error only where there is one, whatever its types say.
      this.#deflate.params(level, constants.Z_DEFAULT_STRATEGY, done as () => void);
    });
  }

  async #flush(): Promise<void> {
    if (this.#ready.length === 0) return;
    const bytes = joinBytes(this.#ready);
    this.#ready = [];
    await this.#append(bytes);
  }
}

/** Judged by two samples: a file may begin with a header that does compress. */
function isNoise(piece: Uint8Array): boolean {
  const middle = piece.length >> 1;
  return [0, middle].every((start) => {
    const sample = piece.subarray(start, start + SAMPLE_BYTES);
    const deflated = deflateRawSync(sample, { level: 1, memLevel: 9, windowBits: 15 });
    return deflated.length >= sample.length * NOISE_RATIO_MIN;
  });
}
