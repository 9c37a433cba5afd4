/** faults.md A: archives whose bytes are not what was written. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readBlbHead, validateBlb, verifyBlb } from '../../src/archive/blb-reader.js';
import type { ByteSource } from '../../src/archive/byte-source.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { END_MEMBER_BYTES } from '../../src/archive/end-member.js';
import { joinBytes } from '../../src/archive/gzip-member.js';
import { readListedHead } from '../../src/archive/listed-head.js';
import { BelayError } from '../../src/core/errors.js';
import { forge, takeApart, withChecksum } from '../support/archive-forging.js';
import { archiveOf } from '../support/archive-making.js';

const signal = new AbortController().signal;
const bytes = await archiveOf({
  'a.py': 'x = 1\n',
  lib: null,
  'lib/b.py': 'y = 2\n',
  'z.txt': 'z'.repeat(600),
});
const honest = await takeApart(bytes);

async function refusal(
  archive: Uint8Array,
  read: typeof verifyBlb = verifyBlb,
): Promise<BelayError> {
  try {
    await read(byteSourceOf(archive, 'b.blb'), { signal });
  } catch (error) {
    expect(error).toBeInstanceOf(BelayError);
    return error as BelayError;
  }
  throw new Error('accepted');
}

async function expectRefused(archive: Uint8Array, code: string, text?: RegExp): Promise<void> {
  const error = await refusal(archive);
  expect([error.code, error.exitCode]).toEqual([code, 13]);
  expect(error.message).toMatch(/^b\.blb: /);
  if (text !== undefined) expect(error.message).toMatch(text);
  const { findings } = await validateBlb(byteSourceOf(archive, 'b.blb'), { signal });
  expect(findings.map((finding) => finding.code)).toContain(code);
}

describe('damaged archives', () => {
  it('A1: an empty file is an empty archive', async () => {
    await expectRefused(new Uint8Array(0), 'archive/empty', /empty archive/);
  });

  it('A2: a truncation names the length that was expected and the one that was found', async () => {
    const head = await readBlbHead(byteSourceOf(bytes, 'b.blb'));
    const dataEnd = head.headBytes + head.manifest.statistics.totalCompressedSize;
    const boundaries = [head.headBytes, dataEnd, bytes.length - END_MEMBER_BYTES];
    for (const length of boundaries) {
      const error = await refusal(bytes.slice(0, length));
      expect(error.code).toBe('archive/truncated');
      expect(error.details).toMatchObject({ foundBytes: length });
      expect(error.message).toMatch(new RegExp(`${length} bytes found, (at least )?\\d+ expected`));
    }
    const exact = await refusal(bytes.slice(0, bytes.length - 1));
    expect(exact.details).toMatchObject({
      expectedBytes: bytes.length,
      foundBytes: bytes.length - 1,
    });
  });

  it('A6: a bit in the padding of the tar, with every outer checksum made to fit', async () => {
    const bent = await forge(honest, {
      tar: (tar, member) => {
        if (member === 0) tar[512 + 100] = 1;
        return tar;
      },
    });
    await expectRefused(bent, 'archive/damaged', /a\.py: its padding is not zero/);
  });

  it('A7: garbage, zeros, or a second archive behind the end is trailing data', async () => {
    for (const extra of [Uint8Array.of(1), new Uint8Array(1024), new Uint8Array(10_240)]) {
      await expectRefused(joinBytes([bytes, extra]), 'archive/trailing', /trailing data/);
    }
    const empty = await archiveOf({});
    const sameLength = await archiveOf({}, { backupId: 'fedcba9876543210fedcba9876543210' });
    const large = await archiveOf({ 'noise.bin': new Uint8Array(randomBytes(300_000)) });
    for (const first of [bytes, empty, large]) {
      for (const second of [bytes, empty, sameLength, large]) {
        const both = joinBytes([first, second]);
        const said = new RegExp(`trailing data: ${second.length} bytes follow the end`);
        await expectRefused(both, 'archive/trailing', said);
        const source = byteSourceOf(both, 'b.blb');
        for (const read of [readBlbHead, readListedHead]) {
          await expect(read(source)).rejects.toMatchObject({ code: 'archive/trailing' });
        }
      }
    }
  });

  it('A7: bytes between the last member and the end', async () => {
    for (const inserted of [Uint8Array.of(0), bytes, new Uint8Array(100_000)]) {
      const error = await refusal(await forge(honest, { inserted }));
      expect(error.exitCode).toBe(13);
    }
  });

  it('A8: missing end blocks are a truncation', async () => {
    await expectRefused(bytes.slice(0, -END_MEMBER_BYTES), 'archive/truncated');
  });

  it('A9: a header checksum that is wrong', async () => {
    const bent = await forge(honest, {
      tar: (tar) => {
        tar[150] = tar[150] === 0x30 ? 0x31 : 0x30;
        return tar;
      },
    });
    await expectRefused(bent, 'archive/damaged', /tar header is not the one expected/);
  });

  it('A10: a read error ends the pass at once, as it is', async () => {
    let reads = 0;
    const failing: ByteSource = {
      ...byteSourceOf(bytes, 'b.blb'),
      read: async (offset, length) => {
        reads += 1;
        if (reads > 3) throw new BelayError('store/io', 'cannot read b.blb: EIO');
        return bytes.slice(offset, offset + length);
      },
    };
    await expect(verifyBlb(failing, { signal })).rejects.toMatchObject({ code: 'store/io' });
    expect(reads).toBe(4);
    reads = 0;
    await expect(validateBlb(failing, { signal })).rejects.toMatchObject({ code: 'store/io' });
    expect(reads).toBe(4);
  });

  it('A11: other files with the name of an archive', async () => {
    const others: Record<string, Uint8Array> = {
      zip: Buffer.from('504b0304140000000800', 'hex'),
      gzip: gzipSync('print(1)\n'.repeat(50)),
      text: Buffer.from('import machine\n'),
      png: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
      tar: withChecksum(new Uint8Array(1024)),
      zeros: new Uint8Array(4096),
      'tar.gz': gzipSync(withChecksum(new Uint8Array(1024))),
    };
    for (const other of Object.values(others)) {
      await expectRefused(other, 'archive/not-blb', /not a \.blb/);
    }
  });

  it('A12: a checksums.txt that is missing, empty, longer, shorter, or written otherwise', async () => {
    const lines = (text: string) => text.trimEnd().split('\n');
    const lies: Record<string, (text: string) => string> = {
      empty: () => '',
      'duplicate line': (text) => `${text}${lines(text)[1]}\n`,
      'extra file': (text) => `${text}${'0'.repeat(64)}  files/extra.py\n`,
      CRLF: (text) => text.replaceAll('\n', '\r\n'),
      'upper-case hex': (text) => text.replace(/[0-9a-f]{64}/g, (hash) => hash.toUpperCase()),
      'missing file': (text) => `${lines(text).slice(0, -1).join('\n')}\n`,
      'other order': (text) => `${[...lines(text)].reverse().join('\n')}\n`,
      'no final newline': (text) => text.trimEnd(),
      'wrong hash': (text) => text.replace(/[0-9a-f]{64}(?= {2}files\/a\.py)/, 'f'.repeat(64)),
      'binary marker': (text) => text.replaceAll('  ', ' *'),
    };
    for (const [name, checksums] of Object.entries(lies)) {
      const error = await refusal(await forge(honest, { checksums }));
      expect([name, error.exitCode]).toEqual([name, 13]);
    }
  });

  it('A12: a member of checksums.txt that is not there at all', async () => {
    const head = await readBlbHead(byteSourceOf(bytes, 'b.blb'));
    const dataEnd = head.headBytes + head.manifest.statistics.totalCompressedSize;
    const cut = joinBytes([bytes.slice(0, dataEnd), bytes.slice(-END_MEMBER_BYTES)]);
    const error = await refusal(cut);
    expect(error.code).toBe('archive/truncated');
  });

  it('A13: content exchanged with all hashes recomputed is self-consistent (a documented limit)', async () => {
    const other = await archiveOf({ 'a.py': 'x = 666\n' });
    const head = await verifyBlb(byteSourceOf(other, 'b.blb'), { signal });
    expect(head.manifest.stateHash).not.toBe(honest.manifest.stateHash);
  });

  it('names every file that a damaged member takes with it, and goes on behind it', async () => {
    const head = await readBlbHead(byteSourceOf(bytes, 'b.blb'));
    const broken = bytes.slice();
    broken.fill(0xff, head.headBytes + 12, head.headBytes + 20);
    const { head: found, findings } = await validateBlb(byteSourceOf(broken, 'b.blb'), { signal });
    expect(found?.manifest.backupId).toBe(head.manifest.backupId);
    expect(findings.map(({ path }) => path)).toEqual([null, 'a.py', 'lib/b.py', 'z.txt']);
  });

  it('stops when it is cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    const verifying = verifyBlb(byteSourceOf(bytes, 'b.blb'), { signal: controller.signal });
    await expect(verifying).rejects.toMatchObject({ code: 'job/cancelled' });
  });
});
