import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsOf, cutEnd, cutMiddle, padEndCells } from '../../src/ui/text-cells.js';

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

describe('text in terminal cells', () => {
  it('counts wide characters twice and combining marks not at all', () => {
    expect(cellsOf('abc')).toBe(3);
    expect(cellsOf('温度')).toBe(4);
    expect(cellsOf('e\u0301')).toBe(1);
    expect(cellsOf('🙂')).toBe(2);
  });

  it('keeps both ends of a long path', () => {
    expect(cutMiddle('lib/umqtt/robust/simple.py', 16)).toBe('lib/um…simple.py');
    expect(cutMiddle('main.py', 16)).toBe('main.py');
  });

  it('never makes a cut wider than asked, and never splits a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 0, max: 30 }),
        (text, width) => {
          for (const cut of [cutEnd(text, width), cutMiddle(text, width)]) {
            expect(cellsOf(cut)).toBeLessThanOrEqual(Math.max(width, 0));
            expect(cut).not.toMatch(LONE_SURROGATE);
          }
        },
      ),
    );
  });

  it('pads by cells', () => {
    expect(padEndCells('温', 4)).toBe('温  ');
    expect(padEndCells('long', 2)).toBe('long');
  });
});
