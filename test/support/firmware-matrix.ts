/**
 * The boards that the suite of the device seam runs on: real MicroPython of five releases, and
 * other firmware played on top of it. What is played is called so: it is not that firmware.
 */
import type { Dialect, VirtualBoardOptions } from '../../dist/testing/index.js';
import { CIRCUITPYTHON, CIRCUITPYTHON_WRITABLE, DIALECTS } from '../../dist/testing/index.js';
import type { BoardInfo } from '../../src/device/device-fs.js';

export interface MatrixBoard {
  readonly name: string;
  /** What answers: a real interpreter as it is, or one that plays something else. */
  readonly is: 'real' | 'played';
  readonly options: VirtualBoardOptions;
  /** False: Python cannot write there, so only the reading half of the suite is run. */
  readonly restores: boolean;
  readonly below?: string;
  readonly bigBytes: number;
  /** Rungs that this board is here for. */
  readonly rungs: Readonly<Record<string, unknown>>;
}

interface Row {
  readonly is?: 'real' | 'played';
  readonly options?: VirtualBoardOptions;
  readonly restores?: boolean;
  readonly below?: string;
  readonly bigBytes?: number;
  readonly rungs?: Readonly<Record<string, unknown>>;
}

const RELEASES: Readonly<Record<string, string>> = {
  'MicroPython 1.23.0': 'micropython-1.23',
  'MicroPython 1.24.1': 'micropython-1.24',
  'MicroPython 1.26.0': 'micropython-1.26',
  'MicroPython 1.27.0': '@micropython/micropython-webassembly-pyscript',
  'MicroPython 1.29.0-6': 'micropython-1.29',
};

/** A UART of 115,200 baud that drops what its buffer cannot hold. */
function uart(receiveRingBytes: number): VirtualBoardOptions {
  return { bytesPerSecond: 11_520, receiveRingBytes, overrun: 'drop', eraseMs: 5, pageMs: 0.4 };
}

/** CircuitPython with a network: hashlib has new() alone. */
const HASHLIB_NEW: Dialect = {
  prefixedModules: false,
  extraModules: {
    hashlib: [
      'from uhashlib import sha256 as _make',
      'def new(name, data=b""):',
      '    if name != "sha256":',
      '        raise ValueError',
      '    return _make(data)',
    ].join('\n'),
  },
};

const ROWS: Readonly<Record<string, Row>> = {
  'no hashlib': { rungs: { hash: 'crc32' } },
  'no binascii': { rungs: { frameCheck: 'sha256' } },
  'no crc32': { rungs: { frameCheck: 'sha256' } },
  'no deflate': { rungs: { inflate: null, source: 'packed' } },
  'no raw console': { rungs: { output: 'base64' } },
  'no raw console, no base64': { rungs: { output: 'hex' } },
  'no raw console, no binascii': { rungs: { output: 'repr' } },
  'no kbd_intr': {},
  'three in a tuple': {},
  'raw paste refused': {},
  'before 1.14': { rungs: { source: 'packed' } },
  'epoch 2000': {},
  'under /flash': { below: 'flash' },
  'only names with u': { options: { dialect: { plainModules: false } } },
  'only plain names': { options: { dialect: { prefixedModules: false } } },
  'no hashlib, no binascii': {
    options: { dialect: { hiddenModules: ['hashlib', 'binascii', 'base64'] } },
    rungs: { hash: 'none', frameCheck: 'fletcher' },
  },
  'no ilistdir': {
    options: { dialect: { hiddenNames: ['os.ilistdir'] } },
    rungs: { listing: 'listdir' },
  },
  'hashlib with new() alone': { options: { dialect: HASHLIB_NEW }, rungs: { hash: 'new' } },
  'a receive ring of 64 bytes that drops': { options: uart(64), bigBytes: 3000 },
  'a receive ring of 128 bytes that drops': { options: uart(128), bigBytes: 3000 },
  'a receive ring of 260 bytes, no interrupts while the flash works': {
    options: { ...uart(260), interruptsOffInFlash: true },
    bigBytes: 3000,
  },
  '30 kB of heap': { options: { heapBytes: 30 * 1024 } },
  '30 kB of heap, no deflate': {
    options: { heapBytes: 30 * 1024, dialect: { hiddenModules: ['deflate'] } },
    rungs: { source: 'plain' },
  },
  'CircuitPython, its drive mounted': {
    options: { dialect: CIRCUITPYTHON },
    restores: false,
    rungs: { output: 'base64', listing: 'listdir', source: 'packed' },
  },
  'CircuitPython, its drive taken away': {
    options: { dialect: CIRCUITPYTHON_WRITABLE },
    rungs: { output: 'base64', listing: 'listdir' },
  },
};

function board(name: string, row: Row): MatrixBoard {
  const dialect = (DIALECTS as Readonly<Record<string, Dialect>>)[name];
  return {
    name,
    is: row.is ?? 'played',
    options: row.options ?? (dialect === undefined ? {} : { dialect }),
    restores: row.restores ?? true,
    bigBytes: row.bigBytes ?? 20_000,
    rungs: row.rungs ?? {},
    ...(row.below === undefined ? {} : { below: row.below }),
  };
}

/** Every board of the matrix; the micro:bit and the double in memory are joined by the test. */
export const FIRMWARE_MATRIX: readonly MatrixBoard[] = [
  ...Object.entries(RELEASES).map(([name, firmware]) =>
    board(name, {
      is: 'real',
      options: { firmware },
      bigBytes: 70_000,
      rungs: { source: 'deflated' },
    }),
  ),
  ...Object.entries(ROWS).map(([name, row]) => board(name, row)),
];

const COLUMNS = ['source', 'listing', 'output', 'input', 'frameCheck', 'hash', 'inflate'] as const;

/** The rungs that were chosen, board by board, as lines. */
export function rungTable(
  rows: readonly { readonly name: string; readonly is: string; readonly info: BoardInfo }[],
): string {
  const cells = rows.map(({ name, is, info }) => [
    name,
    is,
    info.version,
    ...COLUMNS.map((column) => String(info.probe[column] ?? 'none')),
    String(info.epochYear),
    info.mounts.map((mount) => `/${mount.path}`).join(' '),
  ]);
  const table = [['board', 'is', 'version', ...COLUMNS, 'epoch', 'mounts'], ...cells];
  const widths = (table[0] as string[]).map((_, at) =>
    Math.max(...table.map((row) => (row[at] as string).length)),
  );
  return table
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
