import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { helperPart } from '../../src/device/helper-source.js';
import { packText } from '../../src/device/packed-text.js';

/** What boot-packed.py makes of tokens. */
function unpacked(tokens: Uint8Array): string {
  let text = '';
  for (let at = 0; at < tokens.length; at += 1) {
    const first = tokens[at] as number;
    if (first < 128) text += String.fromCharCode(first);
    else {
      at += 1;
      const start = text.length - ((first & 15) << 8) - (tokens[at] as number);
      expect(start).toBeGreaterThanOrEqual(0);
      const piece = text.slice(start, start + (first >> 4) - 5);
      expect(piece).toHaveLength((first >> 4) - 5);
      text += piece;
    }
  }
  return text;
}

describe('text in tokens', () => {
  it('is the same text again', () => {
    const words = fc.oneof(
      fc.constantFrom('abc', 'abcabc', 'return', ' = 0\n', 'xyxyxyxyxyxyxy'),
      fc.string({ unit: 'binary-ascii' }),
    );
    fc.assert(
      fc.property(fc.array(words), (pieces) => {
        const text = pieces.join('');
        expect(unpacked(packText(text))).toBe(text);
      }),
    );
    const far = `${'0123456789'.repeat(20)}${'x'.repeat(4000)}0123456789`;
    expect(unpacked(packText(far))).toBe(far);
  });

  it('takes the fewest bytes that make it', () => {
    expect([...packText('abcdabcd')]).toEqual([97, 98, 99, 100, 0x90, 4]);
    expect(packText('abcabcabcabc')).toHaveLength(3 + 2 + 2);
    expect(packText('abab')).toHaveLength(4);
    expect(packText('')).toHaveLength(0);
  });

  it('takes another match, or none, where that costs less on the wire', () => {
    const text = 'abcd-abcd';
    expect([...packText(text)].slice(-2)).toEqual([0x90, 5]);
    expect([...packText(text, (byte) => (byte === 5 ? 9 : 1))]).toEqual([...Buffer.from(text)]);
    const twice = 'abcd-abcd+abcd';
    expect([...packText(twice, (byte) => (byte === 5 ? 9 : 1))].slice(-2)).toEqual([0x90, 10]);
  });

  it('takes less than six tenths for parts of the agent', () => {
    const text = ['probe', 'stream', 'list', 'upload', 'read'].map(helperPart).join('\n');
    expect(packText(text).length).toBeLessThan(0.6 * text.length);
  });

  it('refuses what is not ASCII', () => {
    expect(() => packText('naïve')).toThrow('ASCII only, not ï');
  });
});
