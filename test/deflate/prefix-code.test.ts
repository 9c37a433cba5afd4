import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeWords, limitedCodeLengths } from '../../src/deflate/prefix-code.js';

const total = (counts: readonly number[], lengths: readonly number[]) =>
  counts.reduce((sum, count, symbol) => sum + count * lengths[symbol]!, 0);

/** Bits of a Huffman code without a limit: what each two lightest weigh together. */
function huffmanBits(counts: readonly number[]): number {
  const weights = counts.filter((count) => count > 0);
  let bits = 0;
  while (weights.length > 1) {
    weights.sort((a, b) => b - a);
    const both = weights.pop()! + weights.pop()!;
    bits += both;
    weights.push(both);
  }
  return bits;
}

describe('code lengths', () => {
  it("are as good as Huffman's where the limit is no matter", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 2, maxLength: 40 }), (counts) => {
        expect(total(counts, limitedCodeLengths(counts, 39))).toBe(huffmanBits(counts));
      }),
    );
  });

  it('fill the code and keep the limit', () => {
    const counts = Array.from({ length: 20 }, (_, symbol) => 2 ** symbol);
    const lengths = limitedCodeLengths(counts, 7);
    expect(Math.max(...lengths)).toBe(7);
    expect(lengths.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
  });

  it('are none for symbols that do not come', () => {
    expect(limitedCodeLengths([0, 5, 0, 5, 0], 15)).toEqual([0, 1, 0, 1, 0]);
    expect(limitedCodeLengths([], 15)).toEqual([]);
  });
});

describe('code words', () => {
  it("are those of RFC 1951's example, mirrored", () => {
    const mirrored = (word: number, bits: number) =>
      [...word.toString(2).padStart(bits, '0')].reverse().join('');
    const lengths = [3, 3, 3, 3, 3, 2, 4, 4];
    const words = [...codeWords(lengths)].map((word, symbol) => mirrored(word, lengths[symbol]!));
    expect(words).toEqual(['010', '011', '100', '101', '110', '00', '1110', '1111']);
  });
});
