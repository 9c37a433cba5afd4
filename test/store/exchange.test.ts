import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tarHeader } from '../../src/archive/tar-header.js';
import type { ExchangeOptions } from '../../src/store/exchange-output.js';
import type { HostTree } from '../../src/store/host-import.js';
import type { ExtractEntry } from '../../src/store/host-tree.js';
import { readTarTree, writeTarTree } from '../../src/store/tar-tree.js';
import { readZipTree, writeZipTree } from '../../src/store/zip-tree.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'belay-exchange-'));
});
afterEach(() => rm(root, { recursive: true }));

const signal = new AbortController().signal;
const options: ExchangeOptions = {
  pid: process.pid,
  randomHex: (bytes) => randomBytes(bytes).toString('hex'),
  signal,
};
const reading = { signal, decodeNames: true };

function file(path: string, content: string | Uint8Array): ExtractEntry {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return {
    kind: 'file',
    path,
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    modifiedS: 1_700_000_000,
    content: async function* () {
      for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
    },
  };
}

const sample: ExtractEntry[] = [
  { kind: 'folder', path: 'empty' },
  file('boot.py', ''),
  file('data/größe.txt', 'fünf\n'),
  file(`lib/${'long-'.repeat(40)}.py`, 'x = 1\n'),
  file('main.py', randomBytes(200_001)),
  file('odd\udcff\n.bin', 'raw'),
];

async function contentOf(tree: HostTree, path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of tree.read(path)) hash.update(bytes);
  return hash.digest('hex');
}

const formats = {
  tar: {
    write: (path: string, entries: ExtractEntry[]) =>
      writeTarTree(path, entries, { ...options, gzip: false }),
    read: (path: string) => readTarTree(path, { ...reading, gzip: false }),
  },
  tgz: {
    write: (path: string, entries: ExtractEntry[]) =>
      writeTarTree(path, entries, { ...options, gzip: true }),
    read: (path: string) => readTarTree(path, { ...reading, gzip: true }),
  },
  zip: {
    write: (path: string, entries: ExtractEntry[]) => writeZipTree(path, entries, options),
    read: (path: string) => readZipTree(path, reading),
  },
};

for (const [format, { write, read }] of Object.entries(formats)) {
  describe(`a .${format} for others`, () => {
    const path = () => join(root, `a.${format}`);

    it('gives back every file, folder, name and content', async () => {
      await write(path(), sample);
      const tree = await read(path());
      const files = sample.filter((entry) => entry.kind === 'file');
      expect(
        tree.tree.filter((entry) => entry.kind === 'folder').map((entry) => entry.path),
      ).toEqual(['data', 'empty', 'lib']);
      for (const entry of files) {
        expect(tree.tree.find((each) => each.path === entry.path)).toMatchObject({
          sizeBytes: entry.sizeBytes,
          sha256: entry.sha256,
        });
        expect(await contentOf(tree, entry.path)).toBe(entry.sha256);
      }
      await tree.close();
      await tree.close();
    });

    it('is never written over, and leaves nothing when its content fails', async () => {
      await writeFile(path(), 'mine');
      await expect(write(path(), sample)).rejects.toMatchObject({
        code: 'store/exists',
      });
      expect(await readFile(path(), 'utf8')).toBe('mine');
      await rm(path());
      const failing: ExtractEntry = {
        ...(file('a', 'xx') as Extract<ExtractEntry, { kind: 'file' }>),
        content: async function* () {
          yield new Uint8Array(1);
          throw new Error('the archive broke');
        },
      };
      await expect(write(path(), [file('b', 'x'), failing])).rejects.toThrow('the archive broke');
      expect(await readdir(root)).toEqual([]);
    });

    it('is refused when it is cut or is something else', async () => {
      await write(path(), sample);
      const bytes = await readFile(path());
      await writeFile(path(), bytes.subarray(0, bytes.length >> 1));
      await expect(read(path())).rejects.toMatchObject({
        code: 'archive/damaged',
        exitCode: 13,
      });
      await writeFile(
        path(),
        'this is no archive, but text that is long enough for a header '.repeat(20),
      );
      await expect(read(path())).rejects.toMatchObject({
        code: 'archive/damaged',
      });
      await expect(read(join(root, 'nothing'))).rejects.toMatchObject({
        code: 'store/not-found',
      });
    });
  });
}

