/**
 * How much room and how much time a LittleFS would take for what is done to the flash: blocks of
 * content, inline files, folders (flash-metadata.ts). A model, not the library: its times are
 * within a tenth of those of lfs2.c on a block device that counts (test/testing/flash-space.test.ts;
 * 5 % on average over random histories of files up to 9 kB), its blocks mostly a little above.
 */
import { type EntryShape, type FlashCost, FolderLog, LOG_BYTES } from './flash-metadata.js';

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

/** The superblock's pair. */
const BASE_BLOCKS = 2;

/** A name in a folder, with how many bytes it takes. */
export interface FlashName {
  readonly folder: string;
  readonly name: string;
  readonly bytes: number;
}

export class FlashSpace {
  readonly geometry: FlashGeometry;
  readonly #stall: (ms: number) => void;
  readonly #folders = new Map<string, FolderLog>();
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
    this.#spend({ erasedBlocks: erased, programmedBytes: bytes });
  }

  /** The root: no entry leads to it. */
  addRoot(): void {
    this.#folders.set('', this.#newLog());
  }

  /** The entry of a file that is opened for the first time. */
  create(at: FlashName): void {
    const entry = fileShape(at, 0);
    this.#folders.get(at.folder)?.commit(at.name, LOG_BYTES.create(entry), entry);
  }

  /** What was written becomes what the file holds. */
  close(at: FlashName, sizeBytes: number): void {
    const entry = fileShape(at, this.#inlineBytesOf(sizeBytes));
    this.#folders.get(at.folder)?.commit(at.name, LOG_BYTES.close(entry), entry);
  }

  makeFolder(at: FlashName, key: string): void {
    const entry = folderShape(at);
    this.#spend({ erasedBlocks: 1, programmedBytes: this.geometry.programBytes });
    this.#folders.set(key, this.#newLog());
    this.#folders.get(at.folder)?.commit(at.name, LOG_BYTES.makeFolder(entry), entry);
  }

  remove(at: FlashName): void {
    this.#folders.get(at.folder)?.commit(at.name, LOG_BYTES.remove, null);
  }

  removeFolder(at: FlashName, key: string): void {
    this.#folders.delete(key);
    this.remove(at);
  }

  /** A file of `sizeBytes`, or a folder (null), gets another name. */
  rename(from: FlashName, to: FlashName, sizeBytes: number | null): void {
    const entry =
      sizeBytes === null ? folderShape(to) : fileShape(to, this.#inlineBytesOf(sizeBytes));
    const source = this.#folders.get(from.folder);
    const target = this.#folders.get(to.folder);
    if (source === target && source?.arePaired(from.name, to.name) === true) {
      source.rename(from.name, to.name, LOG_BYTES.moveWithin(entry), entry);
      return;
    }
    target?.commit(to.name, LOG_BYTES.moveTo(entry), entry);
    source?.commit(from.name, LOG_BYTES.moveFrom, null);
  }

  /** Everything below a folder goes with it. */
  rebase(from: string, to: string): void {
    for (const [key, folder] of [...this.#folders]) {
      if (key !== from && !key.startsWith(`${from}/`)) continue;
      this.#folders.delete(key);
      this.#folders.set(to + key.slice(from.length), folder);
    }
  }

  #newLog(): FolderLog {
    return new FolderLog(this.geometry, (cost) => this.#spend(cost));
  }

  #inlineBytesOf(sizeBytes: number): number | null {
    return sizeBytes <= this.inlineBytes ? sizeBytes : null;
  }

  #spend({ erasedBlocks, programmedBytes }: FlashCost): void {
    const { eraseMs, pageMs } = this.geometry;
    const ms = erasedBlocks * eraseMs + (programmedBytes / 256) * pageMs;
    if (ms > 0) this.#stall(ms);
  }
}

function fileShape(at: FlashName, inlineBytes: number | null): EntryShape {
  return { kind: 'file', nameBytes: at.bytes, inlineBytes };
}

function folderShape(at: FlashName): EntryShape {
  return { kind: 'folder', nameBytes: at.bytes, inlineBytes: null };
}
