import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesOfPath,
  comparePaths,
  displayPath,
  isUtf8Path,
  isWithin,
  joinPath,
  nameOfPath,
  normalizePath,
  parentOfPath,
  pathFromBytes,
  pathMatcher,
  pathProblem,
} from '../../src/core/device-path.js';

describe('a device path', () => {
  it('gives back exactly the bytes it was made from, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect([...bytesOfPath(pathFromBytes(bytes))]).toEqual([...bytes]);
      }),
    );
  });

  it('tells names that are UTF-8 from those that are not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        const valid = Buffer.from(Buffer.from(bytes).toString('utf8')).equals(Buffer.from(bytes));
        expect(isUtf8Path(pathFromBytes(bytes))).toBe(valid);
      }),
    );
  });

  it('keeps a byte-order mark in a name', () => {
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61);
    expect([...bytesOfPath(pathFromBytes(bytes))]).toEqual([...bytes]);
  });

  it('is ordered by its bytes, not by UTF-16 units', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ maxLength: 8 }), (a, b) => {
        const byBytes = Math.sign(Buffer.compare(a, b));
        expect(Math.sign(comparePaths(pathFromBytes(a), pathFromBytes(b)))).toBe(byBytes);
      }),
    );
    expect(comparePaths('\uffff', '\u{10000}')).toBeLessThan(0);
  });

  it('is shown without anything that a terminal would obey', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(displayPath(pathFromBytes(bytes))).not.toMatch(
          /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\ud800-\udfff]/u,
        );
      }),
    );
    expect(displayPath('a\u001b[31m')).toBe('a\\x1b[31m');
    expect(displayPath(pathFromBytes(Uint8Array.of(0x61, 0xff)))).toBe('a\\xff');
    expect(displayPath('größe.py')).toBe('größe.py');
  });

  it('knows its folder and its name', () => {
    expect(parentOfPath('lib/a/b.py')).toBe('lib/a');
    expect(parentOfPath('main.py')).toBe('');
    expect(nameOfPath('lib/a/b.py')).toBe('b.py');
    expect(joinPath('', 'x')).toBe('x');
    expect(joinPath('lib', 'x')).toBe('lib/x');
    expect(isWithin('lib/x', 'lib')).toBe(true);
    expect(isWithin('library/x', 'lib')).toBe(false);
    expect(isWithin('anything', '')).toBe(true);
  });

  it.each([
    ['/', ''],
    ['/lib/', 'lib'],
    ['lib//x', 'lib/x'],
    ['./lib/./x', 'lib/x'],
  ])('reads what a user types: %s', (typed, path) => {
    expect(normalizePath(typed)).toBe(path);
  });

  it.each([
    '',
    '.',
    '..',
    'a/../b',
    'a//b',
    '/a',
    'a/',
    './a',
    'a\0b',
    'x'.repeat(256),
    `${'a/'.repeat(1024)}b`,
    `${'a'.repeat(200).concat('/').repeat(21)}b`,
  ])('refuses %j', (path) => {
    expect(pathProblem(path)).not.toBeNull();
  });

  it.each(['a', 'C:\\x', 'a b', "it's", 'a.', 'a ', 'x'.repeat(255), 'a\nb'])(
    'accepts %j, which is legal on a board',
    (path) => {
      expect(pathProblem(path)).toBeNull();
    },
  );
});

describe('patterns', () => {
  const matches = (include: string[], exclude: string[], path: string) =>
    pathMatcher({ include, exclude })(path);

  it.each([
    [[], [], 'a/b.py', true],
    [['*.py'], [], 'a/b.py', true],
    [['*.py'], [], 'a/b.txt', false],
    [['lib'], [], 'lib/x/y.py', true],
    [['/lib/'], [], 'other/lib/y.py', false],
    [['/*.py'], [], 'main.py', true],
    [['/*.py'], [], 'lib/x.py', false],
    [[], ['*.log'], 'logs/a.log', false],
    [[], ['logs'], 'logs/a.txt', false],
    [['*.py'], ['lib/**'], 'lib/a.py', false],
    [[], ['.*'], '.hidden', false],
    [['!x'], [], 'x', false],
  ] as const)('include %j exclude %j: %s is taken: %s', (include, exclude, path, expected) => {
    expect(matches([...include], [...exclude], path)).toBe(expected);
  });
});
