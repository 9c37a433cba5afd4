/**
 * Backups in memory: the double of src/store/disk-folder.ts. It keeps what the seam promises
 * (test/contract/backup-folder.contract.ts runs against both); archives are real ones.
 */
import { posix } from 'node:path';
import { joinParts } from '../../src/archive/blb-parts.js';
import { verifyBlb } from '../../src/archive/blb-reader.js';
import type { ManifestDraft } from '../../src/archive/blb-writer.js';
import { BlbWriter } from '../../src/archive/blb-writer.js';
import type { ByteSource } from '../../src/archive/byte-source.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { joinBytes } from '../../src/archive/gzip-member.js';
import { readListedHead } from '../../src/archive/listed-head.js';
import { MemorySpool } from '../../src/archive/spool.js';
import { boardGroupOf } from '../../src/core/board-key.js';
import { BelayError, throwIfAborted } from '../../src/core/errors.js';
import {
  archiveNameOf,
  aSecondLater,
  boardSuffixOf,
  nameMismatch,
  slugOf,
} from '../../src/store/archive-name.js';
import type {
  ArchiveKind,
  BackupFolder,
  FolderLock,
  LockHolder,
  LockOptions,
  NewArchive,
  StoredBackup,
} from '../../src/store/backup-folder.js';

const { basename, dirname, join, normalize } = posix;
const boardFolderOf = (path: string) =>
  basename(dirname(path)) === 'safety' ? dirname(dirname(path)) : dirname(path);

/** Both archives that claim one id and differ. */
function marked(kept: readonly StoredBackup[]): readonly StoredBackup[] {
  return kept.map((each) => {
    const twin = kept.find(
      (other) =>
        each.head !== null &&
        other.head?.manifest.backupId === each.head.manifest.backupId &&
        other.head.manifestSha256 !== each.head.manifestSha256,
    );
    if (twin === undefined || each.problem !== null) return each;
    const message = `${each.path} and ${twin.path} claim one id but differ`;
    return { ...each, problem: new BelayError('archive/ambiguous-id', message) };
  });
}

export class MemoryFolder implements BackupFolder {
  readonly path = '/memory';
  /** By path, also such as lie outside of the folder; tests may put and scribble. */
  readonly files = new Map<string, Uint8Array>();
  readonly pins = new Set<string>();
  /** Board folder to holder's token and purpose; tests may break a lock by deleting. */
  readonly lockedBy = new Map<string, { token: string; purpose: string }>();
  free: number | null = null;
  #tokens = 0;
  readonly #held = new Map<string, string>();

  async list(options: { readonly safety: boolean }): Promise<readonly StoredBackup[]> {
    const isHere = (path: string) => path.startsWith(`${this.path}/`) && path.endsWith('.blb');
    const paths = [...this.files.keys()].filter(isHere).sort();
    const all = await Promise.all(
      paths.filter((path) => !path.includes('/quarantine/')).map((path) => this.inspect(path)),
    );
    return marked(all.filter((each) => options.safety || !each.safety));
  }

  async beside(path: string): Promise<readonly StoredBackup[]> {
    const folder = dirname(normalize(path));
    const paths = [...this.files.keys()].filter((each) => dirname(each) === folder).sort();
    const all = await Promise.all(paths.map((each) => this.inspect(each)));
    return marked(all.filter((each) => !each.safety));
  }

  async inspect(named: string): Promise<StoredBackup> {
    const path = normalize(named);
    const source = await this.open(path);
    const facts = {
      path,
      fileName: basename(path),
      boardFolder: boardFolderOf(path),
      pinned: this.pins.has(path),
      archiveBytes: source.sizeBytes,
    };
    const inSafety = basename(dirname(path)) === 'safety';
    try {
      const { head, partial } = await readListedHead(source);
      const safety = inSafety || head.manifest.backupType === 'safety';
      const problem = nameMismatch(basename(path), head.manifest);
      return { ...facts, safety, head, partial, problem };
    } catch (error) {
      if (!(error instanceof BelayError)) throw error;
      return { ...facts, safety: inSafety, head: null, partial: false, problem: error };
    }
  }

  async boardFolderFor(board: { uniqueKey: string; name: string }): Promise<string> {
    const suffix = boardSuffixOf(board.uniqueKey);
    const foreign = new Set<string>();
    for (const backup of await this.list({ safety: false })) {
      if (!backup.boardFolder.endsWith(`-${suffix}`) || backup.head === null) continue;
      if (boardGroupOf(backup.head.manifest.deviceInfo) === board.uniqueKey) {
        return backup.boardFolder;
      }
      foreign.add(backup.boardFolder);
    }
    for (let copy = 1; ; copy += 1) {
      const slug = slugOf(board.name);
      const path = join(this.path, copy === 1 ? `${slug}-${suffix}` : `${slug}-${copy}-${suffix}`);
      if (!foreign.has(path)) return path;
    }
  }

