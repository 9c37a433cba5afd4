/** The backup folder on this computer's disk. */
import { access, readdir, rename, statfs, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BlbFileWriter, openBlb } from '../archive/blb-file.js';
import type { BlbWriter, ManifestDraft } from '../archive/blb-writer.js';
import type { ByteSource } from '../archive/byte-source.js';
import type { Disk } from '../archive/disk.js';
import { diskCodeOf, diskError, nodeDisk } from '../archive/disk.js';
import { BelayError, isBelayError } from '../core/errors.js';
import { archiveNameOf, aSecondLater } from './archive-name.js';
import type {
  ArchiveKind,
  BackupFolder,
  CommitArchiveOptions,
  CommittedArchive,
  FolderLock,
  LockHolder,
  LockOptions,
  NewArchive,
  StoredBackup,
} from './backup-folder.js';
import { findBoardFolder } from './board-folder.js';
import { takeFolderLock } from './folder-lock.js';
import type { ProcessTable } from './host-process.js';
import { hostProcess } from './host-process.js';
import {
  boardFolderOf,
  inspect,
  listArchives,
  listBeside,
  PIN_ENDING,
  QUARANTINE_FOLDER,
  SAFETY_FOLDER,
} from './listing.js';
import { decodeLock, holderOf } from './lock-file.js';
import { readLock, removeLock } from './lock-takeover.js';
import { makeFolder } from './make-folder.js';
import { lockFilesBelow, sweepFolder } from './sweep.js';

export interface FolderDeps {
  readonly clock: { now(): Date; monotonicMs(): number };
  readonly randomHex: (bytes: number) => string;
  readonly processes: ProcessTable;
  /** What archives are written through; default: node:fs. */
  readonly disk?: Disk;
}

/** An archive's name moves on at most this many seconds before the commit is given up. */
const NAME_TRIES_MAX = 3600;

/** Touches nothing; the folder is made when the first lock is taken in it. */
export function openBackupFolder(path: string, deps: FolderDeps): BackupFolder {
  return new DiskFolder(resolve(path), deps);
}

class DiskFolder implements BackupFolder {
  readonly path: string;
  readonly #deps: FolderDeps;
  readonly #host: ReturnType<typeof hostProcess>;
  readonly #disk: Disk;
  readonly #held = new Map<string, FolderLock>();

  constructor(path: string, deps: FolderDeps) {
    this.path = path;
    this.#deps = deps;
    this.#disk = deps.disk ?? nodeDisk;
    this.#host = hostProcess(deps.processes);
  }

  list(options: { readonly safety: boolean }): Promise<readonly StoredBackup[]> {
    return listArchives(this.path, options);
  }

  async inspect(path: string): Promise<StoredBackup> {
    const full = resolve(path);
    const backup = await inspect(full, await exists(`${full}${PIN_ENDING}`));
    if (backup !== null) return backup;
    throw new BelayError('store/not-found', `there is no archive ${full}`, {
      hint: 'Run `belay-backup list` to see what there is.',
    });
  }

  beside(path: string): Promise<readonly StoredBackup[]> {
    return listBeside(dirname(resolve(path)));
  }

  boardFolderFor(board: { readonly uniqueKey: string; readonly name: string }): Promise<string> {
    return findBoardFolder(this.path, board);
  }

  async create(
    boardFolder: string,
    kind: ArchiveKind,
    options: { readonly compress: boolean },
  ): Promise<NewArchive> {
    const folder = kind === 'safety' ? join(boardFolder, SAFETY_FOLDER) : boardFolder;
    await makeFolder(folder);
    const file = await BlbFileWriter.create(folder, {
      compress: options.compress,
      pid: this.#host.pid,
      randomHex: this.#deps.randomHex,
      disk: this.#disk,
    });
    return new DiskArchive(file, folder, () => this.#checkLock(boardFolder));
  }

  open(path: string): Promise<ByteSource> {
    return openBlb(path, this.#disk);
  }

  async remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      await this.#checkLock(boardFolderOf(path));
      await this.#unlink(`${path}${PIN_ENDING}`);
      await this.#unlink(path);
      await this.#syncFolder(dirname(path));
    }
  }

