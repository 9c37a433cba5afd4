/** What every backup folder promises, whatever it is made of. */
import { posix } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { verifyBlb } from '../../src/archive/blb-reader.js';
import type { ManifestDraft } from '../../src/archive/blb-writer.js';
import type { BackupFolder, CommittedArchive, FolderLock } from '../../src/store/backup-folder.js';
import { bytesOf, draftOf, newFile } from '../support/archive-making.js';

const signal = new AbortController().signal;
const BOARD = { uniqueKey: 'a1b2c3d4e5f6', name: 'Sample board with ESP32' };
const OTHER = { uniqueKey: 'ffffffffffff', name: 'Other' };

export interface FolderUnderTest {
  readonly folder: BackupFolder;
  /** Overwrites the bytes of one archive, from outside of the seam. */
  scribble(path: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void>;
  /** Copies an archive to another name in its folder. */
  copy(path: string, name: string): Promise<string>;
  /** Every file below the folder, relative, sorted. */
  files(): Promise<string[]>;
}

export function backupFolderContract(name: string, make: () => Promise<FolderUnderTest>): void {
  describe(`${name} as a backup folder`, () => {
    let under: FolderUnderTest;
    let folder: BackupFolder;
    beforeEach(async () => {
      under = await make();
      folder = under.folder;
    });

    const lockOf = (board: string): Promise<FolderLock> =>
      folder.lock(board, 'test', { retryMs: 0, signal });

    async function put(
      board: string,
      fields: Partial<ManifestDraft> = {},
      text = 'print(1)\n',
    ): Promise<CommittedArchive> {
      const kind = fields.backupType === 'safety' ? 'safety' : 'backup';
      const archive = await folder.create(board, kind, { compress: true });
      const bytes = bytesOf(text);
      await archive.writer.addFile(newFile('main.py', bytes), bytes);
      return archive.commit(draftOf(fields));
    }

    let ids = 0;
    const id = () => {
      ids += 1;
      return ids.toString(16).padStart(32, '0');
    };

    it('is empty before anything was made, and then makes no folder', async () => {
      expect(await folder.list({ safety: true })).toEqual([]);
      expect(await folder.locks()).toEqual([]);
      expect(await folder.sweep()).toEqual([]);
      expect(await under.files()).toEqual([]);
    });

    it('names a board folder by a slug and 8 digits of the hash of its id', async () => {
      const path = await folder.boardFolderFor(BOARD);
      expect(posix.basename(path)).toMatch(/^sample-board-with-esp32-[0-9a-f]{8}$/);
      expect(posix.basename(await folder.boardFolderFor({ uniqueKey: 'x', name: '§§§' }))).toMatch(
        /^board-[0-9a-f]{8}$/,
      );
    });

    it('finds the folder of a board again under another name', async () => {
      const path = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(path);
      await put(path);
      await lock.release();
      expect(await folder.boardFolderFor({ ...BOARD, name: 'renamed' })).toBe(path);
      expect(await folder.boardFolderFor(OTHER)).not.toBe(path);
    });

    it('keeps what was committed, under a name of its time in UTC and its type', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const made = await put(board);
      expect(made.path).toBe(posix.join(board, 'backup_20261120_102111_full.blb'));
      const [backup, ...rest] = await folder.list({ safety: false });
      expect(rest).toEqual([]);
      expect(backup).toMatchObject({
        path: made.path,
        fileName: 'backup_20261120_102111_full.blb',
        boardFolder: board,
        pinned: false,
        safety: false,
        archiveBytes: made.archiveBytes,
        problem: null,
      });
      expect(backup?.head?.manifest).toEqual(made.manifest);
      expect(await folder.inspect(made.path)).toEqual(backup);
      const source = await folder.open(made.path);
      expect((await verifyBlb(source, { signal })).manifest).toEqual(made.manifest);
      await source.close();
      await lock.release();
    });

    it('moves the time on by a second until the name is free, in name and manifest', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const names: string[] = [];
      for (let at = 0; at < 3; at += 1) {
        const made = await put(board, { backupId: id(), createdAt: '2026-12-31T23:59:59.250Z' });
        names.push(posix.basename(made.path));
        expect((await folder.inspect(made.path)).problem).toBeNull();
      }
      expect(names).toEqual([
        'backup_20261231_235959_full.blb',
        'backup_20270101_000000_full.blb',
        'backup_20270101_000001_full.blb',
      ]);
      await lock.release();
    });

    it('does not have what was aborted or never committed', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const archive = await folder.create(board, 'backup', { compress: true });
      await archive.writer.addFile(newFile('a', bytesOf('x')), bytesOf('x'));
      await archive.abort();
      await archive.abort();
      await lock.release();
      expect(await folder.list({ safety: true })).toEqual([]);
      expect(await under.files()).toEqual([]);
    });

