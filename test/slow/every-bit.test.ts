/** faults.md A2, A3, A4, A6: no bit of an archive is without meaning, and no prefix is an archive. */
import { describe, expect, it } from 'vitest';
import { readBlbHead, verifyBlb } from '../../src/archive/blb-reader.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { isBelayError } from '../../src/core/errors.js';
import { archiveOf, bytesOf, newFile, SMALL_CONTENT } from '../support/archive-making.js';

const signal = new AbortController().signal;

/** Some file has a member of its own, as large ones have. */
const OWN = bytesOf('belay '.repeat(300));
const archive = await archiveOf(
  SMALL_CONTENT,
  {},
  {
    compress: true,
    fill: async (writer) => {
      const file = writer.beginFile(newFile('own.txt', OWN));
      await file.write(OWN);
      await file.end(newFile('own.txt', OWN));
    },
  },
);

async function statusOf(bytes: Uint8Array, read: typeof verifyBlb): Promise<string> {
  try {
    await read(byteSourceOf(bytes, 'test.blb'), { signal });
    return 'accepted';
  } catch (error) {
    return isBelayError(error) ? `${error.exitCode} ${error.code}` : `crash: ${String(error)}`;
  }
}

function countOf(statuses: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe('an archive with an empty file, an empty folder, shared and own members, odd names', () => {
  it('is accepted as it is', async () => {
    expect(await statusOf(archive, verifyBlb)).toBe('accepted');
    const { manifest } = await readBlbHead(byteSourceOf(archive, 'test.blb'));
    expect(manifest.members).toHaveLength(3);
  });

  it('A4, A6: is refused with 13 after a flip of any single bit', {
    timeout: 240_000,
  }, async () => {
    const statuses: string[] = [];
    for (let bit = 0; bit < archive.length * 8; bit += 1) {
      const flipped = archive.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      statuses.push(await statusOf(flipped, verifyBlb));
    }
    const counts = countOf(statuses);
    console.log(`${archive.length} bytes, ${statuses.length} bit flips:`, counts);
    expect(statuses.filter((status) => !status.startsWith('13 '))).toEqual([]);
    expect(statuses.length).toBe(archive.length * 8);
  });

  it('A1, A2, A3: is refused with 13 at every shorter length, by a listing too', async () => {
    for (const read of [readBlbHead, verifyBlb]) {
      const statuses: string[] = [];
      for (let length = 0; length < archive.length; length += 1) {
        statuses.push(await statusOf(archive.slice(0, length), read));
      }
      console.log(`${statuses.length} truncations, ${read.name}:`, countOf(statuses));
      expect(statuses.filter((status) => !status.startsWith('13 '))).toEqual([]);
    }
  });
});
