/**
 * A `.blb` on this computer's disk: made whole or not at all. Until its final name appears there are
 * only temporary names, `.belay-<pid>-<random>.tmp`, in the target folder; a crash leaves those and
 * nothing else. FORMAT.md, "Crash windows".
 */
import { BelayError, isBelayError, throwIfAborted } from '../core/errors.js';
import type { BlbParts, ManifestDraft } from './blb-parts.js';
import { joinParts } from './blb-parts.js';
import { verifyBlb } from './blb-reader.js';
import { BlbWriter } from './blb-writer.js';
import type { ByteSource } from './byte-source.js';
import type { Disk, DiskFile } from './disk.js';
import { diskCodeOf, diskError, nodeDisk } from './disk.js';
import { FileSpool, SPOOL_MEMORY_BYTES } from './file-spool.js';
import type { Manifest } from './manifest.js';

export interface BlbFileOptions {
  readonly compress: boolean;
  /** Of this process: stands in temporary names, so that a sweep can tell the living. */
  readonly pid: number;
  readonly randomHex: (bytes: number) => string;
  /** Default: this computer's disk. */
  readonly disk?: Disk;
  /** Data members up to this size wait in memory. Default: 8 MiB. */
  readonly spoolMemoryBytes?: number;
}

export interface CommitOptions {
  readonly signal?: AbortSignal;
  /** Called when everything is on the disk and verified, just before the name appears. */
  readonly beforeRename?: () => Promise<void>;
}

export interface CommittedBlb {
  readonly path: string;
  readonly manifest: Manifest;
  readonly archiveBytes: number;
}

/** Temporary names of any process; the first group is its pid. */
export const TEMPORARY_NAME = /^\.belay-(\d+)-[0-9a-f]+\.tmp$/;

/** Throws store/not-found, store/permission, store/io. Reading never retries by itself. */
export async function openBlb(path: string, disk: Disk = nodeDisk): Promise<ByteSource> {
  const file = await disk.openToRead(path).catch((cause: unknown) => {
    throw diskError('open', path, cause);
  });
  try {
    return new FileSource(path, file, await file.sizeBytes());
  } catch (cause) {
    await file.close();
    throw diskError('read', path, cause);
  }
}

class FileSource implements ByteSource {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #file: DiskFile;
  #isOpen = true;

  constructor(path: string, file: DiskFile, sizeBytes: number) {
    this.name = path;
    this.sizeBytes = sizeBytes;
    this.#file = file;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.sizeBytes - offset));
    if (wanted === 0) return new Uint8Array(0);
    return this.#file.read(offset, wanted).catch((cause: unknown) => {
      throw diskError('read', this.name, cause);
    });
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#file.close();
  }
}

export class BlbFileWriter {
  readonly writer: BlbWriter;
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #spool: FileSpool;
  readonly #newName: () => string;
  #isOver = false;

