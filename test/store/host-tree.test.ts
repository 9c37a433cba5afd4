import { createHash, randomBytes } from 'node:crypto';
import {
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isBelayError } from '../../src/core/errors.js';
import { scanHostTree } from '../../src/store/host-import.js';
import type { ExtractEntry, ExtractOptions } from '../../src/store/host-tree.js';
import { extractTree } from '../../src/store/host-tree.js';

let root: string;
let target: string;
let victim: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'belay-extract-'));
  target = join(root, 'target');
  victim = join(root, 'victim');
  await mkdir(target);
  await writeFile(victim, 'untouched');
});
afterEach(async () => {
  expect(await readFile(victim, 'utf8')).toBe('untouched');
  const names = await readdir(root, { recursive: true });
  expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  await rm(root, { recursive: true });
});

const options: ExtractOptions = {
  overwrite: 'if-changed',
  names: 'encode',
  pid: process.pid,
  randomHex: (bytes) => randomBytes(bytes).toString('hex'),
  signal: new AbortController().signal,
};

function file(path: string, text: string, content?: () => AsyncIterable<Uint8Array>): ExtractEntry {
  const bytes = new TextEncoder().encode(text);
  return {
    kind: 'file',
    path,
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    modifiedS: 1_700_000_000,
    content:
      content ??
      async function* () {
        yield bytes.subarray(0, 1);
        yield bytes.subarray(1);
      },
  };
}
const folder = (path: string): ExtractEntry => ({ kind: 'folder', path });
const extract = (entries: ExtractEntry[], overrides: Partial<ExtractOptions> = {}) =>
  extractTree(target, entries, { ...options, ...overrides });
const codes = (result: Awaited<ReturnType<typeof extract>>) =>
  result.refused.map((each) => [each.path, each.error.code]);

describe('extracting to a computer', () => {
  it('writes files, folders and times', async () => {
    const result = await extract([
      folder('empty'),
      file('lib/deep/a.py', 'a'),
      file('main.py', ''),
    ]);
    expect(result.written).toEqual(['empty', 'lib/deep/a.py', 'main.py']);
    expect(await readFile(join(target, 'lib/deep/a.py'), 'utf8')).toBe('a');
    expect((await lstat(join(target, 'main.py'))).mtimeMs).toBe(1_700_000_000_000);
    expect((await lstat(join(target, 'empty'))).isDirectory()).toBe(true);
  });

  it('skips what is there already, and obeys always and never', async () => {
    await extract([file('a', '1'), file('b', '1')]);
    await writeFile(join(target, 'b'), 'changed');
    expect(await extract([file('a', '1'), file('b', '1')])).toMatchObject({
      written: ['b'],
      skipped: ['a'],
    });
    await writeFile(join(target, 'b'), 'changed');
    expect(await extract([file('b', '1')], { overwrite: 'never' })).toMatchObject({
      skipped: ['b'],
    });
    expect(await readFile(join(target, 'b'), 'utf8')).toBe('changed');
    expect(await extract([file('a', '1')], { overwrite: 'always' })).toMatchObject({
      written: ['a'],
    });
  });

  it('leaves no folder where there is no room for what shall go into it', async () => {
    const huge = { ...file('huge.bin', 'x'), sizeBytes: Number.MAX_SAFE_INTEGER };
    const nowhere = join(root, 'new', 'folder');
    await expect(extractTree(nowhere, [huge], options)).rejects.toMatchObject({
      code: 'store/full',
    });
    expect((await readdir(root)).sort()).toEqual(['target', 'victim']);
  });

  it('C1 refuses paths that lead out, and goes on with the rest', async () => {
    const result = await extract([
      file('../victim', 'x'),
      file('a/../../victim', 'x'),
      file('ok', '1'),
    ]);
    expect(codes(result)).toEqual([
      ['../victim', 'store/unsafe-path'],
      ['a/../../victim', 'store/unsafe-path'],
    ]);
    expect(result.written).toEqual(['ok']);
    expect(result.refused[0]?.error.exitCode).toBe(3);
  });

  it('C8 never goes through a symbolic link where a folder should be', async () => {
    const outside = join(root, 'outside');
    await mkdir(outside);
    await symlink(outside, join(target, 'lib'));
    await symlink(root, join(target, 'up'));
    const result = await extract([
      file('lib/a', 'x'),
      file('up/victim', 'x'),
      folder('up/made'),
      file('ok', '1'),
    ]);
    expect(codes(result).map(([path]) => path)).toEqual(['lib/a', 'up/made', 'up/victim']);
    expect(codes(result).every(([, code]) => code === 'store/unsafe-path')).toBe(true);
    expect(await readdir(outside)).toEqual([]);
  });

  it('C9 stays in the folder that it opened when a symbolic link is put in its place', async () => {
    const outside = join(root, 'outside');
    await mkdir(outside);
    const entry = file('lib/a', 'xy', async function* () {
      await rename(join(target, 'lib'), join(root, 'moved'));
      await symlink(outside, join(target, 'lib'));
      yield new TextEncoder().encode('xy');
    });
    await extract([entry]);
    expect(await readdir(outside)).toEqual([]);
    expect(await readFile(join(root, 'moved/a'), 'utf8')).toBe('xy');
  });

  it('C8 replaces a symbolic link in place of a file, and leaves what it points to', async () => {
    await symlink(victim, join(target, 'main.py'));
    expect((await extract([file('main.py', 'untouched')])).written).toEqual(['main.py']);
    expect((await lstat(join(target, 'main.py'))).isSymbolicLink()).toBe(false);
  });

  it('C10 replaces a hard link instead of writing through it', async () => {
    await link(victim, join(target, 'main.py'));
    await extract([file('main.py', 'new')]);
    expect(await readFile(join(target, 'main.py'), 'utf8')).toBe('new');
    await link(victim, join(target, 'same.py'));
    await extract([file('same.py', 'untouched')]);
    expect((await lstat(victim)).nlink).toBe(1);
  });

  it('refuses a file where a folder is, and a folder where a file is', async () => {
    await mkdir(join(target, 'a'));
    await writeFile(join(target, 'b'), 'file');
    expect(
      codes(await extract([file('a', 'x'), file('b/c', 'x'), folder('b')])).map(([path]) => path),
    ).toEqual(['a', 'b', 'b/c']);
    expect(await readFile(join(target, 'b'), 'utf8')).toBe('file');
  });

  it('C13 C15 writes names that are unsafe here visibly encoded, or refuses them', async () => {
    const result = await extract([file('b\udcff', 'x'), file('c\nd', 'y')]);
    expect(result.encoded).toEqual(
      [
        { path: 'c\nd', hostPath: 'c%0Ad' },
        { path: 'b\udcff', hostPath: 'b%FF' },
      ].sort((a, b) => (a.hostPath < b.hostPath ? -1 : 1)),
    );
    expect((await readdir(target)).sort()).toEqual(['b%FF', 'c%0Ad']);
    const refused = await extract([file('e\nf', 'x'), file('ok', 'x')], {
      names: 'refuse',
    });
    expect(codes(refused)).toEqual([['e\nf', 'store/unsafe-path']]);
    expect(refused.written).toEqual(['ok']);
  });

  it('C14 refuses names that are too long for this computer', async () => {
    expect(codes(await extract([file('\n'.repeat(90), 'x')]))).toHaveLength(1);
  });

  it('leaves no half file where the content fails or is another', async () => {
    const failing = file('a', 'xy', async function* () {
      yield new Uint8Array(1);
      throw new Error('wire');
    });
    await expect(extract([failing])).rejects.toSatisfy(
      (error) => isBelayError(error) || error instanceof Error,
    );
    const lying = file('a', 'xy', async function* () {
      yield new TextEncoder().encode('zz');
    });
    await expect(extract([lying])).rejects.toMatchObject({
      code: 'archive/damaged',
    });
    expect(await readdir(target)).toEqual([]);
  });

  it('stops when it is cancelled', async () => {
    const signal = AbortSignal.abort();
    await expect(extract([file('a', 'x')], { signal })).rejects.toMatchObject({
      code: 'job/cancelled',
    });
  });

  it('H3 says which folder cannot be written', async () => {
    if (process.platform !== 'linux')
      return console.log('only Linux has a folder that root cannot write');
    await expect(extractTree('/sys/belay', [file('a', 'x')], options)).rejects.toMatchObject({
      message: expect.stringContaining('/sys/belay'),
    });
  });
});

