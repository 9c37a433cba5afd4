import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { helperPart, helperPhrases } from '../../src/device/helper-source.js';
import { PackedText } from '../../src/device/packed-text.js';

const packing = new PackedText(helperPhrases());

/** What boot-packed.py makes of pairs and codes. */
function unpacked(pairs: Uint8Array, codes: Uint8Array): string {
  const table = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
  for (let at = 0; at < pairs.length; at += 2)
    table.push(`${table[pairs[at] as number]}${table[pairs[at + 1] as number]}`);
  return [...codes].map((code) => table[code]).join('');
}

describe('text in codes', () => {
  it('is the same text again', () => {
    const words = fc.oneof(
      fc.constantFrom(...helperPhrases()),
      fc.string({ unit: 'binary-ascii' }),
    );
    fc.assert(
      fc.property(fc.array(words), (pieces) => {
        const text = pieces.join('');
        expect(unpacked(packing.pairs, packing.pack(text))).toBe(text);
      }),
    );
  });

  it('takes the fewest codes that make it', () => {
    const few = new PackedText(['ab', 'bc', 'bcd', 'abab']);
    expect([...few.pack('abcd')]).toEqual([97, 130]);
    expect([...few.pack('ababab')]).toHaveLength(2);
    expect(few.pack('')).toHaveLength(0);
  });

  it('takes less than six tenths for parts of the agent', () => {
    const text = ['probe', 'stream', 'list', 'upload', 'read'].map(helperPart).join('\n');
    expect(packing.pack(text).length).toBeLessThan(0.6 * text.length);
    expect(packing.pairs.length).toBeLessThanOrEqual(256);
  });

  it('refuses what no code stands for, and phrases made of nothing earlier', () => {
    expect(() => packing.pack('é')).toThrow('ASCII');
    expect(() => new PackedText(['abc'])).toThrow('two earlier ones');
  });
});
