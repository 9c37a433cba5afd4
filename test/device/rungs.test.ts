import { describe, expect, it } from 'vitest';
import type { Dialect, VirtualBoardOptions } from '../../dist/testing/index.js';
import { pathFromBytes } from '../../src/core/device-path.js';
import type { TreeFile } from '../../src/core/tree.js';
import type { AgentFs } from '../../src/device/agent-fs.js';
import type { BoardFs, BoardOperation } from '../../src/device/device-fs.js';
import { ReplSession } from '../../src/transport/repl-session.js';
import { type ConnectedBoard, connectedBoard, realClock } from '../support/connected-board.js';
import { put } from '../support/uploading.js';

const signal = () => new AbortController().signal;
const allBytes = Uint8Array.from({ length: 3000 }, (_, at) => at & 255);
const files = {
  'main.py': 'print(1)\n',
  'all.bin': allBytes,
  empty: '',
  lib: null,
  'lib/a b.txt': 'x'.repeat(2500),
  folder: null,
};

async function withBoard(
  options: VirtualBoardOptions,
  work: (board: ConnectedBoard) => Promise<void>,
): Promise<void> {
  const board = await connectedBoard({ files, ...options });
  try {
    await work(board);
  } finally {
    await board.close();
  }
}

/** Reads everything and compares with what the board itself holds. */
async function backUp(board: ConnectedBoard, inMount = (path: string) => path): Promise<void> {
  const { fs } = board.connection;
  const { tree } = await fs.scan({ roots: [''], mounts: [], hashes: 'none', signal: signal() });
  const dump = await board.dump();
  const found = tree.filter((entry): entry is TreeFile => entry.kind === 'file');
  const parts = new Map<string, Uint8Array[]>();
  const verified: string[] = [];
  for await (const event of fs.read(found, { compress: false, signal: signal() })) {
    if (event.kind === 'restart') parts.delete(event.file.path);
    if (event.kind === 'data')
      parts.set(event.file.path, [...(parts.get(event.file.path) ?? []), event.bytes]);
    if (event.kind === 'verified') verified.push(event.file.path);
  }
  expect(verified.sort()).toEqual(found.map((file) => file.path).sort());
  for (const [path, bytes] of dump) {
    if (bytes !== null)
      expect(Buffer.concat(parts.get(inMount(path)) ?? []).equals(Buffer.from(bytes)), path).toBe(
        true,
      );
  }
}

async function restore(fs: BoardFs, operations: readonly BoardOperation[]): Promise<string[]> {
  const kinds: string[] = [];
  for await (const event of fs.apply(operations, {
    strategy: 'staged',
    keepGoing: false,
    verify: true,
    signal: signal(),
  })) {
    if (event.kind !== 'sent') kinds.push(event.kind === 'failed' ? event.code : event.kind);
  }
  return kinds;
}

const dialects: readonly (readonly [string, Dialect, Record<string, unknown>])[] = [
  ['raw frames, crc32, sha256', {}, { output: 'raw', frameCheck: 'crc32', hash: 'sha256' }],
  ['base64 lines', { stdoutBuffer: false }, { output: 'base64' }],
  [
    'repr lines, frames checked by sha256',
    { stdoutBuffer: false, hiddenModules: ['binascii'] },
    { output: 'repr', frameCheck: 'sha256' },
  ],
  ['frames checked by sha256', { hiddenNames: ['binascii.crc32'] }, { frameCheck: 'sha256' }],
  ['contents checked by crc32', { hiddenModules: ['hashlib'] }, { hash: 'crc32' }],
  [
    'Fletcher sums and a second reading',
    { hiddenModules: ['hashlib', 'binascii'] },
    { hash: 'none', frameCheck: 'fletcher' },
  ],
  ['listings in tuples of three', { tupleLength: 3 }, { listing: 'ilistdir' }],
  ['listdir and stat', { hiddenNames: ['os.ilistdir'] }, { listing: 'listdir' }],
  ['plain module names', { prefixedModules: false }, { output: 'raw' }],
  ['no module to inflate', { hiddenModules: ['deflate'] }, { inflate: null, source: 'packed' }],
  ['raw paste unknown', { rawPaste: 'unknown' }, {}],
];

