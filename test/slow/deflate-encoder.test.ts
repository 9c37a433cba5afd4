import { inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { corpus } from '../bench/corpus.js';
import { seededRandom } from '../bench/corpus-random.js';
import { readDeflateTokens } from '../support/deflate-tokens.js';
import {
  EncoderBoard,
  type EncoderShape,
  type EncoderStep,
  encoderSource,
  GROWTH_MAX_BYTES,
  stepsOf,
} from '../support/encoder-board.js';

let board: EncoderBoard;
beforeAll(async () => {
  board = await EncoderBoard.start();
});

const text = (value: string) => new TextEncoder().encode(value);
const random = (sizeBytes: number, seed = 1) => seededRandom(seed).bytes(sizeBytes);
const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

function expectReturns(input: Uint8Array, chunkBytes = 512, shape?: EncoderShape): Uint8Array {
  const output = board.compress(input, chunkBytes, shape);
  expect(Buffer.compare(inflateRawSync(output), input)).toBe(0);
  return output;
}

const SHAPES: EncoderShape[] = [
  { ringBytes: 512, slots: 64, ways: 1 },
  { ringBytes: 2_048, slots: 128, ways: 4 },
  { ringBytes: 8_192, slots: 1_024, ways: 2 },
  { ringBytes: 16_384, slots: 512, ways: 8 },
  { ringBytes: 32_768, slots: 2_048, ways: 4 },
];

describe('the encoder for boards', () => {
  it('ends an empty stream that inflates to nothing', () => {
    expect([...board.compress(new Uint8Array(), 512)]).toEqual([3, 0]);
  });

  it('gives every byte value back, alone and among others', () => {
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    expectReturns(all);
    expectReturns(joined(...Array.from({ length: 9 }, () => all)));
    for (let value = 0; value < 256; value += 1) {
      expectReturns(joined(text('self.value = '), Uint8Array.of(value)));
    }
  });

  it('gives runs of every length back', () => {
    for (let length = 1; length <= 20; length += 1) expectReturns(new Uint8Array(length).fill(65));
    for (const length of [255, 256, 257, 258, 259, 260, 261, 513, 514, 515, 516, 517, 40_000]) {
      expectReturns(new Uint8Array(length).fill(32), 1_024);
    }
    expect(board.compress(new Uint8Array(40_000), 1_024).length).toBeLessThan(600);
  });

  it('uses every length code and every distance code, around each of their ends', () => {
    const shape: EncoderShape = { ringBytes: 32_768, slots: 2_048, ways: 8 };
    const used = { literals: new Set<number>(), distances: new Set<number>() };
    const look = (input: Uint8Array, chunkBytes: number) => {
      const tokens = readDeflateTokens(expectReturns(input, chunkBytes, shape));
      for (const [symbol, count] of tokens.literalCounts.entries()) {
        if (count > 0) used.literals.add(symbol);
      }
      for (const [symbol, count] of tokens.distanceCounts.entries()) {
        if (count > 0) used.distances.add(symbol);
      }
    };
    const phrase = random(300, 7).map((byte) => byte & 0x5f);
    const lengths = Array.from({ length: 257 }, (_, index) => phrase.subarray(0, index));
    look(joined(phrase, ...lengths.map((part) => joined(part, text('#')))), 1_024);
    for (const bits of Array.from({ length: 15 }, (_, index) => index)) {
      for (const distance of [-1, 0, 1, 2].map(
        (offset) => (1 << bits) + (1 << bits) / 2 + offset,
      )) {
        if (distance < 4 || distance > 32_000) continue;
        const filler = text('x='.repeat(16_384)).subarray(0, Math.floor(distance) - 4);
        look(joined(text('!@$%'), filler, text('!@$%~')), 256);
      }
    }
    look(text('abcabcabc aaaaaaaa ababababab'), 512);
    expect([...used.literals].filter((symbol) => symbol > 256).length).toBe(28);
    expect(used.distances.size).toBe(30);
  });

  it('keeps matches inside the window while the ring goes round, whatever it held before', () => {
    const phrase = (index: number) => text(`value_${index % 97} = self.read(${index % 31})\n`);
    const all = joined(...Array.from({ length: 3_000 }, (_, index) => phrase(index)));
    for (const shape of SHAPES) {
      const input = all.subarray(0, Math.max(8_192, shape.ringBytes * 2.5));
      for (const chunkBytes of [shape.ringBytes / 8, shape.ringBytes / 2]) {
        const output = expectReturns(input, chunkBytes, shape);
        const reach = readDeflateTokens(output).longestDistance;
        expect(reach).toBeLessThanOrEqual(shape.ringBytes - chunkBytes);
        const again = board.run(input, stepsOf(input.length, chunkBytes), shape, 0x20).output;
        expect(Buffer.compare(again, output)).toBe(0);
      }
    }
  });

  it('gives anything back in any steps, within the room it asks for', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 700 }),
      fc.string({ maxLength: 200 }).map(text),
      fc.tuple(fc.nat(255), fc.nat(900)).map(([byte, n]) => new Uint8Array(n).fill(byte)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.nat(60))
        .map(([bytes, n]) => joined(...Array.from({ length: n }, () => bytes))),
      fc.constantFrom(...['import ', '    self.', 'return None\n', 'def __init__(self'].map(text)),
    );
    const input = fc.array(piece, { maxLength: 30 }).map((pieces) => joined(...pieces));
    const cuts = fc.array(fc.integer({ min: 1, max: 1_100 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(input, cuts, fc.constantFrom(...SHAPES), (bytes, lengths, shape) => {
        const steps: number[] = [];
        for (let at = 0; at < bytes.length; ) {
          const wanted = lengths[steps.length % lengths.length] as number;
          const step = Math.min(wanted, shape.ringBytes / 2, bytes.length - at);
          steps.push(step);
          at += step;
        }
        const { output, stepBytes } = board.run(bytes, [...steps, 'end'], shape);
        expect(Buffer.compare(inflateRawSync(output), bytes)).toBe(0);
        for (const [index, written] of stepBytes.entries()) {
          const step = steps[index];
          if (step !== undefined) expect(written).toBeLessThanOrEqual(step + 2 * GROWTH_MAX_BYTES);
        }
      }),
      { numRuns: Number(process.env['SLOW'] ?? 0) > 0 ? 3_000 : 150 },
    );
  });
});

