/** read(write(x)) = x, and what the writer does on the way. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBlbFile, readBlbHead, verifyBlb } from '../../src/archive/blb-reader.js';
import { BlbWriter } from '../../src/archive/blb-writer.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { joinBytes } from '../../src/archive/gzip-member.js';
import type { FileEntry } from '../../src/archive/manifest.js';
import { pathOfEntry } from '../../src/archive/manifest.js';
import { isMemberUnchanged, newFileOf } from '../../src/archive/member-copy.js';
import { MemorySpool } from '../../src/archive/spool.js';
import { stateHash, stateRecordsOf } from '../../src/archive/state-hash.js';
import { pathFromBytes, pathProblem } from '../../src/core/device-path.js';
import {
  archiveOf,
  bytesOf,
  crcOf,
  draftOf,
  finished,
  newFile,
  sha256Of,
} from '../support/archive-making.js';

const signal = new AbortController().signal;
const RUNS = process.env['SLOW'] === '1' ? 2_000 : 60;

async function contentOf(archive: Uint8Array): Promise<Map<string, Uint8Array | null>> {
  const source = byteSourceOf(archive, 'test.blb');
  const head = await verifyBlb(source, { signal });
  const found = new Map<string, Uint8Array | null>();
  for (const entry of head.manifest.files) {
    if ('error' in entry) continue;
    if (entry.isDirectory) {
      found.set(pathOfEntry(entry), null);
      continue;
    }
    const parts: Uint8Array[] = [];
    for await (const part of readBlbFile(source, head, entry)) parts.push(part);
    found.set(pathOfEntry(entry), joinBytes(parts));
  }
  return found;
}

const nameBytes = fc.oneof(
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .map((text) => new TextEncoder().encode(text)),
  fc.uint8Array({ minLength: 1, maxLength: 12 }),
);
const path = fc
  .array(nameBytes, { minLength: 1, maxLength: 4 })
  .map((parts) =>
    parts.map((part) => pathFromBytes(part.filter((byte) => byte !== 0x2f))).join('/'),
  )
  .filter((each) => pathProblem(each) === null);

const size = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 3000 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(0, 511, 512, 513, 130_047, 130_048, 130_049, 131_072, 200_000),
  },
);
const content = fc
  .tuple(size, fc.nat({ max: 255 }), fc.boolean())
  .map(([length, seed, isNoise]) => {
    let state = seed + 1;
    return new Uint8Array(length).map((_, index) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return isNoise ? state >>> 24 : (index >> 6) + seed;
    });
  });
const board = fc.dictionary(path, fc.option(content, { freq: 5 }), {
  maxKeys: 12,
  noNullPrototype: true,
});

/** Without what no board can have: something below a file. */
function asTree(each: Record<string, Uint8Array | null>): Record<string, Uint8Array | null> {
  const isFile = (folder: string) => each[folder] instanceof Uint8Array;
  const ancestors = (each: string) =>
    each.split('/').map((_, index, parts) => parts.slice(0, index).join('/'));
  return Object.fromEntries(Object.entries(each).filter(([key]) => !ancestors(key).some(isFile)));
}

