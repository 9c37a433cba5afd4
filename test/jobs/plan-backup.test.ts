import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/archive/manifest.js';
import { stateHash, stateRecordsOf } from '../../src/archive/state-hash.js';
import { treeOf } from '../../src/chain/archive.js';
import type { Tree, TreeFile } from '../../src/core/tree.js';
import type { BoardMount } from '../../src/device/device-fs.js';
import {
  COPY_BYTES_MAX,
  countFiles,
  emptiedRoots,
  filterTree,
  isUnchanged,
  likelyTwins,
  planBackup,
  scopeRoots,
  trustTimes,
} from '../../src/jobs/plan-backup.js';
import { History, sha256 } from '../chain/history.js';
import { MemoryBoard } from '../support/memory-board.js';

/** A file as a listing with hashes shows it: content by its hash. */
const file = (path: string, text: string, changes: Partial<TreeFile> = {}): TreeFile => ({
  kind: 'file',
  path,
  sizeBytes: text.length,
  modifiedS: null,
  sha256: sha256(text),
  ...changes,
});
const folder = (path: string) => ({ kind: 'folder', path }) as const;
const failed = (path: string) =>
  ({ kind: 'failed', path, code: 'board/listing', message: 'EIO' }) as const;
const paths = (entries: readonly { path: string }[]) => entries.map((entry) => entry.path);

function backupOf(content: Record<string, string | null | { failed: true }>): Manifest {
  return new History().take('full', new Map(Object.entries(content))).manifest;
}

describe('the plan of a backup', () => {
  it('reads every file of a first one, each content once, in the order of the tree', () => {
    const tree = [folder('lib'), file('a', 'same'), failed('b'), file('lib/c', 'other')];
    const twins = [file('x', 'same'), file('y', 'same')];
    const plan = planBackup([...tree, ...twins], null);
    expect(plan.folders).toEqual(['lib']);
    expect(plan.failures).toEqual([failed('b')]);
    expect(paths(plan.reads)).toEqual(['a', 'lib/c']);
    expect(plan.copies).toEqual(new Map([['a', twins]]));
    expect([plan.references, plan.bytesToRead]).toEqual([[], 9]);
  });

  it('leaves out what the list of the base has, wherever it lay, and names who holds it', () => {
    const base = backupOf({ 'old name': 'kept', gone: 'gone' });
    const kept = file('new name', 'kept', { modifiedS: 7 });
    const plan = planBackup([kept, file('z', 'new')], base);
    expect(plan.references).toEqual([
      {
        meta: {
          path: 'new name',
          sizeBytes: 4,
          modifiedS: 7,
          sha256: kept.sha256,
          checkedBy: 'sha256',
        },
        dataIn: base.backupId,
      },
    ]);
    expect([paths(plan.reads), plan.bytesToRead]).toEqual([['z'], 3]);
  });

  it('reads what has no known hash, and takes a hash for another content where sizes differ', () => {
    const unknown = [file('a', 'x', { sha256: null }), file('b', 'x', { sha256: null })];
    expect(paths(planBackup(unknown, backupOf({ a: 'x' })).reads)).toEqual(['a', 'b']);
    const liars = [file('a', 'x'), file('b', 'x', { sizeBytes: 2 })];
    expect(paths(planBackup(liars, null).reads)).toEqual(['a', 'b']);
  });

  it('reads large twins one by one: no copy of them is kept in memory', () => {
    const twins = (sizeBytes: number) => ['a', 'b'].map((path) => file(path, 'x', { sizeBytes }));
    expect(paths(planBackup(twins(COPY_BYTES_MAX), null).reads)).toEqual(['a']);
    expect(paths(planBackup(twins(COPY_BYTES_MAX + 1), null).reads)).toEqual(['a', 'b']);
  });

  it('takes every file exactly once, as a reading, a copy or a reference', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const text = fc.constantFrom('', '1', '2', '3');
    const content = fc.dictionary(name, text, { noNullPrototype: true });
    fc.assert(
      fc.property(content, content, fc.boolean(), (before, after, isFull) => {
        const tree = Object.entries(after).map(([path, value]) => file(path, value));
        const plan = planBackup(tree, isFull ? null : backupOf(before));
        const copies = [...plan.copies.values()].flat();
        const taken = [
          ...paths(plan.reads),
          ...paths(copies),
          ...plan.references.map(({ meta }) => meta.path),
        ];
        expect(taken.sort()).toEqual(paths(tree).sort());
        expect(new Set(plan.reads.map((each) => each.sha256)).size).toBe(plan.reads.length);
      }),
    );
  });
});

