/** Every case of the catalogue of faults has a row in test/README.md, and each row names tests that exist. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Letter -> numbers. Sections K, L and N belong to what is not built yet. */
const CATALOGUE: Readonly<Record<string, readonly number[]>> = {
  A: [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14],
  B: [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
  C: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16],
  D: [1, 2, 3, 5],
  E: [1, 2, 3, 4, 5, 6, 8, 9, 12, 13, 14],
  F: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15],
  G: [1, 2, 3, 4, 6, 7, 8],
  H: [1, 2, 3, 4, 5, 6],
  I: [1, 2, 3, 4, 5],
  J: [1, 4],
  M: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
};

const cases = Object.entries(CATALOGUE).flatMap(([letter, numbers]) =>
  numbers.map((number) => `${letter}${number}`),
);
const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const rows = page.split('\n').flatMap((line) => {
  const [, name, , gets, tests] = /^\| ([A-M]\d+) \| (.+?) \| (.+?) \| (.+) \|$/.exec(line) ?? [];
  return name === undefined ? [] : [{ name, gets, tests: tests ?? '' }];
});

describe('the table of faults', () => {
  it('has one row for each case, in order, and no other', () => {
    expect(rows.map((row) => row.name)).toEqual(cases);
  });

  it.each(rows)('$name is held by tests that exist', ({ tests }) => {
    const named = tests.split('<br>').map((each) => /^`([^`]+)` › (.+)$/.exec(each));
    expect(named.length).toBeGreaterThan(0);
    for (const match of named) {
      const [, file = '', test = ''] = match ?? [];
      const source = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
      expect([file, test, source.includes(test)]).toEqual([file, test, true]);
    }
  });
});
