/** Open files of the virtual flash: what a file descriptor of the interpreter stands for. */

import type { FlashFile, FlashTree } from './flash-tree.js';
import { ERRNO } from './flash-tree.js';

const ACCESS_MODE = 3;
const CREATE = 0o100;
const EXCLUSIVE = 0o200;
const TRUNCATE = 0o1000;
const APPEND = 0o2000;

interface Handle {
  path: string;
  readonly file: FlashFile;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly append: boolean;
  position: number;
  /** What was written and is not yet true; null until the first change. */
  working: Uint8Array | null;
  workingBytes: number;
  /** Blocks taken for `working`, and how much of it the flash was charged for. */
  blocks: number;
  programmedBytes: number;
  /** LittleFS drops a file whose write failed: the old content stays. */
  failed: boolean;
}

export class FlashHandles {
  readonly #tree: FlashTree;
  readonly #handles = new Map<number, Handle>();
  #next = 16;

  constructor(tree: FlashTree) {
    this.#tree = tree;
  }

  has(descriptor: number): boolean {
    return this.#handles.has(descriptor);
  }

  /** Descriptor, or a negative error number. */
  open(path: string, flags: number): number {
    const access = flags & ACCESS_MODE;
    if (access !== 0 && this.#tree.readOnly) return -ERRNO.EROFS;
    let node = this.#tree.find(path);
    if (node?.kind === 'folder') return -ERRNO.EISDIR;
    if (node !== null && (flags & EXCLUSIVE) !== 0) return -ERRNO.EEXIST;
    let created = false;
    if (node === null) {
      if ((flags & CREATE) === 0) return -ERRNO.ENOENT;
      const made = this.#tree.create(path);
      if (typeof made === 'number') return made;
      node = made;
      created = true;
    }
    const handle: Handle = {
      path,
      file: node,
      readable: access !== 1,
      writable: access !== 0,
      append: (flags & APPEND) !== 0,
      position: 0,
      working: null,
      workingBytes: 0,
      blocks: 0,
      programmedBytes: 0,
      failed: false,
    };
    if ((flags & TRUNCATE) !== 0 && !created) handle.working = new Uint8Array(0);
    const descriptor = this.#next++;
    this.#handles.set(descriptor, handle);
    return descriptor;
  }

  read(descriptor: number, target: Uint8Array): number {
    const handle = this.#handles.get(descriptor);
    if (handle === undefined || !handle.readable) return -ERRNO.EBADF;
    const size = sizeOf(handle);
    const count = Math.max(0, Math.min(target.length, size - handle.position));
    const source = handle.working ?? handle.file.content;
    target.set(source.subarray(handle.position, handle.position + count));
    handle.position += count;
    return count;
  }

  write(descriptor: number, source: Uint8Array): number {
    const handle = this.#handles.get(descriptor);
    if (handle === undefined || !handle.writable) return -ERRNO.EBADF;
    if (handle.failed) return -ERRNO.EIO;
    if (handle.append) handle.position = sizeOf(handle);
    const end = handle.position + source.length;
    if (!this.#reserve(handle, Math.max(end, sizeOf(handle)))) {
      handle.failed = true;
      return -ERRNO.ENOSPC;
    }
    const working = this.#workingCopy(handle, end);
    working.set(source, handle.position);
    handle.position = end;
    handle.workingBytes = Math.max(handle.workingBytes, end);
    return source.length;
  }

  /** New position, or a negative error number. */
  seek(descriptor: number, offset: number, whence: number): number {
    const handle = this.#handles.get(descriptor);
    if (handle === undefined) return -ERRNO.EBADF;
    const base = whence === 0 ? 0 : whence === 1 ? handle.position : sizeOf(handle);
    if (base + offset < 0) return -ERRNO.EINVAL;
    handle.position = base + offset;
    return handle.position;
  }

  /** Makes what was written true, as `flush()` does on LittleFS. */
  sync(descriptor: number): number {
    const handle = this.#handles.get(descriptor);
    if (handle === undefined) return -ERRNO.EBADF;
    this.#commit(handle);
    return 0;
  }

  close(descriptor: number): number {
    const handle = this.#handles.get(descriptor);
    if (handle === undefined) return -ERRNO.EBADF;
    this.#handles.delete(descriptor);
    this.#commit(handle);
    return 0;
  }

  /** A soft reset: the finalisers close what is open, which commits it as far as it got. */
  closeAll(): void {
    for (const descriptor of [...this.#handles.keys()]) this.close(descriptor);
  }

  /** The files that are open keep their identity when a folder or file above gets another name. */
  renamed(from: string, to: string): void {
    for (const handle of this.#handles.values()) {
      if (handle.path === from) handle.path = to;
      else if (handle.path.startsWith(`${from}/`))
        handle.path = to + handle.path.slice(from.length);
    }
  }

  #commit(handle: Handle): void {
    if (handle.working === null) return;
    const space = this.#tree.space;
    if (handle.failed) {
      space.returnBlocks(handle.blocks);
    } else {
      const content = new Uint8Array(new SharedArrayBuffer(handle.workingBytes));
      content.set(handle.working.subarray(0, handle.workingBytes));
      this.#tree.replaceContent(handle.path, handle.file, content);
    }
    handle.working = null;
    handle.workingBytes = 0;
    handle.blocks = 0;
    handle.programmedBytes = 0;
  }

  /** Takes blocks for a content of this size and spends the time that writing it takes. */
  #reserve(handle: Handle, sizeBytes: number): boolean {
    const space = this.#tree.space;
    const blocks = space.blocksOf(sizeBytes);
    const more = blocks - handle.blocks;
    if (more > 0 && !space.takeBlocks(more)) return false;
    handle.blocks = Math.max(handle.blocks, blocks);
    if (blocks > 0) {
      space.spendWrite(Math.max(0, sizeBytes - handle.programmedBytes), Math.max(0, more));
      handle.programmedBytes = Math.max(handle.programmedBytes, sizeBytes);
    }
    return true;
  }

  #workingCopy(handle: Handle, end: number): Uint8Array {
    if (handle.working === null) {
      handle.workingBytes = handle.file.content.length;
      handle.working = new Uint8Array(Math.max(end, handle.workingBytes, 512));
      handle.working.set(handle.file.content);
    }
    if (end > handle.working.length) {
      const grown = new Uint8Array(Math.max(end, 2 * handle.working.length));
      grown.set(handle.working.subarray(0, handle.workingBytes));
      handle.working = grown;
    }
    return handle.working;
  }
}

function sizeOf(handle: Handle): number {
  return handle.working === null ? handle.file.content.length : handle.workingBytes;
}
