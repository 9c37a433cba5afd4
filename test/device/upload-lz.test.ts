import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lzBlocks } from '../../src/device/upload-lz.js';
import { packed } from '../../src/device/upload-packing.js';
import { readLz } from '../support/lz-reader.js';
import { apply, bytesOf, noise, put, withBoard } from '../support/uploading.js';

const everyByte = Uint8Array.from({ length: 256 }, (_, value) => value);
const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const repeated = (part: Uint8Array, times: number) =>
  joined(...Array.from({ length: times }, () => part));

/** Pieces of few kinds, as programs have them, between bytes of any kind. */
const contents = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom('self.value = None\n', '    return ', 'x', '\0\0\0\0').map(bytesOf),
      fc.nat(200).map((length) => new Uint8Array(length).fill(7)),
    ),
    { maxLength: 60 },
  )
  .map((parts) => joined(...parts));

async function stream(bytes: Uint8Array, windowBits: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  async function* source() {
    for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777);
  }
  for await (const part of packed(source(), { kind: 'lz', windowBits })) parts.push(part);
  return joined(...parts);
}

describe('tokens for boards that cannot inflate', () => {
  it('give back what they were made of, whatever it is and wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(contents, fc.integer({ min: 9, max: 15 }), async (bytes, windowBits) => {
        expect(readLz(await stream(bytes, windowBits), 1 << windowBits)).toEqual(bytes);
      }),
    );
  });

  it('reach as far as the window, and no farther', async () => {
    const part = noise(512, 3);
    const apart = (bytes: number) => joined(part, noise(bytes - 512, 4), part);
    expect(readLz(await stream(apart(4096), 12), 4096)).toEqual(apart(4096));
    expect((await stream(apart(4096), 12)).length).toBeLessThan(4096 + 100);
    expect((await stream(apart(4097), 12)).length).toBeGreaterThan(4096 + 400);
    expect(readLz(await stream(apart(4097), 12), 4096)).toEqual(apart(4097));
  });

  it('are the same for the same bytes, and short for runs', () => {
    const run = new Uint8Array(2_000).fill(1);
    const blocks = lzBlocks(new Uint8Array(0), run, 32_768);
    expect(blocks).toEqual(lzBlocks(new Uint8Array(0), run, 32_768));
    expect(blocks.length).toBeLessThan(150);
    expect(readLz(blocks, 32_768)).toEqual(run);
  });

  it('cost less than one in a hundred where nothing repeats', async () => {
    const bytes = noise(50_000, 9);
    const sent = await stream(bytes, 15);
    expect(sent.length).toBeLessThan(bytes.length * 1.005);
    expect(readLz(sent, 32_768)).toEqual(bytes);
  });

  it.each([
    ['little memory', 40_000],
    ['much memory', 184_000],
  ])('are read by the agent of a board with %s', async (_, heapBytes) => {
    const text = bytesOf('def value(self):\n    return self._value\n');
    const files: Readonly<Record<string, Uint8Array>> = {
      empty: new Uint8Array(0),
      one: Uint8Array.of(13),
      every: repeated(everyByte, 9),
      run: new Uint8Array(5_000).fill(3),
      pairs: repeated(Uint8Array.of(1, 2), 700),
      text: repeated(text, 150),
      far: joined(noise(4_095, 1), noise(600, 2), noise(4_095, 1), noise(4_096, 1)),
      block: repeated(text, 40).subarray(0, 1024),
      past: repeated(text, 40).subarray(0, 1025),
      noise: noise(3_000, 8),
      wide: joined(text, noise(32_700, 5), text),
    };
    await withBoard(
      { dialect: { hiddenModules: ['deflate', 'zlib'] }, heapBytes },
      async (board) => {
        const before = board.virtual.counters().bytesOut;
        await apply(
          board,
          Object.entries(files).map(([path, bytes]) => put(path, bytes)),
        );
        const sizes = Object.values(files).reduce((sum, bytes) => sum + bytes.length, 0);
        expect(board.virtual.counters().bytesOut - before).toBeLessThan(sizes - 5_000);
        const dump = await board.virtual.dump();
        for (const [path, bytes] of Object.entries(files))
          expect(Buffer.from(dump.get(path) as Uint8Array).equals(Buffer.from(bytes)), path).toBe(
            true,
          );
      },
    );
  });
});
