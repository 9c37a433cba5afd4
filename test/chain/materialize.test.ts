import { describe, expect, it } from 'vitest';
import type { FileEntry } from '../../src/archive/manifest.js';
import type { KnownArchive } from '../../src/chain/archive.js';
import { treeOf } from '../../src/chain/archive.js';
import {
  contentKeyOf,
  filesOf,
  locateContent,
  omittableContent,
  requireContent,
} from '../../src/chain/materialize.js';
import { BelayError } from '../../src/core/errors.js';
import { History, sha256 } from './history.js';

const files = (record: Record<string, string>) => new Map(Object.entries(record));

/** A chain of increments, each with one more file. */
function longChain(length: number): { history: History; tip: KnownArchive } {
  const history = new History();
  const board = new Map([['f0', 'text 0']]);
  let tip = history.take('full', board);
  for (let at = 1; at < length; at += 1) {
    board.set(`f${at}`, `text ${at}`);
    tip = history.take('incremental', new Map(board), tip);
  }
  return { history, tip };
}

describe('where content is', () => {
  it('finds each file in the archive that holds it, and names the archives to verify', () => {
    const { history, tip } = longChain(4);
    const map = locateContent(tip, history.archives);
    expect([...map.sources].map(([path, { archive }]) => [path, archive])).toEqual(
      history.archives.map((archive, at) => [`f${at}`, archive]),
    );
    expect(map.archives).toEqual([tip, ...history.archives.slice(0, 3)]);
  });

  it('takes what supersedes the named archive, and then any archive of the board', () => {
    const { history, tip } = longChain(3);
    const { merged } = history.merge(history.archives[1]!);
    const root = history.archives[0]!;
    expect(locateContent(tip, [merged, tip]).sources.get('f0')?.archive).toBe(merged);
    const copy = history.take('full', files({ other: 'text 0', more: 'text 1' }));
    const map = locateContent(tip, [copy, tip]);
    expect(map.missing).toEqual([]);
    expect(map.sources.get('f0')?.entry.relativePath).toBe('other');
    expect(root.manifest.backupId).toBeDefined();
  });

  it('never reads from another board, from a damaged archive or from one that failed its check', () => {
    const { history, tip } = longChain(2);
    const [root] = history.archives as [KnownArchive];
    const missing = (others: readonly KnownArchive[], unfit = new Set<string>()) =>
      locateContent(tip, [...others, tip], { unfit }).missing.length;
    const device = { ...root.manifest.deviceInfo, uniqueId: 'ff' };
    expect(missing([{ ...root, manifest: { ...root.manifest, deviceInfo: device } }])).toBe(1);
    expect(missing([{ ...root, problem: new BelayError('archive/damaged', 'x') }])).toBe(1);
    expect(missing([root], new Set([root.path]))).toBe(1);
    expect(missing([root])).toBe(0);
  });

  it('is asked of the tip itself, of the archive named, of its stand-in, and only then of others', () => {
    const history = new History();
    const same = files({ 'a.py': 'content' });
    const stranger = history.take('full', same);
    const root = history.take('full', same);
    const tip = history.take('incremental', same, root);
    const sourceIn = (...archives: KnownArchive[]) =>
      locateContent(tip, archives).sources.get('a.py')?.archive;
    const { merged } = history.merge(root);
    expect(merged).toBe(root);
    const { backupId, stateHash, sequence } = root.manifest;
    const supersedes = [{ backupId, stateHash, sequence }];
    const standIn = history.take('full', same, null, { backupType: 'merged', supersedes });
    expect(sourceIn(stranger, standIn, root, tip)).toBe(root);
    expect(sourceIn(stranger, standIn, tip)).toBe(standIn);
    expect(sourceIn(stranger, tip)).toBe(stranger);
    const other = history.take('full', same);
    expect(sourceIn(stranger, other, tip)).toBe(stranger);
    expect(locateContent(other, [stranger]).sources.get('a.py')?.archive).toBe(other);
  });

  it('names the archives to verify by sequence, whatever the order of the files', () => {
    const history = new History();
    const full = history.take('full', files({ z: 'old' }));
    const one = history.take('incremental', files({ a: 'new', z: 'old' }), full);
    const tip = history.take('incremental', files({ a: 'new', z: 'old' }), one);
    expect(locateContent(tip, history.archives).archives).toEqual([tip, full, one]);
  });

  it('counts neither folders nor what could not be read among the files', () => {
    const history = new History();
    const board = new Map<string, string | null | { failed: true }>([
      ['lib', null],
      ['lib/a.py', 'x'],
      ['bad', { failed: true }],
    ]);
    const full = history.take('full', board);
    expect(filesOf(full.manifest).map((entry) => entry.relativePath)).toEqual(['lib/a.py']);
    expect([...locateContent(full, [full]).sources.keys()]).toEqual(['lib/a.py']);
  });

  it('that no archive holds is refused with the first file, the count of others, and whose it was', () => {
    const history = new History();
    const full = history.take('full', files({ a: '1', b: '2' }));
    const tip = history.take('incremental', files({ a: '1', b: '2', c: '3' }), full);
    const map = locateContent(tip, [tip]);
    expect(() => requireContent(tip, map)).toThrow(
      expect.objectContaining({
        message: `${tip.path}: no archive holds the content of a (and 1 more)`,
        hint: 'Put the missing archives back, or restore what is left with --keep-going.',
        details: {
          backupId: tip.manifest.backupId,
          paths: ['a', 'b'],
          dataIn: [full.manifest.backupId],
        },
      }),
    );
    expect(() => requireContent(tip, { ...map, missing: map.missing.slice(0, 1) })).toThrow(
      /content of a$/,
    );
    expect(() => requireContent(tip, locateContent(tip, history.archives))).not.toThrow();
  });

  it('D5 reads the tip of a chain of 1,000 from the archives of its files alone', () => {
    const history = new History();
    const board = new Map(Array.from({ length: 20 }, (_, at) => [`f${at}`, `first ${at}`]));
    let tip = history.take('full', board);
    for (let at = 1; at < 1000; at += 1) {
      board.set(`f${at % 20}`, `text ${at}`);
      tip = history.take('incremental', new Map(board), tip);
    }
    const map = locateContent(tip, history.archives);
    expect([map.sources.size, map.missing.length, map.archives.length]).toEqual([20, 0, 20]);
  });
});

