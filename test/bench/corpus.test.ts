import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Corpus, corpus, growingProject } from './corpus.js';

const whole = (from: Corpus) => Buffer.concat(from.files.map((file) => file.bytes));
const ratioOf = (bytes: Uint8Array) => deflateRawSync(bytes, { level: 9 }).length / bytes.length;

describe('the benchmark payloads', () => {
  it('have the sizes that the goals are stated for', () => {
    const shape = (['A', 'B', 'C', 'D'] as const).map((name) => {
      const { files, folders, sizeBytes } = corpus(name);
      return [name, files.length, folders.length, sizeBytes];
    });
    expect(shape).toEqual([
      ['A', 50, 8, 115_630],
      ['B', 500, 10, 100_000],
      ['C', 1, 0, 204_800],
      ['D', 1, 0, 204_800],
    ]);
    const endings = corpus('A').files.map((file) => file.path.split('.').at(-1));
    expect(endings.filter((ending) => ending === 'py')).toHaveLength(41);
    expect(endings.filter((ending) => ending === 'mpy')).toHaveLength(4);
  });

  it('hold text that compresses like real sources and bytes that do not compress', () => {
    for (const name of ['B', 'D'] as const) {
      expect(ratioOf(whole(corpus(name)))).toBeGreaterThan(0.25);
      expect(ratioOf(whole(corpus(name)))).toBeLessThan(0.35);
    }
    expect(ratioOf(whole(corpus('C')))).toBeGreaterThan(1);
  });

  it('are the same bytes on every machine', () => {
    const sums = (['A', 'B', 'C', 'D'] as const).map((name) =>
      createHash('sha256')
        .update(whole(corpus(name)))
        .digest('hex')
        .slice(0, 16),
    );
    expect(sums).toMatchInlineSnapshot(`
      [
        "4ce9ea91cdbfcdaa",
        "d47bf3bf34651610",
        "91f35c06f9befce8",
        "5ad799d1ee552bef",
      ]
    `);
  });

  it('name every file once, in folders that are listed', () => {
    for (const from of [corpus('A'), corpus('B'), growingProject(3)]) {
      const paths = from.files.map((file) => file.path);
      expect(new Set(paths).size).toBe(paths.length);
      for (const path of paths) {
        const folder = path.slice(0, path.lastIndexOf('/'));
        expect(folder === '' || from.folders.includes(folder)).toBe(true);
      }
    }
  });
});

describe('the growing project', () => {
  it('starts with 84 files of about 205 kB', () => {
    const start = growingProject(0);
    expect([start.files.length, start.sizeBytes]).toEqual([84, 205_640]);
    expect(ratioOf(whole(start))).toBeLessThan(0.35);
  });

  it('only appends, 60 lines to the log and 2 to main.py a step', () => {
    const [before, after] = [growingProject(4), growingProject(5)].map(
      (from) => new Map(from.files.map((file) => [file.path, Buffer.from(file.bytes).toString()])),
    ) as [Map<string, string>, Map<string, string>];
    const changed = [...after].filter(([path, text]) => before.get(path) !== text);
    expect(changed.map(([path]) => path)).toEqual(['/log.txt', '/main.py']);
    const added = changed.map(([path, text]) => {
      expect(text.startsWith(before.get(path) as string)).toBe(true);
      return text.slice((before.get(path) as string).length).split('\n').length - 1;
    });
    expect(added).toEqual([60, 2]);
  });
});
