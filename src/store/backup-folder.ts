/**
 * The seam to the folder that holds the backups. One real implementation lives on this computer's
 * disk (disk-folder.ts), one double in memory (test/support/memory-folder.ts); both pass
 * test/contract/backup-folder.contract.ts.
 *
 * Readers take no lock. Everything that adds or removes an archive needs the lock of the archive's
 * board folder, held by this same object, and checks just before the step that it still holds it.
 */
import type { BlbHead } from '../archive/blb-reader.js';
import type { BlbWriter, ManifestDraft } from '../archive/blb-writer.js';
import type { ByteSource } from '../archive/byte-source.js';
import type { Manifest } from '../archive/manifest.js';
import type { BelayError } from '../core/errors.js';

export type ArchiveKind = 'backup' | 'safety';

export interface StoredBackup {
  readonly path: string;
  readonly fileName: string;
  /** The folder of its board, absolute. */
  readonly boardFolder: string;
  readonly pinned: boolean;
  /** True for archives in a `safety` folder. */
  readonly safety: boolean;
  readonly archiveBytes: number;
  /**
   * null where the head could not be read; then `problem` says why. `manifest.files` is read on
   * first use, and throws archive/… where the list alone breaks the format's rules.
   */
  readonly head: BlbHead | null;
  /** Something of the board could not be read: known without the list of files. */
  readonly partial: boolean;
  /** Damage seen from outside (head, length, name), an id that two archives claim, or null. */
  readonly problem: BelayError | null;
}

/** An archive in the making. It does not exist for anyone else before `commit` has resolved. */
export interface NewArchive {
  readonly writer: BlbWriter;
  /**
   * Joins, flushes, verifies, and renames to `backup_YYYYMMDD_HHMMSS_<type>.blb` after
   * `draft.createdAt` in UTC. Where that name is taken, createdAt moves on by a second until one is
   * free, so that name and manifest agree. Throws store/lock-lost, store/full, store/permission;
   * nothing is left behind then.
   */
  commit(draft: ManifestDraft, options?: CommitArchiveOptions): Promise<CommittedArchive>;
  /** Removes what was written. Idempotent; does nothing after a commit. */
  abort(): Promise<void>;
}

export interface CommitArchiveOptions {
  readonly signal?: AbortSignal;
}

export interface CommittedArchive {
  readonly path: string;
  readonly manifest: Manifest;
  readonly archiveBytes: number;
}

/** Who holds a lock, for a message and for `unlock`. Unreadable fields are null. */
export interface LockHolder {
  readonly path: string;
  readonly token: string | null;
  readonly purpose: string | null;
  readonly host: string | null;
  readonly pid: number | null;
  readonly since: string | null;
  /** 'dead' = this computer, this boot, process gone: taken over without asking. */
  readonly state: 'alive' | 'dead' | 'foreign' | 'unreadable';
}

export interface FolderLock {
  readonly boardFolder: string;
  readonly token: string;
  /** Throws store/lock-lost where the lock file no longer holds this token. */
  check(): Promise<void>;
  /** Idempotent; never removes somebody else's lock. */
  release(): Promise<void>;
}

export interface LockOptions {
  /** How long to wait for another holder; 0 fails at once with store/locked. */
  readonly retryMs: number;
  readonly signal: AbortSignal;
}

export interface BackupFolder {
  readonly path: string;
  /**
   * Every `.blb` below, all boards, sorted by path; reads heads and ends only. What cannot be read
   * stands in the list with its problem. A folder that does not exist is an empty list.
   */
  list(options: { readonly safety: boolean }): Promise<readonly StoredBackup[]>;
  /** One archive by its path, wherever it lies. Throws store/not-found. */
  inspect(path: string): Promise<StoredBackup>;
  /** The archives in the folder that `path` lies in, wherever that is; safety archives left out. */
  beside(path: string): Promise<readonly StoredBackup[]>;
  /**
   * `<folder>/<slug of name>-<8 hex of sha256(uniqueKey)>`: the one that exists with this suffix and
   * holds archives of this board (or none yet), else the name a new one will get. Makes nothing.
   * `uniqueKey` is boardGroupOf the board.
   */
  boardFolderFor(board: { readonly uniqueKey: string; readonly name: string }): Promise<string>;
  /** Starts an archive in the board folder (made where missing). Needs its lock at commit. */
  create(
    boardFolder: string,
    kind: ArchiveKind,
    options: { readonly compress: boolean },
  ): Promise<NewArchive>;
  open(path: string): Promise<ByteSource>;
  /**
   * Deletes archives and their pins, in the order given (callers give dependants first), flushing
   * the folder after each. Stops at the first failure; what is gone already is no failure. Needs
   * the lock.
   */
  remove(paths: readonly string[]): Promise<void>;
  setPin(path: string, pinned: boolean): Promise<void>;
  /** Moves an archive to `<board folder>/quarantine/`, where no listing looks. Needs the lock. */
  quarantine(path: string): Promise<string>;
  /** null where the system does not tell. */
  freeBytes(): Promise<number | null>;
  /** Removes temporary files of processes that are gone; returns their paths. */
  sweep(options?: { readonly dryRun?: boolean }): Promise<readonly string[]>;
  /** Takes the lock of one board folder (made where missing). `purpose` is shown to others. */
  lock(boardFolder: string, purpose: string, options: LockOptions): Promise<FolderLock>;
  /** Every lock file below, with its holder. */
  locks(): Promise<readonly LockHolder[]>;
  /** Removes a lock by force, if it still holds this token. True where it did. */
  breakLock(holder: LockHolder): Promise<boolean>;
}