describe('what an increment may leave out', () => {
  const content = (text: string) => ({ checksum: sha256(text), originalSize: text.length });

  it('is what the list of its direct parent has, by the archive that holds it', () => {
    const history = new History();
    const root = history.take('full', files({ a: 'old', b: 'kept' }));
    const child = history.take('incremental', files({ b: 'kept', c: 'new' }), root);
    const omit = omittableContent(child.manifest);
    expect(omit(content('kept'))).toBe(root.manifest.backupId);
    expect(omit(content('new'))).toBe(child.manifest.backupId);
    expect(omit(content('unknown'))).toBeNull();
  });

  it('is never content known only from older ancestors', () => {
    const history = new History();
    const root = history.take('full', files({ a: 'old' }));
    const child = history.take('incremental', files({ a: 'new' }), root);
    expect(omittableContent(child.manifest)(content('old'))).toBeNull();
    const back = history.take('incremental', files({ a: 'old' }), child);
    const [entry] = back.manifest.files as [FileEntry];
    expect([entry.dataIn, contentKeyOf(entry)]).toEqual([undefined, `${sha256('old')}:3`]);
  });

  it('leaves out nothing that could not be read', () => {
    const history = new History();
    const root = history.take('full', new Map([['a', { failed: true as const }]]));
    expect(omittableContent(root.manifest)(content(''))).toBeNull();
    expect(treeOf(root.manifest)).toEqual([
      { kind: 'failed', path: 'a', code: 'EIO', message: 'unreadable' },
    ]);
  });
});