  async create(
    boardFolder: string,
    kind: ArchiveKind,
    options: { readonly compress: boolean },
  ): Promise<NewArchive> {
    const folder = kind === 'safety' ? join(boardFolder, 'safety') : boardFolder;
    const spool = new MemorySpool();
    const writer = new BlbWriter(spool, options);
    const commit: NewArchive['commit'] = async (draft, { signal } = {}) => {
      this.#checkLock(boardFolder);
      const moved = this.#atFreeName(folder, draft);
      const parts = await writer.finish(moved);
      const chunks: Uint8Array[] = [];
      for await (const chunk of joinParts(parts, spool)) chunks.push(chunk);
      const bytes = joinBytes(chunks);
      const path = join(folder, archiveNameOf(moved));
      await verifyBlb(byteSourceOf(bytes, path), {
        signal: signal ?? new AbortController().signal,
      });
      throwIfAborted(signal);
      this.#checkLock(boardFolder);
      this.files.set(path, bytes);
      return { path, manifest: parts.manifest, archiveBytes: bytes.length };
    };
    return { writer, commit, abort: async () => {} };
  }

  #atFreeName(folder: string, draft: ManifestDraft): ManifestDraft {
    const moved = { ...draft };
    while (this.files.has(join(folder, archiveNameOf(moved)))) {
      moved.createdAt = aSecondLater(moved.createdAt);
    }
    return moved;
  }

  async open(path: string): Promise<ByteSource> {
    const bytes = this.files.get(path);
    if (bytes === undefined) throw new BelayError('store/not-found', `there is no archive ${path}`);
    return byteSourceOf(bytes, path);
  }

  async remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      this.#checkLock(boardFolderOf(path));
      this.pins.delete(path);
      this.files.delete(path);
    }
  }

  async setPin(path: string, pinned: boolean): Promise<void> {
    if (!pinned) this.pins.delete(path);
    else {
      await this.open(path);
      this.pins.add(path);
    }
  }

  async quarantine(path: string): Promise<string> {
    const boardFolder = boardFolderOf(path);
    this.#checkLock(boardFolder);
    const bytes = this.files.get(path);
    if (bytes === undefined) throw new BelayError('store/not-found', `there is no archive ${path}`);
    let target = join(boardFolder, 'quarantine', basename(path));
    for (let copy = 2; this.files.has(target); copy += 1) {
      target = join(boardFolder, 'quarantine', `${copy}-${basename(path)}`);
    }
    this.files.delete(path);
    this.files.set(target, bytes);
    if (this.pins.delete(path)) this.pins.add(target);
    return target;
  }

  async freeBytes(): Promise<number | null> {
    return this.free;
  }

  async sweep(): Promise<readonly string[]> {
    return [];
  }

  async lock(boardFolder: string, purpose: string, options: LockOptions): Promise<FolderLock> {
    throwIfAborted(options.signal);
    const holder = this.lockedBy.get(boardFolder);
    if (holder !== undefined) {
      throw new BelayError('store/locked', `locked by ${holder.purpose}`, { retryable: true });
    }
    this.#tokens += 1;
    const token = this.#tokens.toString(16).padStart(32, '0');
    this.lockedBy.set(boardFolder, { token, purpose });
    this.#held.set(boardFolder, token);
    const check = async () => {
      if (this.lockedBy.get(boardFolder)?.token === token) return;
      throw new BelayError('store/lock-lost', `the lock of ${boardFolder} was lost`);
    };
    const release = async () => {
      if (this.#held.get(boardFolder) === token) this.#held.delete(boardFolder);
      if (this.lockedBy.get(boardFolder)?.token === token) this.lockedBy.delete(boardFolder);
    };
    return { boardFolder, token, check, release };
  }

  #checkLock(boardFolder: string): void {
    const token = this.#held.get(boardFolder);
    if (token === undefined) throw new Error(`no lock is held on ${boardFolder}`);
    if (this.lockedBy.get(boardFolder)?.token === token) return;
    throw new BelayError('store/lock-lost', `the lock of ${boardFolder} was lost`);
  }

  async locks(): Promise<readonly LockHolder[]> {
    return [...this.lockedBy].map(([boardFolder, { token, purpose }]) => ({
      path: join(boardFolder, '.belay-lock'),
      token,
      purpose,
      host: 'memory',
      pid: 1,
      since: null,
      state: 'alive',
    }));
  }

  async breakLock(holder: LockHolder): Promise<boolean> {
    const boardFolder = dirname(holder.path);
    if (this.lockedBy.get(boardFolder)?.token !== holder.token) return false;
    return this.lockedBy.delete(boardFolder);
  }
}
