/** What the writer refuses, takes over and leaves out; that its archives are right is in round-trip.test.ts. */
import { Readable } from 'node:stream';
import type { Header } from 'tar-stream';
import { pack as newTar } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { readBlbHead, verifyBlb } from '../../src/archive/blb-reader.js';
import { BlbWriter } from '../../src/archive/blb-writer.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { EntryPacker, entriesOfTar } from '../../src/archive/container.js';
import { DEFLATE, joinBytes } from '../../src/archive/gzip-member.js';
import { GzipMemberStream } from '../../src/archive/gzip-stream.js';
import type { FileEntry } from '../../src/archive/manifest.js';
import { newFileOf } from '../../src/archive/member-copy.js';
import { MemorySpool } from '../../src/archive/spool.js';
import { withChecksum } from '../support/archive-forging.js';
import {
  archiveOf,
  bytesOf,
  crcOf,
  draftOf,
  finished,
  newFile,
} from '../support/archive-making.js';

const signal = new AbortController().signal;
const big = bytesOf('big '.repeat(50_000));

function begin() {
  const spool = new MemorySpool();
  return { spool, writer: new BlbWriter(spool, { compress: true }) };
}

describe('the writer', () => {
  it('takes one file at a time, and finishes when all have ended', async () => {
    const { spool, writer } = begin();
    const first = writer.beginFile(newFile('a', big));
    expect(() => writer.beginFile(newFile('b', big))).toThrow(/another file is being received/);
    await expect(writer.finish(draftOf())).rejects.toThrow(/neither ended nor aborted/);
    await first.write(big);
    await expect(writer.finish(draftOf())).rejects.toThrow(/neither ended nor aborted/);
    expect(() => writer.beginFile(newFile('a', big))).toThrow(/listed twice/);
    await first.end(newFile('a', big));
    await verifyBlb(byteSourceOf(await finished(writer, spool, draftOf()), 'x'), { signal });
  });

  it('takes pieces of any size, none and empty files too', async () => {
    const { spool, writer } = begin();
    const none = bytesOf('');
    const empty = writer.beginFile(newFile('empty', none));
    await empty.write(none);
    await empty.end(newFile('empty', none));
    const file = writer.beginFile(newFile('file', big));
    for (const piece of [none, big.subarray(0, 1), none, big.subarray(1), none]) {
      await file.write(piece);
    }
    await file.end(newFile('file', big));
    const source = byteSourceOf(await finished(writer, spool, draftOf()), 'x');
    const { manifest } = await verifyBlb(source, { signal });
    expect(manifest.files.map((entry) => (entry as FileEntry).originalSize)).toEqual([
      0,
      big.length,
    ]);
  });

  it('takes no more of a file that was given up', async () => {
    const { spool, writer } = begin();
    const file = writer.beginFile(newFile('a', big));
    await file.write(big.subarray(0, 100_000));
    await file.abort();
    await file.write(big.subarray(100_000));
    expect(spool.sizeBytes).toBe(0);
    await expect(file.end(newFile('a', big))).rejects.toMatchObject({ code: 'archive/damaged' });
  });

  it('refuses a file with another name or time than it was begun with', async () => {
    const others = [{ path: 'b' }, { modifiedS: 5 }, { crc32: '00000000' }];
    for (const other of others) {
      const { writer } = begin();
      const file = writer.beginFile(newFile('a', big));
      await file.write(big);
      const ending = file.end(newFile('a', big, other));
      await expect(ending).rejects.toMatchObject({ code: 'archive/damaged' });
    }
  });

  it('refuses a file larger than a tar can say', () => {
    const { writer } = begin();
    const start = { path: 'a', modifiedS: null };
    expect(() => writer.beginFile({ ...start, sizeBytes: 8 ** 11 })).toThrow(
      expect.objectContaining({ code: 'archive/limit', exitCode: 13 }),
    );
    expect(() => writer.beginFile({ ...start, sizeBytes: 8 ** 11 - 1 })).not.toThrow();
  });

  it('copies a member only where its files are wanted as they are, and nothing is on its way', async () => {
    const source = byteSourceOf(await archiveOf({ 'a.py': 'x', 'b.py': 'y' }), 'old');
    const head = await readBlbHead(source);
    const files = head.manifest.files as readonly FileEntry[];
    const wanted = new Map(files.map((entry) => [entry.relativePath, newFileOf(entry)]));
    const { writer } = begin();
    const without = new Map([...wanted].slice(1));
    const copying = (metas: typeof wanted) => writer.copyMember(source, head, 0, metas, { signal });
    await expect(copying(without)).rejects.toThrow(/does not hold these files/);
    const file = writer.beginFile(newFile('big', big));
    await expect(copying(wanted)).rejects.toThrow(/a file is being received/);
    await file.abort();
  });
});

