import { describe, expect, it } from 'vitest';
import { readBlbHead } from '../../src/archive/blb-head.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import type { EndRecord } from '../../src/archive/end-member.js';
import { END_MEMBER_BYTES, endMember, parseEndMember } from '../../src/archive/end-member.js';
import { joinBytes } from '../../src/archive/gzip-member.js';
import { readListedHead } from '../../src/archive/listed-head.js';
import { damagedArchives } from '../support/archive-fixtures.js';
import type { Bent } from '../support/archive-forging.js';
import { forge, takeApart } from '../support/archive-forging.js';
import { archiveOf, SMALL_CONTENT } from '../support/archive-making.js';

const tricky = { ...SMALL_CONTENT, 'a"error":{': 'x', ',"files":[': 'y' };

describe('the head of a listing', () => {
  it('is the head that the strict reader gives, list of files included', async () => {
    for (const content of [SMALL_CONTENT, tricky, {}]) {
      const source = byteSourceOf(await archiveOf(content), 'a.blb');
      const { head, partial } = await readListedHead(source);
      expect(partial).toBe(false);
      expect({ ...head, manifest: { ...head.manifest } }).toEqual(await readBlbHead(source));
      expect(JSON.stringify(head.manifest)).toBe(
        JSON.stringify((await readBlbHead(source)).manifest),
      );
    }
  });

  it('knows a partial archive without its list', async () => {
    const fill = async (writer: { addFailure(...args: [string, boolean, string, string]): void }) =>
      writer.addFailure('bad', false, 'board/file', 'EIO');
    const bytes = await archiveOf({ a: 'x' }, {}, { compress: true, fill });
    expect((await readListedHead(byteSourceOf(bytes, 'a.blb'))).partial).toBe(true);
  });

  it('is not led astray by a field of another object that is called files', async () => {
    const bytes = await archiveOf({ a: 'x' }, { options: { inner: { x: 1, files: [1] } } });
    const { head } = await readListedHead(byteSourceOf(bytes, 'a.blb'));
    expect(head.manifest.files).toHaveLength(1);
    expect(head.manifest.options).toEqual({ inner: { x: 1, files: [1] } });
  });

  it('fails as the strict reader does for every kind of damage that a head can show', async () => {
    const onlyInData = ['flip-in-data', 'checksums', 'link', 'bomb'];
    const onlyInList = ['size-lie', 'twice-listed', 'dot-dot', 'not-json'];
    for (const [name, { bytes, code }] of await damagedArchives()) {
      const source = byteSourceOf(bytes, 'a.blb');
      if (onlyInData.includes(name)) await readListedHead(source);
      else if (onlyInList.includes(name)) {
        const { head } = await readListedHead(source);
        const reading = () => head.manifest.files;
        expect(reading).toThrow(expect.objectContaining({ code }));
        expect(reading).toThrow(/^a\.blb: manifest\.json: /);
      } else {
        const found = await readListedHead(source).catch((error: { code: string }) => error.code);
        expect([name, found]).toEqual([name, code]);
      }
    }
  });

  it('fails as the strict reader does for manifests that are not as specified', async () => {
    const honest = await takeApart(await archiveOf(SMALL_CONTENT));
    const lies: Readonly<Record<string, (manifest: Bent) => unknown>> = {
      'no list': ({ files, ...rest }) => new TextEncoder().encode(JSON.stringify(rest)),
      'a number that is written otherwise': (manifest) => {
        const text = JSON.stringify(manifest).replace('"sequence":1', '"sequence":1.0');
        return new TextEncoder().encode(text);
      },
      'deeper than any stack': () =>
        new TextEncoder().encode(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)},"files":[]}`),
      'no JSON before the list': () => new TextEncoder().encode('{,"files":[]}'),
      'a field of another kind': (manifest) => ({ ...manifest, sequence: 'one' }),
      'a feature of the future': (manifest) => ({
        ...manifest,
        requiredFeatures: { read: ['x'], extend: [], merge: [] },
      }),
      'members longer than the file': (manifest) => {
        manifest.statistics.totalCompressedSize += 100_000;
        return { ...manifest };
      },
    };
    for (const [name, manifest] of Object.entries(lies)) {
      const source = byteSourceOf(await forge(honest, { manifest }), 'a.blb');
      const strict = await readBlbHead(source).catch(({ code }: { code: string }) => code);
      expect([name, strict]).toEqual([name, expect.stringMatching(/^archive\//)]);
      await expect(readListedHead(source)).rejects.toMatchObject({ code: strict });
    }
  });

  it('fails where the end names another manifest, or another length of it', async () => {
    const bytes = await archiveOf(SMALL_CONTENT);
    const { restSha256, ...record } = parseEndMember(bytes.slice(-END_MEMBER_BYTES)) as EndRecord;
    const others = [
      { ...record, manifestSha256: '0'.repeat(64) },
      { ...record, headBytes: record.headBytes + 1 },
    ];
    for (const other of others) {
      const end = endMember({ ...other, restSha256 });
      const bent = byteSourceOf(joinBytes([bytes.slice(0, -END_MEMBER_BYTES), end]), 'a.blb');
      await expect(readListedHead(bent)).rejects.toMatchObject({ code: 'archive/damaged' });
    }
  });

  it('fails as the strict reader does, wherever the archive is cut', async () => {
    const bytes = await archiveOf(SMALL_CONTENT);
    for (let length = 0; length < bytes.length; length += 7) {
      const source = byteSourceOf(bytes.subarray(0, length), 'a.blb');
      const strict = await readBlbHead(source).catch((error: { code: string }) => error.code);
      await expect(readListedHead(source)).rejects.toMatchObject({ code: strict });
    }
  });
});
