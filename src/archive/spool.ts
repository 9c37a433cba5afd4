/** Where data members wait until the head of the archive is known, and what is known of them. */
import type { NewFile } from './big-file.js';
import type { FailedEntry, FolderEntry } from './manifest.js';

export interface Spool {
  readonly sizeBytes: number;
  append(bytes: Uint8Array): Promise<void>;
  /** Drops everything from `toBytes` on. */
  truncate(toBytes: number): Promise<void>;
  /** Exactly `length` bytes that were appended. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface SpooledMember {
  readonly spoolOffset: number;
  readonly compressedSize: number;
  readonly tarSize: number;
  readonly compressionMethod: 'deflate' | 'none';
  readonly files: readonly { readonly meta: NewFile; readonly tarOffset: number }[];
  /** False until its file is verified, and for ever where that failed. */
  readonly isLive: boolean;
}

export type PendingEntry =
  | { readonly kind: 'listed'; readonly entry: FolderEntry | FailedEntry }
  | { readonly kind: 'stored'; readonly meta: NewFile }
  | { readonly kind: 'reference'; readonly meta: NewFile; readonly dataIn: string };

/** A spool in memory: for small archives, and for tests. */
export class MemorySpool implements Spool {
  #bytes = new Uint8Array(64 * 1024);
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    const needed = this.#sizeBytes + bytes.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#sizeBytes));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#sizeBytes);
    this.#sizeBytes = needed;
  }

  async truncate(toBytes: number): Promise<void> {
    this.#sizeBytes = Math.min(toBytes, this.#sizeBytes);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.#bytes.slice(offset, Math.min(offset + length, this.#sizeBytes));
  }
}
