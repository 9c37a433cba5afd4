import { describe, expect, it } from 'vitest';
import { parseKeyValue, parseTimeMs, patternsOfFile } from '../../src/cli/option-values.js';
import { nearestWord } from '../../src/cli/suggest.js';

describe('what is typed after an option', () => {
  it.each([
    ['30s', 30_000],
    ['5m', 300_000],
    ['5min', 300_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['1h 30m', 5_400_000],
    ['30', 30_000],
    ['0', 0],
  ])('time %s is %d ms', (text, ms) => {
    expect(parseTimeMs(text)).toBe(ms);
  });

  it.each(['', 'soon', '5x', '5m!', '-3s', '1e9h', '100d'])('time "%s" is refused', (text) => {
    expect(() => parseTimeMs(text)).toThrow('is not a time');
  });

  it('a pair may hold further equals signs', () => {
    expect(parseKeyValue('a=b=c', '--meta')).toEqual(['a', 'b=c']);
    expect(parseKeyValue('a=', '--meta')).toEqual(['a', '']);
    expect(() => parseKeyValue('=b', '--meta')).toThrow('key=value');
  });

  it('an exclude file has one pattern a line, comments and empty lines left out', () => {
    expect(patternsOfFile('\uFEFF# logs\r\n*.log\r\n\r\n  /data/** \n')).toEqual([
      '*.log',
      '/data/**',
    ]);
  });
});

describe('did you mean', () => {
  const words = ['list', 'restore', 'extract', 'export', 'unpin', 'pin', 'backup'];
  it.each([
    ['lst', 'list'],
    ['lsit', 'list'],
    ['restroe', 'restore'],
    ['exprot', 'export'],
    ['bakup', 'backup'],
    ['rest', 'restore'],
    ['zzzzzz', null],
  ])('%s -> %s', (typed, meant) => {
    expect(nearestWord(typed, words)).toBe(meant);
  });
});
