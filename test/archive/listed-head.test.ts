import { describe, expect, it } from 'vitest';
import { readBlbHead } from '../../src/archive/blb-head.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { readListedHead } from '../../src/archive/listed-head.js';
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

  it('fails as the strict reader does, wherever the archive is cut', async () => {
    const bytes = await archiveOf(SMALL_CONTENT);
    for (let length = 0; length < bytes.length; length += 7) {
      const source = byteSourceOf(bytes.subarray(0, length), 'a.blb');
      const strict = await readBlbHead(source).catch((error: { code: string }) => error.code);
      await expect(readListedHead(source)).rejects.toMatchObject({ code: strict });
    }
  });
});