describe('every rung carries a backup and, where it can, a restore', () => {
  it.each(dialects)('%s', async (_, dialect, expected) => {
    await withBoard({ dialect }, async (board) => {
      expect(board.connection.info.probe).toMatchObject(expected);
      await backUp(board);
      const turned = allBytes.map((byte) => byte ^ 7);
      expect(
        await restore(board.connection.fs, [put('all.bin', turned), put('lib/new', allBytes)]),
      ).not.toContain('failed');
      const dump = await board.dump();
      expect(Buffer.from(dump.get('all.bin') as Uint8Array).equals(Buffer.from(turned))).toBe(true);
      expect(Buffer.from(dump.get('lib/new') as Uint8Array).equals(Buffer.from(allBytes))).toBe(
        true,
      );
    });
  });

  it('names as long as a file system takes them are listed and read', async () => {
    const long = [127, 128, 255].map((length) => `d/${'n'.repeat(length)}`);
    await withBoard(
      { files: Object.fromEntries(long.map((path) => [path, path])) },
      async (board) => {
        await backUp(board);
        const { tree } = await board.connection.fs.scan({
          roots: [''],
          mounts: [],
          hashes: 'content',
          signal: signal(),
        });
        expect(tree.map((entry) => entry.path)).toEqual(['d', ...long]);
      },
    );
  });

  it('a file system under /flash is listed under its own name', async () => {
    await withBoard({ dialect: { mountPoint: '/flash' } }, async (board) => {
      const { tree } = await board.connection.fs.scan({
        roots: [''],
        mounts: [],
        hashes: 'none',
        signal: signal(),
      });
      expect(tree.map((entry) => entry.path)).toContain('flash/main.py');
    });
  });

  it('cards and read-only mounts are left alone unless asked for', async () => {
    await withBoard(
      { dialect: { otherMounts: { '/sd': { 'card.txt': 'c' }, '/rom': { 'r.txt': 'r' } } } },
      async (board) => {
        const paths = async (mounts: string[]) =>
          (
            await board.connection.fs.scan({
              roots: [''],
              mounts,
              hashes: 'none',
              signal: signal(),
            })
          ).tree.map((entry) => entry.path);
        expect(await paths([])).not.toContain('sd/card.txt');
        expect(await paths(['sd'])).toContain('sd/card.txt');
        expect(await paths(['sd'])).not.toContain('rom/r.txt');
      },
    );
  });
});

