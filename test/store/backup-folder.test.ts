import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import {
  chmod,
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
import { archiveBytes, draftOf } from '../support/archive-making.js';
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
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
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
