/**
 * Reads archives without a line of the product: GNU tar unpacks, sha256sum checks, JSON.parse reads
 * the manifest. What it says about a folder of backups is what a user in twenty years would find.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Path on the board -> sha256 of a file, 'folder', or 'failed'. */
export type BoardState = ReadonlyMap<string, string>;

export interface StockArchive {
  readonly backupId: string;
  readonly backupType: string;
  readonly sequence: number;
  readonly state: BoardState;
  /** Hashes of the content that lies in this archive itself. */
  readonly holds: ReadonlySet<string>;
}

export const sha256Hex = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

const known = new Map<string, StockArchive>();

/** Throws where tar or sha256sum are not content. The same bytes are read once. */
export function readByHand(bytes: Uint8Array): StockArchive {
  const key = sha256Hex(bytes);
  const before = known.get(key);
  if (before !== undefined) return before;
  const folder = mkdtempSync(join(tmpdir(), 'belay-by-hand-'));
  try {
    execFileSync('tar', ['-xzf', '-', '-C', folder], { input: bytes, stdio: 'pipe' });
    const check = ['--check', '--strict', '--quiet', 'checksums.txt'];
    execFileSync('sha256sum', check, { cwd: folder, stdio: 'pipe' });
    const sums = readFileSync(join(folder, 'checksums.txt'), 'utf8').split('\n');
    const archive = archiveOf(
      JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')),
      new Set(sums.slice(1).map((line) => line.replace(/^\\/, '').slice(0, 64))),
    );
    known.set(key, archive);
    return archive;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface PlainEntry {
  readonly relativePath: string;
  readonly rawPath?: string;
  readonly isDirectory: boolean;
  readonly checksum?: string;
  readonly error?: unknown;
}

function archiveOf(manifest: Record<string, unknown>, holds: ReadonlySet<string>): StockArchive {
  const state = new Map<string, string>();
  for (const entry of manifest.files as PlainEntry[]) {
    const what = entry.isDirectory ? 'folder' : (entry.checksum as string);
    state.set(entry.relativePath, entry.error === undefined ? what : 'failed');
  }
  return {
    backupId: manifest.backupId as string,
    backupType: manifest.backupType as string,
    sequence: manifest.sequence as number,
    state,
    holds,
  };
}

/** Every path below, hidden names too. */
export function everythingBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

export interface FolderByHand {
  /** By path; archives in quarantine are left out. */
  readonly archives: ReadonlyMap<string, StockArchive>;
  /** What is no archive and no pin: locks and temporary files. */
  readonly leftovers: readonly string[];
}

/**
 * Every `.blb` is whole, and what one lists and does not hold is held by another of its board.
 * Throws with the path where it is not so.
 */
export function folderByHand(folder: string): FolderByHand {
  const paths = everythingBelow(folder).filter((path) => !path.includes('/quarantine/'));
  const archives = new Map<string, StockArchive>();
  for (const path of paths.filter((each) => each.endsWith('.blb'))) {
    try {
      archives.set(path, readByHand(readFileSync(path)));
    } catch (error) {
      throw new Error(`${path} is not whole: ${(error as Error).message}`);
    }
  }
  for (const [path, archive] of archives) {
    const missing = missingContent(path, archive, archives);
    if (missing !== null) throw new Error(`${path}: the content of ${missing} is nowhere`);
  }
  const leftovers = paths.filter((path) => !/\.blb(?:\.pin)?$/.test(path));
  return { archives, leftovers };
}

function boardOf(path: string): string {
  const folder = dirname(path);
  return basename(folder) === 'safety' ? dirname(folder) : folder;
}

function missingContent(
  path: string,
  archive: StockArchive,
  all: ReadonlyMap<string, StockArchive>,
): string | null {
  const held = new Set(
    [...all]
      .filter(([other]) => boardOf(other) === boardOf(path))
      .flatMap(([, each]) => [...each.holds]),
  );
  for (const [file, hash] of archive.state) {
    if (hash !== 'folder' && hash !== 'failed' && !held.has(hash)) return file;
  }
  return null;
}
