/** A folder of this computer as a tree, to make a backup of it without a board. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, readdir } from 'node:fs/promises';
import { diskCodeOf, diskError } from '../archive/disk.js';
import {
  comparePaths,
  displayPath,
  joinPath,
  nameOfPath,
  pathFromBytes,
  pathProblem,
} from '../core/device-path.js';
import { BelayError, throwIfAborted } from '../core/errors.js';
import type { Tree, TreeEntry } from '../core/tree.js';
import { decodeHostName } from './host-name.js';

export interface ImportOptions {
  readonly signal: AbortSignal;
  /** DevicePaths to leave out; a folder that is left out is not entered. */
  readonly isWanted?: (path: string, kind: 'file' | 'folder') => boolean;
  /** Give names that extractTree encoded their bytes back. */
  readonly decodeNames: boolean;
}

export interface HostTree {
  /** Sorted by comparePaths, hashes included. */
  readonly tree: Tree;
  /** Not taken: symbolic links, sockets, devices, names that no board can hold. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
  /**
   * The content of a file of the tree, with the size and hash of the scan: throws store/io where
   * it has changed since.
   */
  read(path: string): AsyncIterable<Uint8Array>;
  /** Lets go of what `read` needs. Idempotent. */
  close(): Promise<void>;
}

const { O_NOFOLLOW, O_RDONLY } = constants;
/** Left out like the agent's own temporary files. */
const OWN_TEMPORARY = /^(?:\.belay-\d+-[0-9a-f]+\.tmp|\.blb~.*)$/;

/** Throws store/not-found, store/permission or store/io naming what could not be read. */
export async function scanHostTree(folder: string, options: ImportOptions): Promise<HostTree> {
  const scan = new HostScan(options);
  await scan.folder(folder);
  const { files, entries, skipped } = scan;
  return {
    tree: [...entries].sort((a, b) => comparePaths(a.path, b.path)),
    skipped,
    read: (path) => readUnchanged(files, path),
    close: async () => {},
  };
}

interface HostFile {
  readonly hostPath: Buffer;
  readonly sizeBytes: number;
  readonly sha256: string;
}

class HostScan {
  readonly entries: TreeEntry[] = [];
  readonly skipped: { path: string; why: string }[] = [];
  readonly files = new Map<string, HostFile>();
  readonly #options: ImportOptions;

  constructor(options: ImportOptions) {
    this.#options = options;
  }

  /** Breadth first, with a list of its own: folders may be deep. */
  async folder(root: string): Promise<void> {
    const queue: { hostPath: Buffer; path: string }[] = [{ hostPath: Buffer.from(root), path: '' }];
    for (let at = 0; at < queue.length; at += 1) {
      const { hostPath, path } = queue[at] as (typeof queue)[number];
      for (const name of await namesIn(hostPath)) {
        throwIfAborted(this.#options.signal);
        const below = Buffer.concat([hostPath, Buffer.from('/'), name]);
        const inner = await this.#entry(below, joinPath(path, this.#boardName(name)));
        if (inner !== null) queue.push({ hostPath: below, path: inner });
      }
    }
  }

  #boardName(name: Buffer): string {
    const plain = pathFromBytes(name);
    return this.#options.decodeNames ? decodeHostName(plain) : plain;
  }

  /** The path of a folder to enter, or null. */
  async #entry(hostPath: Buffer, path: string): Promise<string | null> {
    const shown = hostPath.toString();
    const stat = await lstat(hostPath).catch((error: unknown) => {
      throw diskError('read', shown, error);
    });
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : null;
    const why = kind === null ? 'neither a file nor a folder' : pathProblem(path);
    if (kind === null || why !== null) {
      this.skipped.push({ path, why: why ?? '' });
      return null;
    }
    if (OWN_TEMPORARY.test(nameOfPath(path)) || this.#options.isWanted?.(path, kind) === false)
      return null;
    if (kind === 'folder') {
      this.entries.push({ kind, path });
      return path;
    }
    const { sizeBytes, sha256 } = await digestOf(hostPath);
    this.files.set(path, { hostPath, sizeBytes, sha256 });
    this.entries.push({
      kind,
      path,
      sizeBytes,
      modifiedS: Math.floor(stat.mtimeMs / 1000),
      sha256,
    });
    return null;
  }
}

async function namesIn(folder: Buffer): Promise<Buffer[]> {
  try {
    return await readdir(folder, { encoding: 'buffer' });
  } catch (error) {
    if (diskCodeOf(error) === 'ENOTDIR')
      throw new BelayError('usage/invalid', `${folder}: of no kind that is read`, {
        hint: 'choose a folder, .tar, .tgz, .zip or .blb',
        cause: error,
      });
    throw diskError('read the folder', folder.toString(), error);
  }
}

async function openFile(hostPath: Buffer): Promise<FileHandle> {
  return open(hostPath, O_RDONLY | O_NOFOLLOW).catch((error: unknown) => {
    throw diskError('read', hostPath.toString(), error);
  });
}

async function digestOf(hostPath: Buffer): Promise<{ sizeBytes: number; sha256: string }> {
  const handle = await openFile(hostPath);
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      sizeBytes += (chunk as Uint8Array).length;
      hash.update(chunk as Uint8Array);
    }
    return { sizeBytes, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

async function* readUnchanged(
  files: ReadonlyMap<string, HostFile>,
  path: string,
): AsyncGenerator<Uint8Array> {
  const file = files.get(path);
  if (file === undefined) throw new TypeError(`read: ${displayPath(path)} is not in this tree`);
  const handle = await openFile(file.hostPath);
  try {
    const hash = createHash('sha256');
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      hash.update(chunk as Uint8Array);
      yield chunk as Uint8Array;
    }
    if (hash.digest('hex') !== file.sha256) {
      throw new BelayError('store/io', `${file.hostPath} has changed while it was read`, {
        retryable: true,
      });
    }
  } finally {
    await handle.close();
  }
}