  private constructor(folder: string, options: BlbFileOptions) {
    this.#folder = folder;
    this.#disk = options.disk ?? nodeDisk;
    this.#newName = () => `${folder}/.belay-${options.pid}-${options.randomHex(8)}.tmp`;
    const memoryBytes = options.spoolMemoryBytes ?? SPOOL_MEMORY_BYTES;
    this.#spool = new FileSpool(this.#disk, this.#newName(), memoryBytes);
    this.writer = new BlbWriter(new MappingSpool(this.#spool, folder), options);
  }

  /** `folder` must exist. Nothing is written before it is needed. */
  static async create(folder: string, options: BlbFileOptions): Promise<BlbFileWriter> {
    return new BlbFileWriter(folder, options);
  }

  /**
   * Joins head and members in a second temporary file, flushes it, opens it again and verifies it,
   * then gives it its name, and makes that durable. Throws store/exists where the name is taken:
   * the writer stays usable, for a commit under another name. After any other error nothing is left
   * on the disk: store/full, store/permission, store/io, job/cancelled, archive/damaged where the
   * disk gave back other bytes than it was given.
   */
  async commit(
    draft: ManifestDraft,
    fileName: (manifest: Manifest) => string,
    options: CommitOptions = {},
  ): Promise<CommittedBlb> {
    if (this.#isOver) throw new Error('BlbFileWriter: committed or aborted before');
    try {
      const committed = await this.#commit(draft, fileName, options);
      await this.abort();
      return committed;
    } catch (cause) {
      const error = diskError('write', this.#folder, cause);
      if (!isBelayError(error, 'store/exists')) await this.abort();
      throw error;
    }
  }

  /** Removes what was written. Idempotent; does nothing after a commit. Never throws. */
  async abort(): Promise<void> {
    this.#isOver = true;
    await this.#spool.remove().catch(() => {});
  }

  async #commit(
    draft: ManifestDraft,
    fileName: (manifest: Manifest) => string,
    options: CommitOptions,
  ): Promise<CommittedBlb> {
    const parts = await this.writer.finish(draft);
    const path = `${this.#folder}/${fileName(parts.manifest)}`;
    if (await this.#disk.exists(path)) throw existsError(path);
    const temporary = this.#newName();
    try {
      const archiveBytes = await this.#writeWhole(temporary, parts, options);
      await this.#verify(temporary, options);
      throwIfAborted(options.signal);
      await options.beforeRename?.();
      await this.#giveName(temporary, path);
      return { path, manifest: parts.manifest, archiveBytes };
    } finally {
      await this.#disk.remove(temporary).catch(() => {});
    }
  }

  async #writeWhole(path: string, parts: BlbParts, options: CommitOptions): Promise<number> {
    const file = await this.#disk.createNew(path);
    let sizeBytes = 0;
    try {
      for await (const bytes of joinParts(parts, this.#spool)) {
        throwIfAborted(options.signal);
        await file.write(sizeBytes, bytes);
        sizeBytes += bytes.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return sizeBytes;
  }

  async #verify(path: string, options: CommitOptions): Promise<void> {
    const source = await openBlb(path, this.#disk);
    try {
      await verifyBlb(source, { signal: options.signal ?? new AbortController().signal });
    } catch (cause) {
      if (!(cause instanceof BelayError) || !cause.code.startsWith('archive/')) throw cause;
      throw new BelayError(
        'archive/damaged',
        `the disk did not keep what was written: ${cause.message}`,
        {
          hint: 'Check the disk, or choose another folder with --dir.',
          cause,
        },
      );
    } finally {
      await source.close();
    }
  }

  /** A link never replaces what is there; where there are no links, a look before the rename must do. */
  async #giveName(temporary: string, path: string): Promise<void> {
    try {
      await this.#disk.link(temporary, path);
    } catch (error) {
      if (diskCodeOf(error) === 'EEXIST') throw existsError(path);
      if (isFinal(error)) throw error;
      if (await this.#disk.exists(path)) throw existsError(path);
      await this.#disk.rename(temporary, path);
    }
    try {
      await this.#disk.remove(temporary);
      await this.#disk.syncFolder(this.#folder);
    } catch (error) {
      // Reported as not done, so it must not be there.
      await this.#disk.remove(path).catch(() => {});
      throw error;
    }
  }
}

/** A full or failing disk would fail the rename too; "not possible" (FAT, network) would not. */
function isFinal(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES', 'ENOENT'].includes(diskCodeOf(error));
}

function existsError(path: string): BelayError {
  return new BelayError('store/exists', `${path} exists already`, { details: { path } });
}

/** Gives the writer's callers BelayErrors for what the disk says while members are spooled. */
class MappingSpool {
  readonly #spool: FileSpool;
  readonly #folder: string;

  constructor(spool: FileSpool, folder: string) {
    this.#spool = spool;
    this.#folder = folder;
  }

  get sizeBytes(): number {
    return this.#spool.sizeBytes;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.#mapped('write', this.#spool.append(bytes));
  }

  truncate(toBytes: number): Promise<void> {
    return this.#mapped('write', this.#spool.truncate(toBytes));
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#mapped('read', this.#spool.read(offset, length));
  }

  #mapped<T>(doing: string, work: Promise<T>): Promise<T> {
    return work.catch((cause: unknown) => {
      throw diskError(`${doing} in`, this.#folder, cause);
    });
  }
}
