/**
 * The golden archives under fixtures/archives/v1 and the damaged ones under fixtures/damaged: how
 * they are made, and how they are added. What was added once is never made again: the add function
 * refuses to overwrite, since readers of all later versions must read exactly these bytes.
 *
 *   BELAY_ADD_FIXTURES=1 npx vitest run --config test/vitest.config.ts test/archive/fixtures.test.ts
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { deflateRawSync, gzipSync } from 'node:zlib';
import type { ManifestDraft } from '../../src/archive/blb-writer.js';
import { BlbWriter } from '../../src/archive/blb-writer.js';
import { GZIP_HEADER, gzipTrailer, joinBytes } from '../../src/archive/gzip-member.js';
import { encodeManifest } from '../../src/archive/manifest-codec.js';
import { MemorySpool } from '../../src/archive/spool.js';
import { tarHeader } from '../../src/archive/tar-header.js';
import type { Bent, Lies } from './archive-forging.js';
import { forge, takeApart } from './archive-forging.js';
import {
  archiveOf,
  bytesOf,
  crcOf,
  draftOf,
  finished,
  newFile,
  SMALL_CONTENT,
} from './archive-making.js';

export const GOLDEN_FOLDER = new URL('../../fixtures/archives/v1/', import.meta.url);
export const DAMAGED_FOLDER = new URL('../../fixtures/damaged/', import.meta.url);

const FULL_ID = '00112233445566778899aabbccddeeff';
const PARENT_STATE = '5'.repeat(64);

/** Every kind of archive, with every kind of entry in it. */
export async function goldenArchives(): Promise<ReadonlyMap<string, Uint8Array>> {
  const full: Partial<ManifestDraft> = {
    backupId: FULL_ID,
    description: 'golden "full" – über',
    metadata: { site: 'greenhouse', constructor: 'a word like any other' },
  };
  const content = {
    ...SMALL_CONTENT,
    "it's #1 %s.txt": 'quote\n',
    'big.bin': Uint8Array.from({ length: 140_000 }, (_, index) => (index >> 6) ^ index),
    'C:\\odd\n': 'kept under rawnames\n',
    [`deep/${'folder-with-a-name/'.repeat(7)}end.py`]: '# in the prefix field\n',
  };
  const child = { parent: { backupId: FULL_ID, stateHash: PARENT_STATE }, sequence: 2 };
  return new Map([
    ['full', await archiveOf(content, full)],
    [
      'full-stored',
      await archiveOf(content, { ...full, options: { compress: false } }, { compress: false }),
    ],
    ['empty', await archiveOf({}, { backupId: 'e'.repeat(32) })],
    [
      'incremental',
      await childArchive({ ...child, backupType: 'incremental', backupId: 'a'.repeat(32) }),
    ],
    [
      'differential',
      await childArchive({ ...child, backupType: 'differential', backupId: 'd'.repeat(32) }),
    ],
    ['merged', await archiveOf(content, mergedFields())],
    ['safety', await archiveOf({ 'main.py': 'old\n' }, safetyFields())],
  ]);
}

async function childArchive(fields: Partial<ManifestDraft>): Promise<Uint8Array> {
  const spool = new MemorySpool();
  const writer = new BlbWriter(spool, { compress: true });
  const changed = bytesOf('print("changed")\n');
  writer.addFolder('lib');
  await writer.addFile(
    newFile('main.py', changed, { checkedBy: 'crc32', crc32: crcOf(changed) }),
    changed,
  );
  writer.addReference(newFile('boot.py', bytesOf('same\n'), { modifiedS: null }), FULL_ID);
  writer.addFailure('data.log', false, 'changed', 'changed three times while it was read');
  writer.addFailure('sd', true, 'ENODEV', 'listing failed');
  return finished(writer, spool, draftOf(fields));
}

function mergedFields(): Partial<ManifestDraft> {
  return {
    backupType: 'merged',
    backupId: 'b'.repeat(32),
    sequence: 7,
    supersedes: [{ backupId: 'a'.repeat(32), stateHash: PARENT_STATE, sequence: 7 }],
    mergedAt: '2026-11-21T08:00:00.000Z',
  };
}

function safetyFields(): Partial<ManifestDraft> {
  return {
    backupType: 'safety',
    backupId: '5'.repeat(32),
    restoreRecord: {
      sourceBackupId: FULL_ID,
      entries: [
        {
          relativePath: 'main.py',
          before: { kind: 'file', checksum: '1'.repeat(64) },
          after: { kind: 'file', checksum: '2'.repeat(64) },
        },
        { relativePath: 'new', before: { kind: 'absent' }, after: { kind: 'folder' } },
      ],
    },
  };
}

export interface DamagedArchive {
  readonly bytes: Uint8Array;
  readonly code: string;
  readonly exitCode: number;
  readonly what: string;
}

