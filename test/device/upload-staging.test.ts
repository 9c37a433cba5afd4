import { describe, expect, it } from 'vitest';
import type { BoardOperation } from '../../src/device/device-fs.js';
import { isTemporary, stagingOf } from '../../src/device/upload-staging.js';
import type { ConnectedBoard } from '../support/connected-board.js';
import { apply, bytesOf, noise, put, withBoard } from '../support/uploading.js';

const folder = (path: string): BoardOperation => ({ kind: 'make-folder', path });
const signal = () => new AbortController().signal;
const leftovers = async (board: ConnectedBoard) =>
  [...(await board.virtual.dump()).keys()].filter((path) => path.includes('.blb~'));

const project = [
  folder('lib'),
  folder('lib/net'),
  put('lib/a.py', bytesOf('a')),
  put('lib/net/b.py', noise(3_000, 1)),
  put('main.py', bytesOf('main')),
];

describe('a new folder', () => {
  it('is built under one temporary name, everything in it under its own', () => {
    const { places, brought } = stagingOf(project, true);
    expect([...places.values()]).toEqual([
      '.blb~0',
      '.blb~0/net',
      '.blb~0/a.py',
      '.blb~0/net/b.py',
      '.blb~1',
    ]);
    expect([...brought]).toEqual([[project[0], project.slice(1, 4)]]);
  });

  it('gets its name when all in it is written and checked, and before what the board starts', async () => {
    await withBoard({}, async (board) => {
      const seen = await apply(board, project);
      expect(seen.filter((each) => each.startsWith('done'))).toEqual([
        'done lib',
        'done lib/net',
        'done lib/a.py',
        'done lib/net/b.py',
        'done main.py',
      ]);
      expect(seen.lastIndexOf('staged main.py')).toBeLessThan(seen.indexOf('done lib'));
      const dump = await board.virtual.dump();
      expect([...dump.keys()]).toEqual(['lib', 'lib/a.py', 'lib/net', 'lib/net/b.py', 'main.py']);
      expect(Buffer.from(dump.get('lib/net/b.py') as Uint8Array)).toEqual(
        Buffer.from(noise(3_000, 1)),
      );
    });
  });

  it('is not there at all when a file of it fails, and the file is called by its final name', async () => {
    await withBoard({}, async (board) => {
      const wrong = put('lib/net/c.py', bytesOf('bad'), bytesOf('good'));
      expect((await apply(board, [...project, wrong])).at(-1)).toBe('failed lib/net/c.py');
      expect([...(await board.virtual.dump()).keys()]).toEqual([]);
    });
    await withBoard({ flashBytes: 96 * 1024 }, async (board) => {
      const large = put('lib/net/large', noise(120_000, 2));
      expect((await apply(board, [...project, large])).at(-1)).toBe('failed lib/net/large');
      expect([...(await board.virtual.dump()).keys()]).toEqual([]);
    });
  });

  it('comes without the file that failed where the rest is wanted', async () => {
    await withBoard({}, async (board) => {
      const wrong = put('lib/net/c.py', bytesOf('bad'), bytesOf('good'));
      const seen = await apply(board, [...project, wrong], { keepGoing: true });
      expect(seen).toContain('failed lib/net/c.py');
      expect(seen).not.toContain('done lib/net/c.py');
      expect([...(await board.virtual.dump()).keys()]).toEqual([
        'lib',
        'lib/a.py',
        'lib/net',
        'lib/net/b.py',
        'main.py',
      ]);
    });
  });

  it('that cannot take its name takes nothing with it, and all of it is named', async () => {
    await withBoard({ files: { lib: 'a file' } }, async (board) => {
      const seen = await apply(board, project, { keepGoing: true });
      expect(seen.filter((each) => each.startsWith('failed'))).toEqual([
        'failed lib',
        'failed lib/net',
        'failed lib/a.py',
        'failed lib/net/b.py',
      ]);
      const dump = await board.virtual.dump();
      expect([...dump.keys()]).toEqual(['lib', 'main.py']);
      expect(Buffer.from(dump.get('lib') as Uint8Array).toString()).toBe('a file');
    });
  });

  it('is made where it belongs when space allows only one file at a time', async () => {
    await withBoard({}, async (board) => {
      const seen = await apply(board, project, { strategy: 'one-by-one' });
      expect(seen.filter((each) => each.startsWith('done'))).toHaveLength(5);
      expect(await leftovers(board)).toEqual([]);
    });
  });
});

describe('what a run that died has left', () => {
  const old = {
    'main.py': 'main',
    '.blb~0': null,
    '.blb~0/lib': null,
    '.blb~0/lib/x.py': 'half',
    ...Object.fromEntries(
      Array.from({ length: 45 }, (_, index) => [`data/.blb~12/file${index}`, 'half']),
    ),
    'data/.blb~3': 'half',
    '.blb~notes': "the user's",
    'data/.blb~5.txt': "the user's",
  };
  const whole = ['.blb~notes', 'data', 'data/.blb~5.txt', 'main.py'];

  it.each([
    ['a whole listing', undefined],
    ['a listing of what differs', [{ kind: 'folder', path: 'data' } as const]],
  ])('is in no listing and is swept, folders with all in them, by %s', async (_, known) => {
    await withBoard({ files: old }, async (board) => {
      const { fs } = board.connection;
      const { tree } = await fs.scan({
        roots: [''],
        mounts: [],
        hashes: 'content',
        ...(known === undefined ? {} : { known }),
        signal: signal(),
      });
      expect(tree.map((entry) => entry.path)).toEqual(whole);
      expect(await fs.sweep(signal())).toBe(3);
      expect([...(await board.virtual.dump()).keys()]).toEqual(whole);
      expect(await fs.sweep(signal())).toBe(0);
    });
  });

  it('of a restore that was cut off is a temporary name, never half a folder', async () => {
    await withBoard({ bytesPerSecond: 115_200 }, async (board) => {
      board.virtual.setFaults({
        scripted: [{ direction: 'toBoard', at: 6_000, kind: 'disconnect' }],
      });
      const files = [0, 1, 2, 3].map((n) => put(`lib/${n}.bin`, noise(3_000, n)));
      await expect(apply(board, [folder('lib'), ...files])).rejects.toMatchObject({
        code: 'port/lost',
      });
      const names = [...(await board.virtual.dump()).keys()];
      expect(names.length).toBeGreaterThan(0);
      expect(names.filter((path) => !isTemporary(path))).toEqual([]);
    });
  });
});
