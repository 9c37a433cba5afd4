/** Finds and reads the archives below a folder. Takes no lock; changes nothing. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openBlb } from '../archive/blb-file.js';
import type { BlbHead } from '../archive/blb-reader.js';
import { diskCodeOf, diskError } from '../archive/disk.js';
import { readListedHead } from '../archive/listed-head.js';
import { BelayError, isBelayError } from '../core/errors.js';
import { nameMismatch } from './archive-name.js';
import type { StoredBackup } from './backup-folder.js';

export const ARCHIVE_ENDING = '.blb';
export const PIN_ENDING = '.pin';
export const SAFETY_FOLDER = 'safety';
export const QUARANTINE_FOLDER = 'quarantine';

/** `<dir>/<board>/safety/` is two down; one more for folders of the user's own making. */
const DEPTH_MAX = 3;
/** Small reads at a time: enough to hide a disk's latency, few enough to spare its handles. */
const READS_AT_ONCE = 16;

/** A folder with archives in it, or one that could not be read. */
export interface ArchiveFolder {
  readonly path: string;
  readonly names: readonly string[];
  readonly problem: BelayError | null;
}

/**
 * The folder itself and those below it, without hidden ones, quarantine and symbolic links. Throws
 * store/permission or store/io for the folder itself; one that does not exist is empty.
 */
export async function archiveFolders(root: string): Promise<readonly ArchiveFolder[]> {
  const found: ArchiveFolder[] = [];
  let level: string[] = [root];
  for (let depth = 0; depth <= DEPTH_MAX && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const path of level) {
      const { folder, below } = await readFolder(path, root);
      found.push(folder);
      next.push(...below);
    }
    level = next;
  }
  return found;
}

async function readFolder(
  path: string,
  root: string,
): Promise<{ folder: ArchiveFolder; below: string[] }> {
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (diskCodeOf(error) === 'ENOENT') return empty(path, null);
    const problem = diskError('read the folder', path, error);
    if (path === root) throw problem;
    return empty(path, problem);
  }
  const below = entries
    .filter((entry) => entry.isDirectory() && isBelow(entry.name))
    .map((entry) => join(path, entry.name));
  const names = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  return { folder: { path, names, problem: null }, below };
}

function empty(path: string, problem: BelayError | null) {
  return { folder: { path, names: [], problem }, below: [] };
}

function isBelow(name: string): boolean {
  return !name.startsWith('.') && name !== QUARANTINE_FOLDER && name !== 'node_modules';
}

/** Heads and ends of all archives, sorted by path, with what is wrong between them marked. */
export async function listArchives(
  root: string,
  options: { readonly safety: boolean },
): Promise<readonly StoredBackup[]> {
  const folders = await archiveFolders(root);
  return read(
    folders.filter((folder) => options.safety || basename(folder.path) !== SAFETY_FOLDER),
    options,
  );
}

/** The same of one folder alone, without what lies below it. */
export async function listBeside(folder: string): Promise<readonly StoredBackup[]> {
  return read([(await readFolder(folder, folder)).folder], { safety: false });
}

async function read(
  wanted: readonly ArchiveFolder[],
  options: { readonly safety: boolean },
): Promise<readonly StoredBackup[]> {
  const tasks = wanted.flatMap((folder) => archivesIn(folder));
  const inspected = await inPool(tasks, READS_AT_ONCE, ({ path, pinned }) => inspect(path, pinned));
  const unreadable = wanted.filter((folder) => folder.problem !== null).map(asProblem);
  const all = [...inspected.filter((each) => each !== null), ...unreadable];
  const kept = options.safety ? all : all.filter((each) => !each.safety);
  return markAmbiguous(kept.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)));
}

function archivesIn(folder: ArchiveFolder): { path: string; pinned: boolean }[] {
  const names = new Set(folder.names);
  return folder.names
    .filter((name) => name.endsWith(ARCHIVE_ENDING) && !name.startsWith('.'))
    .map((name) => ({ path: join(folder.path, name), pinned: names.has(`${name}${PIN_ENDING}`) }));
}

/** A folder that cannot be read stands in the list, so that nobody takes it for empty. */
function asProblem(folder: ArchiveFolder): StoredBackup {
  return record(folder.path, {
    pinned: false,
    archiveBytes: 0,
    head: null,
    problem: folder.problem,
    partial: false,
  });
}

/** One archive; null where it is gone meanwhile. */
export async function inspect(path: string, pinned: boolean): Promise<StoredBackup | null> {
  let archiveBytes = 0;
  try {
    const source = await openBlb(path);
    archiveBytes = source.sizeBytes;
    try {
      const { head, partial } = await readListedHead(source);
      const problem = nameMismatch(basename(path), head.manifest);
      return record(path, { pinned, archiveBytes, head, problem, partial });
    } finally {
      await source.close();
    }
  } catch (error) {
    if (isBelayError(error, 'store/not-found')) return null;
    if (!(error instanceof BelayError)) throw error;
    return record(path, { pinned, archiveBytes, head: null, problem: error, partial: false });
  }
}

function record(
  path: string,
  facts: Pick<StoredBackup, 'pinned' | 'archiveBytes' | 'head' | 'problem' | 'partial'>,
): StoredBackup {
  return {
    path,
    fileName: basename(path),
    boardFolder: boardFolderOf(path),
    safety: isSafety(path, facts.head),
    ...facts,
  };
}

/** The board folder that an archive lies in, safety archives included. */
export function boardFolderOf(path: string): string {
  const folder = dirname(path);
  return basename(folder) === SAFETY_FOLDER ? dirname(folder) : folder;
}

function isSafety(path: string, head: BlbHead | null): boolean {
  return head?.manifest.backupType === 'safety' || basename(dirname(path)) === SAFETY_FOLDER;
}

/** One id for two different archives: neither can be named by it. Exact copies are one archive. */
function markAmbiguous(backups: readonly StoredBackup[]): readonly StoredBackup[] {
  const byId = new Map<string, StoredBackup[]>();
  for (const backup of backups) {
    const id = backup.head?.manifest.backupId;
    if (id !== undefined) byId.set(id, [...(byId.get(id) ?? []), backup]);
  }
  return backups.map((backup) => {
    const same = byId.get(backup.head?.manifest.backupId ?? '') ?? [];
    const other = same.find((each) => each.head?.manifestSha256 !== backup.head?.manifestSha256);
    if (other === undefined || backup.problem !== null) return backup;
    return { ...backup, problem: ambiguous(backup, other) };
  });
}

function ambiguous(backup: StoredBackup, other: StoredBackup): BelayError {
  const id = backup.head?.manifest.backupId;
  return new BelayError(
    'archive/ambiguous-id',
    `${backup.path} and ${other.path} claim one id (${id?.slice(0, 8)}) but differ`,
    {
      hint: 'Move one of them out of the folder; name the other by its path.',
      details: { backupId: id, paths: [backup.path, other.path] },
    },
  );
}

/** Results in the order of the tasks. */
async function inPool<T, R>(
  tasks: readonly T[],
  atOnce: number,
  work: (task: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(tasks.length);
  let next = 0;
  const worker = async () => {
    while (next < tasks.length) {
      const at = next;
      next += 1;
      results[at] = await work(tasks[at] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, tasks.length) }, worker));
  return results;
}
