/**
 * The manifest: every field of manifest.json, version 1, as types and as a schema. FORMAT.md is the
 * specification; what one field demands of another is in manifest-rules.ts, the bytes in
 * manifest-codec.ts. Longer than other files since it is one list, needed in two notations.
 */

import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { bytesOfPath, isUtf8Path, pathFromBytes } from '../core/device-path.js';

const lossyDecoder = new TextDecoder('utf-8', { ignoreBOM: true });

export type BackupType = 'full' | 'incremental' | 'differential' | 'merged' | 'safety';
export type CheckedBy = 'read' | 'sha256' | 'crc32' | 'size-time';

/** Binds a child to exactly one state of its parent. */
export interface ParentLink {
  readonly backupId: string;
  readonly stateHash: string;
}

export interface ManifestDeviceInfo {
  readonly firmware: string;
  readonly version: string;
  readonly machine: string;
  readonly platform: string;
  /** Lower-case hex; null for a board without one. */
  readonly uniqueId: string | null;
  /** The user's name for it (`--board`), or null. */
  readonly boardName: string | null;
  readonly usbSerial: string | null;
  readonly epochYear: number;
  readonly mounts: readonly {
    readonly path: string;
    readonly skipped: boolean;
    readonly readOnly: boolean | null;
    readonly totalBytes: number | null;
    readonly freeBytes: number | null;
    readonly blockBytes: number | null;
  }[];
  readonly mpy: number | null;
  readonly probe: Readonly<Record<string, string | number | boolean | null>>;
}

export interface FolderEntry {
  readonly relativePath: string;
  /** base64 of the true bytes, only where they are not the UTF-8 of relativePath. */
  readonly rawPath?: string;
  readonly isDirectory: true;
}

export interface FileEntry {
  readonly relativePath: string;
  readonly rawPath?: string;
  readonly isDirectory: false;
  readonly originalSize: number;
  /** null in a shared member, and for content in another archive. */
  readonly compressedSize: number | null;
  /** Seconds since 1970 as the board said, or null. */
  readonly lastModified: number | null;
  /** sha256, lower-case hex. */
  readonly checksum: string;
  readonly checkedBy: CheckedBy;
  readonly crc32?: string;
  readonly compressionMethod: 'deflate' | 'none';
  /** Index into `members` and offset of the entry's first header block in that member's tar bytes. */
  readonly member?: number;
  readonly tarOffset?: number;
  /** backupId of the archive that holds the content, instead of member and tarOffset. */
  readonly dataIn?: string;
}

export interface FailedEntry {
  readonly relativePath: string;
  readonly rawPath?: string;
  readonly isDirectory: boolean;
  readonly error: { readonly code: string; readonly message: string };
}

export type ManifestEntry = FolderEntry | FileEntry | FailedEntry;

/** What a restore changed at one path: enough to take it back. */
export interface RestoreRecordEntry {
  readonly relativePath: string;
  readonly rawPath?: string;
  readonly before: { readonly kind: 'absent' | 'file' | 'folder'; readonly checksum?: string };
  readonly after: { readonly kind: 'absent' | 'file' | 'folder'; readonly checksum?: string };
}

export interface Manifest {
  readonly formatVersion: number;
  /** 32 lower-case hex digits. */
  readonly backupId: string;
  readonly sequence: number;
  readonly backupType: BackupType;
  /** UTC, `2026-11-20T10:21:11.000Z`. */
  readonly createdAt: string;
  readonly utcOffsetMinutes: number;
  readonly deviceInfo: ManifestDeviceInfo;
  readonly options: Readonly<Record<string, unknown>>;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly scope: {
    /** DevicePaths listed (''=root and the mounts taken with it). */
    readonly roots: readonly string[];
    readonly path: string;
    readonly patterns: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  };
  readonly parent: ParentLink | null;
  readonly stateHash: string;
  readonly supersedes: readonly (ParentLink & { readonly sequence: number })[];
  readonly mergedAt: string | null;
  readonly restoreRecord: {
    readonly sourceBackupId: string;
    readonly entries: readonly RestoreRecordEntry[];
  } | null;
  readonly requiredFeatures: {
    readonly read: readonly string[];
    readonly extend: readonly string[];
    readonly merge: readonly string[];
  };
  readonly integrityChecksum: string;
  readonly statistics: {
    readonly fileCount: number;
    readonly directoryCount: number;
    readonly totalOriginalSize: number;
    readonly totalCompressedSize: number;
    readonly compressionRatio: number;
    readonly backupDurationMs: number;
  };
  readonly members: readonly {
    readonly offset: number;
    readonly compressedSize: number;
    readonly tarSize: number;
  }[];
  readonly files: readonly ManifestEntry[];
}

/** The entry's path as a DevicePath. */
export function pathOfEntry(entry: {
  readonly relativePath: string;
  readonly rawPath?: string;
}): string {
  return entry.rawPath === undefined
    ? entry.relativePath
    : pathFromBytes(Buffer.from(entry.rawPath, 'base64'));
}

