/**
 * The few disk operations that an archive is made of, as a seam: tests count them, fail the n-th,
 * and lose what was not synced. Errors are Node's own (with `code`); `diskError` maps them.
 */
import type { FileHandle } from 'node:fs/promises';
import { access, link, open, rename, unlink } from 'node:fs/promises';
import type { ErrorCode } from '../core/errors.js';
import { BelayError } from '../core/errors.js';

export interface DiskFile {
  /** Fewer bytes than asked for only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** All of `bytes`, at `offset`. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** Returns when the bytes have reached the medium. */
  sync(): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

export interface Disk {
  openToRead(path: string): Promise<DiskFile>;
  /** For reading and writing; EEXIST where the name is taken. */
  createNew(path: string): Promise<DiskFile>;
  /** A further name for a file; EEXIST where it is taken, other codes where links are not possible. */
  link(from: string, to: string): Promise<void>;
  /** Replaces `to` where it exists. */
  rename(from: string, to: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Not an error where it is gone already. */
  remove(path: string): Promise<void>;
  /** Makes the names in a folder durable. */
  syncFolder(path: string): Promise<void>;
}

/** This computer's disk. */
export const nodeDisk: Disk = {
  openToRead: async (path) => new NodeDiskFile(await open(path, 'r')),
  createNew: async (path) => new NodeDiskFile(await open(path, 'wx+', 0o666)),
  link: (from, to) => link(from, to),
  rename: (from, to) => rename(from, to),
  exists: (path) =>
    access(path).then(
      () => true,
      () => false,
    ),
  remove: async (path) => {
    await unlink(path).catch((error: unknown) => {
      if (diskCodeOf(error) !== 'ENOENT') throw error;
    });
  },
  syncFolder: async (path) => {
    try {
      const folder = await open(path, 'r');
      await folder.sync().finally(() => folder.close());
    } catch (error) {
      // Windows opens no folders, and some network file systems sync none.
      if (!['EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP', 'EBADF'].includes(diskCodeOf(error)))
        throw error;
    }
  },
};

class NodeDiskFile implements DiskFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const { bytesRead } = await this.#handle.read(bytes, at, length - at, offset + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return at === length ? bytes : bytes.slice(0, at);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, offset + at);
      at += bytesWritten;
    }
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#handle.truncate(sizeBytes);
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  async sizeBytes(): Promise<number> {
    const stat = await this.#handle.stat();
    if (!stat.isFile()) throw Object.assign(new Error('not a regular file'), { code: 'ENOTREG' });
    return stat.size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** The system's code of an error (`ENOSPC`), or ''. */
export function diskCodeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'store/full',
  EDQUOT: 'store/full',
  EFBIG: 'store/full',
  EACCES: 'store/permission',
  EPERM: 'store/permission',
  EROFS: 'store/permission',
  ENOENT: 'store/not-found',
  EEXIST: 'store/exists',
};

const HINTS: Partial<Record<ErrorCode, string>> = {
  'store/full': 'Free some space there, or choose another folder with --dir.',
  'store/permission': 'Check who may write there, or choose another folder with --dir.',
  'store/not-found': 'Check the path.',
};

/** What the system said, as a BelayError that names the path; a BelayError stays as it is. */
export function diskError(doing: string, path: string, cause: unknown): BelayError {
  if (cause instanceof BelayError) return cause;
  const systemCode = diskCodeOf(cause);
  const code = CODES[systemCode] ?? 'store/io';
  const hint = HINTS[code];
  const what = cause instanceof Error ? cause.message : String(cause);
  return new BelayError(code, `cannot ${doing} ${path}: ${what}`, {
    cause,
    details: { path, systemCode },
    ...(hint === undefined ? {} : { hint }),
  });
}
