/**
 * The board's file system: a tree of names that are bytes (held as `DevicePath` strings), with the
 * habits of LittleFS: what is written becomes true when the file is closed, space is counted in
 * blocks, a rename replaces. Errors are negative MicroPython error numbers, as a driver returns them.
 */
import type { FlashName, FlashSpace } from './flash-space.js';

export const ERRNO = {
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EEXIST: 17,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENOSPC: 28,
  EROFS: 30,
  ENAMETOOLONG: 36,
  ENOTEMPTY: 39,
} as const;

export interface FlashFile {
  readonly kind: 'file';
  /** What a power cut would leave. Shared memory, so that the host sees it without a copy. */
  content: Uint8Array;
  modifiedS: number;
}

export interface FlashFolder {
  readonly kind: 'folder';
  readonly entries: Map<string, FlashFile | FlashFolder>;
}

/** Told of every change that has reached the flash. */
export interface FlashJournal {
  put(path: string, content: Uint8Array, modifiedS: number): void;
  makeFolder(path: string): void;
  remove(path: string): void;
  rename(from: string, to: string): void;
}

export interface FlashTreeOptions {
  readonly space: FlashSpace;
  readonly journal: FlashJournal;
  readonly nowS: () => number;
  readonly readOnly: boolean;
  readonly nameBytesMax: number;
  readonly byteLength: (text: string) => number;
}

const NOTHING = new Uint8Array(0);

export class FlashTree {
  readonly root: FlashFolder = { kind: 'folder', entries: new Map() };
  readonly #options: FlashTreeOptions;

  constructor(options: FlashTreeOptions) {
    this.#options = options;
    options.space.addRoot();
  }

  get space(): FlashSpace {
    return this.#options.space;
  }

  get readOnly(): boolean {
    return this.#options.readOnly;
  }

  find(path: string): FlashFile | FlashFolder | null {
    if (path === '') return this.root;
    let node: FlashFile | FlashFolder | undefined = this.root;
    for (const name of path.split('/')) {
      if (node?.kind !== 'folder') return null;
      node = node.entries.get(name);
    }
    return node ?? null;
  }