/** How a path stands in an entry: as text, with its bytes beside it where they are not UTF-8. */
export function entryNameOf(path: string): { relativePath: string; rawPath?: string } {
  if (isUtf8Path(path)) return { relativePath: path };
  const bytes = bytesOfPath(path);
  return {
    relativePath: lossyDecoder.decode(bytes),
    rawPath: Buffer.from(bytes).toString('base64'),
  };
}

const text = z.string();
const wholeNumber = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const nullable = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const backupId = z.string().regex(/^[0-9a-f]{32}$/);
const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .refine(isRealTime, 'no such time');

/** Refuses 30 February and leap seconds, which Date would move to another day. */
function isRealTime(value: string): boolean {
  const date = new Date(value);
  return !Number.isNaN(date.getTime()) && date.toISOString() === value;
}

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const parentLink = { backupId, stateHash: sha256 };
const entryName = { relativePath: text, rawPath: text.exactOptional() };

const deviceInfo = z.looseObject({
  firmware: text,
  version: text,
  machine: text,
  platform: text,
  uniqueId: nullable(z.string().regex(/^[0-9a-f]{1,128}$/)),
  boardName: nullable(text),
  usbSerial: nullable(text),
  epochYear: wholeNumber,
  mounts: z.array(
    z.looseObject({
      path: text,
      skipped: z.boolean(),
      readOnly: nullable(z.boolean()),
      totalBytes: nullable(wholeNumber),
      freeBytes: nullable(wholeNumber),
      blockBytes: nullable(wholeNumber),
    }),
  ),
  mpy: nullable(z.number()),
  probe: z.record(z.string(), scalar),
});

const fileEntry = z.looseObject({
  ...entryName,
  isDirectory: z.literal(false),
  originalSize: wholeNumber,
  compressedSize: nullable(wholeNumber),
  lastModified: nullable(z.number()),
  checksum: sha256,
  checkedBy: z.enum(['read', 'sha256', 'crc32', 'size-time']),
  crc32: z
    .string()
    .regex(/^[0-9a-f]{8}$/)
    .exactOptional(),
  compressionMethod: z.enum(['deflate', 'none']),
  member: wholeNumber.exactOptional(),
  tarOffset: wholeNumber.exactOptional(),
  dataIn: backupId.exactOptional(),
  error: z.never().exactOptional(),
});

const folderEntry = z.looseObject({
  ...entryName,
  isDirectory: z.literal(true),
  error: z.never().exactOptional(),
});

const failedEntry = z.looseObject({
  ...entryName,
  isDirectory: z.boolean(),
  error: z.looseObject({ code: text, message: text }),
});

const stateAtPath = z.looseObject({
  kind: z.enum(['absent', 'file', 'folder']),
  checksum: sha256.exactOptional(),
});

const features = z.array(z.string());

/** Fields that it does not name are kept: a later minor version may add optional ones. */
export const manifestSchema = z.looseObject({
  formatVersion: z.literal(1),
  backupId,
  sequence: wholeNumber.min(1),
  backupType: z.enum(['full', 'incremental', 'differential', 'merged', 'safety']),
  createdAt: time,
  utcOffsetMinutes: z.number().int().min(-1440).max(1440),
  deviceInfo,
  options: z.record(z.string(), z.unknown()),
  description: nullable(text),
  metadata: z.record(z.string(), z.string()),
  scope: z.looseObject({
    roots: z.array(z.string()),
    path: text,
    patterns: z.looseObject({ include: z.array(z.string()), exclude: z.array(z.string()) }),
  }),
  parent: nullable(z.looseObject(parentLink)),
  stateHash: sha256,
  supersedes: z.array(z.looseObject({ ...parentLink, sequence: wholeNumber })),
  mergedAt: nullable(time),
  restoreRecord: nullable(
    z.looseObject({
      sourceBackupId: backupId,
      entries: z.array(z.looseObject({ ...entryName, before: stateAtPath, after: stateAtPath })),
    }),
  ),
  requiredFeatures: z.looseObject({ read: features, extend: features, merge: features }),
  integrityChecksum: sha256,
  statistics: z.looseObject({
    fileCount: wholeNumber,
    directoryCount: wholeNumber,
    totalOriginalSize: wholeNumber,
    totalCompressedSize: wholeNumber,
    compressionRatio: z.number().min(0),
    backupDurationMs: z.number().min(0),
  }),
  members: z.array(
    z.looseObject({ offset: wholeNumber, compressedSize: wholeNumber, tarSize: wholeNumber }),
  ),
  files: z.array(z.union([fileEntry, folderEntry, failedEntry])),
});

/**
 * What every version of the format keeps, so that an old reader can list a newer archive. Nothing
 * else of such an archive may be relied on.
 */
export const frozenSchema = z.looseObject({
  formatVersion: wholeNumber.min(1),
  backupId,
  sequence: wholeNumber,
  createdAt: text,
  backupType: text,
  deviceInfo: z.looseObject({ uniqueId: nullable(text) }),
  parent: nullable(z.looseObject(parentLink)),
  supersedes: z.array(z.looseObject({ ...parentLink, sequence: wholeNumber })),
});

export type FrozenFields = Readonly<z.output<typeof frozenSchema>>;

/** Fails to compile where the schema lets through what the types do not promise. */
export function schemaAgrees(value: z.output<typeof manifestSchema>): Manifest {
  return value;
}
