import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryNameOf, pathOfEntry } from '../../src/archive/manifest.js';
import { pathFromBytes } from '../../src/core/device-path.js';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('the name of an entry', () => {
  it('gives back the path that it was made of, byte for byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
        const path = pathFromBytes(bytes);
        expect(pathOfEntry(entryNameOf(path))).toBe(path);
      }),
    );
  });

  it('is text alone where the path is text', () => {
    for (const path of ['main.py', 'lib/größe.txt', '\ufeffa', '\u{1f600}']) {
      expect(entryNameOf(path)).toEqual({ relativePath: path });
    }
  });

  it('C15: shows all that is text beside the bytes, a byte-order mark too', () => {
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0xff);
    expect(entryNameOf(pathFromBytes(bytes))).toEqual({
      relativePath: '\ufeffa\ufffd',
      rawPath: base64(bytes),
    });
  });
});