describe('--quick', () => {
  const base = (): Manifest => {
    const manifest = backupOf({ a: 'text', b: 'text' });
    const files = manifest.files.map((entry) => ({ ...entry, lastModified: 9 }));
    return { ...manifest, files } as Manifest;
  };
  const listed = (path: string, changes: Partial<TreeFile> = {}) =>
    file(path, 'text', { sha256: null, modifiedS: 9, ...changes });

  it('trusts size and time together, and says so in the archive', () => {
    const manifest = base();
    const tree = trustTimes([folder('lib'), listed('a')], manifest);
    expect(tree).toEqual([folder('lib'), file('a', 'text', { modifiedS: 9 })]);
    expect(planBackup(tree, manifest).references).toMatchObject([
      { meta: { path: 'a', checkedBy: 'size-time' }, dataIn: manifest.backupId },
    ]);
  });

  it('looks into every file whose size, time or name is another', () => {
    const tree = [
      listed('a', { sizeBytes: 5 }),
      listed('b', { modifiedS: 10 }),
      listed('b', { modifiedS: null }),
      listed('c'),
    ];
    expect(trustTimes(tree, base())).toEqual(tree);
    const timeless = backupOf({ a: 'text' });
    expect(trustTimes([listed('a', { modifiedS: null })], timeless)).toMatchObject([
      { sha256: null },
    ]);
  });

  it('never puts an old hash in the place of one that the board gave', () => {
    const hashed = listed('a', { sha256: sha256('now!') });
    expect(trustTimes([hashed], base())).toEqual([hashed]);
  });
});

describe('what is looked at', () => {
  it('is what the patterns ask for, with the folders that lead there', () => {
    const tree = [folder('lib'), file('lib/a.py', 'a'), file('lib/b.txt', 'b'), folder('other')];
    const patterns = { include: ['*.py'], exclude: [] };
    expect(paths(filterTree(tree, patterns))).toEqual(['lib', 'lib/a.py']);
    expect(paths(filterTree(tree, { include: [], exclude: ['lib'] }))).toEqual(['other']);
  });

  it('is worth a hash where a file of some size has the size of another', () => {
    const unhashed = (path: string, sizeBytes: number) =>
      file(path, '', { sizeBytes, sha256: null });
    const tree: Tree = [
      folder('lib'),
      unhashed('a', 4096),
      unhashed('b', 5000),
      unhashed('c', 4096),
      unhashed('small 1', 4095),
      unhashed('small 2', 4095),
      unhashed('big 1', COPY_BYTES_MAX),
      unhashed('big 2', COPY_BYTES_MAX),
      unhashed('huge 1', COPY_BYTES_MAX + 1),
      unhashed('huge 2', COPY_BYTES_MAX + 1),
      file('known', '', { sizeBytes: 5000 }),
    ];
    expect(likelyTwins(tree)).toEqual(['a', 'c', 'big 1', 'big 2']);
  });

  const mounts = (...names: string[]): BoardMount[] =>
    names.map((path) => ({
      path,
      skipped: path !== '' && path !== 'flash',
      readOnly: false,
      totalBytes: null,
      freeBytes: null,
      blockBytes: null,
    }));
  const rootsOf = (path: string, asked: string[], ...names: string[]) =>
    scopeRoots(new MemoryBoard({}, { info: { mounts: mounts(...names) } }).info, path, asked);

  it('is the mounts that a board has by itself and those asked for, sorted', () => {
    expect(rootsOf('', [], '', 'sd')).toEqual(['']);
    expect(rootsOf('', ['sd'], 'sd', '')).toEqual(['', 'sd']);
    expect(rootsOf('', [], 'sd', 'flash')).toEqual(['flash']);
    expect(rootsOf('', [])).toEqual(['']);
  });

  it('is with a path the mount that it lies on and those below it', () => {
    expect(rootsOf('lib', [], '', 'sd')).toEqual(['']);
    expect(rootsOf('sd/photos', ['sd'], '', 'sd')).toEqual(['sd']);
    expect(rootsOf('sd', ['sd', 'sd/deep', 'usb'], '', 'sd', 'sd/deep', 'usb')).toEqual([
      'sd',
      'sd/deep',
    ]);
    expect(rootsOf('sdx', ['sd'], '', 'sd')).toEqual(['']);
  });
});

