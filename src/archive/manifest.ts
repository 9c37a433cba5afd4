/**
 * The manifest: every field of manifest.json, version 1. FORMAT.md is the specification; the schema
 * is in manifest-schema.ts, what one field demands of another in manifest-rules.ts, the bytes in
 * manifest-codec.ts.
 */

import { Buffer } from 'node:buffer';
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
