import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { FolderDeps } from '../../src/store/disk-folder.js';
import { openBackupFolder } from '../../src/store/disk-folder.js';
import { encodeLock, LOCK_NAME } from '../../src/store/lock-file.js';
import { backupFolderContract } from '../contract/backup-folder.contract.js';
import { archiveOf, draftOf } from '../support/archive-making.js';
import { MemoryFolder } from '../support/memory-folder.js';

const made: string[] = [];
afterAll(() => Promise.all(made.map((path) => rm(path, { recursive: true, force: true }))));

async function newRoot(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'belay-store-'));
  made.push(path);
  return join(path, 'backups');
}

const deps: FolderDeps = {
  clock: { now: () => new Date(), monotonicMs: () => performance.now() },
  randomHex: (bytes) => randomBytes(bytes).toString('hex'),
  processes: { pid: process.pid, isAlive: () => true },
};

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, {
    recursive: true,
    withFileTypes: true,
  }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

backupFolderContract('a folder on disk', async () => {
  const root = await newRoot();
  return {
    folder: openBackupFolder(root, deps),
    scribble: async (path, change) => writeFile(path, change(await readFile(path))),
    copy: async (path, name) => {
      const target = join(dirname(path), name);
      await copyFile(path, target);
      return target;
    },
    files: () => filesBelow(root),
  };
});

backupFolderContract('a folder in memory', async () => {
  const folder = new MemoryFolder();
  return {
    folder,
    scribble: async (path, change) => {
      folder.files.set(path, change(folder.files.get(path) as Uint8Array));
    },
    copy: async (path, name) => {
      const target = join(dirname(path), name);
      folder.files.set(target, folder.files.get(path) as Uint8Array);
      return target;
    },
    files: async () =>
      [...folder.files.keys(), ...[...folder.pins].map((path) => `${path}.pin`)].sort(),
  };
});

const signal = new AbortController().signal;
const BOARD = { uniqueKey: 'a1b2c3d4e5f6', name: 'Board' };

function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