describe('a board on which nothing has changed', () => {
  const content = { a: '1', lib: null, 'lib/b': '2' };

  it('has the state of the last backup', () => {
    const reference = backupOf(content);
    const tree = treeOf(reference);
    expect(isUnchanged(tree, reference)).toBe(true);
    expect(isUnchanged(tree.slice(1), reference)).toBe(false);
    expect(isUnchanged([...tree, folder('new')], reference)).toBe(false);
    const [first, ...rest] = tree as [TreeFile, ...Tree];
    expect(isUnchanged([{ ...first, modifiedS: 5 }, ...rest], reference)).toBe(true);
    expect(isUnchanged([{ ...first, sha256: null }, ...rest], reference)).toBe(false);
  });

  it('is none where anything could not be read, then or now', () => {
    const reference = backupOf({ ...content, z: { failed: true } });
    const tree = treeOf(reference);
    expect(stateHash(stateRecordsOf(tree))).toBe(reference.stateHash);
    expect(isUnchanged(tree, reference)).toBe(false);
    expect(isUnchanged([...treeOf(backupOf(content)), failed('z')], backupOf(content))).toBe(false);
  });
});

describe('the counts of a backup', () => {
  it('are all new without a base', () => {
    const tree = [file('a', '1'), folder('b'), failed('c')];
    expect(countFiles(tree, null)).toEqual({
      filesNew: 1,
      filesChanged: 0,
      filesUnchanged: 0,
      filesDeleted: 0,
    });
  });

  it('tell new, changed, unchanged and deleted files apart', () => {
    const base = backupOf({ same: '1', edited: '1', gone: '1', lib: null, kind: '1', dir: null });
    const tree = [file('same', '1'), file('edited', '2'), file('new', '3')];
    expect(countFiles([...tree, folder('kind'), file('dir', '4')], base)).toEqual({
      filesNew: 2,
      filesChanged: 1,
      filesUnchanged: 1,
      filesDeleted: 2,
    });
  });

  it('call nothing deleted that could not be read, and new what could not be read before', () => {
    const base = backupOf({ 'lib/a': '1', 'lib/b': '2', x: { failed: true }, y: { failed: true } });
    expect(countFiles([failed('lib'), file('x', '1'), failed('y')], base)).toEqual({
      filesNew: 1,
      filesChanged: 0,
      filesUnchanged: 0,
      filesDeleted: 0,
    });
    const hidden = backupOf({ lib: { failed: true } });
    expect(countFiles([folder('lib'), file('lib/a', '1')], hidden).filesNew).toBe(1);
  });
});

describe('a root that held files and holds none', () => {
  const last = (roots: string[], content: Record<string, string | null>): Manifest => {
    const manifest = backupOf(content);
    return { ...manifest, scope: { ...manifest.scope, roots } };
  };

  it('is named, gone or emptied', () => {
    const manifest = last(['', 'sd'], { 'main.py': 'm', 'sd/photo': 'p' });
    expect(emptiedRoots([file('main.py', 'm')], [''], manifest)).toEqual(['sd']);
    expect(emptiedRoots([file('main.py', 'm'), folder('sd')], ['', 'sd'], manifest)).toEqual([
      'sd',
    ]);
    const both = [file('main.py', 'm'), file('sd/other', 'o')];
    expect(emptiedRoots(both, ['', 'sd'], manifest)).toEqual([]);
    expect(emptiedRoots(both, [''], manifest)).toEqual(['sd']);
  });

  it('is not saved by what lies on a card inside of it', () => {
    const manifest = last(['', 'sd'], { 'main.py': 'm', 'sd/photo': 'p' });
    expect(emptiedRoots([file('sd/photo', 'p')], ['', 'sd'], manifest)).toEqual(['']);
  });

  it('is none that held no files before', () => {
    expect(emptiedRoots([], [''], last([''], { lib: null }))).toEqual([]);
    const card = last(['', 'sd'], { 'sd/photo': 'p' });
    expect(emptiedRoots([file('sd/photo', 'p')], ['', 'sd'], card)).toEqual([]);
  });
});