describe('what others make', () => {
  const tarFile = (name: string, text = 'x') => {
    const header = tarHeader({
      name,
      isFolder: false,
      sizeBytes: text.length,
      mtimeS: 0,
    });
    return Buffer.concat([header, Buffer.from(text), Buffer.alloc(512 - text.length)]);
  };

  it('is read by the stock tools, and theirs by us', async () => {
    await writeTarTree(join(root, 'a.tgz'), sample.slice(0, 5), {
      ...options,
      gzip: true,
    });
    execFileSync('tar', ['xzf', 'a.tgz'], { cwd: root });
    expect(await readFile(join(root, 'data/größe.txt'), 'utf8')).toBe('fünf\n');
    await symlink('main.py', join(root, 'link'));
    execFileSync(
      'tar',
      ['--format=gnu', '-czf', 'b.tgz', 'main.py', 'lib', 'link', 'empty', './data'],
      { cwd: root },
    );
    const tree = await readTarTree(join(root, 'b.tgz'), {
      ...reading,
      gzip: true,
    });
    expect(tree.tree.map((entry) => entry.path)).toEqual([
      'data',
      'data/größe.txt',
      'empty',
      'lib',
      `lib/${'long-'.repeat(40)}.py`,
      'main.py',
    ]);
    expect(tree.skipped).toEqual([{ path: 'link', why: 'neither a file nor a folder (symlink)' }]);
    await tree.close();
  });

  it('C1 C2 is refused where a name leads out of it', async () => {
    for (const name of ['../x', 'a/../../x', '/etc/x', 'a//b']) {
      await writeFile(
        join(root, 'a.tar'),
        Buffer.concat([tarFile('ok'), tarFile(name), Buffer.alloc(1024)]),
      );
      const read = readTarTree(join(root, 'a.tar'), {
        ...reading,
        gzip: false,
      });
      await expect(read).rejects.toMatchObject({
        code: 'archive/path',
        exitCode: 13,
      });
    }
    await writeZipTree(join(root, 'a.zip'), [file('aa/aa/x', 'x')], options);
    const bytes = await readFile(join(root, 'a.zip'), 'latin1');
    await writeFile(join(root, 'b.zip'), bytes.replaceAll('aa/aa/x', '../../x'), 'latin1');
    await expect(readZipTree(join(root, 'b.zip'), reading)).rejects.toMatchObject({ exitCode: 13 });
  });

  it('is refused where content has rotted', async () => {
    await writeZipTree(
      join(root, 'a.zip'),
      [file('a', 'y'.repeat(5000)), file('b', randomBytes(5000))],
      options,
    );
    const bytes = await readFile(join(root, 'a.zip'));
    bytes.writeUInt8(bytes.readUInt8(2000) ^ 1, 2000);
    await writeFile(join(root, 'b.zip'), bytes);
    await expect(readZipTree(join(root, 'b.zip'), reading)).rejects.toMatchObject({
      code: 'archive/damaged',
    });
    await writeTarTree(join(root, 'a.tgz'), [file('b', randomBytes(5000))], {
      ...options,
      gzip: true,
    });
    const gzip = await readFile(join(root, 'a.tgz'));
    gzip.writeUInt8(gzip.readUInt8(2000) ^ 1, 2000);
    await writeFile(join(root, 'b.tgz'), gzip);
    await expect(
      readTarTree(join(root, 'b.tgz'), { ...reading, gzip: true }),
    ).rejects.toMatchObject({
      code: 'archive/damaged',
    });
  });

  it('may name a file twice: the last counts; as file and folder it is refused', async () => {
    const path = join(root, 'a.tar');
    await writeFile(
      path,
      Buffer.concat([tarFile('a', '1'), tarFile('a', '22'), Buffer.alloc(1024)]),
    );
    const tree = await readTarTree(path, { ...reading, gzip: false });
    expect(tree.tree).toMatchObject([{ path: 'a', sizeBytes: 2 }]);
    await tree.close();
    await writeFile(path, Buffer.concat([tarFile('a'), tarFile('a/b'), Buffer.alloc(1024)]));
    await expect(readTarTree(path, { ...reading, gzip: false })).rejects.toMatchObject({
      code: 'archive/path',
    });
  });

  it('writes a .tgz that is the .tar compressed', async () => {
    await writeTarTree(join(root, 'a.tar'), sample, {
      ...options,
      gzip: false,
    });
    await writeTarTree(join(root, 'a.tgz'), sample, { ...options, gzip: true });
    const [tar, tgz] = [await readFile(join(root, 'a.tar')), await readFile(join(root, 'a.tgz'))];
    expect(gunzipSync(tgz).equals(tar)).toBe(true);
  });
});
