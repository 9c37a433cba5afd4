/** A gzip member that is written piece by piece. */
import { finished } from 'node:stream/promises';
import type { DeflateRaw } from 'node:zlib';
import { crc32, createDeflateRaw } from 'node:zlib';
import type { DeflateSettings } from './gzip-member.js';
import { GZIP_HEADER, gzipTrailer, joinBytes } from './gzip-member.js';

export class GzipMemberStream {
  readonly #deflate: DeflateRaw;
  readonly #append: (bytes: Uint8Array) => Promise<void>;
  #ready: Uint8Array[] = [GZIP_HEADER];
  #crc = 0;
  #sizeBytes = 0;
  #failure: Error | null = null;

  /** `append` is never called twice at once. */
  constructor(settings: DeflateSettings, append: (bytes: Uint8Array) => Promise<void>) {
    this.#append = append;
    this.#deflate = createDeflateRaw(settings);
    this.#deflate.on('data', (chunk: Uint8Array) => this.#ready.push(chunk));
    this.#deflate.on('error', (error) => {
      this.#failure = error;
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#crc = crc32(bytes, this.#crc);
    this.#sizeBytes += bytes.length;
    await new Promise<void>((resolve, reject) => {
      this.#deflate.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    await this.#flush();
  }

  async end(): Promise<void> {
    this.#deflate.end();
    await finished(this.#deflate);
    this.#ready.push(gzipTrailer(this.#crc, this.#sizeBytes));
    await this.#flush();
  }

  abort(): void {
    this.#deflate.destroy();
  }

  async #flush(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#ready.length === 0) return;
    const bytes = joinBytes(this.#ready);
    this.#ready = [];
    await this.#append(bytes);
  }
}