describe('importing a folder', () => {
  const scan = (path: string, decodeNames = true) =>
    scanHostTree(path, { signal: options.signal, decodeNames });

  it('gives back what was extracted, names of raw bytes included', async () => {
    const entries = [
      folder('empty'),
      file('lib/a', '1'),
      file('b\udcff', '2'),
      file('c\nd', '3'),
      file('%41', '4'),
    ];
    await extract(entries);
    const { tree, read } = await scan(target);
    expect(tree.map((entry) => [entry.kind, entry.path])).toEqual([
      ['file', '%41'],
      ['file', 'b\udcff'],
      ['file', 'c\nd'],
      ['folder', 'empty'],
      ['folder', 'lib'],
      ['file', 'lib/a'],
    ]);
    for (const entry of entries) {
      if (entry.kind !== 'file') continue;
      expect(tree.find((each) => each.path === entry.path)).toMatchObject({
        sha256: entry.sha256,
      });
      const chunks: Uint8Array[] = [];
      for await (const chunk of read(entry.path)) chunks.push(chunk);
      expect(Buffer.concat(chunks).length).toBe(entry.sizeBytes);
    }
  });

  it('keeps raw names of this computer as bytes', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${target}/`), Buffer.from([0x61, 0xff])]), 'x');
    expect((await scan(target)).tree[0]?.path).toBe('a\udcff');
  });

  it('names symbolic links and leaves them out', async () => {
    await symlink(victim, join(target, 'link'));
    await symlink(root, join(target, 'loop'));
    await writeFile(join(target, 'a'), '1');
    const { tree, skipped } = await scan(target);
    expect(tree.map((entry) => entry.path)).toEqual(['a']);
    expect(skipped.map((each) => each.path).sort()).toEqual(['link', 'loop']);
  });

  it('leaves out what is not wanted, and does not enter such folders', async () => {
    await mkdir(join(target, '.git'));
    await writeFile(join(target, '.git/x'), '1');
    await writeFile(join(target, 'a'), '1');
    const isWanted = (path: string) => path !== '.git';
    const { tree } = await scanHostTree(target, {
      signal: options.signal,
      decodeNames: true,
      isWanted,
    });
    expect(tree.map((entry) => entry.path)).toEqual(['a']);
  });

  it('notices a file that changes between scan and read', async () => {
    await writeFile(join(target, 'a'), '1');
    const { read } = await scan(target);
    await writeFile(join(target, 'a'), '2');
    await expect(async () => {
      for await (const _ of read('a')) {
        // Read to the end.
      }
    }).rejects.toMatchObject({ code: 'store/io', retryable: true });
  });

  it('says that a folder is not there', async () => {
    await expect(scan(join(root, 'nothing'))).rejects.toMatchObject({
      code: 'store/not-found',
    });
  });
});
