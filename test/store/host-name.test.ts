import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfPath, pathFromBytes } from '../../src/core/device-path.js';
import {
  caseTwins,
  decodeHostName,
  encodeHostName,
  hostNameOf,
} from '../../src/store/host-name.js';

const name = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  fc.uint8Array({ minLength: 1, maxLength: 12 }).map(pathFromBytes),
  fc
    .array(fc.constantFrom('%', '4', '1', 'a', 'F', '\x01', ' ', '.', 'con', 'nul', ':'), {
      minLength: 1,
    })
    .map((parts) => parts.join('')),
);
const legal = name
  .map((text) =>
    text
      .replaceAll('/', '')
      .replaceAll('\0', '')
      .replace(/[\ud800-\udc7f\udd00-\udfff]/g, ''),
  )
  // Bytes that are UTF-8 after all stand as text in a DevicePath.
  .map((text) => pathFromBytes(bytesOfPath(text)))
  .filter((text) => text !== '' && text !== '.' && text !== '..');

describe('names on this computer', () => {
  it('leaves ordinary names as they are', () => {
    for (const each of ['main.py', 'Ünïcode 文.txt', '.hidden', '100%', '50% off', 'a b', '😀']) {
      expect(encodeHostName(each, 'posix')).toBe(each);
      expect(encodeHostName(each, 'windows')).toBe(each);
    }
  });

  it('C4 C15 encodes control characters, backslashes and bytes that are not UTF-8', () => {
    expect(encodeHostName('a\nb', 'posix')).toBe('a%0Ab');
    expect(encodeHostName('a\\b', 'posix')).toBe('a%5Cb');
    expect(encodeHostName('\u202egnp.exe', 'posix')).toBe('%E2%80%AEgnp.exe');
    expect(encodeHostName('b\udcffd', 'posix')).toBe('b%FFd');
    expect(encodeHostName('%41', 'posix')).toBe('%2541');
  });

  it('C2 C3 C13 encodes what Windows would take for something else', () => {
    const cases = {
      CON: '%43ON',
      'nul.py': '%6Eul.py',
      COM1: '%43OM1',
      'com¹.txt': '%63om¹.txt',
      'aux .txt': '%61ux .txt',
      'a.': 'a%2E',
      'a ': 'a%20',
      'a:b': 'a%3Ab',
      'a?b': 'a%3Fb',
      'C:': 'C%3A',
      console: 'console',
      'com10.py': 'com10.py',
    };
    for (const [given, wanted] of Object.entries(cases)) {
      expect(encodeHostName(given, 'windows')).toBe(wanted);
      if (given !== 'a\\b') expect(encodeHostName(given, 'posix')).toBe(given);
    }
  });

  it('gives every name back', () => {
    for (const platform of ['posix', 'windows'] as const) {
      fc.assert(
        fc.property(legal, (text) => {
          expect(decodeHostName(encodeHostName(text, platform))).toBe(text);
        }),
        { numRuns: process.env.SLOW ? 20_000 : 500 },
      );
    }
  });

  it('never makes a name that leads elsewhere', () => {
    fc.assert(
      fc.property(legal, (text) => {
        const encoded = encodeHostName(text, 'windows');
        expect(encoded).not.toMatch(/[/\\:*?"<>|\u0000-\u001f]|[. ]$/);
        expect(encoded).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i);
      }),
    );
  });

  it('C1 C5 C14 refuses paths that no tree can have', () => {
    const long = 'x'.repeat(256);
    for (const path of [
      '../x',
      'a/../x',
      '..',
      'a//b',
      '/etc',
      './a',
      'a/',
      '',
      'a\0b',
      long,
      `${'a/'.repeat(1025)}b`,
    ]) {
      expect(hostNameOf(path, 'posix')).toHaveProperty('refused');
    }
    expect(hostNameOf('\x01'.repeat(100), 'posix')).toEqual({
      refused: 'its encoded name is longer than 255 bytes',
    });
    expect(hostNameOf('lib/a\x01', 'posix')).toEqual({
      parts: ['lib', 'a%01'],
      encoded: true,
    });
  });

  it('C11 finds names that differ only in case or Unicode form, folders too', () => {
    expect(caseTwins(['Main.py', 'main.py', 'other'])).toEqual([['Main.py', 'main.py']]);
    expect(caseTwins(['Lib/a', 'lib/b'])).toEqual([['Lib', 'lib']]);
    expect(caseTwins(['\u00e9', 'e\u0301'])).toHaveLength(1);
    expect(caseTwins(['lib/a', 'lib/b', 'lib'])).toEqual([]);
  });
});
