/** A spool that starts in memory and moves to a temporary file when it outgrows it. */
import type { Disk, DiskFile } from './disk.js';
import type { Spool } from './spool.js';
import { MemorySpool } from './spool.js';

/** Most boards' whole content; beyond, the disk takes over. */
export const SPOOL_MEMORY_BYTES = 8 * 1024 * 1024;
const MOVE_BYTES = 64 * 1024;

export class FileSpool implements Spool {
  readonly #disk: Disk;
  readonly #path: string;
  #memory: MemorySpool | null = new MemorySpool();
  #file: DiskFile | null = null;
  #sizeBytes = 0;

  readonly #memoryBytesMax: number;

  /** `path` is created only when it is needed. */
  constructor(disk: Disk, path: string, memoryBytesMax: number) {
    this.#disk = disk;
    this.#path = path;
    this.#memoryBytesMax = memoryBytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (this.#memory !== null && this.#sizeBytes + bytes.length > this.#memoryBytesMax) {
      await this.#moveToDisk(this.#memory);
    }
    if (this.#memory !== null) await this.#memory.append(bytes);
    else await this.#file?.write(this.#sizeBytes, bytes);
    this.#sizeBytes += bytes.length;
  }

  async truncate(toBytes: number): Promise<void> {
    if (this.#memory !== null) await this.#memory.truncate(toBytes);
    else await this.#file?.truncate(toBytes);
    this.#sizeBytes = Math.min(toBytes, this.#sizeBytes);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (this.#memory !== null) return this.#memory.read(offset, length);
    return (await this.#file?.read(offset, length)) ?? new Uint8Array(0);
  }

  /** Closes and removes the file, if there is one. Idempotent. */
  async remove(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    this.#memory = null;
    if (file === null) return;
    await file.close().finally(() => this.#disk.remove(this.#path));
  }

  async #moveToDisk(memory: MemorySpool): Promise<void> {
    this.#file ??= await this.#disk.createNew(this.#path);
    // In pieces: a second copy of it all would be the most memory that a backup ever takes.
    for (let at = 0; at < this.#sizeBytes; at += MOVE_BYTES) {
      const piece = await memory.read(at, Math.min(MOVE_BYTES, this.#sizeBytes - at));
      await this.#file.write(at, piece);
    }
    this.#memory = null;
  }
}
