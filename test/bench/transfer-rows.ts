/**
 * The transfer rows: whole commands, from connect to verified archive or verified board, on a
 * virtual board behind a wire that is limited as a UART is. Bytes and turns are counted at the
 * wire; seconds stand against payload / 11,520 B/s.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBoard } from '../../src/device/board.js';
import { backup } from '../../src/jobs/backup.js';
import type { Connect } from '../../src/jobs/context.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import type { VirtualBoardOptions } from '../../src/testing/index.js';
import { VirtualBoard } from '../../src/testing/index.js';
import { openStore, systemContext } from '../../src/wiring.js';
import { type CorpusName, corpus } from './corpus.js';

export const WIRE_BYTES_PER_SECOND = 11_520;
const WIRE = { bytesPerSecond: WIRE_BYTES_PER_SECOND, latencyMs: 1 } as const;
/** The restore's space check counts a block for every file: 500 small ones need more than 2 MiB. */
const UP_FLASH_BYTES = 8 << 20;
const FLASH = { eraseMs: 45, pageMs: 0.4, receiveRingBytes: 260, overrun: 'drop' } as const;

export interface TransferRow {
  readonly name: string;
  readonly seconds: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly turns: number;
  /** Bytes that the board's receive ring lost. */
  readonly overrunBytes: number;
  /** seconds / (payload / 11,520 B/s); null where the row has a goal in seconds. */
  readonly ratio: number | null;
  readonly goal: number;
  readonly goalUnit: 'x' | 's' | 'turns';
  readonly met: boolean;
}

interface Spec {
  readonly corpus: CorpusName;
  readonly direction: 'down' | 'up' | 'unchanged';
  /** The board's own compressor (down) or inflate (up). */
  readonly compressor: boolean;
  readonly goal: number;
  readonly goalUnit: 'x' | 's';
  readonly board: VirtualBoardOptions;
  readonly label?: string;
}

const HIDE_INFLATE = { dialect: { hiddenModules: ['deflate', 'zlib', 'uzlib'] } } as const;

type Goal = readonly [CorpusName, 'down' | 'up', number, number];

const GOALS: readonly Goal[] = [
  ['A', 'down', 0.62, 1.06],
  ['B', 'down', 0.65, 1.25],
  ['C', 'down', 1.02, 1.02],
  ['D', 'down', 0.42, 1.03],
  ['A', 'up', 0.7, 1.15],
  ['B', 'up', 1.4, 1.8],
  ['C', 'up', 1.12, 1.12],
  ['D', 'up', 0.5, 1.1],
];

export function transferSpecs(): readonly Spec[] {
  const limited = GOALS.flatMap(([name, direction, fast, slow]): Spec[] =>
    [true, false].map((compressor) => ({
      corpus: name,
      direction,
      compressor,
      goal: compressor ? fast : slow,
      goalUnit: 'x',
      board: {
        ...WIRE,
        ...(direction === 'up' ? FLASH : {}),
        ...(direction === 'up' && !compressor ? HIDE_INFLATE : {}),
      },
    })),
  );
  const unchanged = (['A', 'B'] as const).map(
    (name): Spec => ({
      corpus: name,
      direction: 'unchanged',
      compressor: true,
      goal: 1.1,
      goalUnit: 's',
      board: WIRE,
    }),
  );
  const fast = (['down', 'up'] as const).map(
    (direction): Spec => ({
      corpus: 'A',
      direction,
      compressor: true,
      goal: direction === 'down' ? 0.5 : 4,
      goalUnit: 's',
      label: 'fast wire',
      board: {
        latencyMs: 1,
        bytesPerSecond: null,
        ...(direction === 'up' ? { eraseMs: 45, pageMs: 0.4 } : {}),
      },
    }),
  );
  return [...limited, ...unchanged, ...fast];
}

const DAMAGED: readonly [CorpusName, 'down' | 'up', boolean][] = [
  ['A', 'down', true],
  ['A', 'down', false],
  ['A', 'up', true],
  ['C', 'down', true],
  ['C', 'up', true],
  ['D', 'down', true],
  ['D', 'up', true],
];

/** What 1 byte in 10,000 dropped, flipped or inserted costs; the goal is 1.3 times the clean row's. */
export function damagedSpecs(): readonly Spec[] {
  const random = { direction: 'both', rate: 0.0001, seed: 7 } as const;
  return DAMAGED.map(([name, direction, compressor]): Spec => {
    const [, , fast, slow] = GOALS.find((row) => row[0] === name && row[1] === direction) as Goal;
    return {
      corpus: name,
      direction,
      compressor,
      goal: 1.3 * (compressor ? fast : slow),
      goalUnit: 'x',
      label: compressor ? 'damaged' : 'plain, damaged',
      board: { ...WIRE, ...(direction === 'up' ? FLASH : {}), faults: { random } },
    };
  });
}

