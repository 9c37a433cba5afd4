import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { VirtualBoardOptions } from '../../dist/testing/index.js';
import type { TreeFile } from '../../src/core/tree.js';
import type { AgentFs } from '../../src/device/agent-fs.js';
import { bootSum, helperPart } from '../../src/device/helper-source.js';
import { PACK_SHAPES } from '../../src/device/pack-shape.js';
import { isWorthPacking } from '../../src/device/packed-stream.js';
import { corpus } from '../bench/corpus.js';
import { type ConnectedBoard, connectedBoard } from '../support/connected-board.js';
import { EncoderBoard } from '../support/encoder-board.js';

const signal = new AbortController().signal;
const open: ConnectedBoard[] = [];
afterEach(async () => {
  for (const board of open.splice(0)) await board.close();
});

type Files = ReadonlyMap<string, Uint8Array>;
const corpusFiles = (name: 'A' | 'D'): Files =>
  new Map(corpus(name).files.map((file) => [file.path, file.bytes]));

interface Reading {
  readonly fs: AgentFs;
  readonly bytesIn: number;
}

/** Reads everything and compares it with what was put on the board. */
async function readAll(
  files: Files,
  options: VirtualBoardOptions = {},
  before: (fs: AgentFs) => void = () => {},
): Promise<Reading> {
  const board = await connectedBoard({
    files: new Map<string, Uint8Array | null>(files),
    ...options,
  });
  open.push(board);
  const fs = board.connection.fs as AgentFs;
  fs.agent.packLimitUs = 1_000_000;
  before(fs);
  const { tree } = await fs.scan({ roots: [''], mounts: [], hashes: 'none', signal });
  const wanted = tree.filter((entry): entry is TreeFile => entry.kind === 'file');
  const start = board.connection.counters().bytesIn;
  const got = new Map<string, Uint8Array[]>();
  const verified = new Set<string>();
  for await (const event of fs.read(wanted, { compress: true, signal })) {
    if (event.kind === 'restart') got.delete(event.file.path);
    if (event.kind === 'data')
      got.set(event.file.path, [...(got.get(event.file.path) ?? []), event.bytes]);
    if (event.kind === 'verified') verified.add(event.file.path);
  }
  for (const [path, bytes] of files) {
    expect(verified).toContain(path.slice(1));
    expect(Buffer.compare(Buffer.concat(got.get(path.slice(1)) ?? []), bytes), path).toBe(0);
  }
  const { bytesIn } = board.connection.counters();
  open.splice(open.indexOf(board), 1);
  await board.close();
  return { fs, bytesIn: bytesIn - start };
}

const slow = { bytesPerSecond: 40_000, latencyMs: 0 } as const;
const total = (files: Files) => [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);

describe('contents that the board compresses', () => {
  it('knows what a right encoder makes of its own first kilobyte', async () => {
    const board = await EncoderBoard.start();
    const kilobyte = new TextEncoder().encode(helperPart('deflate')).subarray(0, 1024);
    for (const shape of PACK_SHAPES) {
      const step = Math.min(1024, shape.ringBytes / 8);
      const { output } = board.run(kilobyte, new Array<number>(1024 / step).fill(step), {
        ...shape,
        ways: shape.ways as 8,
      });
      expect(bootSum(output), JSON.stringify(shape)).toBe(shape.checksum);
    }
  });

  it('come in less than half their bytes where they are text', async () => {
    const files = corpusFiles('D');
    const { fs, bytesIn } = await readAll(files, slow);
    expect(fs.agent.kilobyteUs).toBeGreaterThan(0);
    expect(fs.info.probe['compressor']).toMatch(/ us a kilobyte$/);
    expect(bytesIn).toBeLessThan(0.36 * total(files));
  });

  it('come whole in every shape of the encoder', async () => {
    const files = corpusFiles('A');
    for (const shape of PACK_SHAPES.slice(2)) {
      const { bytesIn } = await readAll(files, slow, (fs) => {
        fs.agent.packShape = shape;
      });
      expect(bytesIn).toBeLessThan(0.7 * total(files));
    }
  }, 60_000);

  it('come plain where the encoder makes something else than it should, and it is not sent again', async () => {
    const files = corpusFiles('A');
    const { fs, bytesIn } = await readAll(files, slow, ({ agent }) => {
      agent.packShape = { ...(PACK_SHAPES[0] as (typeof PACK_SHAPES)[0]), checksum: 1 };
    });
    expect(fs.agent.packShape).toBeNull();
    expect(fs.agent.kilobyteUs).toBeNull();
    expect(bytesIn).toBeLessThan(1.03 * total(files));
  });

  it('cost nearly nothing more where they cannot be compressed', async () => {
    const files: Files = new Map([
      ['/text.py', corpus('D').files[0]!.bytes.subarray(0, 9000)],
      ['/noise', randomBytes(60_000)],
    ]);
    const { bytesIn } = await readAll(files, slow);
    expect(bytesIn).toBeLessThan(60_000 * 1.02 + 5000);
  });

  it('come right through damage, for little more than the damaged frames', async () => {
    const files = corpusFiles('D');
    const clean = await readAll(files, slow);
    const random = { direction: 'toHost', rate: 0.0001, seed: 11 } as const;
    const damaged = await readAll(files, { ...slow, faults: { random } });
    expect(damaged.fs.agent.repairs).toBeGreaterThan(0);
    expect(damaged.bytesIn).toBeLessThan(1.3 * clean.bytesIn);
  });

  it('come right through so much damage that restart points are lost as well', async () => {
    const random = { direction: 'toHost', rate: 0.0005, seed: 5 } as const;
    const files = new Map([...corpusFiles('A')].filter((_, at) => at % 2 === 0));
    await readAll(files, { ...slow, faults: { random } });
  }, 60_000);

  it('are compressed only where that is worth more than the encoder', async () => {
    const file = (path: string, sizeBytes: number): TreeFile => ({
      kind: 'file',
      path,
      sizeBytes,
      modifiedS: null,
      sha256: null,
    });
    expect(isWorthPacking([file('main.py', 50_000)], 11_000)).toBe(true);
    expect(isWorthPacking([file('main.py', 50_000)], 400_000)).toBe(false);
    expect(isWorthPacking([file('main.py', 3000)], 11_000)).toBe(false);
    expect(isWorthPacking([file('photo.jpg', 50_000)], 11_000)).toBe(false);
  });
});
