/**
 * The manifest's fields as a schema: what manifest.ts says in types, for data from outside. Apart
 * from them, since rooms that only reason about manifests need not load zod.
 */
import { z } from 'zod';

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
