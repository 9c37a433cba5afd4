import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listArchives } from '../../src/jobs/archive-listing.js';
import { backup } from '../../src/jobs/backup.js';
import type { JobContext } from '../../src/jobs/context.js';
import { exportBackup } from '../../src/jobs/export.js';
import { importBackup } from '../../src/jobs/import.js';
import { listBackups } from '../../src/jobs/list.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import { chooseBackup } from '../../src/jobs/select-backup.js';
import { openBackupFolder } from '../../src/store/disk-folder.js';
import { MemoryBoard } from '../support/memory-board.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { connectTo, testContext } from './job-context.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'belay-exchange-'));
});
afterEach(() => rm(root, { recursive: true }));

async function exported(name: string, dryRun = false) {
  const board = new MemoryBoard({
    'main.py': 'print(1)\n',
    'lib/größe.py': 'x = 1\n',
    'empty/': null,
    'data.bin': 'd'.repeat(100_000),
  });
  const store = new MemoryFolder();
  const context = testContext();
  await backup({ connect: connectTo(board), store }, {}, context);
  board.set('main.py', 'print(2)\n');
  context.advance(60_000);
  await backup({ connect: connectTo(board), store }, {}, context);
  const output = join(root, name);
  const result = await exportBackup({ store }, { backup: 'latest', output, dryRun }, context);
  return { board, output, result };
}

function folderOnDisk({ clock, randomHex }: JobContext) {
  const processes = { pid: process.pid, isAlive: () => true };
  return openBackupFolder(join(root, 'backups'), { clock, randomHex, processes });
}

describe('export to others and import from them', () => {
  it('a file of no known kind is a wrong word of the user', async () => {
    const input = join(root, 'notes.txt');
    await writeFile(input, 'x');
    const run = importBackup({ store: new MemoryFolder() }, { input }, testContext());
    await expect(run).rejects.toMatchObject({ code: 'usage/invalid', exitCode: 2 });
  });

  for (const name of ['a.tar', 'a.tgz', 'a.tar.gz', 'a.zip', 'a.blb', 'folder']) {
    it(`${name} carries an increment's whole state to a fresh board`, async () => {
      const { board, output, result } = await exported(name);
      expect(result).toMatchObject({ filesWritten: 3, failed: [] });
      const context = testContext('2027-01-01T00:00:00.000Z');
      const store = folderOnDisk(context);
      const imported = await importBackup({ store }, { input: output }, context);
      expect(imported).toMatchObject({ fileCount: 3, failed: [] });
      const fresh = new MemoryBoard({}, { info: { uniqueId: 'cafe' } });
      const options = { backup: imported.backupId as string, safety: false };
      await (
        await prepareRestore({ connect: connectTo(fresh), store }, options, context)
      ).carryOut();
      expect(fresh.state()).toEqual(board.state());
    });
  }

  it('an old archive takes the place of newer backups only where that is wanted', async () => {
    const board = new MemoryBoard({ 'main.py': 'old\n' });
    const context = testContext();
    const store = folderOnDisk(context);
    const backUp = () => backup({ connect: connectTo(board), store }, {}, context);
    const output = join(root, 'old.blb');
    await backUp();
    await exportBackup({ store }, { backup: 'latest', output }, context);
    board.set('main.py', 'new\n');
    context.advance(60_000);
    const { manifest } = await backUp();
    const names = () => readdir(join(root, 'backups'), { recursive: true });
    const before = await names();

    for (const dryRun of [true, false]) {
      await expect(
        importBackup({ store }, { input: output, dryRun }, context),
      ).rejects.toMatchObject({
        code: 'usage/unanswered',
        hint: expect.stringMatching(/--board <name>.*--yes/),
        details: { newest: manifest?.backupId },
      });
    }
    expect(await names()).toEqual(before);

    const apart = await importBackup({ store }, { input: output, boardName: 'attic' }, context);
    const listed = await listBackups({ store }, {}, context);
    expect(listed.backups.map((row) => row.board?.name)).toContain('attic');
    const chosen = { connected: null, board: manifest?.deviceInfo.uniqueId as string };
    const latest = async () =>
      chooseBackup({ store }, { ...chosen, wanted: 'latest' }, await listArchives(store));
    expect((await latest()).head?.manifest.backupId).toBe(manifest?.backupId);
    expect(apart.backupId).not.toBeNull();

    const asked = await importBackup({ store }, { input: output, olderToo: true }, context);
    expect((await latest()).head?.manifest.backupId).toBe(asked.backupId);
  });

  it('a dry run writes nothing', async () => {
    for (const name of ['a.tar', 'a.tgz', 'a.zip', 'a.blb']) {
      expect((await exported(name, true)).result.filesWritten).toBe(3);
    }
    expect(await readdir(root)).toEqual([]);
  });
});
