/** Makes archives in memory for tests: drafts, entries, and the whole path through the writer. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { joinParts } from '../../src/archive/blb-parts.js';
import type { ManifestDraft, NewFile } from '../../src/archive/blb-writer.js';
import { BlbWriter } from '../../src/archive/blb-writer.js';
import { joinBytes } from '../../src/archive/gzip-member.js';
import { MemorySpool } from '../../src/archive/spool.js';

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A draft of a full backup; every field may be replaced. */
export function draftOf(fields: Partial<ManifestDraft> = {}): ManifestDraft {
  return {
    formatVersion: 1,
    backupId: '0123456789abcdef0123456789abcdef',
    sequence: 1,
    backupType: 'full',
    createdAt: '2026-11-20T10:21:11.000Z',
    utcOffsetMinutes: 60,
    deviceInfo: {
      firmware: 'micropython',
      version: '1.27.0',
      machine: 'Sample board with ESP32',
      platform: 'esp32',
      uniqueId: 'a1b2c3d4e5f6',
      boardName: null,
      usbSerial: null,
      epochYear: 2000,
      mounts: [
        {
          path: '',
          skipped: false,
          readOnly: false,
          totalBytes: 2_097_152,
          freeBytes: 1_900_544,
          blockBytes: 4096,
        },
      ],
      mpy: 10246,
      probe: { ilistdir: true, hash: 'sha256' },
    },
    options: { compress: true },
    description: null,
    metadata: {},
    scope: { roots: [''], path: '', patterns: { include: [], exclude: [] } },
    parent: null,
    supersedes: [],
    mergedAt: null,
    restoreRecord: null,
    requiredFeatures: { read: [], extend: [], merge: [] },
    statistics: { backupDurationMs: 1234 },
    ...fields,
  };
}

export function newFile(path: string, bytes: Uint8Array, fields: Partial<NewFile> = {}): NewFile {
  return {
    path,
    sizeBytes: bytes.length,
    modifiedS: 1_763_634_071,
    sha256: sha256Of(bytes),
    checkedBy: 'sha256',
    ...fields,
  };
}

export function crcOf(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(8, '0');
}

/** `null` is a folder. */
export type Content = Readonly<Record<string, Uint8Array | string | null>>;

export function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content;
}

/** The bytes of a whole archive. */
export async function archiveOf(
  content: Content,
  fields: Partial<ManifestDraft> = {},
  options: { readonly compress: boolean; readonly fill?: (writer: BlbWriter) => Promise<void> } = {
    compress: true,
  },
): Promise<Uint8Array> {
  const spool = new MemorySpool();
  const writer = new BlbWriter(spool, options);
  for (const [path, each] of Object.entries(content)) {
    if (each === null) writer.addFolder(path);
    else await writer.addFile(newFile(path, bytesOf(each)), bytesOf(each));
  }
  await options.fill?.(writer);
  return finished(writer, spool, draftOf(fields));
}

export async function finished(
  writer: BlbWriter,
  spool: MemorySpool,
  draft: ManifestDraft,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const bytes of joinParts(await writer.finish(draft), spool)) parts.push(bytes);
  return joinBytes(parts);
}

/** Every kind of entry in a few hundred bytes. */
export const SMALL_CONTENT: Content = {
  'boot.py': '',
  data: null,
  empty: null,
  'data/größe.txt': 'fünf\n',
  [`lib/${'long-name-'.repeat(12)}.py`]: 'x = 1\n',
  'odd\udcff.bin': Uint8Array.of(0, 1, 2, 3),
  'main.py': 'print("hello")\n',
};