describe('a folder on disk', () => {
  let root: string;
  let board: string;
  beforeEach(async () => {
    root = await newRoot();
    board = join(root, 'board-1');
    await mkdir(join(board, 'safety'), { recursive: true });
  });

  const open = (overrides: Partial<FolderDeps> = {}) =>
    openBackupFolder(root, { ...deps, ...overrides });

  it('G8 sweeps temporary files of dead processes, never of live ones', async () => {
    const dead = deadPid();
    const parent = process.ppid;
    const gone = [`.belay-${dead}-00aa.tmp`, `safety/.belay-${dead}-00bb.tmp`];
    const kept = [`.belay-${process.pid}-00aa.tmp`, `.belay-${parent}-00aa.tmp`, 'mine.tmp'];
    for (const name of [...gone, ...kept]) await writeFile(join(board, name), 'x');
    expect([...(await open().sweep())].sort()).toEqual(
      gone.map((name) => join(board, name)).sort(),
    );
    expect(await filesBelow(board)).toEqual([...kept].sort());
    expect(await open().sweep()).toEqual([]);
  });

  it('G8 sweeps a file that is older than the process which now has the number', async () => {
    const name = `.belay-${process.ppid}-00cc.tmp`;
    await writeFile(join(board, name), 'x');
    await utimes(join(board, name), 1_000_000_000, 1_000_000_000);
    if (process.platform !== 'linux') return console.log('only Linux tells when a process began');
    expect(await open().sweep()).toEqual([join(board, name)]);
  });

  it('G8 leaves a folder alone that another computer has locked', async () => {
    const record = {
      token: 'abcdef0123456789',
      host: 'elsewhere',
      bootId: null,
      pid: 1,
      startTime: null,
      purpose: 'backup',
      since: '2026-11-20T09:00:00.000Z',
      counter: 0,
    };
    await writeFile(join(board, LOCK_NAME), encodeLock(record));
    await writeFile(join(board, `.belay-${deadPid()}-00dd.tmp`), 'x');
    expect(await open().sweep()).toEqual([]);
    expect(await open().locks()).toMatchObject([{ host: 'elsewhere', state: 'foreign' }]);
  });

  it('G8 sweeps the guard of a takeover whose maker died', async () => {
    const record = {
      token: 'abcdef0123456789',
      host: (await import('node:os')).hostname(),
      bootId:
        (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim() || null,
      pid: deadPid(),
      startTime: null,
      purpose: 'backup',
      since: '2026-11-20T09:00:00.000Z',
      counter: 0,
    };
    await writeFile(join(board, `${LOCK_NAME}.00ff.taken`), encodeLock(record));
    expect(await open().sweep()).toHaveLength(1);
  });

  it('H3 says which folder cannot be written, and still lists what it can read', async () => {
    if (process.platform !== 'linux')
      return console.log('only Linux has a folder that root cannot write');
    const folder = openBackupFolder('/sys/belay-backups', deps);
    const refused = {
      code: 'store/permission',
      exitCode: 1,
      message: expect.stringContaining('/sys/belay-backups'),
    };
    await expect(
      folder.lock('/sys/belay-backups/b', 'test', { retryMs: 0, signal }),
    ).rejects.toMatchObject(refused);
    await expect(
      folder.create('/sys/belay-backups/b', 'backup', { compress: true }),
    ).rejects.toMatchObject(refused);
    expect(await folder.list({ safety: true })).toEqual([]);
    expect(await folder.freeBytes()).toEqual(expect.any(Number));
  });

  it('readers take no lock', async () => {
    const folder = open();
    const lock = await folder.lock(board, 'backup', { retryMs: 0, signal });
    await writeFile(join(board, 'any.blb'), await archiveOf({ a: 'x' }));
    expect(await open().list({ safety: false })).toHaveLength(1);
    expect((await open().inspect(join(board, 'any.blb'))).problem).toBeNull();
    await lock.release();
  });

  it('does not follow links to folders, nor list hidden and quarantined archives', async () => {
    const bytes = await archiveOf({ a: 'x' });
    for (const name of ['quarantine', '.hidden']) await mkdir(join(board, name));
    for (const name of ['quarantine/a.blb', '.hidden/a.blb', '.b.blb']) {
      await writeFile(join(board, name), bytes);
    }
    await symlink(root, join(board, 'loop'));
    expect(await open().list({ safety: true })).toEqual([]);
  });

  it('lists archives in folders of the user, and a folder that was moved as a whole', async () => {
    const bytes = await archiveOf({ a: 'x' });
    await mkdir(join(root, 'attic/board-2'), { recursive: true });
    await writeFile(join(root, 'attic/board-2/old.blb'), bytes);
    await writeFile(join(root, 'loose.blb'), bytes);
    expect((await open().list({ safety: false })).map((each) => relative(root, each.path))).toEqual(
      ['attic/board-2/old.blb', 'loose.blb'],
    );
  });

  it('passes over a folder of the right suffix that holds archives of another board', async () => {
    const folder = open();
    const path = await folder.boardFolderFor(BOARD);
    await mkdir(path);
    expect(await folder.boardFolderFor(BOARD)).toBe(path);
    const info = draftOf().deviceInfo;
    await writeFile(
      join(path, 'foreign.blb'),
      await archiveOf({ a: 'x' }, { deviceInfo: { ...info, uniqueId: '00' } }),
    );
    const other = await folder.boardFolderFor(BOARD);
    expect(other).toMatch(/board-2-[0-9a-f]{8}$/);
    await mkdir(other);
    expect(await folder.boardFolderFor(BOARD)).toBe(other);
  });

  it('finds the folder of a board whose slug was changed by hand', async () => {
    const folder = open();
    const path = await folder.boardFolderFor(BOARD);
    await mkdir(path);
    await writeFile(join(path, 'a.blb'), await archiveOf({ a: 'x' }));
    const renamed = path.replace(/board-([0-9a-f]{8})$/, 'kitchen-$1');
    await rename(path, renamed);
    expect(await folder.boardFolderFor(BOARD)).toBe(renamed);
  });

  it('shows a folder that is none', async () => {
    const file = join(root, 'file');
    await writeFile(file, 'x');
    await expect(openBackupFolder(file, deps).list({ safety: false })).rejects.toMatchObject({
      code: expect.stringMatching(/^store\//),
      message: expect.stringContaining(file),
    });
  });
});
