/**
 * Files out of a .tar or .zip that somebody else made, on their way into a backup. Names are checked
 * as a board's, content waits in an unnamed temporary file, and what is no file or folder is left out
 * and named.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskError } from '../archive/disk.js';
import { comparePaths, displayPath, parentOfPath, pathProblem } from '../core/device-path.js';
import { BelayError, throwIfAborted } from '../core/errors.js';
import type { TreeEntry } from '../core/tree.js';
import type { HostTree, ImportOptions } from './host-import.js';
import { decodeHostName } from './host-name.js';

/** All content together: far more than a board holds, far less than a bomb unpacks to. */
const TOTAL_BYTES_MAX = 4 * 1024 ** 3;
const ENTRIES_MAX = 100_000;
const CHUNK_BYTES = 256 * 1024;

interface Place {
  readonly offset: number;
  readonly sizeBytes: number;
}

export class ForeignFiles {
  readonly #name: string;
  readonly #options: ImportOptions;
  readonly #folder: string;
  readonly #spool: FileHandle;
  readonly #entries = new Map<string, TreeEntry>();
  readonly #places = new Map<string, Place>();
  readonly #skipped: { path: string; why: string }[] = [];
  #sizeBytes = 0;
  #count = 0;

  private constructor(name: string, options: ImportOptions, folder: string, spool: FileHandle) {
    this.#name = name;
    this.#options = options;
    this.#folder = folder;
    this.#spool = spool;
  }

  /** `name` is that of the archive, for messages. */
  static async create(name: string, options: ImportOptions): Promise<ForeignFiles> {
    try {
      const folder = await mkdtemp(join(tmpdir(), 'belay-import-'));
      const spool = await open(join(folder, 'spool'), 'wx+', 0o600);
      // Open files without a name vanish with the process, however it ends; Windows has none.
      if (platform() !== 'win32') await rm(folder, { recursive: true });
      return new ForeignFiles(name, options, folder, spool);
    } catch (error) {
      throw diskError('write to the folder', tmpdir(), error);
    }
  }

  /**
   * The path that a name stands for, or null where it is left out. Throws archive/path for a name
   * that leads out of the archive: nobody makes those by accident.
   */
  pathOf(name: string, kind: 'file' | 'folder'): string | null {
    this.#count += 1;
    if (this.#count > ENTRIES_MAX) throw this.#error('archive/limit', 'too many entries');
    throwIfAborted(this.#options.signal);
    const path = name
      .replace(/^(?:\.\/)+/, '')
      .replace(/\/+$/, '')
      .split('/')
      .map((part) => (this.#options.decodeNames ? decodeHostName(part) : part))
      .join('/');
    if (path === '' || path === '.') return null;
    const problem = pathProblem(path);
    if (problem !== null) throw this.#error('archive/path', `"${displayPath(name)}": ${problem}`);
    return this.#options.isWanted?.(path, kind) === false ? null : path;
  }

  skip(path: string, why: string): void {
    this.#skipped.push({ path, why });
  }

  addFolder(path: string): void {
    this.#addParents(path);
    this.#put({ kind: 'folder', path });
  }

  /** The last of several files of one name counts, as in tar. */
  async addFile(
    path: string,
    modifiedS: number | null,
    content: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    this.#addParents(path);
    const hash = createHash('sha256');
    const offset = this.#sizeBytes;
    for await (const bytes of content) {
      throwIfAborted(this.#options.signal);
      if (this.#sizeBytes + bytes.length > TOTAL_BYTES_MAX) {
        throw this.#error('archive/limit', 'more than 4 GiB of content');
      }
      hash.update(bytes);
      await this.#append(bytes);
    }
    const sizeBytes = this.#sizeBytes - offset;
    this.#places.set(path, { offset, sizeBytes });
    this.#put({ kind: 'file', path, sizeBytes, modifiedS, sha256: hash.digest('hex') });
  }

  #addParents(path: string): void {
    const parents: string[] = [];
    for (let at = parentOfPath(path); at !== ''; at = parentOfPath(at)) parents.push(at);
    for (const parent of parents.reverse()) this.#put({ kind: 'folder', path: parent });
  }

  #put(entry: TreeEntry): void {
    const found = this.#entries.get(entry.path);
    if (found !== undefined && found.kind !== entry.kind) {
      throw this.#error('archive/path', `"${displayPath(entry.path)}" is a file and a folder`);
    }
    this.#entries.set(entry.path, entry);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#spool.write(
          bytes,
          at,
          bytes.length - at,
          this.#sizeBytes,
        );
        at += bytesWritten;
        this.#sizeBytes += bytesWritten;
      }
    } catch (error) {
      throw diskError('write to the folder', tmpdir(), error);
    }
  }

  #error(code: 'archive/limit' | 'archive/path', why: string): BelayError {
    return new BelayError(code, `${this.#name}: ${why}`);
  }

  tree(): HostTree {
    return {
      tree: [...this.#entries.values()].sort((a, b) => comparePaths(a.path, b.path)),
      skipped: this.#skipped,
      read: (path) => this.#read(path),
      close: () => this.close(),
    };
  }

  async *#read(path: string): AsyncGenerator<Uint8Array> {
    const place = this.#places.get(path);
    if (place === undefined) throw new TypeError(`read: ${displayPath(path)} is not in this tree`);
    const end = place.offset + place.sizeBytes;
    for (let at = place.offset; at < end; at += CHUNK_BYTES) {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - at));
      await this.#spool.read(chunk, 0, chunk.length, at);
      yield chunk;
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#spool.close().catch(() => {});
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What went wrong in the archive itself becomes archive/damaged; everything else stays. */
export function damagedArchive(name: string, error: unknown): unknown {
  if (error instanceof BelayError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new BelayError('archive/damaged', `${name}: ${why}`, { cause: error });
}
