/**
 * A disk in memory that counts its operations, fails the n-th, and knows what would survive a power
 * cut: bytes that were synced, under names whose folder was synced.
 */
import type { Disk, DiskFile } from '../../src/archive/disk.js';
import { parentOfPath } from '../../src/core/device-path.js';

interface Inode {
  bytes: Uint8Array;
  synced: Uint8Array;
}

export interface Operation {
  readonly name: string;
  readonly path: string;
}

export class RecordingDisk implements Disk {
  readonly operations: Operation[] = [];
  readonly #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  /** Handles that were opened and not closed. */
  openFiles = 0;
  failAt: { readonly operation: number; readonly code: string } | null = null;
  /** Called before each operation, with its number from 1 on. */
  onOperation: (count: number) => void = () => {};
  hasLinks = true;

  /** Names of files, sorted. */
  names(): string[] {
    return [...this.#names.keys()].sort();
  }

  bytesOf(path: string): Uint8Array | null {
    return this.#names.get(path)?.bytes ?? null;
  }

  put(path: string, bytes: Uint8Array): void {
    const inode = { bytes, synced: bytes };
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  /**
   * What may be found after a cut now. 'least': only what was synced; 'names first': names that
   * were not synced are there already, with the bytes that were.
   */
  afterPowerCut(mode: 'least' | 'names first'): RecordingDisk {
    const disk = new RecordingDisk();
    const names = mode === 'least' ? this.#durableNames : this.#names;
    for (const [path, inode] of names) disk.put(path, inode.synced.slice());
    return disk;
  }

  async openToRead(path: string): Promise<DiskFile> {
    this.#count('open', path);
    return this.#file(path, this.#existing(path));
  }

  async createNew(path: string): Promise<DiskFile> {
    this.#count('create', path);
    if (this.#names.has(path)) throw systemError('EEXIST', path);
    const inode = { bytes: new Uint8Array(0), synced: new Uint8Array(0) };
    this.#names.set(path, inode);
    return this.#file(path, inode);
  }

  async link(from: string, to: string): Promise<void> {
    this.#count('link', to);
    if (!this.hasLinks) throw systemError('EPERM', to);
    if (this.#names.has(to)) throw systemError('EEXIST', to);
    this.#names.set(to, this.#existing(from));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#count('rename', to);
    this.#names.set(to, this.#existing(from));
    this.#names.delete(from);
  }

  async exists(path: string): Promise<boolean> {
    this.#count('exists', path);
    return this.#names.has(path);
  }

  async remove(path: string): Promise<void> {
    this.#count('remove', path);
    this.#names.delete(path);
  }

  async syncFolder(path: string): Promise<void> {
    this.#count('sync folder', path);
    const elsewhere = [...this.#durableNames].filter(([name]) => parentOfPath(name) !== path);
    const here = [...this.#names].filter(([name]) => parentOfPath(name) === path);
    this.#durableNames = new Map([...elsewhere, ...here]);
  }

  #existing(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw systemError('ENOENT', path);
    return inode;
  }

  #count(name: string, path: string): void {
    this.operations.push({ name, path });
    this.onOperation(this.operations.length);
    if (this.failAt?.operation === this.operations.length)
      throw systemError(this.failAt.code, path);
  }

  #file(path: string, inode: Inode): DiskFile {
    this.openFiles += 1;
    let isOpen = true;
    return {
      read: async (offset, length) => {
        this.#count('read', path);
        return inode.bytes.slice(offset, offset + length);
      },
      write: async (offset, bytes) => {
        const grown = new Uint8Array(Math.max(inode.bytes.length, offset + bytes.length));
        grown.set(inode.bytes);
        // A full disk takes a part before it says so.
        const isFailing = this.failAt?.operation === this.operations.length + 1;
        grown.set(isFailing ? bytes.subarray(0, bytes.length >> 1) : bytes, offset);
        inode.bytes = grown;
        this.#count('write', path);
      },
      truncate: async (sizeBytes) => {
        this.#count('truncate', path);
        inode.bytes = inode.bytes.slice(0, sizeBytes);
      },
      sync: async () => {
        this.#count('sync', path);
        inode.synced = inode.bytes;
      },
      sizeBytes: async () => {
        this.#count('stat', path);
        return inode.bytes.length;
      },
      close: async () => {
        if (isOpen) this.openFiles -= 1;
        isOpen = false;
        this.#count('close', path);
      },
    };
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: injected, '${path}'`), { code });
}