describe("a user's board", () => {
  it("may hold a hashlib of its own and a 'len' that lies", async () => {
    const own = {
      ...files,
      'lib/hashlib.py': 'raise ValueError("the wrong hashlib")\n',
      'lib/binascii.py': 'raise ValueError\n',
      'main.py': 'len = lambda x: 7\nopen = print\nsum = None\n',
    };
    await withBoard({ files: own }, async (board) => {
      await backUp(board);
      expect(await restore(board.connection.fs, [put('x', allBytes)])).toEqual(['staged', 'done']);
    });
  });

  it('may hold a name that is not UTF-8', async () => {
    const odd = pathFromBytes(Uint8Array.from([0x62, 0xff, 0xfe, 0x61, 0x64]));
    await withBoard(
      {
        files: new Map<string, string | Uint8Array | null>([
          [odd, 'odd'],
          ['even', 'even'],
        ]),
      },
      async (board) => {
        const { tree } = await board.connection.fs.scan({
          roots: [''],
          mounts: [],
          hashes: 'content',
          signal: signal(),
        });
        expect(tree.map((entry) => entry.path)).toEqual([odd, 'even'].sort());
        await backUp(board);
        expect(await restore(board.connection.fs, [put(odd, allBytes)])).toEqual([
          'staged',
          'done',
        ]);
      },
    );
  });

  it('that runs out of space says so, and keeps no half-written file', async () => {
    await withBoard({ flashBytes: 128 * 1024 }, async (board) => {
      const before = [...(await board.dump()).keys()].sort();
      expect(
        await restore(board.connection.fs, [
          put('small', allBytes),
          put('big', Buffer.alloc(300_000, 'abc')),
        ]),
      ).toEqual(['staged', 'board/full']);
      expect([...(await board.dump()).keys()].sort()).toEqual(before);
    });
  });

  it('is swept of what a run that died has left', async () => {
    await withBoard(
      { files: { ...files, '.blb~3': 'half', 'lib/.blb~0': 'half' } },
      async (board) => {
        const { tree } = await board.connection.fs.scan({
          roots: [''],
          mounts: [],
          hashes: 'none',
          signal: signal(),
        });
        expect(tree.some((entry) => entry.path.includes('.blb~'))).toBe(false);
        expect(await board.connection.fs.sweep(signal())).toBe(2);
        expect([...(await board.dump()).keys()].some((path) => path.includes('.blb~'))).toBe(false);
      },
    );
  });

  it('keeps none of our names', async () => {
    await withBoard({}, async (board) => {
      await backUp(board);
      const { connection } = board;
      await connection.leave('leave');
      const session = new ReplSession(board.virtual.port(), realClock);
      await session.enterRaw({ signal: signal() });
      const names = await session.exec("print([n for n in globals() if 'belay' in n])", {
        timeoutMs: 5000,
        signal: signal(),
      });
      expect(Buffer.from(names).toString().trim()).toBe('[]');
    });
  });

  it('never runs what was on its way to a file when the agent dies', async () => {
    const evil = new TextEncoder().encode("\x04open('/pwned','w').close()\r\n\x04".repeat(700));
    // A stray Ctrl-C in the middle of the content ends the agent; the host stops and begins again.
    const faults = {
      scripted: [9_000, 15_000].map((at) => ({
        direction: 'toBoard' as const,
        at,
        kind: 'insert' as const,
        value: 3,
      })),
    };
    await withBoard({ dialect: { hiddenModules: ['deflate'] }, faults }, async (board) => {
      expect(await restore(board.connection.fs, [put('evil.py', evil)])).toEqual([
        'staged',
        'done',
      ]);
      const dump = await board.dump();
      expect(dump.has('pwned')).toBe(false);
      expect(Buffer.from(dump.get('evil.py') as Uint8Array).equals(Buffer.from(evil))).toBe(true);
    });
  });
});

describe('a noisy wire', () => {
  const long = { 'long.bin': Uint8Array.from({ length: 700_000 }, (_, at) => (at * at) >> 5) };

  it.each([
    ['far apart, in one more round', [2, 1, 1], 1],
    ['by the hundred, and says where the stream stands', [200_000], 3],
  ] as const)('loses frames %s', async (_, counts, rounds) => {
    await withBoard({ files: long }, async (board) => {
      board.virtual.setFaults({
        scripted: counts.map((count, index) => ({
          direction: 'toHost',
          at: 100_000 + 250_000 * index,
          kind: 'drop',
          count,
        })),
      });
      await backUp(board);
      const { agent } = board.connection.fs as AgentFs;
      expect(agent.repairs).toBeGreaterThan(0);
      expect(agent.repairs).toBeLessThanOrEqual(rounds);
    });
  });

  it.each([1, 2, 3])(
    'damages one byte in 10,000 both ways, and everything is right in the end (seed %i)',
    async (seed) => {
      const noisy = {
        files: { 'big.bin': Uint8Array.from({ length: 150_000 }, (_, at) => (at * at) >> 3) },
        faults: { random: { direction: 'both' as const, rate: 0.0001, seed } },
      };
      await withBoard(noisy, async (board) => {
        await backUp(board);
        const turned = Uint8Array.from({ length: 60_000 }, (_, at) => (at * 31) ^ (at >> 4));
        expect(await restore(board.connection.fs, [put('new.bin', turned)])).toEqual([
          'staged',
          'done',
        ]);
        expect(
          Buffer.from((await board.dump()).get('new.bin') as Uint8Array).equals(
            Buffer.from(turned),
          ),
        ).toBe(true);
      });
    },
  );
});
