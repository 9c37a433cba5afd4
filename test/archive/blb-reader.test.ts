/** Reading single files, and members larger than what is inflated in one go. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readBlbFile, readBlbHead, validateBlb, verifyBlb } from '../../src/archive/blb-reader.js';
import type { ByteSource } from '../../src/archive/byte-source.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { END_MEMBER_BYTES } from '../../src/archive/end-member.js';
import { joinBytes } from '../../src/archive/gzip-member.js';
import type { FileEntry } from '../../src/archive/manifest.js';
import { BelayError } from '../../src/core/errors.js';
import type { Lies } from '../support/archive-forging.js';
import { forge, takeApart } from '../support/archive-forging.js';
import { archiveOf } from '../support/archive-making.js';

const signal = new AbortController().signal;
const NOISE = new Uint8Array(randomBytes(400_000));
const TEXT = 'measure(pin)\n'.repeat(30_000);
const bytes = await archiveOf({ 'noise.bin': NOISE, 'text.py': TEXT, 'z.py': 'z' });
const honest = await takeApart(bytes);

async function readAll(source: ByteSource, path: string): Promise<Uint8Array> {
  const head = await readBlbHead(source);
  const entry = head.manifest.files.find((each) => each.relativePath === path) as FileEntry;
  const parts: Uint8Array[] = [];
  for await (const part of readBlbFile(source, head, entry)) parts.push(part.slice());
  return joinBytes(parts);
}

async function refusalOf(lies: Lies): Promise<string[]> {
  const source = byteSourceOf(await forge(honest, lies), 'b.blb');
  await expect(verifyBlb(source, { signal })).rejects.toMatchObject({ exitCode: 13 });
  const { findings } = await validateBlb(source, { signal });
  return findings.map(({ message }) => message);
}

describe('a file of an archive', () => {
  it('comes whole, out of a member of any size, and out of one that many share', async () => {
    // The format leaves it to the writer how much one member holds: here both large files.
    const [first, second, ...rest] = honest.tars as [Uint8Array, Uint8Array];
    const files = honest.manifest.files.map((entry) => {
      const { member = 0, tarOffset = 0 } = entry as FileEntry;
      const place = member < 2 ? { member: 0, compressedSize: null } : { member: member - 1 };
      return { ...entry, ...place, tarOffset: member === 1 ? first.length : tarOffset };
    });
    const manifest = { ...honest.manifest, files } as typeof honest.manifest;
    const shared = await forge({ manifest, tars: [joinBytes([first, second]), ...rest] }, {});
    for (const archive of [bytes, shared]) {
      const source = byteSourceOf(archive, 'b.blb');
      await verifyBlb(source, { signal });
      expect(Buffer.compare(await readAll(source, 'noise.bin'), NOISE)).toBe(0);
      expect(Buffer.from(await readAll(source, 'text.py')).toString()).toBe(TEXT);
      expect(Buffer.from(await readAll(source, 'z.py')).toString()).toBe('z');
    }
  });

  it('is not looked for where the archive does not hold it', async () => {
    const source = byteSourceOf(bytes, 'b.blb');
    const head = await readBlbHead(source);
    const { member, ...elsewhere } = head.manifest.files[0] as FileEntry;
    expect(member).toBe(0);
    const reading = readBlbFile(source, head, { ...elsewhere, dataIn: 'f'.repeat(32) }).next();
    await expect(reading).rejects.toThrow(/noise\.bin is not stored in this archive/);
  });

  it('A10: that cannot be read ends with what the disk said', async () => {
    const broken: ByteSource = {
      ...byteSourceOf(bytes, 'b.blb'),
      read: async (offset, length) => {
        if (offset > bytes.length / 2 && length > END_MEMBER_BYTES) {
          throw new BelayError('store/io', 'cannot read b.blb: EIO');
        }
        return bytes.slice(offset, offset + length);
      },
    };
    const head = await readBlbHead(byteSourceOf(bytes, 'b.blb'));
    const reading = async () => {
      for await (const _ of readBlbFile(broken, head, head.manifest.files[0] as FileEntry));
    };
    await expect(reading()).rejects.toMatchObject({ code: 'store/io' });
    await expect(verifyBlb(broken, { signal })).rejects.toMatchObject({ code: 'store/io' });
  });
});

describe('a member larger than what is inflated in one go', () => {
  const bent = (change: (member: Uint8Array) => Uint8Array) => (member: Uint8Array, at: number) =>
    at === 0 ? change(member) : member;

  it('is refused where it cannot be inflated, and where bytes follow its stream', async () => {
    const torn = await refusalOf({
      member: bent((member) => member.fill(0xff, 200_000, 200_100)),
    });
    expect(torn[0]).toMatch(/^member 0: /);
    const longer = bent((member) => {
      const trailer = member.subarray(-8);
      return joinBytes([member.subarray(0, -8), new Uint8Array(70_000), trailer]);
    });
    expect((await refusalOf({ member: longer }))[0]).toMatch(
      /^member 0: bytes follow its deflate stream/,
    );
  });
});

describe('a member that is shorter than an empty one', () => {
  it('is refused before it is read', async () => {
    const found = await refusalOf({
      member: (member, at) => (at === 2 ? member.slice(0, 17) : member),
    });
    expect(found[0]).toBe('member 2: shorter than an empty member');
  });
});

describe('the end of an archive that is not one', () => {
  it('is damage where enough follows for it, and a truncation where less does', async () => {
    const head = await readBlbHead(byteSourceOf(bytes, 'b.blb'));
    const dataEnd = head.headBytes + head.manifest.statistics.totalCompressedSize;
    const codeOf = async (tail: number) => {
      const cut = joinBytes([bytes.slice(0, dataEnd), new Uint8Array(tail).fill(0xff)]);
      const reading = readBlbHead(byteSourceOf(cut, 'b.blb'));
      return reading.catch(({ code }: BelayError) => code);
    };
    expect([await codeOf(100), await codeOf(10_000)]).toEqual([
      'archive/truncated',
      'archive/damaged',
    ]);
  });

  it('A10: is not judged by a disk that fails', async () => {
    const cut = bytes.slice(0, -1);
    const failing: ByteSource = {
      ...byteSourceOf(cut, 'b.blb'),
      read: async (offset, length) => {
        if (offset === 0) throw new BelayError('store/io', 'cannot read b.blb: EIO');
        return cut.slice(offset, offset + length);
      },
    };
    await expect(readBlbHead(failing)).rejects.toMatchObject({ code: 'store/io' });
  });
});
