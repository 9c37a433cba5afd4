/**
 * What a history costs on this computer: archives beside GNU tar and restic on the same tree, and
 * the time to list and to restore long chains. Boards live in memory: only archives are measured.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { BackupResult } from '../../src/jobs/backup.js';
import { backup } from '../../src/jobs/backup.js';
import { extractBackup } from '../../src/jobs/extract.js';
import { listBackups } from '../../src/jobs/list.js';
import type { BackupFolder } from '../../src/store/backup-folder.js';
import { openStore, systemContext } from '../../src/wiring.js';
import { connectTo } from '../jobs/job-context.js';
import { MemoryBoard } from '../support/memory-board.js';
import { type Corpus, corpus, growingProject } from './corpus.js';

const run = promisify(execFile);
const STEPS = 10;

export interface ChainRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** null where a figure is only printed. */
  readonly goal: number | null;
  readonly met: boolean | null;
}

function row(name: string, value: number, unit: string, goal: number | null = null): ChainRow {
  return { name, value, unit, goal, met: goal === null ? null : value <= goal };
}

const context = () => systemContext({ signal: new AbortController().signal, emit: () => {} });

function backUp(
  board: MemoryBoard,
  store: BackupFolder,
  type: 'full' | 'incremental' = 'full',
): Promise<BackupResult> {
  return backup({ connect: connectTo(board), store }, { type }, context());
}

function put(board: MemoryBoard, { folders, files }: Corpus): void {
  for (const folder of folders) board.set(`${folder.slice(1)}/`, null);
  for (const file of files) board.set(file.path.slice(1), file.bytes);
}

export async function chainRows(): Promise<ChainRow[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'belay-bench-chain-'));
  try {
    return [
      ...(await manySmallFiles(join(scratch, 'small'))),
      ...(await growingProjectRows(join(scratch, 'growing'))),
      ...(await longChains(join(scratch, 'long'))),
    ];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function manySmallFiles(folder: string): Promise<ChainRow[]> {
  const board = new MemoryBoard();
  put(board, corpus('B'));
  const { summary } = await backUp(board, openStore(folder));
  return [
    row(
      '500 files of 200 B: full archive / raw bytes',
      summary.archiveSize / summary.totalOriginalSize,
      'x',
      0.9,
    ),
  ];
}

async function growingProjectRows(folder: string): Promise<ChainRow[]> {
  const store = openStore(join(folder, 'backups'));
  const tree = join(folder, 'tree');
  const snapshot = join(folder, 'snapshot');
  const board = new MemoryBoard();
  const sizes = { belay: 0, tar: 0, full: 0, tarFull: 0, overhead: 0 };
  const restic = await resticAt(join(folder, 'restic'));
  for (let step = 0; step <= STEPS; step += 1) {
    put(board, growingProject(step));
    await writeTree(tree, growingProject(step));
    const { summary, manifest } = await backUp(board, store, step === 0 ? 'full' : 'incremental');
    const tarball = join(folder, `step-${step}.tgz`);
    await run('tar', ['czf', tarball, '-g', snapshot, '-C', tree, '.']);
    const tarBytes = (await stat(tarball)).size;
    sizes.belay += summary.archiveSize;
    sizes.tar += tarBytes;
    if (step === 0) Object.assign(sizes, { full: summary.archiveSize, tarFull: tarBytes });
    else
      sizes.overhead = Math.max(
        sizes.overhead,
        summary.archiveSize - (manifest?.statistics.totalCompressedSize ?? 0),
      );
    await restic?.(tree);
  }
  return [
    row('84 files: full / tar czf', sizes.full / sizes.tarFull, 'x', 1.2),
    row('84 files: an increment beyond its compressed data', sizes.overhead, 'B', 6000),
    row('84 files: full + 10 increments / tar -g + gzip', sizes.belay / sizes.tar, 'x', 1.4),
    row('84 files: full + 10 increments', sizes.belay, 'B'),
    restic === null
      ? row('restic is not installed: not compared', 0, '')
      : row(
          '84 files: full + 10 increments / restic',
          sizes.belay / (await folderBytes(join(folder, 'restic'))),
          'x',
          1,
        ),
  ];
}

async function writeTree(root: string, { folders, files }: Corpus): Promise<void> {
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true });
  for (const file of files) {
    await mkdir(dirname(join(root, file.path)), { recursive: true });
    const path = join(root, file.path);
    const old = await readFile(path).catch(() => null);
    // A file that is written again is a changed one for tar.
    if (old === null || !old.equals(file.bytes)) await writeFile(path, file.bytes);
  }
}

/** A repository of Debian's restic, or null where it is not installed. */
async function resticAt(repository: string): Promise<((tree: string) => Promise<void>) | null> {
  const env = {
    ...process.env,
    RESTIC_REPOSITORY: repository,
    RESTIC_PASSWORD: 'bench',
    XDG_CACHE_HOME: join(repository, '..', 'cache'),
  };
  try {
    await run('restic', ['init'], { env });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
  return async (tree) => {
    await run('restic', ['backup', '-q', tree], { env });
  };
}

async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map((entry) => stat(join(entry.parentPath, entry.name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

async function longChains(folder: string): Promise<ChainRow[]> {
  const rows: ChainRow[] = [];
  const store = openStore(folder);
  const board = new MemoryBoard();
  put(board, growingProject(0));
  for (let length = 1; length <= 1000; length += 1) {
    board.set(`history/${length % 50}.txt`, `state ${length}\n`);
    await backUp(board, store, length === 1 ? 'full' : 'incremental');
    if (length !== 10 && length !== 100 && length !== 1000) continue;
    const start = performance.now();
    await extractBackup(
      { store },
      { backup: 'latest', output: `${folder}-out-${length}` },
      context(),
    );
    rows.push(
      row(`extract the tip of a chain of ${length}`, (performance.now() - start) / 1000, 's'),
    );
  }
  const start = performance.now();
  await listBackups({ store }, {}, context());
  return [
    ...rows,
    row('list 1,000 backups of 84 files and more', (performance.now() - start) / 1000, 's', 1),
  ];
}
