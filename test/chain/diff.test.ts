import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyChanges, diffTrees } from '../../src/chain/diff.js';
import { comparePaths } from '../../src/core/device-path.js';
import type { Tree, TreeEntry } from '../../src/core/tree.js';
import { sha256 } from './history.js';

const file = (path: string, text: string, modifiedS: number | null = null): TreeEntry => ({
  kind: 'file',
  path,
  sizeBytes: text.length,
  modifiedS,
  sha256: sha256(text),
});
const folder = (path: string): TreeEntry => ({ kind: 'folder', path });
const failed = (path: string): TreeEntry => ({ kind: 'failed', path, code: 'EIO', message: 'bad' });
const marks = (before: Tree, after: Tree) =>
  diffTrees(before, after).map((change) => `${change.status} ${change.path}`);

describe('a diff of two trees', () => {
  it('tells added, removed, changed and kind-changed apart', () => {
    const before = [file('a', '1'), file('b', '1'), folder('c'), file('d', '1')];
    const after = [file('a', '2'), folder('b'), file('c', '1'), file('e', '1')];
    expect(marks(before, after)).toEqual(['changed a', 'kind b', 'kind c', 'removed d', 'added e']);
  });

  it('shows a rename as a removal and an addition', () => {
    expect(marks([file('a', '1')], [file('b', '1')])).toEqual(['removed a', 'added b']);
  });

  it('sees an emptied file and an empty folder', () => {
    expect(marks([file('a', '1')], [file('a', ''), folder('d')])).toEqual(['changed a', 'added d']);
  });

  it('does not count times, which are fiction on boards', () => {
    expect(marks([file('a', '1', 5)], [file('a', '1', 99)])).toEqual([]);
  });

  it('counts a file without a known hash as changed', () => {
    const unknown = { ...file('a', '1'), sha256: null } as TreeEntry;
    expect(marks([unknown], [unknown])).toEqual(['changed a']);
  });

  it('never calls deleted what could not be read, nor what lies below it', () => {
    const before = [folder('lib'), file('lib/a', '1'), file('lib/b/c', '1'), file('libx', '1')];
    expect(marks(before, [failed('lib')])).toEqual([
      'unknown lib',
      'unknown lib/a',
      'unknown lib/b/c',
      'removed libx',
    ]);
    expect(marks([failed('lib')], [folder('lib'), file('lib/a', '1')])).toEqual([
      'unknown lib',
      'unknown lib/a',
    ]);
  });

  it('knows nothing of a board whose root could not be listed', () => {
    expect(marks([folder('lib'), file('lib/a', '1')], [failed('')])).toEqual([
      'unknown ',
      'unknown lib',
      'unknown lib/a',
    ]);
  });

  it('orders by raw bytes', () => {
    expect(marks([], [file('\u{1f600}', '1'), file('\uffee', '1'), file('a', '1')])).toEqual([
      'added a',
      'added \uffee',
      'added \u{1f600}',
    ]);
  });

  const path = fc
    .array(fc.constantFrom('a', 'b', 'lib', 'ä', '\udc80'), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('/'));
  const entry = path.chain((at) =>
    fc.oneof(
      fc.constantFrom('', '1', '2').map((text) => file(at, text)),
      fc.constant(folder(at)),
      fc.constant(failed(at)),
    ),
  );
  const tree = fc
    .uniqueArray(entry, { selector: (each) => each.path, maxLength: 15 })
    .map((entries) => entries.sort((a, b) => comparePaths(a.path, b.path)) as Tree);

  it('applied to the first tree gives the second', () => {
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        expect(applyChanges(before, diffTrees(before, after))).toEqual(after);
      }),
    );
  });

  it('of a tree with itself is empty, failures aside', () => {
    fc.assert(
      fc.property(tree, (same) => {
        const known = same.filter((each) => each.kind !== 'failed');
        expect(diffTrees(known, known)).toEqual([]);
      }),
    );
  });
});
