/** faults.md D: archives that want all memory, all disk, or all day. */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readBlbFile, readBlbHead, verifyBlb } from '../../src/archive/blb-reader.js';
import type { ByteSource } from '../../src/archive/byte-source.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { GZIP_HEADER, gzipTrailer, joinBytes } from '../../src/archive/gzip-member.js';
import type { FileEntry } from '../../src/archive/manifest.js';
import { tarHeader } from '../../src/archive/tar-header.js';
import { forge, takeApart } from '../support/archive-forging.js';
import { archiveOf } from '../support/archive-making.js';

const signal = new AbortController().signal;
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;
/** Ten times what it takes here: what is not bounded takes minutes. */
const TIME_MS_MAX = 10_000;
const ZEROS = new Uint8Array(1024 * 1024);

/** `megabytes` of zeros as one raw deflate stream, a thousandth of that long. */
function deflatedZeros(megabytes: number, before: Uint8Array = new Uint8Array(0)): Uint8Array {
  const first = deflateRawSync(joinBytes([before, ZEROS]), { level: 9, finishFlush: 3 });
  const middle = deflateRawSync(ZEROS, { level: 9, finishFlush: 3 });
  const last = deflateRawSync(ZEROS, { level: 9 });
  return joinBytes([first, ...Array.from({ length: megabytes - 2 }, () => middle), last]);
}

async function grown(work: () => Promise<unknown>): Promise<number> {
  const rss = () => process.memoryUsage().rss;
  const before = rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, rss());
  }, 2);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(peak, rss()) - before;
}

describe('bombs', () => {
  it('D1: a member is inflated to the declared size and one byte, no further', async () => {
    const honest = await takeApart(
      await archiveOf({ 'a.py': 'x = 1\n', 'z.bin': new Uint8Array(300_000) }),
    );
    const bomb = deflatedZeros(4000);
    for (const target of [0, 1]) {
      const archive = await forge(honest, {
        member: (bytes, member) =>
          member === target ? joinBytes([GZIP_HEADER, bomb, gzipTrailer(0, 0)]) : bytes,
      });
      const source = byteSourceOf(archive, 'bomb.blb');
      const started = performance.now();
      const growth = await grown(async () => {
        await expect(verifyBlb(source, { signal })).rejects.toMatchObject({ exitCode: 13 });
        const head = await readBlbHead(source);
        const entry = head.manifest.files.find((each) => (each as FileEntry).member === target);
        const reading = async () => {
          for await (const _ of readBlbFile(source, head, entry as FileEntry));
        };
        await expect(reading()).rejects.toMatchObject({ exitCode: 13 });
      });
      console.log(
        `bomb in member ${target}: ${Math.round(growth / 1024)} KiB, ${Math.round(performance.now() - started)} ms`,
      );
      expect(growth).toBeLessThan(MEMORY_BYTES_MAX);
      expect(performance.now() - started).toBeLessThan(TIME_MS_MAX);
    }
  });

  it('D1, B3: member 1 is inflated to the size that its header declares, and no header may declare more than the limit', async () => {
    const entry = { name: 'manifest.json', isFolder: false, mtimeS: 0 };
    const cases: readonly (readonly [number, string])[] = [
      [100, 'archive/damaged'],
      [200 * 1024 * 1024, 'archive/limit'],
      [8 ** 11 - 1, 'archive/limit'],
    ];
    for (const [sizeBytes, code] of cases) {
      const body = deflatedZeros(2000, tarHeader({ ...entry, sizeBytes }));
      const source = byteSourceOf(joinBytes([GZIP_HEADER, body, gzipTrailer(0, 0)]), 'bomb.blb');
      const growth = await grown(async () => {
        await expect(readBlbHead(source)).rejects.toMatchObject({ code, exitCode: 13 });
      });
      expect(growth).toBeLessThan(MEMORY_BYTES_MAX);
    }
  });

  it('D2: an honest huge file is read in bounded memory', { timeout: 60_000 }, async () => {
    const sizeBytes = 64 * 1024 * 1024;
    const bytes = await archiveOf({ 'huge.bin': new Uint8Array(sizeBytes) });
    const source: ByteSource = byteSourceOf(bytes, 'huge.blb');
    const growth = await grown(() => verifyBlb(source, { signal }));
    console.log(`64 MiB verified: ${Math.round(growth / 1024)} KiB`);
    expect(growth).toBeLessThan(MEMORY_BYTES_MAX);
  });

  it('D3: twenty thousand empty files and folders are read in bounded time', async () => {
    const tree = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [
        `d${index % 100}/f${index}`,
        index % 2 === 0 ? '' : null,
      ]),
    );
    const bytes = await archiveOf(tree);
    const started = performance.now();
    const head = await verifyBlb(byteSourceOf(bytes, 'many.blb'), { signal });
    console.log(
      `20,000 entries: ${bytes.length} bytes, verified in ${Math.round(performance.now() - started)} ms`,
    );
    expect(head.manifest.files).toHaveLength(20_000);
  });

  it('B8: a list of deep paths is checked in linear time', async () => {
    const honest = await takeApart(await archiveOf({ 'a.py': 'x' }));
    const deep = 'd/'.repeat(1000);
    const archive = await forge(honest, {
      manifest: (manifest) => {
        const folders = Array.from({ length: 3000 }, (_, index) => ({
          relativePath: `${deep}${String(index).padStart(5, '0')}`,
          isDirectory: true,
        }));
        manifest.files.push(...folders);
        return manifest;
      },
    });
    const started = performance.now();
    await expect(readBlbHead(byteSourceOf(archive, 'deep.blb'))).rejects.toMatchObject({
      exitCode: 13,
    });
    console.log(`3,000 paths of 2 kB: ${Math.round(performance.now() - started)} ms`);
    expect(performance.now() - started).toBeLessThan(TIME_MS_MAX);
  });
});
