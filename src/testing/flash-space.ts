/**
 * How much room and how much time a LittleFS would take for what is done to the flash: blocks,
 * inline files, metadata pairs that fill, are compacted and split. A model, not the library: it was
 * fitted to measurements on MicroPython's own LittleFS (100 files of 200 B take about 30 blocks at
 * a program size of 256, a file of 8,192 B takes 3 of 4,096).
 */

export interface FlashGeometry {
  /** Bytes of the file system's partition. */
  readonly flashBytes: number;
  readonly blockBytes: number;
  /** Smallest unit that is programmed (LittleFS `prog_size`). */
  readonly programBytes: number;
  /** Time to erase one block, in milliseconds. */
  readonly eraseMs: number;
  /** Time to program 256 bytes, in milliseconds. */
  readonly pageMs: number;
}

/** Tag, name and time stamp of an entry, beside its name and inline data. */
const ENTRY_BYTES = 36;
const COMMIT_BYTES = 16;
/** The superblock's pair, and what the allocator keeps back. */
const BASE_BLOCKS = 2;

interface MetadataPair {
  liveBytes: number;
  usedBytes: number;
  /** Pairs that this folder has been split into. */
  pairs: number;
}

export class FlashSpace {
  readonly geometry: FlashGeometry;
  readonly #stall: (ms: number) => void;
  readonly #folders = new Map<string, MetadataPair>();
  #dataBlocks = 0;

  /** `stall` holds the board for so many milliseconds. */
  constructor(geometry: FlashGeometry, stall: (ms: number) => void) {
    this.geometry = geometry;
    this.#stall = stall;
  }

  get totalBlocks(): number {
    return Math.floor(this.geometry.flashBytes / this.geometry.blockBytes);
  }

  get freeBlocks(): number {
    return Math.max(0, this.totalBlocks - this.#usedBlocks());
  }

  #usedBlocks(): number {
    let pairs = 0;
    for (const folder of this.#folders.values()) pairs += folder.pairs;
    return BASE_BLOCKS + 2 * pairs + this.#dataBlocks;
  }

  /** Blocks of a file's content; small files live in the metadata. */
  blocksOf(sizeBytes: number): number {
    if (sizeBytes <= this.inlineBytes) return 0;
    return Math.ceil(sizeBytes / (this.geometry.blockBytes - 8));
  }

  /** The largest content that lives inside the metadata (a quarter of the cache's 4 programs). */
  get inlineBytes(): number {
    return Math.min(this.geometry.blockBytes / 8, 2 * this.geometry.programBytes, 1022);
  }

  /** Takes or gives back blocks of content; false when there is no room. */
  takeBlocks(count: number): boolean {
    if (count > this.freeBlocks) return false;
    this.#dataBlocks += count;
    return true;
  }

  returnBlocks(count: number): void {
    this.#dataBlocks -= count;
  }

  /** Time to write `bytes` of content of which `erased` blocks are new. */
  spendWrite(bytes: number, erased: number): void {
    this.#spend(erased, bytes);
  }

  addFolder(key: string): void {
    this.#folders.set(key, { liveBytes: 0, usedBytes: COMMIT_BYTES, pairs: 1 });
  }

  removeFolder(key: string): void {
    this.#folders.delete(key);
  }

  renameFolder(from: string, to: string): void {
    for (const [key, folder] of [...this.#folders]) {
      if (key !== from && !key.startsWith(`${from}/`)) continue;
      this.#folders.delete(key);
      this.#folders.set(to + key.slice(from.length), folder);
    }
  }

  /** One commit to a folder's log: `logBytes` written, the live part changed by `liveDelta`. */
  commit(folderKey: string, logBytes: number, liveDelta: number): void {
    const folder = this.#folders.get(folderKey);
    if (folder === undefined) return;
    const { blockBytes, programBytes } = this.geometry;
    const written = Math.ceil((logBytes + COMMIT_BYTES) / programBytes) * programBytes;
    folder.liveBytes = Math.max(0, folder.liveBytes + liveDelta);
    folder.usedBytes += written;
    this.#spend(0, written);
    if (folder.usedBytes <= blockBytes) return;
    const wanted = Math.max(1, Math.ceil(folder.liveBytes / (blockBytes / 2)));
    this.#spend(1 + 2 * Math.max(0, wanted - folder.pairs), folder.liveBytes / wanted);
    folder.pairs = wanted;
    folder.usedBytes = Math.ceil(folder.liveBytes / wanted / programBytes) * programBytes;
  }

  /** Log bytes of an entry with this name and this much inline content. */
  entryBytes(nameBytes: number, sizeBytes: number): number {
    return ENTRY_BYTES + nameBytes + (sizeBytes <= this.inlineBytes ? sizeBytes : 8);
  }

  #spend(erasedBlocks: number, programmedBytes: number): void {
    const { eraseMs, pageMs } = this.geometry;
    const ms = erasedBlocks * eraseMs + (programmedBytes / 256) * pageMs;
    if (ms > 0) this.#stall(ms);
  }
}
