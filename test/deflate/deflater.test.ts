import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deflater } from '../../src/deflate/deflater.js';
import { seededRandom } from '../bench/corpus-random.js';
import { projectVocabulary, pythonText } from '../bench/corpus-text.js';
import { bytesOf } from '../support/uploading.js';

const random = seededRandom(4);
const text = bytesOf(pythonText(random, 120_000, projectVocabulary(random)));
const noise = random.bytes(120_000);
const everyByte = Uint8Array.from({ length: 256 }, (_, value) => value);
const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

function deflated(bytes: Uint8Array, windowBits: number, cuts: readonly number[]): Uint8Array {
  const deflater = new Deflater(windowBits);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let turn = 0; from < bytes.length; turn += 1) {
    const to = from + (cuts[turn % cuts.length] as number);
    parts.push(deflater.push(bytes.subarray(from, to)));
    from = to;
  }
  return joined(...parts, deflater.end());
}

/** zlib refuses distances beyond the window that it is told of. */
function inflated(stream: Uint8Array, windowBits: number): Uint8Array {
  return new Uint8Array(inflateRawSync(stream, { windowBits }));
}

function zlibBytes(bytes: Uint8Array, windowBits: number): number {
  const sizes = [6, 8, 9].map(
    (memLevel) => deflateRawSync(bytes, { level: 9, windowBits, memLevel }).length,
  );
  return Math.min(...sizes);
}

const windowBits = fc.integer({ min: 9, max: 15 });
const cuts = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 8 });

/** Pieces of text and noise, runs of few bytes, each byte there is, and what was there before. */
const contents = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom('self.value = None\n', '    return ', 'x').map(bytesOf),
      fc.constant(everyByte),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 3 }), fc.nat(3_000))
        .map(([part, times]) =>
          new Uint8Array(part.length * times).map((_, at) => part[at % part.length]!),
        ),
      fc
        .tuple(fc.constantFrom(text, noise), fc.nat(100_000), fc.nat(20_000))
        .map(([of, from, length]) => of.subarray(from, from + length)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => joined(...parts));

describe('the deflater', () => {
  it('makes what zlib inflates to the same bytes with the same window', () => {
    fc.assert(
      fc.property(contents, windowBits, cuts, (bytes, bits, at) => {
        const back = inflated(deflated(bytes, bits, at), bits);
        expect(Buffer.compare(back, bytes)).toBe(0);
      }),
    );
  });

  it('makes the same stream however the bytes are cut', () => {
    fc.assert(
      fc.property(contents, windowBits, cuts, (bytes, bits, at) => {
        const whole = deflated(bytes, bits, [bytes.length + 1]);
        expect(Buffer.compare(deflated(bytes, bits, at), whole)).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('ends after nothing, after one byte, and after each length around a slice', () => {
    expect(inflated(new Deflater(15).end(), 15)).toEqual(new Uint8Array(0));
    for (const length of [1, 2, 3, 4, 511, 513, 4095, 4096, 4097, 4354, 24_575, 16_384, 24_577]) {
      for (const bytes of [text.subarray(0, length), new Uint8Array(length)]) {
        expect(Buffer.compare(inflated(deflated(bytes, 9, [777]), 9), bytes)).toBe(0);
      }
    }
  });

  it('takes a fortieth less than zlib for programs', () => {
    for (const bits of [10, 12, 15]) {
      expect(deflated(text, bits, [4_000]).length).toBeLessThan(0.975 * zlibBytes(text, bits));
    }
  });

  it('takes less than zlib where programs and noise come by turns', () => {
    const mixed = joined(
      ...[0, 1, 2, 3].flatMap((at) => [
        text.subarray(at * 20_000, at * 20_000 + 15_000),
        noise.subarray(at * 9_000, at * 9_000 + 5_000),
      ]),
    );
    expect(deflated(mixed, 15, [4_000]).length).toBeLessThan(0.98 * zlibBytes(mixed, 15));
  });

  it('adds five bytes to a block of noise, and one at most to the stream', () => {
    const blocks = Math.ceil(noise.length / 16_384);
    expect(deflated(noise, 15, [4_000]).length).toBeLessThanOrEqual(noise.length + 5 * blocks + 1);
  });

  it('takes six in a thousand of a run at most, of one byte or of some', () => {
    for (const part of [Uint8Array.of(7), Uint8Array.of(1, 2), everyByte]) {
      const run = new Uint8Array(300_000).map((_, at) => part[at % part.length] as number);
      const stream = deflated(run, 15, [4_000]);
      expect(stream.length).toBeLessThan(0.006 * run.length);
      expect(Buffer.compare(inflated(stream, 15), run)).toBe(0);
    }
  });

  it('finds what stood almost a window before, and nothing beyond it', () => {
    const part = noise.subarray(0, 300);
    const apart = (distance: number) => joined(part, noise.subarray(300, distance), part);
    expect(deflated(apart(4_095), 12, [999]).length).toBeLessThan(4_095 + 50);
    expect(deflated(apart(4_097), 12, [999]).length).toBeGreaterThan(4_095 + 290);
  });

  it('gives out what is decided before the end', () => {
    const deflater = new Deflater(15);
    const early = deflater.push(text).length;
    expect(early).toBeGreaterThan(2 * deflater.end().length);
  });
});
