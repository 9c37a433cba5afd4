/**
 * The built command in a process of its own, the board in another, a pseudo-terminal in between:
 * how fast it starts, how much memory it takes, and the figures of the original requirements.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RemoteBoard } from '../../src/testing/remote-board.js';
import { startBoardProcess } from '../../src/testing/remote-board.js';
import { ptyProblem } from '../support/pty.js';
import { corpus } from './corpus.js';
import { seededRandom } from './corpus-random.js';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const WIRE = { bytesPerSecond: 11_520, latencyMs: 1 } as const;
const FLASH = { eraseMs: 45, pageMs: 0.4 } as const;
/**
 * Said by the command itself as it ends: its own high-water mark. What getrusage() says is no use,
 * since Linux hands the parent's down at exec (kernel/fs/exec.c, setmax_mm_hiwater_rss).
 */
const PEAK_HOOK = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  process.on('exit', () => {
    const kilobytes = /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1];
    process.stderr.write('peak ' + kilobytes + '\\n');
  });`)}`;
const STARTS = 9;

export interface CommandRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** null where a figure is only printed. */
  readonly goal: number | null;
  readonly met: boolean | null;
}

function row(name: string, value: number, unit: string, goal: number | null = null): CommandRow {
  return { name, value, unit, goal, met: goal === null ? null : value < goal };
}

export async function commandRows(): Promise<CommandRow[]> {
  const rows = [row('belay-backup --help, middle of nine starts', await startMs(), 'ms', 200)];
  const problem = ptyProblem();
  if (problem !== null) return [...rows, row(`not measured on a board: ${problem}`, 0, '')];
  const scratch = await mkdtemp(join(tmpdir(), 'belay-bench-command-'));
  try {
    return [...rows, ...(await memoryRows(scratch)), ...(await requirementRows(scratch))];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function startMs(): Promise<number> {
  const times: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const beginMs = performance.now();
    await run(process.execPath, [MAIN, '--help']);
    times.push(performance.now() - beginMs);
  }
  return times.sort((a, b) => a - b)[STARTS >> 1] as number;
}

interface Run {
  readonly seconds: number;
  /** Of the command's process: MB, resident. */
  readonly peakMb: number;
  readonly summary: Readonly<Record<string, unknown>>;
}

/** A command that fails throws. */
async function belay(...argv: string[]): Promise<Run> {
  const beginMs = performance.now();
  const { stdout, stderr } = await run(
    process.execPath,
    ['--import', PEAK_HOOK, MAIN, ...argv, '--json'],
    { maxBuffer: 1 << 26 },
  );
  const seconds = (performance.now() - beginMs) / 1000;
  const peakMb = (Number(/peak (\d+)/.exec(stderr)?.[1]) * 1024) / 1e6;
  return { seconds, peakMb, summary: JSON.parse(stdout.trim().split('\n').at(-1) as string) };
}

type Content = Readonly<Record<string, Uint8Array | null>>;

async function onBoard<T>(
  options: Parameters<typeof startBoardProcess>[0],
  work: (board: RemoteBoard) => Promise<T>,
): Promise<T> {
  const board = await startBoardProcess(options);
  try {
    return await work(board);
  } finally {
    await board.stop();
  }
}

async function memoryRows(scratch: string): Promise<CommandRow[]> {
  const peakOf = async (megabytes: number, how: 'noise' | 'text') => {
    const files: Content = { 'big.bin': bigFile(megabytes * 1_000_000, how) };
    const folder = join(scratch, `${how}-${megabytes}`);
    const flashBytes = (2 * megabytes + 8) * 1_000_000;
    const { peakMb } = await onBoard({ files, flashBytes }, ({ path }) =>
      belay('backup', '-p', path, '-d', folder),
    );
    if (megabytes !== 2) await rm(folder, { recursive: true });
    return peakMb;
  };
  // When the garbage collector comes is chance: the middle of three.
  const middlePeakOf = async (megabytes: number, how: 'noise' | 'text') => {
    const peaks = [0, 0, 0];
    for (const at of peaks.keys()) peaks[at] = await peakOf(megabytes, how);
    return peaks.sort((a, b) => a - b)[1] as number;
  };
  const small = await middlePeakOf(16, 'noise');
  const large = await middlePeakOf(64, 'noise');
  const smallText = await middlePeakOf(16, 'text');
  const largeText = await middlePeakOf(64, 'text');
  const rows = [
    row('backup of a file of 16 MB of noise, peak memory', small, 'MB', 150),
    row('backup of a file of 64 MB of noise, peak memory', large, 'MB', 150),
    row('the difference of the two', Math.abs(large - small), 'MB', 15),
    row('backup of a file of 16 MB of text, peak memory', smallText, 'MB', 150),
    row('backup of a file of 64 MB of text, peak memory', largeText, 'MB', 150),
    row('the difference of these two', Math.abs(largeText - smallText), 'MB', 15),
  ];
  await peakOf(2, 'noise');
  const restored = await onBoard({ files: {} }, ({ path }) =>
    belay('restore', 'latest', '-y', '-p', path, '-d', join(scratch, 'noise-2')),
  );
  return [...rows, row('restore of a file of 2 MB, peak memory', restored.peakMb, 'MB', 150)];
}

function bigFile(sizeBytes: number, how: 'noise' | 'text'): Uint8Array {
  const random = seededRandom(11);
  const period = random.bytes(1 << 20);
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 1) {
    // Shifted in each period, so that no window finds the same bytes again.
    const value = (period[at & 0xfffff] as number) ^ ((at >> 20) * 37);
    bytes[at] = how === 'noise' ? value & 255 : 97 + (value & 3);
  }
  return bytes;
}

/** What was asked for at the beginning, on a UART of 115,200 baud and a flash that takes its time. */
async function requirementRows(scratch: string): Promise<CommandRow[]> {
  const folder = join(scratch, 'project');
  const project = projectFiles();
  const board = { ...WIRE, uniqueIdHex: '00000000000000b1' };
  const backUp = (files: Content, ...argv: string[]) =>
    onBoard({ ...board, files }, ({ path }) => belay('backup', '-p', path, '-d', folder, ...argv));
  const full = await backUp(project);
  const changed = { ...project, 'main.py': Buffer.from('print("changed")\n'.repeat(100)) };
  const increment = await backUp(changed, '--type', 'incremental');
  const stored = await backUp(project, '--type', 'full', '--no-compress');
  const fresh = await onBoard({ ...WIRE, ...FLASH, files: {} }, ({ path }) =>
    belay('restore', full.summary.archive as string, '-y', '-p', path, '-d', folder),
  );
  const overhead = ({ summary }: Run) =>
    100 * ((summary.archiveSize as number) / (summary.totalOriginalSize as number) - 1);
  return [
    row('50 files of 115 kB at 115,200 baud: full backup', full.seconds, 's', 120),
    row('the same with one file changed: increment', increment.seconds, 's', 30),
    row('the same onto a fresh board: restore', fresh.seconds, 's', 60),
    row('archive beyond the raw files, compressed', overhead(full), '%', 20),
    row('archive beyond the raw files, --no-compress', overhead(stored), '%'),
  ];
}

function projectFiles(): Content {
  const { folders, files } = corpus('A');
  return Object.fromEntries([
    ...folders.map((path): [string, null] => [path.slice(1), null]),
    ...files.map((file): [string, Uint8Array] => [file.path.slice(1), file.bytes]),
  ]);
}