    it('shows safety archives only when asked', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const record = { sourceBackupId: id(), entries: [] };
      const safety = await put(board, {
        backupId: id(),
        backupType: 'safety',
        restoreRecord: record,
      });
      await put(board, { backupId: id() });
      expect(safety.path).toBe(posix.join(board, 'safety/backup_20261120_102111_safety.blb'));
      expect(await folder.list({ safety: false })).toHaveLength(1);
      const all = await folder.list({ safety: true });
      expect(all.map((each) => each.safety)).toEqual([false, true]);
      expect(all.map((each) => each.boardFolder)).toEqual([board, board]);
      await lock.release();
    });

    it('shows what lies beside an archive, safety archives and other folders left out', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const record = { sourceBackupId: id(), entries: [] };
      await put(board, { backupId: id(), backupType: 'safety', restoreRecord: record });
      const one = await put(board, { backupId: id() });
      const two = await put(board, { backupId: id() });
      const beside = await folder.beside(one.path);
      expect(beside.map((each) => each.path)).toEqual([one.path, two.path].sort());
      expect(await folder.beside(posix.join(folder.path, 'any.blb'))).toEqual([]);
      await lock.release();
    });

    it('pins and unpins', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const { path } = await put(board);
      await folder.setPin(path, true);
      await folder.setPin(path, true);
      expect((await folder.list({ safety: false }))[0]?.pinned).toBe(true);
      expect((await folder.inspect(path)).pinned).toBe(true);
      await folder.setPin(path, false);
      await folder.setPin(path, false);
      expect((await folder.list({ safety: false }))[0]?.pinned).toBe(false);
      await expect(folder.setPin(`${path}x`, true)).rejects.toMatchObject({
        code: 'store/not-found',
      });
      await lock.release();
    });

    it('removes archives with their pins, and what is gone already is no failure', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const first = await put(board, { backupId: id() });
      const second = await put(board, { backupId: id() });
      await folder.setPin(first.path, true);
      await folder.remove([first.path, first.path]);
      expect((await folder.list({ safety: true })).map((each) => each.path)).toEqual([second.path]);
      await lock.release();
      expect((await under.files()).filter((file) => file.includes('pin'))).toEqual([]);
    });

    it('commits, removes and quarantines only under the lock', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const { path } = await put(board, { backupId: id() });
      await lock.release();
      await expect(put(board, { backupId: id() })).rejects.toThrow('no lock');
      await expect(folder.remove([path])).rejects.toThrow('no lock');
      await expect(folder.quarantine(path)).rejects.toThrow('no lock');
      expect(await folder.list({ safety: true })).toHaveLength(1);
    });

    it('G7 stops before the next write when the lock was lost meanwhile', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const { path } = await put(board, { backupId: id() });
      const [holder] = await folder.locks();
      expect(await folder.breakLock(holder!)).toBe(true);
      expect(await folder.breakLock(holder!)).toBe(false);
      const lost = { code: 'store/lock-lost', exitCode: 11 };
      await expect(lock.check()).rejects.toMatchObject(lost);
      await expect(put(board, { backupId: id() })).rejects.toMatchObject(lost);
      await expect(folder.remove([path])).rejects.toMatchObject(lost);
      await lock.release();
      expect(await under.files()).toHaveLength(1);
    });

    it('I2 locks boards apart, and one board once', async () => {
      const [one, other] = [await folder.boardFolderFor(BOARD), await folder.boardFolderFor(OTHER)];
      const locks = [await lockOf(one), await lockOf(other)];
      await expect(lockOf(one)).rejects.toMatchObject({ code: 'store/locked', exitCode: 11 });
      expect((await folder.locks()).map((each) => each.purpose)).toEqual(['test', 'test']);
      for (const lock of locks) await lock.release();
      await (await lockOf(one)).release();
    });

    it('A1 lists the others beside an archive that cannot be read', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const made: CommittedArchive[] = [];
      for (let at = 0; at < 3; at += 1) made.push(await put(board, { backupId: id() }));
      await under.scribble(made[0]!.path, () => new Uint8Array(0));
      await under.scribble(made[1]!.path, (bytes) => bytes.subarray(0, bytes.length - 7));
      const list = await folder.list({ safety: false });
      expect(list.map((each) => each.problem?.code ?? 'ok')).toEqual([
        'archive/empty',
        'archive/truncated',
        'ok',
      ]);
      expect(list[0]?.head).toBeNull();
      await lock.release();
    });

    it('A14 marks an archive that bears the name of another', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const made = await put(board, { backupId: id() });
      const liar = await under.copy(made.path, 'backup_20200101_000000_full.blb');
      const free = await under.copy(made.path, 'before the fair.blb');
      expect((await folder.inspect(liar)).problem).toMatchObject({
        code: 'archive/name-mismatch',
        exitCode: 13,
      });
      expect((await folder.inspect(free)).problem).toBeNull();
      await lock.release();
    });

    it('B13 marks both archives that claim one id and differ, but no copy', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const one = id();
      const first = await put(board, { backupId: one }, 'a');
      await under.copy(first.path, 'copy.blb');
      expect((await folder.list({ safety: false })).map((each) => each.problem)).toEqual([
        null,
        null,
      ]);
      await put(board, { backupId: one }, 'b');
      const codes = (await folder.list({ safety: false })).map((each) => each.problem?.code);
      expect(codes).toEqual(Array(3).fill('archive/ambiguous-id'));
      await lock.release();
    });

    it('quarantines an archive out of sight, whole, and never over another', async () => {
      const board = await folder.boardFolderFor(BOARD);
      const lock = await lockOf(board);
      const targets: string[] = [];
      for (let at = 0; at < 2; at += 1) {
        const { path } = await put(board, { backupId: id() });
        targets.push(await folder.quarantine(path));
      }
      expect(new Set(targets).size).toBe(2);
      expect(await folder.list({ safety: true })).toEqual([]);
      for (const target of targets) expect((await folder.inspect(target)).head).not.toBeNull();
      await lock.release();
    });

    it('says that an archive is not there', async () => {
      const path = posix.join(folder.path, 'nothing.blb');
      await expect(folder.inspect(path)).rejects.toMatchObject({ code: 'store/not-found' });
      await expect(folder.open(path)).rejects.toMatchObject({ code: 'store/not-found' });
    });
  });
}
