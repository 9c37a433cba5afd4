import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryCheck } from '../../src/archive/entry-check.js';
import { joinBytes } from '../../src/archive/gzip-member.js';
import type { FileEntry } from '../../src/archive/manifest.js';
import { paddingOf, tarHeader } from '../../src/archive/tar-header.js';
import type { PlacedEntry } from '../../src/archive/tar-layout.js';
import { layoutOfManifest } from '../../src/archive/tar-layout.js';

const CONTENT = new TextEncoder().encode('print("belay")\n'.repeat(50));

function placedAs(relativePath: string, changes: Partial<FileEntry> = {}): PlacedEntry {
  const entry: FileEntry = {
    relativePath,
    isDirectory: false,
    originalSize: CONTENT.length,
    compressedSize: 1,
    lastModified: 0,
    checksum: createHash('sha256').update(CONTENT).digest('hex'),
    checkedBy: 'sha256',
    compressionMethod: 'deflate',
    member: 0,
    tarOffset: 0,
    ...changes,
  };
  const headerBytes = relativePath.length > 95 ? 1536 : 512;
  const tarSize = headerBytes + CONTENT.length + paddingOf(CONTENT.length);
  const members = [{ offset: 0, compressedSize: 1, tarSize }];
  return layoutOfManifest({ members, files: [entry] })[0]?.[0] as PlacedEntry;
}

function tarOf(placed: PlacedEntry): Uint8Array {
  const padding = new Uint8Array(paddingOf(CONTENT.length));
  return joinBytes([tarHeader(placed.tar), CONTENT, padding]);
}

/** Findings and content, with the tar handed over in pieces that end at `cuts`. */
function checked(placed: PlacedEntry, tar: Uint8Array, cuts: readonly number[] = []) {
  const check = new EntryCheck(placed);
  const content: Uint8Array[] = [];
  const ends = [...new Set([...cuts.map((cut) => cut % tar.length), tar.length])];
  let at = 0;
  for (const end of ends.sort((a, b) => a - b)) {
    const pushed = check.push(tar.subarray(at, end));
    expect(pushed.used).toBe(end - at);
    content.push(pushed.content);
    at = end;
  }
  expect(check.isOver).toBe(true);
  return { findings: check.findings.map(({ message }) => message), content: joinBytes(content) };
}

const flipped = (tar: Uint8Array, at: number) => {
  const bent = tar.slice();
  bent[at] = (bent[at] as number) ^ 1;
  return bent;
};

describe('an entry of a tar', () => {
  const places = [placedAs('main.py'), placedAs(`${'long'.repeat(30)}.py`)];

  it('is accepted with its content, however it is cut into pieces', () => {
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.array(fc.nat()), (placed, cuts) => {
        const { findings, content } = checked(placed, tarOf(placed), cuts);
        expect(findings).toEqual([]);
        expect(Buffer.compare(content, CONTENT)).toBe(0);
      }),
    );
  });

  it('is refused with any byte changed, however it is cut into pieces', () => {
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.nat(), fc.array(fc.nat()), (placed, at, cuts) => {
        const tar = tarOf(placed);
        expect(checked(placed, flipped(tar, at % tar.length), cuts).findings).not.toEqual([]);
      }),
    );
  });

  it('leaves alone what follows it', () => {
    const placed = places[0] as PlacedEntry;
    const check = new EntryCheck(placed);
    const tar = tarOf(placed);
    expect(check.push(joinBytes([tar, tar])).used).toBe(tar.length);
    expect([check.isOver, check.findings]).toEqual([true, []]);
  });

  it('says what is wrong: header, content, padding', () => {
    const placed = placedAs('main.py');
    const tar = tarOf(placed);
    const found = (at: number, cuts: number[] = []) =>
      checked(placed, flipped(tar, at), cuts).findings;
    expect(found(0)).toEqual([
      'main.py: its tar header is not the one expected (there is "giles/main.py")',
    ]);
    expect(found(0, [10])).toEqual(['main.py: its tar header is not the one expected']);
    expect(found(300, [200])).toEqual(['main.py: its tar header is not the one expected']);
    expect(found(600)[0]).toMatch(/^main\.py: content has sha256 [0-9a-f]{64}, not /);
    expect(found(tar.length - 1)).toEqual(['main.py: its padding is not zero']);
  });

  it('must have the crc32 that a board said, where it said one', () => {
    const wrong = placedAs('main.py', { crc32: '00000000' });
    expect(checked(wrong, tarOf(wrong), [700, 900]).findings).toEqual([
      expect.stringMatching(/^main\.py: content has crc32 [0-9a-f]{8}, not 00000000$/),
    ]);
  });
});
