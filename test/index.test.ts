/** The library as its users call it: against the virtual board, with a folder on the disk. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Progress } from '../src/index.js';
import {
  BelayError,
  cleanupBackups,
  compareBackups,
  DeviceBackup,
  exportBackup,
  findVersions,
  getBackupInfo,
  importBackup,
  listBackups,
  mergeBackups,
  validateBackup,
} from '../src/index.js';
import { VirtualBoard } from '../src/testing/index.js';

let folder: string;
let virtual: VirtualBoard;
let board: DeviceBackup;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-library-'));
  virtual = await VirtualBoard.start({
    files: { 'main.py': 'one\n', 'lib/a.py': 'a = 1\n' },
  });
  board = new DeviceBackup({ openPort: () => virtual.port() });
});

afterEach(async () => {
  await virtual.stop();
  await rm(folder, { recursive: true, force: true });
});

const archiveOf = () => board.lastBackup?.summary.archive as string;

describe('DeviceBackup', () => {
  it('makes backups, tells its progress, and answers with the manifest', async () => {
    const heard: Progress[] = [];
    const manifest = await board.createBackup({
      backupDirectory: folder,
      description: 'first',
      onProgress: (progress) => heard.push(progress),
    });
    expect(manifest).toMatchObject({
      backupType: 'full',
      description: 'first',
      statistics: { fileCount: 2 },
    });
    expect(new Set(heard.map((progress) => progress.operation))).toEqual(
      new Set(['connecting', 'scanning', 'reading', 'verifying']),
    );
    expect(heard.every((progress) => progress.percentComplete <= 100)).toBe(true);
    expect(heard.at(-1)).not.toHaveProperty('type');
  });

  it('restores what was chosen, plans without changing anything, and takes it back', async () => {
    await board.createBackup({ backupDirectory: folder });
    const fresh = await VirtualBoard.start({
      files: {},
      uniqueIdHex: 'aa00000000000001',
    });
    try {
      const target = new DeviceBackup({ openPort: () => fresh.port() });
      const backupPath = archiveOf();
      const plan = await target.restoreFromBackup({
        backupPath,
        backupDirectory: folder,
        dryRun: true,
      });
      expect(plan.written).toEqual(['lib/a.py', 'main.py']);
      expect([...(await fresh.dump())]).toEqual([]);
      const done = await target.restoreFromBackup({
        backupPath,
        backupDirectory: folder,
        selectiveRestore: ['/lib'],
        pathMap: { lib: 'library' },
      });
      expect(done).toMatchObject({
        written: ['library/a.py'],
        verified: true,
        failed: [],
        bytes: 6,
      });
      expect([...(await fresh.dump()).keys()]).toEqual(['library', 'library/a.py']);
      await target.undoRestore({ backupDirectory: folder });
      expect([...(await fresh.dump())]).toEqual([]);
    } finally {
      await fresh.stop();
    }
  });

  it('refuses options that the compiler would have refused, before it asks the board', async () => {
    const wrong = [{ type: 'fully' }, { metadata: { run: 1 } }] as unknown as object[];
    for (const options of wrong)
      await expect(
        board.createBackup({ backupDirectory: folder, ...options }),
      ).rejects.toMatchObject({ code: 'usage/invalid' });
    const overwriteExisting = 'sometimes' as 'never';
    await expect(
      board.restoreFromBackup({ backupDirectory: folder, overwriteExisting }),
    ).rejects.toMatchObject({ code: 'usage/invalid' });
  });

  it('keeps as many backups as maxBackupCount says', async () => {
    for (let time = 0; time < 3; time += 1) {
      await board.createBackup({
        backupDirectory: folder,
        type: 'full',
        maxBackupCount: 2,
      });
    }
    expect((await listBackups(folder)).backups).toHaveLength(2);
  });

  it('ends with job/cancelled when its signal is aborted, and leaves no archive', async () => {
    const abort = new AbortController();
    const onProgress = () => abort.abort();
    const run = board.createBackup({
      backupDirectory: folder,
      signal: abort.signal,
      onProgress,
    });
    await expect(run).rejects.toBeInstanceOf(BelayError);
    await expect(run).rejects.toMatchObject({
      code: 'job/cancelled',
      exitCode: 130,
    });
    expect((await listBackups(folder)).backups).toEqual([]);
  });
});

describe('the functions without a board', () => {
  it('list, inform, validate, compare, find, merge and clean up', async () => {
    await board.createBackup({ backupDirectory: folder });
    const full = archiveOf();
    const target = new DeviceBackup({ openPort: () => virtual.port() });
    await target.restoreFromBackup({
      backupPath: full,
      backupDirectory: folder,
      selectiveRestore: ['main.py'],
      devicePath: '/copy',
    });
    await board.createBackup({ backupDirectory: folder });
    const increment = archiveOf();
    expect((await listBackups(folder)).backups.map((row) => row.archive)).toEqual([
      full,
      increment,
    ]);
    expect((await getBackupInfo(increment)).manifest.backupType).toBe('incremental');
    expect(await validateBackup(increment)).toMatchObject({
      valid: true,
      archives: [{ restorable: true }, { restorable: true }],
    });
    const { changes } = await compareBackups(full, increment);
    expect(changes.map((change) => `${change.status} ${change.path}`)).toEqual([
      '+ copy',
      '+ copy/main.py',
    ]);
    expect(
      (await findVersions('main.py', { backupDirectory: folder })).files.map((file) => file.path),
    ).toEqual(['copy/main.py', 'main.py']);
    expect((await mergeBackups(increment, { replace: true })).removed).toHaveLength(2);
    expect((await cleanupBackups(folder, { last: 1 }, { dryRun: true })).removed).toEqual([]);
  });

  it('clean up by policy, as they planned it, and never everything', async () => {
    for (let time = 0; time < 3; time += 1) {
      await board.createBackup({ backupDirectory: folder, type: 'full' });
    }
    const plan = await cleanupBackups(folder, { last: 1 }, { dryRun: true });
    const done = await cleanupBackups(folder, { last: 1 });
    expect(plan.removed).toHaveLength(2);
    expect(done.removed).toEqual(plan.removed);
    expect((await listBackups(folder)).backups).toHaveLength(1);
    await expect(cleanupBackups(folder, {})).rejects.toMatchObject({ code: 'usage/no-policy' });
  });

  it('tell what is wrong with an archive, and with one that is built on it', async () => {
    await board.createBackup({ backupDirectory: folder });
    const full = archiveOf();
    await board.createBackup({ backupDirectory: folder });
    const increment = archiveOf();
    const bytes = await readFile(full);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    await writeFile(full, bytes);
    const damaged = await validateBackup(full);
    expect(damaged.valid).toBe(false);
    expect(damaged.archives.flatMap((each) => each.findings)).not.toEqual([]);
    expect((await validateBackup(increment)).valid).toBe(false);
  });

  it('export what others read, and import it again', async () => {
    await board.createBackup({ backupDirectory: folder });
    const zip = join(folder, 'board.zip');
    const { format, filesWritten } = await exportBackup(archiveOf(), zip);
    expect([format, filesWritten]).toEqual(['zip', 2]);
    const other = join(folder, 'elsewhere');
    const imported = await importBackup(zip, { backupDirectory: other });
    expect(imported).toMatchObject({ fileCount: 2, failed: [] });
    const { changes } = await compareBackups(archiveOf(), imported.archive as string);
    expect(changes).toEqual([]);
  });
});