  async #unlink(path: string): Promise<void> {
    await unlink(path).catch((error: unknown) => {
      if (diskCodeOf(error) !== 'ENOENT') throw diskError('delete', path, error);
    });
  }

  async #syncFolder(path: string): Promise<void> {
    await this.#disk.syncFolder(path).catch((error: unknown) => {
      throw diskError('write to the folder', path, error);
    });
  }

  async setPin(path: string, pinned: boolean): Promise<void> {
    const pin = `${path}${PIN_ENDING}`;
    if (!pinned) await this.#unlink(pin);
    else {
      await this.inspect(path);
      await writeFile(pin, '').catch((error: unknown) => {
        throw diskError('write', pin, error);
      });
    }
    await this.#syncFolder(dirname(path));
  }

  async quarantine(path: string): Promise<string> {
    const boardFolder = boardFolderOf(path);
    const folder = join(boardFolder, QUARANTINE_FOLDER);
    await makeFolder(folder);
    const names = await readdir(folder).catch((error: unknown) => {
      throw diskError('read the folder', folder, error);
    });
    const taken = new Set(names);
    let name = basename(path);
    for (let copy = 2; taken.has(name); copy += 1) name = `${copy}-${basename(path)}`;
    const target = join(folder, name);
    await this.#checkLock(boardFolder);
    await rename(path, target).catch((error: unknown) => {
      throw diskError('move', path, error);
    });
    await rename(`${path}${PIN_ENDING}`, `${target}${PIN_ENDING}`).catch(() => {});
    await this.#syncFolder(folder);
    await this.#syncFolder(dirname(path));
    return target;
  }

  async freeBytes(): Promise<number | null> {
    for (let folder = this.path; ; folder = dirname(folder)) {
      try {
        const { bavail, bsize } = await statfs(folder);
        return bavail * bsize;
      } catch (error) {
        if (diskCodeOf(error) !== 'ENOENT' || dirname(folder) === folder) return null;
      }
    }
  }

  sweep(options: { readonly dryRun?: boolean } = {}): Promise<readonly string[]> {
    return sweepFolder(this.path, this.#host, options.dryRun === true);
  }

  async lock(boardFolder: string, purpose: string, options: LockOptions): Promise<FolderLock> {
    const { clock, randomHex } = this.#deps;
    const deps = { clock, randomHex, host: this.#host };
    const lock = await takeFolderLock(boardFolder, purpose, options, deps);
    this.#held.set(boardFolder, lock);
    return {
      boardFolder,
      token: lock.token,
      check: () => lock.check(),
      release: async () => {
        if (this.#held.get(boardFolder) === lock) this.#held.delete(boardFolder);
        await lock.release();
      },
    };
  }

  /** Throws store/lock-lost; holding no lock at all is the caller's bug. */
  async #checkLock(boardFolder: string): Promise<void> {
    const lock = this.#held.get(boardFolder);
    if (lock === undefined) throw new Error(`no lock is held on ${boardFolder}`);
    await lock.check();
  }

  async locks(): Promise<readonly LockHolder[]> {
    const holders: LockHolder[] = [];
    for (const path of await lockFilesBelow(this.path)) {
      const text = await readLock(path).catch(() => '');
      if (text !== null) holders.push(holderOf(path, decodeLock(text), this.#host));
    }
    return holders;
  }

  async breakLock(holder: LockHolder): Promise<boolean> {
    const { clock, randomHex } = this.#deps;
    const own = {
      token: randomHex(16),
      host: this.#host.host,
      bootId: this.#host.bootId,
      pid: this.#host.pid,
      startTime: this.#host.startTime,
      purpose: 'unlock',
      since: clock.now().toISOString(),
      counter: 0,
    };
    return removeLock(holder.path, holder.token, own, { host: this.#host, randomHex });
  }
}

class DiskArchive implements NewArchive {
  readonly writer: BlbWriter;
  readonly #file: BlbFileWriter;
  readonly #folder: string;
  readonly #checkLock: () => Promise<void>;

  constructor(file: BlbFileWriter, folder: string, checkLock: () => Promise<void>) {
    this.writer = file.writer;
    this.#file = file;
    this.#folder = folder;
    this.#checkLock = checkLock;
  }

  async commit(
    draft: ManifestDraft,
    options: CommitArchiveOptions = {},
  ): Promise<CommittedArchive> {
    const moved = { ...draft };
    for (let tries = 0; ; tries += 1) {
      while (await exists(join(this.#folder, archiveNameOf(moved)))) {
        moved.createdAt = aSecondLater(moved.createdAt);
      }
      try {
        await this.#checkLock();
        return await this.#file.commit(moved, archiveNameOf, {
          ...options,
          beforeRename: this.#checkLock,
        });
      } catch (error) {
        if (!isBelayError(error, 'store/exists') || tries >= NAME_TRIES_MAX) {
          await this.abort();
          throw error;
        }
        moved.createdAt = aSecondLater(moved.createdAt);
      }
    }
  }

  abort(): Promise<void> {
    return this.#file.abort();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