describe('what cannot be compressed', () => {
  it('is stored, at half a percent in steps of 1,024 bytes', () => {
    const input = random(102_400);
    const output = expectReturns(input, 1_024);
    expect(output.length / input.length).toBeLessThan(1.006);
    expect(new Set(readDeflateTokens(output).blocks)).toEqual(new Set(['stored', 'fixed']));
  });

  it('does not stop text around it from being compressed', () => {
    const lines = text('    self.sensor.update(value)\n'.repeat(120));
    const output = expectReturns(joined(lines, random(4_096), lines), 1_024);
    expect(output.length).toBeLessThan(4_096 + 1_200);
    const { blocks } = readDeflateTokens(output);
    expect(blocks.filter((kind) => kind === 'dynamic')).toHaveLength(2);
  });

  it('never costs more than 112 bytes a step, even when text and noise take turns', () => {
    const part = (index: number) =>
      index % 2 === 0 ? random(300, index) : text('print(value)\n'.repeat(40)).subarray(0, 300);
    const input = joined(...Array.from({ length: 60 }, (_, index) => part(index)));
    const { output, stepBytes } = board.run(input, stepsOf(input.length, 300));
    expect(Buffer.compare(inflateRawSync(output), input)).toBe(0);
    expect(Math.max(...stepBytes)).toBeLessThanOrEqual(300 + GROWTH_MAX_BYTES);
  });
});

describe('restart points', () => {
  const input = corpus('A').files.map((file) => file.bytes);
  const bytes = joined(...input).subarray(0, 60_000);

  it('keep the stream one stream', () => {
    const half: EncoderStep[] = stepsOf(30_000, 1_000).slice(0, -1);
    const { output } = board.run(bytes, [...half, 'restart', ...half, 'end']);
    expect(Buffer.compare(inflateRawSync(output), bytes)).toBe(0);
  });

  it('give the same bytes again, whatever came in between', () => {
    const half: EncoderStep[] = stepsOf(30_000, 1_000).slice(0, -1);
    for (const [start, noise] of [
      [0, 0],
      [3_000, 0xff],
      [30_000, 0x20],
    ] as const) {
      const from = joined(bytes.subarray(start, start + 30_000), bytes.subarray(0, 30_000));
      const steps: EncoderStep[] = [...half, 'restart', ...half, 'repeat', ...half, 'end'];
      const { output, stepBytes } = board.run(from, steps, undefined, noise);
      const sizeOf = (a: number, b: number) =>
        stepBytes.slice(a, b).reduce((sum, size) => sum + size, 0);
      const first = sizeOf(0, half.length);
      const second = sizeOf(half.length, 2 * half.length + 1);
      const once = output.subarray(first, first + second);
      const again = output.subarray(first + second, first + 2 * second);
      expect(once.length).toBeGreaterThan(8_000);
      expect(Buffer.compare(once, again)).toBe(0);
    }
  });
});

describe('the encoder as it travels', () => {
  it('holds nothing that viper on 32-bit boards refuses', () => {
    const numbers = encoderSource()
      .replace(/'[0-9a-z]+'/g, '')
      .match(/\b(0x[0-9a-f]+|\d+)\b/g);
    expect(Math.max(...(numbers ?? []).map(Number))).toBeLessThanOrEqual(0x3fffffff);
  });
});