describe('an archive', () => {
  it('gives back exactly what was put into it', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(board, fc.boolean(), async (generated, compress) => {
        const tree = asTree(generated);
        const found = await contentOf(await archiveOf(tree, {}, { compress }));
        expect(new Set(found.keys())).toEqual(new Set(Object.keys(tree)));
        for (const [key, bytes] of Object.entries(tree)) {
          const read = found.get(key);
          if (bytes === null) expect(read).toBeNull();
          else expect(Buffer.compare(read as Uint8Array, bytes)).toBe(0);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('stores noise and deflates text, wherever they meet in one file', {
    timeout: 60_000,
  }, async () => {
    const noise = (length: number) => new Uint8Array(randomBytes(length));
    const text = (length: number) =>
      bytesOf('print("belay")\n'.repeat(length / 15 + 1)).subarray(0, length);
    const sizes = [1, 130_560, 131_071, 131_073, 262_144];
    for (const first of sizes) {
      for (const second of sizes) {
        const mixed = joinBytes([noise(first), text(second), noise(second), text(first)]);
        if (mixed.length < 140_000) continue;
        const archive = await archiveOf({ mixed });
        expect(archive.length).toBeLessThan(first + second + mixed.length / 20 + 140_000);
        const found = (await contentOf(archive)).get('mixed') as Uint8Array;
        expect([first, second, Buffer.compare(found, mixed)]).toEqual([first, second, 0]);
      }
    }
  });

  it('is the same bytes for the same input', async () => {
    const tree = { 'a.py': 'x', lib: null, 'lib/b': 'y'.repeat(200_000) };
    expect(await archiveOf(tree)).toEqual(await archiveOf(tree));
  });

  it('keeps small neighbours together and large files alone, up to 128 KiB of tar', async () => {
    const tree = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`f${1000 + index}`, 'x']),
    );
    const archive = await archiveOf({ ...tree, 'a-large': 'y'.repeat(140_000) });
    const { manifest } = await readBlbHead(byteSourceOf(archive, 'x'));
    expect(manifest.members.map(({ tarSize }) => tarSize)).toEqual([
      131_072, 131_072, 140_800, 45_056,
    ]);
    const large = manifest.files.find(({ relativePath }) => relativePath === 'a-large');
    expect(large).toMatchObject({
      compressedSize: manifest.members[2]?.compressedSize,
      tarOffset: 0,
    });
  });

  it('of an empty board is an archive', async () => {
    const archive = await archiveOf({});
    const head = await verifyBlb(byteSourceOf(archive, 'x'), { signal });
    expect([
      head.manifest.members,
      head.manifest.files,
      head.manifest.statistics.compressionRatio,
    ]).toEqual([[], [], 1]);
  });

  it('records what could not be read, and references to content elsewhere', async () => {
    const spool = new MemorySpool();
    const writer = new BlbWriter(spool, { compress: true });
    const elsewhere = newFile('lib/same.py', bytesOf('same'));
    writer.addFailure('main.py', false, 'EIO', 'read failed');
    writer.addFailure('sd', true, 'ENODEV', 'gone');
    writer.addReference(elsewhere, 'f'.repeat(32));
    const parent = { backupId: 'f'.repeat(32), stateHash: '0'.repeat(64) };
    const draft = draftOf({ backupType: 'incremental', parent });
    const { manifest } = await verifyBlb(byteSourceOf(await finished(writer, spool, draft), 'x'), {
      signal,
    });
    expect(manifest.files).toEqual([
      expect.objectContaining({
        relativePath: 'lib/same.py',
        dataIn: 'f'.repeat(32),
        compressedSize: null,
      }),
      {
        relativePath: 'main.py',
        isDirectory: false,
        error: { code: 'EIO', message: 'read failed' },
      },
      { relativePath: 'sd', isDirectory: true, error: { code: 'ENODEV', message: 'gone' } },
    ]);
    expect(newFileOf(manifest.files[0] as FileEntry)).toEqual(elsewhere);
  });
});

describe('the writer', () => {
  const big = bytesOf('big '.repeat(50_000));
  const other = bytesOf('other '.repeat(40_000));
  const small = bytesOf('small');

  function begin() {
    const spool = new MemorySpool();
    return { spool, writer: new BlbWriter(spool, { compress: true }) };
  }

  it('cuts a big file off that is given up, and takes it again', async () => {
    const { spool, writer } = begin();
    const meta = newFile('big', big);
    const first = writer.beginFile(meta);
    await first.write(big.subarray(0, 70_000));
    await first.abort();
    await first.abort();
    expect(spool.sizeBytes).toBe(0);
    const second = writer.beginFile(meta);
    await second.write(big);
    await second.abort();
    expect(spool.sizeBytes).toBe(0);
    await writer.addFile(meta, big);
    const found = await contentOf(await finished(writer, spool, draftOf()));
    expect([...found.keys()]).toEqual(['big']);
    expect(Buffer.compare(found.get('big') as Uint8Array, big)).toBe(0);
  });

  it('takes the same bytes in a hurry, now and then, only larger', async () => {
    const sizes = await Promise.all(
      [() => false, (at: number) => at % 3 === 0, () => true].map(async (hurry) => {
        const { spool, writer } = begin();
        const text = bytesOf(
          'def measure(pin, count=7):\n    return pin.read() * count\n'.repeat(9000),
        );
        const file = writer.beginFile(newFile('text', text));
        for (let at = 0; at < text.length; at += 50_000)
          await file.write(text.subarray(at, at + 50_000), hurry(at / 50_000));
        await file.end(newFile('text', text));
        const found = await contentOf(await finished(writer, spool, draftOf()));
        expect(Buffer.compare(found.get('text') as Uint8Array, text)).toBe(0);
        return spool.sizeBytes;
      }),
    );
    expect(sizes[2]).toBeGreaterThan(sizes[0] as number);
  });

  it('lets a big file wait for its verification while others are added', async () => {
    const { spool, writer } = begin();
    const waiting = writer.beginFile(newFile('big', big));
    await waiting.write(big.subarray(0, 10));
    for (let index = 0; index < 300; index += 1) {
      await writer.addFile(newFile(`small${index}`, small), small);
    }
    await waiting.write(big.subarray(10));
    const next = writer.beginFile(newFile('other', other));
    await next.write(other);
    await next.end(newFile('other', other));
    await waiting.end(newFile('big', big));
    const found = await contentOf(await finished(writer, spool, draftOf()));
    expect(found.size).toBe(302);
    expect(Buffer.compare(found.get('big') as Uint8Array, big)).toBe(0);
    expect(Buffer.compare(found.get('other') as Uint8Array, other)).toBe(0);
  });

  it('leaves out a big file that fails after others have followed', async () => {
    const { spool, writer } = begin();
    const failing = writer.beginFile(newFile('big', big));
    await failing.write(big);
    await writer.addFile(newFile('other', other), other);
    await failing.abort();
    writer.addFailure('big', false, 'changed', 'changed three times');
    const archive = await finished(writer, spool, draftOf());
    const found = await contentOf(archive);
    expect([...found.keys()]).toEqual(['other']);
    expect(Buffer.compare(found.get('other') as Uint8Array, other)).toBe(0);
    expect(archive.length).toBeLessThan(spool.sizeBytes + 4000);
  });

  it('refuses content that is not what its caller says', async () => {
    const { writer } = begin();
    const wrong = [
      newFile('a', small, { sha256: sha256Of(big) }),
      newFile('a', small, { sizeBytes: 4 }),
      newFile('a', small, { crc32: '00000000' }),
    ];
    for (const meta of wrong) {
      await expect(writer.addFile(meta, small)).rejects.toMatchObject({ code: 'archive/damaged' });
    }
    await writer.addFile(newFile('a', small, { crc32: crcOf(small) }), small);
    const short = writer.beginFile(newFile('b', big));
    await short.write(big.subarray(1));
    await expect(short.end(newFile('b', big))).rejects.toMatchObject({ code: 'archive/damaged' });
    const long = writer.beginFile(newFile('b', small));
    await expect(long.write(big)).rejects.toMatchObject({ code: 'archive/damaged' });
    await long.abort();
    const changed = writer.beginFile(newFile('b', big));
    await changed.write(big.map((byte) => byte ^ 1));
    await expect(changed.end(newFile('b', big))).rejects.toMatchObject({ code: 'archive/damaged' });
  });

  it('refuses what no reader would accept: a path twice, a path that no board has, a conflict', async () => {
    const { spool, writer } = begin();
    await writer.addFile(newFile('a', small), small);
    expect(() => writer.addFolder('a')).toThrow(expect.objectContaining({ code: 'archive/path' }));
    for (const path of ['', '/a', 'a/', '../x', 'a\0']) {
      expect(() => writer.addFolder(path)).toThrow(
        expect.objectContaining({ code: 'archive/path' }),
      );
    }
    writer.addFolder('a/b');
    await expect(finished(writer, spool, draftOf())).rejects.toMatchObject({
      code: 'archive/manifest',
    });
  });

  it('may finish again under another time', async () => {
    const { spool, writer } = begin();
    await writer.addFile(newFile('a', small), small);
    writer.addFolder('b');
    const first = await finished(writer, spool, draftOf());
    await finished(writer, spool, draftOf({ createdAt: '2026-11-20T10:21:12.000Z' }));
    expect(await finished(writer, spool, draftOf())).toEqual(first);
  });
});

describe('a member that is copied for a merge', () => {
  const tree = {
    'a.py': 'x = 1\n',
    'b.py': 'y = 2\n',
    'large.bin': 'z'.repeat(150_000),
    lib: null,
  };

  it('is the same bytes, and its entries are valid in the new archive', async () => {
    const bytes = await archiveOf(tree);
    const source = byteSourceOf(bytes, 'old');
    const head = await readBlbHead(source);
    const files = head.manifest.files.filter((entry): entry is FileEntry => 'checksum' in entry);
    const wanted = new Map(files.map((entry) => [pathOfEntry(entry), newFileOf(entry)]));
    const spool = new MemorySpool();
    const writer = new BlbWriter(spool, { compress: true });
    expect(
      head.manifest.members.map((_, index) => isMemberUnchanged(head.manifest, index, wanted)),
    ).toEqual([true, true, false]);
    await writer.addFile(newFile('new.py', bytesOf('new')), bytesOf('new'));
    await writer.copyMember(source, head, 1, wanted, { signal });
    await writer.copyMember(source, head, 0, wanted, { signal });
    writer.addFolder('lib');
    const merged = await finished(writer, spool, draftOf({ backupType: 'merged' }));
    const found = await contentOf(merged);
    expect([...found.keys()]).toEqual(['a.py', 'b.py', 'large.bin', 'lib', 'new.py']);
    const { offset, compressedSize } = head.manifest.members[0] as {
      offset: number;
      compressedSize: number;
    };
    const member = bytes.subarray(
      head.headBytes + offset,
      head.headBytes + offset + compressedSize,
    );
    expect(Buffer.from(merged).includes(Buffer.from(member))).toBe(true);
  });

  it('is refused where a file of it is not wanted, changed, or has another time', async () => {
    const { manifest } = await readBlbHead(byteSourceOf(await archiveOf(tree), 'old'));
    const files = manifest.files.filter((entry): entry is FileEntry => 'checksum' in entry);
    const shared = files.find(({ relativePath }) => relativePath === 'a.py')?.member as number;
    const wanted = new Map(files.map((entry) => [pathOfEntry(entry), newFileOf(entry)]));
    const a = wanted.get('a.py') as ReturnType<typeof newFileOf>;
    const isUnchanged = (meta: typeof a | null) => {
      const changed = new Map(wanted);
      if (meta === null) changed.delete('a.py');
      else changed.set('a.py', meta);
      return isMemberUnchanged(manifest, shared, changed);
    };
    expect(isUnchanged(a)).toBe(true);
    expect(isUnchanged({ ...a, modifiedS: (a.modifiedS as number) + 0.5 })).toBe(true);
    expect(isUnchanged({ ...a, modifiedS: 5 })).toBe(false);
    expect(isUnchanged({ ...a, sha256: '0'.repeat(64) })).toBe(false);
    expect(isUnchanged(null)).toBe(false);
  });

  it('is refused where its bytes are damaged, and nothing of it is kept', async () => {
    const bytes = await archiveOf(tree);
    const head = await readBlbHead(byteSourceOf(bytes, 'old'));
    const files = head.manifest.files.filter((entry): entry is FileEntry => 'checksum' in entry);
    const wanted = new Map(files.map((entry) => [pathOfEntry(entry), newFileOf(entry)]));
    const broken = bytes.slice();
    broken[head.headBytes + 30] = (broken[head.headBytes + 30] as number) ^ 4;
    const spool = new MemorySpool();
    const writer = new BlbWriter(spool, { compress: true });
    const copying = writer.copyMember(byteSourceOf(broken, 'old'), head, 0, wanted, { signal });
    await expect(copying).rejects.toMatchObject({ code: 'archive/damaged' });
    expect(spool.sizeBytes).toBe(0);
  });
});

describe('stateHash', () => {
  it('depends on kinds, sizes, content and raw paths, not on order', () => {
    const record = { kind: 'f', sizeBytes: 1, sha256: 'a'.repeat(64), path: 'x' } as const;
    const folder = { kind: 'd', sizeBytes: 0, sha256: null, path: 'y' } as const;
    const base = stateHash([record, folder]);
    expect(stateHash([folder, record])).toBe(base);
    const others = [
      [record],
      [{ ...record, path: 'z' }, folder],
      [{ ...record, sizeBytes: 2 }, folder],
      [{ ...record, sha256: 'b'.repeat(64) }, folder],
      [record, { ...folder, kind: 'x' as const }],
    ];
    expect(new Set([base, ...others.map(stateHash)]).size).toBe(6);
  });

  it('is the sha256 of the records as specified, sorted by bytes', () => {
    const text = `belay-state-1\0f 3 ${'a'.repeat(64)} \u{ffff}\0f 3 ${'b'.repeat(64)} \u{10000}\0x 0 - \u{10001}\0`;
    const files = [
      { kind: 'f', sizeBytes: 3, sha256: 'b'.repeat(64), path: '\u{10000}' },
      { kind: 'x', sizeBytes: 0, sha256: null, path: '\u{10001}' },
      { kind: 'f', sizeBytes: 3, sha256: 'a'.repeat(64), path: '\u{ffff}' },
    ] as const;
    expect(stateHash(files)).toBe(sha256Of(new TextEncoder().encode(text)));
  });

  it('is the same from a tree and from a manifest', async () => {
    const { manifest } = await readBlbHead(byteSourceOf(await archiveOf({ a: 'x', b: null }), 'x'));
    const sha256 = sha256Of(bytesOf('x'));
    const tree = [
      { kind: 'folder', path: 'b' },
      { kind: 'file', path: 'a', sizeBytes: 1, modifiedS: null, sha256 },
    ] as const;
    expect(stateHash(stateRecordsOf(tree))).toBe(manifest.stateHash);
  });
});