export async function transferRow(spec: Spec): Promise<TransferRow> {
  const scratch = await mkdtemp(join(tmpdir(), 'belay-bench-'));
  try {
    const measured = await measure(spec, join(scratch, 'backups'));
    const payload = corpus(spec.corpus).sizeBytes;
    const ratio = measured.seconds / (payload / WIRE_BYTES_PER_SECOND);
    const value = spec.goalUnit === 'x' ? ratio : measured.seconds;
    const how = spec.label ?? (spec.direction === 'up' ? 'inflate' : 'compressor');
    const name = `${spec.corpus} ${spec.direction}, ${how}${spec.label ? '' : spec.compressor ? ' on' : ' off'}`;
    return {
      name,
      ...measured,
      ratio,
      goal: spec.goal,
      goalUnit: spec.goalUnit,
      met: value <= spec.goal,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Measured = Pick<TransferRow, 'seconds' | 'bytesIn' | 'bytesOut' | 'turns' | 'overrunBytes'>;

async function measure(spec: Spec, backups: string): Promise<Measured> {
  const files = corpusFiles(spec.corpus);
  if (spec.direction === 'down') {
    // A real board's interpreter is never compiled on the way, as this one is by a first backup.
    await onBoard({ files }, (connect) => backUp(connect, `${backups}-first`, true));
    return onBoard({ ...spec.board, files }, (connect) =>
      backUp(connect, backups, spec.compressor),
    );
  }
  const { uniqueIdHex } = { uniqueIdHex: '00000000000000a1' };
  await onBoard({ files, uniqueIdHex }, (connect) => backUp(connect, backups, true));
  if (spec.direction === 'unchanged') {
    return onBoard({ ...spec.board, files, uniqueIdHex }, (connect) =>
      backUp(connect, backups, true, true),
    );
  }
  return onBoard({ ...spec.board, files: {}, flashBytes: UP_FLASH_BYTES }, (connect) =>
    putBack(connect, backups, files),
  );
}

function corpusFiles(name: CorpusName): Map<string, Uint8Array | null> {
  const { folders, files } = corpus(name);
  return new Map<string, Uint8Array | null>([
    ...folders.map((path): [string, null] => [path, null]),
    ...files.map((file): [string, Uint8Array] => [file.path, file.bytes]),
  ]);
}

const context = () => systemContext({ signal: new AbortController().signal, emit: () => {} });

async function onBoard(
  options: VirtualBoardOptions,
  work: (connect: Connect, board: VirtualBoard) => Promise<void>,
): Promise<Measured> {
  const board = await VirtualBoard.start({ ...options, faults: {} });
  try {
    const { clock, randomHex } = context();
    const connect: Connect = (wish) =>
      connectBoard(board.port(), { clock, random: randomHex, ...wish });
    await atItsPrompt(board);
    board.setFaults(options.faults ?? {});
    const before = board.counters();
    const start = performance.now();
    await work(connect, board);
    const seconds = (performance.now() - start) / 1000;
    const after = board.counters();
    return {
      seconds,
      bytesIn: after.bytesIn - before.bytesIn,
      bytesOut: after.bytesOut - before.bytesOut,
      turns: after.turns - before.turns,
      overrunBytes: after.overrunBytes - before.overrunBytes,
    };
  } finally {
    await board.stop();
  }
}

/** A board that has been switched on for a while: what it said then was heard by nobody. */
async function atItsPrompt(board: VirtualBoard): Promise<void> {
  const port = board.port();
  await new Promise<void>((resolve, reject) => {
    let heard = '';
    port.setReceiver({
      data: (bytes) => {
        heard += Buffer.from(bytes).toString('latin1');
        if (heard.endsWith('>>> ')) resolve();
      },
      closed: (error) => reject(error ?? new Error('the board never came to its prompt')),
    });
  });
  await port.close();
}

async function backUp(
  connect: Connect,
  backups: string,
  compress: boolean,
  skipIfUnchanged = false,
): Promise<void> {
  const result = await backup(
    { connect, store: openStore(backups) },
    { compress, skipIfUnchanged },
    context(),
  );
  const wanted = skipIfUnchanged ? 'unchanged' : 'written';
  if (result.outcome !== wanted || result.failed.length > 0)
    throw new Error(`the backup ended as ${result.outcome}`);
}

async function putBack(
  connect: Connect,
  backups: string,
  files: ReadonlyMap<string, unknown>,
): Promise<void> {
  const prepared = await prepareRestore(
    { connect, store: openStore(backups) },
    { backup: 'latest', safety: false },
    context(),
  );
  const { summary } = await prepared.carryOut();
  const wanted = [...files.values()].filter((bytes) => bytes !== null).length;
  if (summary.filesWritten !== wanted || !summary.verified)
    throw new Error('the restore is not whole');
}
