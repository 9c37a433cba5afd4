import { constants, createDeflateRaw, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInflater, inflateEngine } from '../../src/device/inflate.js';

const engines = ['zlib-sync', 'fflate'] as const;

describe.each(engines)('inflating with %s', (engine) => {
  if (engine === 'zlib-sync' && inflateEngine() !== 'zlib-sync') {
    it.skip('is not tried: the native part of zlib-sync was not built here', () => {});
    return;
  }
  const inflateAll = (bytes: Uint8Array, step: number, maxBytes = 1e9) => {
    const inflater = createInflater(maxBytes, engine);
    const out: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += step)
      inflater.push(bytes.subarray(at, at + step), (plain) => out.push(plain));
    return { plain: Buffer.concat(out), isOver: inflater.isOver };
  };

  it('is the engine that was asked for', () => {
    expect(createInflater(10, engine).engine).toBe(engine);
  });

  it('gives back what was deflated, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 5000 }),
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 0, max: 9 }),
        (plain, step, level) => {
          const result = inflateAll(deflateRawSync(plain, { level: level as 0 }), step);
          expect(result.plain.equals(Buffer.from(plain))).toBe(true);
          expect(result.isOver).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives all of a stream that grows a thousandfold, although one push gives only a part', () => {
    const plain = Buffer.alloc(3_000_000, 'abcabc');
    expect(inflateAll(deflateRawSync(plain), 1013).plain.equals(plain)).toBe(true);
  });

  it('gives what a flushed block holds at once', async () => {
    const deflate = createDeflateRaw();
    const chunks: Buffer[] = [];
    deflate.on('data', (chunk: Buffer) => chunks.push(chunk));
    deflate.write('first part, ');
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, () => resolve()));
    const result = inflateAll(Buffer.concat(chunks), 1000);
    expect(result.plain.toString()).toBe('first part, ');
    expect(result.isOver).toBe(false);
  });

  it('knows a stream that was cut from one that ended', () => {
    const bytes = deflateRawSync(Buffer.from('x'.repeat(5000) + Math.PI));
    expect(inflateAll(bytes.subarray(0, bytes.length - 1), 100).isOver).toBe(false);
  });

  it('stops at the bound', () => {
    expect(() => inflateAll(deflateRawSync(Buffer.alloc(5_000_000)), 1013, 1_000_000)).toThrow(
      expect.objectContaining({ code: 'board/integrity' }),
    );
  });

  it('refuses what is no deflate', () => {
    expect(() => inflateAll(Uint8Array.from([7, 255, 255, 1, 2, 3]), 6)).toThrow(
      expect.objectContaining({ code: 'board/integrity' }),
    );
  });
});