describe('an entry that a merge takes over', () => {
  it('B10: keeps its crc32 and all fields that this version does not know', async () => {
    const bytes = bytesOf('x = 1\n');
    const meta = newFile('a.py', bytes, {
      crc32: crcOf(bytes),
      furtherFields: { colour: 'red', acl: [1, 2] },
    });
    const { spool, writer } = begin();
    await writer.addFile(meta, bytes);
    const source = byteSourceOf(await finished(writer, spool, draftOf()), 'x');
    const { manifest } = await readBlbHead(source);
    expect(manifest.files[0]).toMatchObject({ crc32: crcOf(bytes), colour: 'red', acl: [1, 2] });
    expect(newFileOf(manifest.files[0] as FileEntry)).toEqual(meta);
  });
});

describe('the tar of a file', () => {
  it('cannot end before all of its content has come', async () => {
    const packer = new EntryPacker({ name: 'files/a', isFolder: false, sizeBytes: 5, mtimeS: 0 });
    await packer.write(bytesOf('only'));
    await expect(packer.end()).rejects.toThrow(/[Ss]ize mismatch/);
  });
});

describe('a gzip member in the making', () => {
  it('ends with an error when it is written to after it was given up', async () => {
    const stream = new GzipMemberStream(DEFLATE, async () => {});
    stream.abort();
    await expect(stream.write(new Uint8Array(128 * 1024))).rejects.toThrow();
  });
});

describe('a tar that somebody else made', () => {
  async function tarOf(...entries: readonly [Partial<Header> & { name: string }, string][]) {
    const tar = newTar();
    for (const [header, text] of entries) tar.entry(header, text);
    tar.finalize();
    const parts: Uint8Array[] = [];
    for await (const part of tar as AsyncIterable<Uint8Array>) parts.push(part);
    return joinBytes(parts);
  }

  it('gives its entries in their order, each with its content', async () => {
    const mtime = new Date(1_763_634_071_900);
    const tar = await tarOf(
      [{ name: 'lib/', type: 'directory', mtime }, ''],
      [{ name: 'lib/a.py', mtime }, 'x = 1\n'],
      [{ name: 'link', type: 'symlink', linkname: '/etc/passwd', mtime }, ''],
    );
    const found: unknown[] = [];
    for await (const { content, ...entry } of entriesOfTar(Readable.from([tar]))) {
      let text = '';
      if (entry.type === 'file') for await (const part of content) text += Buffer.from(part);
      found.push({ ...entry, text });
    }
    const modifiedS = 1_763_634_071;
    expect(found).toEqual([
      { name: 'lib/', type: 'directory', sizeBytes: 0, modifiedS, text: '' },
      { name: 'lib/a.py', type: 'file', sizeBytes: 6, modifiedS, text: 'x = 1\n' },
      { name: 'link', type: 'symlink', sizeBytes: 0, modifiedS, text: '' },
    ]);
  });

  it('calls a kind that no tar knows unknown, and goes on behind what is not read', async () => {
    const tar = await tarOf([{ name: 'odd' }, 'x'.repeat(5000)], [{ name: 'next' }, 'y']);
    tar[156] = 'Q'.charCodeAt(0);
    withChecksum(tar.subarray(0, 512));
    const types: string[] = [];
    for await (const { name, type } of entriesOfTar(Readable.from([tar]))) {
      types.push(`${name} ${type}`);
    }
    expect(types).toEqual(['odd unknown', 'next file']);
  });
});