/** One of each kind of damage and of each attack, with the code that it must get. */
export async function damagedArchives(): Promise<ReadonlyMap<string, DamagedArchive>> {
  const whole = await archiveOf({ 'a.py': 'x = 1\n', lib: null, 'lib/b.py': 'y = 2\n' });
  const honest = await takeApart(whole);
  const forged = (lies: Lies) => forge(honest, lies);
  const bent = (change: (manifest: Bent) => void, refit = true) =>
    forged({
      refit,
      manifest: (manifest) => {
        change(manifest);
        return manifest;
      },
    });
  const flipped = (at: number) => whole.map((byte, index) => (index === at ? byte ^ 0x10 : byte));
  const link = forged({ tar: (tar, member) => (member === 0 ? asLink(tar) : tar) });
  const list: readonly (readonly [string, string, string, Uint8Array | Promise<Uint8Array>])[] = [
    ['empty', 'archive/empty', 'no bytes at all (A1)', new Uint8Array(0)],
    ['cut-in-head', 'archive/truncated', 'ends inside manifest.json (A3)', whole.slice(0, 300)],
    ['cut-in-end', 'archive/truncated', 'the last byte is missing (A3)', whole.slice(0, -1)],
    ['flip-in-head', 'archive/damaged', 'one bit of the manifest (A4)', flipped(200)],
    ['flip-in-data', 'archive/damaged', 'one bit of a file (A4)', flipped(whole.length - 600)],
    [
      'flip-in-end',
      'archive/damaged',
      'one bit of the end member (A4)',
      flipped(whole.length - 20),
    ],
    [
      'appended',
      'archive/trailing',
      'zeros behind the end (A7)',
      joinBytes([whole, new Uint8Array(512)]),
    ],
    ['twice', 'archive/trailing', 'two archives in one file (A7)', joinBytes([whole, whole])],
    ['text', 'archive/not-blb', 'a script with the wrong name (A11)', bytesOf('import machine\n')],
    [
      'gzip',
      'archive/not-blb',
      'a gzip file with the wrong name (A11)',
      gzipSync('import machine\n'),
    ],
    [
      'checksums',
      'archive/damaged',
      'checksums.txt in CRLF (A12)',
      forged({ checksums: (text) => text.replaceAll('\n', '\r\n') }),
    ],
    [
      'not-json',
      'archive/manifest',
      'a trailing comma (B1)',
      forged({
        manifest: () =>
          bytesOf(`${new TextDecoder().decode(encodeManifest(honest.manifest)).slice(0, -1)},}`),
      }),
    ],
    [
      'size-lie',
      'archive/manifest',
      'a size that is one too large (B4)',
      bent((manifest) => (manifest.files[0].originalSize += 600)),
    ],
    [
      'twice-listed',
      'archive/manifest',
      'a path twice (B7)',
      bent((manifest) => manifest.files.unshift({ ...manifest.files[0] })),
    ],
    [
      'newer',
      'archive/unsupported',
      'format version 2 (B9)',
      forged({
        manifest: (manifest) => bytesOf(JSON.stringify({ ...manifest, formatVersion: 2 })),
      }),
    ],
    [
      'prototype',
      'archive/manifest',
      'a key __proto__',
      forged({
        manifest: () =>
          bytesOf(
            new TextDecoder()
              .decode(encodeManifest(honest.manifest))
              .replace('{', '{"__proto__":{},'),
          ),
      }),
    ],
    [
      'dot-dot',
      'archive/path',
      'a path that leads out (C1)',
      bent((manifest) => (manifest.files[0].relativePath = '../x')),
    ],
    ['link', 'archive/damaged', 'a symbolic link in the tar (C6)', link],
    [
      'bomb',
      'archive/damaged',
      'a member that inflates to 40 MB (D1)',
      forged({ member: (bytes, member) => (member === 0 ? bomb(new Uint8Array(0)) : bytes) }),
    ],
    [
      'bomb-in-head',
      'archive/damaged',
      'a manifest that inflates to 40 MB (D1)',
      bomb(tarHeader({ name: 'manifest.json', isFolder: false, sizeBytes: 99, mtimeS: 0 })),
    ],
    [
      'huge-manifest',
      'archive/limit',
      'a manifest said to have 8 GB (B3)',
      bomb(
        tarHeader({ name: 'manifest.json', isFolder: false, sizeBytes: 8 ** 11 - 1, mtimeS: 0 }),
      ),
    ],
    [
      'deep',
      'archive/limit',
      'ten thousand arrays inside each other (B3)',
      forged({ manifest: () => bytesOf(`{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`) }),
    ],
  ];
  const damaged = new Map<string, DamagedArchive>();
  for (const [name, code, what, bytes] of list) {
    const exitCode = code === 'archive/unsupported' ? 1 : 13;
    damaged.set(name, { bytes: await bytes, code, exitCode, what });
  }
  return damaged;
}

function asLink(tar: Uint8Array): Uint8Array {
  tar[156] = 0x32;
  tar.set(bytesOf('/etc/passwd'), 157);
  return tar;
}

/** 40 MB of zeros in 40 kB, behind `before`. */
function bomb(before: Uint8Array): Uint8Array {
  const body = deflateRawSync(joinBytes([before, new Uint8Array(40_000_000)]), { level: 9 });
  return joinBytes([GZIP_HEADER, body, gzipTrailer(0, 0)]);
}

/** Adds what is missing; returns the names. Never touches what is there. */
export async function addFixtures(): Promise<string[]> {
  const added: string[] = [];
  const add = (folder: URL, name: string, bytes: Uint8Array | string) => {
    const file = new URL(name, folder);
    mkdirSync(folder, { recursive: true });
    if (existsSync(file)) return;
    writeFileSync(file, bytes, { flag: 'wx' });
    added.push(file.pathname);
  };
  for (const [name, bytes] of await goldenArchives()) {
    const { manifest } = await takeApart(bytes);
    add(GOLDEN_FOLDER, `${name}.blb`, bytes);
    add(GOLDEN_FOLDER, `${name}.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  }
  for (const [name, { bytes, code, exitCode, what }] of await damagedArchives()) {
    add(DAMAGED_FOLDER, `${name}.blb`, bytes);
    add(DAMAGED_FOLDER, `${name}.json`, `${JSON.stringify({ what, code, exitCode }, null, 2)}\n`);
  }
  return added;
}
