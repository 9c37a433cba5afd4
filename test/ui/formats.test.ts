import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countOf,
  formatBytes,
  formatDuration,
  formatTimeLeft,
  formatWhen,
} from '../../src/ui/formats.js';

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [9_994, '9.99 kB'],
    [9_996, '10.0 kB'],
    [99_960, '100 kB'],
    [115_000, '115 kB'],
    [999_499, '999 kB'],
    [999_600, '1.00 MB'],
    [64_000_000, '64.0 MB'],
    [2_500_000_000_000_000, '2500 TB'],
    [Number.NaN, '0 B'],
    [-5, '0 B'],
  ])('%d bytes are %s', (size, text) => {
    expect(formatBytes(size)).toBe(text);
  });

  it.each([
    [0, '0.0 s'],
    [1_234, '1.2 s'],
    [9_949, '9.9 s'],
    [9_960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 min 00 s'],
    [65_000, '1 min 05 s'],
    [7_380_000, '2 h 03 min'],
    [273_600_000, '3 d 4 h'],
  ])('%d ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    [0, '0:00'],
    [1, '0:01'],
    [61_000, '1:01'],
    [3_723_000, '1:02:03'],
  ])('%d ms left show as %s', (ms, text) => {
    expect(formatTimeLeft(ms)).toBe(text);
  });

  it('shows a moment in the offset it was made in, and leaves what is no date alone', () => {
    expect(formatWhen('2026-11-20T10:21:11.000Z', 120)).toBe('2026-11-20 12:21:11');
    expect(formatWhen('soon', 0)).toBe('soon');
  });

  it('counts in words', () => {
    expect([countOf(1, 'file'), countOf(0, 'file'), countOf(2, 'copy', 'copies')]).toEqual([
      '1 file',
      '0 files',
      '2 copies',
    ]);
  });

  it('never takes more than eight characters for a size below a thousand terabytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9e14 }), (size) => {
        expect(formatBytes(size).length).toBeLessThanOrEqual(8);
      }),
    );
  });
});
