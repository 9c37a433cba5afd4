/** The tar inside: the same bytes from tar-stream, from the codec, and for GNU tar. faults.md C. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { afterAll, describe, expect, it } from 'vitest';
import { verifyBlb } from '../../src/archive/blb-reader.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { EntryPacker, packEntries } from '../../src/archive/container.js';
import { joinBytes } from '../../src/archive/gzip-member.js';
import { needsPax, paddingOf, tarHeader, tarHeaderBytesOf } from '../../src/archive/tar-header.js';
import { tarNameOf } from '../../src/archive/tar-name.js';
import { forge, takeApart, withChecksum } from '../support/archive-forging.js';
import { archiveOf, SMALL_CONTENT, sha256Of } from '../support/archive-making.js';

const signal = new AbortController().signal;
const RUNS = process.env['SLOW'] === '1' ? 5_000 : 200;
const folder = mkdtempSync(join(tmpdir(), 'belay-container-'));
afterAll(() => rmSync(folder, { recursive: true }));

const name = fc
  .array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 90 }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join('/').replace(/[\u0000-\u001f\u007f-\u009f\\]/g, '_'));
const asciiName = fc
  .array(fc.string({ minLength: 1, maxLength: 120 }), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const entry = fc.record({
  name: fc.oneof(name, asciiName).map((path) => `files/${path}`),
  bytes: fc.uint8Array({ maxLength: 1500 }),
  mtimeS: fc.nat({ max: 2 ** 31 - 1 }),
  isFolder: fc.boolean(),
});

const tarOf = (each: { name: string; bytes: Uint8Array; mtimeS: number; isFolder: boolean }) => ({
  name: each.isFolder ? `${each.name}/` : each.name,
  isFolder: each.isFolder,
  sizeBytes: each.isFolder ? 0 : each.bytes.length,
  mtimeS: each.mtimeS,
});

describe('a tar header', () => {
  it('is the one that tar-stream writes, for any name, size and time', async () => {
    await fc.assert(
      fc.asyncProperty(entry, async (each) => {
        const tar = tarOf(each);
        const bytes = each.isFolder ? new Uint8Array(0) : each.bytes;
        const packed = await packEntries([{ tar, bytes }]);
        const expected = joinBytes([
          tarHeader(tar),
          bytes,
          new Uint8Array(paddingOf(bytes.length)),
        ]);
        expect(Buffer.compare(packed, expected)).toBe(0);
        expect(tarHeader(tar).length).toBe(tarHeaderBytesOf(tar.name));
      }),
      { numRuns: RUNS },
    );
  });

  it('is read by tar-stream as what it says', async () => {
    await fc.assert(
      fc.asyncProperty(entry, async (each) => {
        const tar = tarOf(each);
        const content = each.isFolder ? new Uint8Array(0) : each.bytes;
        const parser = extract();
        parser.end(
          Buffer.from(
            joinBytes([tarHeader(tar), content, new Uint8Array(paddingOf(content.length) + 1024)]),
          ),
        );
        for await (const found of parser) {
          const { header } = found as unknown as {
            header: { name: string; size: number; mtime: Date };
          };
          expect([header.name, header.size, header.mtime.getTime() / 1000]).toEqual([
            tar.name,
            tar.sizeBytes,
            tar.mtimeS,
          ]);
          (found as unknown as { resume(): void }).resume();
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('takes the extended form exactly where ustar cannot hold the name', () => {
    const cases: readonly (readonly [string, boolean])[] = [
      [`files/${'a'.repeat(94)}`, false],
      [`files/${'a'.repeat(95)}`, false],
      [`files/${'a'.repeat(100)}`, false],
      [`files/${'a'.repeat(101)}`, true],
      [`files/${'a'.repeat(99)}/`, false],
      [`files/${'a'.repeat(100)}/`, true],
      [`files/${'b'.repeat(149)}/${'a'.repeat(100)}`, false],
      [`files/${'b'.repeat(150)}/${'a'.repeat(100)}`, true],
      ['files/ü', true],
      ['files/a b', false],
    ];
    for (const [each, extended] of cases) expect([each, needsPax(each)]).toEqual([each, extended]);
  });

  it('does not depend on how content is split', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        fc.array(fc.nat({ max: 700 })),
        async (bytes, cuts) => {
          const tar = { name: 'files/x', isFolder: false, sizeBytes: bytes.length, mtimeS: 7 };
          const packer = new EntryPacker(tar);
          const parts: Uint8Array[] = [];
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            const piece = bytes.subarray(at, Math.min(bytes.length, at + cut));
            at += piece.length;
            parts.push(...(await packer.write(piece)));
          }
          parts.push(...(await packer.write(bytes.subarray(at))));
          parts.push(...(await packer.end()));
          expect(Buffer.compare(joinBytes(parts), await packEntries([{ tar, bytes }]))).toBe(0);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

describe('names in the tar', () => {
  it('C2, C3, C4, C15: what is no safe path in every tar stands under rawnames', () => {
    const odd = [
      'C:x',
      'C:/x',
      'lib/c:../x',
      'a\\b',
      '\\\\srv\\s\\x',
      'a\nb',
      'a\u001b[2Jb',
      'a\u0085b',
      'x\udcff',
    ];
    for (const path of odd) expect(tarNameOf(path, false)).toMatch(/^rawnames\/[0-9a-f]{16}$/);
    expect(tarNameOf('a\\b', true)).toMatch(/^rawnames\/[0-9a-f]{16}\/$/);
    expect(tarNameOf('x\udcff', false)).toBe(
      `rawnames/${sha256Of(Uint8Array.of(0x78, 0xff)).slice(0, 16)}`,
    );
    for (const path of ['a b', "it's", '#%&?*', 'über', 'a.', 'a ', 'con', '-rf', '~']) {
      expect(tarNameOf(path, false)).toBe(`files/${path}`);
    }
  });
});

describe('a tar that is not the one of the manifest', () => {
  const content = { 'a.py': 'x = 1\n', lib: null, 'lib/b.py': 'y = 2\n' };

  async function refusalOf(bend: (tar: Uint8Array) => void): Promise<string> {
    const bent = await forge(await takeApart(await archiveOf(content)), {
      tar: (tar, member) => {
        if (member !== 0) return tar;
        bend(tar);
        withChecksum(tar.subarray(0, 512));
        return tar;
      },
    });
    try {
      await verifyBlb(byteSourceOf(bent, 'b.blb'), { signal });
      return 'accepted';
    } catch (error) {
      const { exitCode, message } = error as { exitCode: number; message: string };
      return `${exitCode} ${message}`;
    }
  }

  it('C6, C7: links, devices, FIFOs, sparse files, global and GNU headers', async () => {
    for (const type of [
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      'x',
      'g',
      'L',
      'K',
      'S',
      'V',
      '\0',
      '8',
    ]) {
      const refusal = await refusalOf((tar) => {
        tar[156] = type.charCodeAt(0);
      });
      expect([type, refusal]).toEqual([type, expect.stringMatching(/^13 /)]);
      if ('12346gLKSV'.includes(type)) expect(refusal).toMatch(/unsupported entry type/);
    }
  });

  it('C1, C2: names that lead out of the target', async () => {
    for (const each of [
      '../x',
      '/etc/x',
      '//x',
      'C:\\x',
      '\\\\srv\\s\\x',
      'files/../../x',
      'files/b.py',
    ]) {
      const refusal = await refusalOf((tar) => {
        tar.fill(0, 0, 100);
        tar.set(Buffer.from(each), 0);
      });
      expect([each, refusal]).toEqual([each, expect.stringMatching(/^13 /)]);
    }
  });

  it('modes, owners, link names and times that are not the fixed ones', async () => {
    for (const offset of [100, 108, 116, 136, 157, 265, 297, 329, 345, 500]) {
      const refusal = await refusalOf((tar) => {
        tar[offset] = 0x37;
      });
      expect([offset, refusal]).toEqual([offset, expect.stringMatching(/^13 /)]);
    }
  });
});

describe('GNU tar and sha256sum', () => {
  it('get everything back by hand', async () => {
    const big = new Uint8Array(300_000).map((_, index) => (index * index) >> 7);
    const archive = await archiveOf({
      ...SMALL_CONTENT,
      "it's #1 %s.txt": 'quote\n',
      'z/big.bin': big,
    });
    writeFileSync(join(folder, 'x.blb'), archive);
    const tar = execFileSync('tar', ['xzf', 'x.blb'], { cwd: folder, encoding: 'utf8' });
    expect(tar).toBe('');
    const checked = execFileSync('sha256sum', ['-c', '--strict', 'checksums.txt'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(
      checked
        .trimEnd()
        .split('\n')
        .every((line) => line.endsWith(': OK')),
    ).toBe(true);
    const found = readdirSync(join(folder, 'files'), { recursive: true, encoding: 'utf8' }).sort();
    const plain = [...Object.keys(SMALL_CONTENT), "it's #1 %s.txt", 'z', 'z/big.bin', 'lib'];
    expect(found).toEqual(plain.filter((path) => !path.includes('\udcff')).sort());
    expect(Buffer.compare(readFileSync(join(folder, 'files/z/big.bin')), big)).toBe(0);
    expect(readdirSync(join(folder, 'rawnames'))).toHaveLength(1);
    expect(readFileSync(join(folder, 'files/data/größe.txt'), 'utf8')).toBe('fünf\n');
  });
});