  /** A new empty file (its entry reaches the flash at once), or the error number. */
  create(path: string): FlashFile | number {
    const place = this.#placeFor(path);
    if (typeof place === 'number') return place;
    const { space, journal, nowS } = this.#options;
    if (space.freeBlocks < 1) return -ERRNO.ENOSPC;
    const file: FlashFile = { kind: 'file', content: NOTHING, modifiedS: nowS() };
    place.folder.entries.set(place.name, file);
    space.create(this.#nameAt(path));
    journal.put(path, NOTHING, file.modifiedS);
    return file;
  }

  /** Makes `content` what the file holds. Blocks were taken while it was written. */
  replaceContent(path: string, file: FlashFile, content: Uint8Array): void {
    const { space, journal, nowS } = this.#options;
    if (this.find(path) !== file) {
      // Its name was taken away or given to another file: LittleFS drops such late content.
      space.returnBlocks(space.blocksOf(content.length));
      return;
    }
    space.returnBlocks(space.blocksOf(file.content.length));
    file.content = content;
    file.modifiedS = nowS();
    space.close(this.#nameAt(path), content.length);
    journal.put(path, content, file.modifiedS);
  }

  /** Gives a file another time (`os.utime`). */
  date(path: string, modifiedS: number): number {
    if (this.readOnly) return -ERRNO.EROFS;
    const file = this.find(path);
    if (file?.kind !== 'file') return -ERRNO.ENOENT;
    file.modifiedS = modifiedS;
    this.#options.journal.put(path, file.content, modifiedS);
    return 0;
  }

  makeFolder(path: string): number {
    const place = this.#placeFor(path);
    if (typeof place === 'number') return place;
    const { space, journal } = this.#options;
    if (space.freeBlocks < 2) return -ERRNO.ENOSPC;
    place.folder.entries.set(place.name, { kind: 'folder', entries: new Map() });
    space.makeFolder(this.#nameAt(path), path);
    journal.makeFolder(path);
    return 0;
  }

  /** Removes a file, an empty folder, or either. */
  remove(path: string, kind: 'file' | 'folder' | 'any'): number {
    if (this.readOnly) return -ERRNO.EROFS;
    const node = this.find(path);
    if (node === null) return -ERRNO.ENOENT;
    if (path === '') return -ERRNO.EINVAL;
    if (kind === 'file' && node.kind === 'folder' && node.entries.size > 0) return -ERRNO.EISDIR;
    if (kind === 'folder' && node.kind === 'file') return -ERRNO.ENOTDIR;
    if (node.kind === 'folder' && node.entries.size > 0) return -ERRNO.ENOTEMPTY;
    this.#unlink(path, node);
    this.#options.journal.remove(path);
    return 0;
  }

  rename(from: string, to: string): number {
    if (this.readOnly) return -ERRNO.EROFS;
    const node = this.find(from);
    if (node === null) return -ERRNO.ENOENT;
    if (from === to) return 0;
    if (from === '' || to.startsWith(`${from}/`)) return -ERRNO.EINVAL;
    const existing = this.find(to);
    if (existing !== null) {
      if (existing.kind === 'folder' && node.kind === 'file') return -ERRNO.EISDIR;
      if (existing.kind === 'file' && node.kind === 'folder') return -ERRNO.ENOTDIR;
      if (existing.kind === 'folder' && existing.entries.size > 0) return -ERRNO.ENOTEMPTY;
      this.#unlink(to, existing);
    }
    const place = this.#placeFor(to);
    if (typeof place === 'number') return place;
    const source = this.#parent(from) as FlashFolder;
    const { space, journal } = this.#options;
    source.entries.delete(nameOf(from));
    place.folder.entries.set(place.name, node);
    const sizeBytes = node.kind === 'file' ? node.content.length : null;
    space.rename(this.#nameAt(from), this.#nameAt(to), sizeBytes);
    if (node.kind === 'folder') space.rebase(from, to);
    journal.rename(from, to);
    return 0;
  }

  /** Puts content there without time, space checks or journal: what the board is delivered with. */
  seed(path: string, content: Uint8Array | null, modifiedS: number): void {
    const { space } = this.#options;
    let folder = this.root;
    let folderPath = '';
    const names = path.split('/');
    const last = content === null ? names.length : names.length - 1;
    for (const name of names.slice(0, last)) {
      let next = folder.entries.get(name);
      const nextPath = folderPath === '' ? name : `${folderPath}/${name}`;
      if (next?.kind !== 'folder') {
        next = { kind: 'folder', entries: new Map() };
        folder.entries.set(name, next);
        space.makeFolder(this.#nameAt(nextPath), nextPath);
      }
      folder = next;
      folderPath = nextPath;
    }
    if (content === null) return;
    const name = names[last] as string;
    folder.entries.set(name, { kind: 'file', content, modifiedS });
    space.create(this.#nameAt(path));
    space.close(this.#nameAt(path), content.length);
    space.takeBlocks(space.blocksOf(content.length));
  }

  #unlink(path: string, node: FlashFile | FlashFolder): void {
    const { space } = this.#options;
    this.#parent(path)?.entries.delete(nameOf(path));
    if (node.kind === 'folder') space.removeFolder(this.#nameAt(path), path);
    else {
      space.returnBlocks(space.blocksOf(node.content.length));
      space.remove(this.#nameAt(path));
    }
  }

  #nameAt(path: string): FlashName {
    const name = nameOf(path);
    return { folder: folderOf(path), name, bytes: this.#options.byteLength(name) };
  }

  #parent(path: string): FlashFolder | null {
    const folder = this.find(folderOf(path));
    return folder?.kind === 'folder' ? folder : null;
  }

  /** Where a new name would go; refuses what exists, read-only flash and names that are too long. */
  #placeFor(path: string): { folder: FlashFolder; folderPath: string; name: string } | number {
    if (this.readOnly) return -ERRNO.EROFS;
    if (this.find(path) !== null) return -ERRNO.EEXIST;
    const folderPath = folderOf(path);
    const folder = this.find(folderPath);
    if (folder === null) return -ERRNO.ENOENT;
    if (folder.kind === 'file') return -ERRNO.ENOTDIR;
    const name = nameOf(path);
    if (this.#options.byteLength(name) > this.#options.nameBytesMax) return -ERRNO.ENAMETOOLONG;
    return { folder, folderPath, name };
  }
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
