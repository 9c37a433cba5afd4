/** Files to and from this computer: extract, export and import, with real archives on a disk. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backup } from '../../src/jobs/backup.js';
import type { JobContext } from '../../src/jobs/context.js';
import { exportBackup } from '../../src/jobs/export.js';
import { extractBackup } from '../../src/jobs/extract.js';
import { importBackup } from '../../src/jobs/import.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import { verifyBackups } from '../../src/jobs/verify.js';
import type { BackupFolder } from '../../src/store/backup-folder.js';
import { openStore, systemContext } from '../../src/wiring.js';
import { connectTo } from '../jobs/job-context.js';
import { MemoryBoard } from '../support/memory-board.js';
import { sixtyFiles } from './sixty-files.js';

let folder: string;
let store: BackupFolder;
let context: JobContext;
let board: MemoryBoard;
let increment: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-exchange-'));
  store = openStore(join(folder, 'backups'));
  context = systemContext({
    signal: new AbortController().signal,
    emit: () => {},
  });
  const content = Object.entries(sixtyFiles()).map(([path, bytes]) => [
    bytes === null ? `${path}/` : path,
    bytes,
  ]);
  board = new MemoryBoard(Object.fromEntries(content), {
    modifiedS: 1_700_000_000,
  });
  await backup({ connect: connectTo(board), store }, {}, context);
  board.set('main.py', 'print("second")\n');
  increment = (await backup({ connect: connectTo(board), store }, {}, context)).summary
    .backupId as string;
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function onFreshBoard(backupName: string) {
  const fresh = new MemoryBoard({}, { info: { uniqueId: 'cafe' } });
  const prepared = await prepareRestore(
    { connect: connectTo(fresh), store },
    { backup: backupName },
    context,
  );
  const result = await prepared.carryOut();
  return { state: fresh.state(), warnings: result.warnings };
}

describe('an increment', () => {
  it('is extracted whole, and a second time writes nothing', async () => {
    const output = join(folder, 'out');
    const first = await extractBackup({ store }, { backup: increment, output }, context);
    expect(first).toMatchObject({ filesWritten: 60, failed: [] });
    expect(await readFile(join(output, 'main.py'), 'utf8')).toBe('print("second")\n');
    const again = await extractBackup({ store }, { backup: increment, output }, context);
    expect(again).toMatchObject({ filesWritten: 0, failed: [] });
  });

  it('exported as one .blb needs no other archive: tar opens it, and it is imported elsewhere', async () => {
    const output = join(folder, 'alone.blb');
    await exportBackup({ store }, { backup: increment, output }, context);
    const { stdout } = await promisify(execFile)('tar', ['tzf', output]);
    expect(
      stdout.split('\n').filter((name) => name.startsWith('files/') && !name.endsWith('/')),
    ).toHaveLength(60);
    store = openStore(join(folder, 'elsewhere'));
    const { backupId } = await importBackup({ store }, { input: output }, context);
    expect((await onFreshBoard(backupId as string)).state).toEqual(board.state());
    expect(await verifyBackups({ store }, {}, context)).toMatchObject({
      ok: true,
    });
  });

  it('exported as a folder and imported again reaches any board without a warning', async () => {
    const output = join(folder, 'project');
    await exportBackup({ store }, { backup: increment, output }, context);
    await writeFile(join(output, 'added.py'), 'added\n');
    const imported = await importBackup({ store }, { input: output, exclude: ['*.bin'] }, context);
    expect(imported).toMatchObject({ failed: [] });
    const { state, warnings } = await onFreshBoard(imported.backupId as string);
    const wanted = Object.entries(board.state()).filter(([path]) => !path.endsWith('.bin'));
    expect(Object.keys(state).sort()).toEqual([...wanted.map(([path]) => path), 'added.py'].sort());
    expect(warnings).toEqual([]);
  });

  it('in a damaged chain writes nothing', async () => {
    const [full] = await store.list({ safety: false });
    const bytes = await readFile(full?.path as string);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    await writeFile(full?.path as string, bytes);
    const output = join(folder, 'nothing');
    await expect(
      extractBackup({ store }, { backup: increment, output }, context),
    ).rejects.toMatchObject({ exitCode: 13 });
    await expect(readFile(join(output, 'main.py'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
