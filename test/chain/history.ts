/**
 * A model of a board that is backed up: content is text, archives are manifests and what they hold.
 * Backups and merges are made by the rules alone, so that the reasoning can be tested without a disk.
 */
import { createHash } from 'node:crypto';
import type { BackupType, FileEntry, Manifest, ManifestEntry } from '../../src/archive/manifest.js';
import { entryNameOf, pathOfEntry } from '../../src/archive/manifest.js';
import { stateHash, stateRecordsOf } from '../../src/archive/state-hash.js';
import type { ChainArchive, KnownArchive } from '../../src/chain/archive.js';
import { resolveLineage } from '../../src/chain/lineage.js';
import {
  contentKeyOf,
  filesOf,
  locateContent,
  omittableContent,
} from '../../src/chain/materialize.js';
import type { MergePlan } from '../../src/chain/merge-plan.js';
import { planMerge } from '../../src/chain/merge-plan.js';
import { comparePaths } from '../../src/core/device-path.js';
import type { BelayError } from '../../src/core/errors.js';

/** Path to text; null is a folder; 'failed' objects are what could not be read. */
export type Files = ReadonlyMap<string, string | null | { readonly failed: true }>;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface ManifestOverrides extends Partial<Omit<Manifest, 'files' | 'deviceInfo'>> {
  readonly uniqueId?: string | null;
}

let counter = 0;

export function manifestOf(
  type: BackupType,
  files: readonly ManifestEntry[],
  overrides: ManifestOverrides = {},
): Manifest {
  counter += 1;
  const { uniqueId = 'e6614103e7452b2f', ...rest } = overrides;
  const regular = files.filter(
    (entry): entry is FileEntry => !('error' in entry) && !entry.isDirectory,
  );
  const own = regular.filter((entry) => entry.member !== undefined);
  return {
    formatVersion: 1,
    backupId: sha256(`id ${counter}`).slice(0, 32),
    sequence: counter,
    backupType: type,
    createdAt: new Date(Date.UTC(2026, 0, 1) + counter * 1000).toISOString(),
    utcOffsetMinutes: 0,
    deviceInfo: {
      firmware: 'micropython',
      version: '1.27.0',
      machine: 'model',
      platform: 'model',
      uniqueId,
      boardName: null,
      usbSerial: null,
      epochYear: 2000,
      mounts: [],
      mpy: null,
      probe: {},
    },
    options: {},
    description: null,
    metadata: {},
    scope: { roots: [''], path: '', patterns: { include: [], exclude: [] } },
    parent: null,
    stateHash: stateHash(stateRecordsOf(files)),
    supersedes: [],
    mergedAt: null,
    restoreRecord: null,
    requiredFeatures: { read: [], extend: [], merge: [] },
    integrityChecksum: sha256(`sums ${counter}`),
    statistics: {
      fileCount: regular.length,
      directoryCount: files.length - regular.length,
      totalOriginalSize: regular.reduce((sum, entry) => sum + entry.originalSize, 0),
      totalCompressedSize: own.reduce((sum, entry) => sum + entry.originalSize, 0),
      compressionRatio: 1,
      backupDurationMs: 0,
    },
    members: [],
    files,
    ...rest,
  };
}

export function archiveOf(manifest: Manifest, problem: BelayError | null = null): KnownArchive {
  const path = `/b/${String(manifest.sequence).padStart(5, '0')}-${manifest.backupId.slice(0, 8)}.blb`;
  return { path, archiveBytes: 1000, pinned: false, manifest, problem };
}

/** A full of one file, for tests that are not about content. */
export function fullOf(overrides: ManifestOverrides = {}, text = 'x'): KnownArchive {
  return archiveOf(
    manifestOf(
      'full',
      entriesOf(new Map([['main.py', text]]), () => null),
      overrides,
    ),
  );
}

/** An increment of equal content on `parent`. */
export function childOf(parent: KnownArchive, overrides: ManifestOverrides = {}): KnownArchive {
  const files = parent.manifest.files.map((entry) =>
    'error' in entry || entry.isDirectory ? entry : withoutContent(entry, parent.manifest.backupId),
  );
  const { backupId, stateHash: state } = parent.manifest;
  return archiveOf(
    manifestOf('incremental', files, { parent: { backupId, stateHash: state }, ...overrides }),
  );
}

function withoutContent(entry: FileEntry, holder: string): FileEntry {
  const { member: _member, tarOffset: _offset, dataIn, ...rest } = entry;
  return { ...rest, compressedSize: null, dataIn: dataIn ?? holder };
}

type Omit_ = (content: { checksum: string; originalSize: number }) => string | null;

function entriesOf(files: Files, omit: Omit_): ManifestEntry[] {
  let member = 0;
  return [...files]
    .sort(([a], [b]) => comparePaths(a, b))
    .map(([path, content]) => {
      const name = entryNameOf(path);
      if (content === null) return { ...name, isDirectory: true };
      if (typeof content === 'object') {
        return { ...name, isDirectory: false, error: { code: 'EIO', message: 'unreadable' } };
      }
      const base = {
        ...name,
        isDirectory: false as const,
        originalSize: content.length,
        compressedSize: null,
        lastModified: null,
        checksum: sha256(content),
        checkedBy: 'sha256' as const,
        compressionMethod: 'deflate' as const,
      };
      const dataIn = omit(base);
      if (dataIn !== null) return { ...base, dataIn };
      member += 1;
      return { ...base, member: Math.floor(member / 3), tarOffset: 0 };
    });
}

export class History {
  archives: KnownArchive[] = [];
  /** State at the time of each archive, by its id; survives the archive. */
  readonly states = new Map<string, Files>();
  /** What each archive holds, by its path: content key to text. */
  readonly #held = new Map<string, Map<string, string>>();

  take(
    type: 'full' | 'incremental' | 'differential',
    files: Files,
    parent: KnownArchive | null = null,
    overrides: ManifestOverrides = {},
  ): KnownArchive {
    const omit = parent === null ? () => null : omittableContent(parent.manifest);
    const link = parent && {
      backupId: parent.manifest.backupId,
      stateHash: parent.manifest.stateHash,
    };
    return this.#add(
      manifestOf(type, entriesOf(files, omit), { parent: link, ...overrides }),
      files,
    );
  }

  /** As the job does it: from the plan's sources only. */
  merge(tip: KnownArchive): { merged: KnownArchive; plan: MergePlan } {
    const plan = planMerge(resolveLineage(this.archives), tip);
    if (plan.existing !== null) return { merged: plan.existing, plan };
    const files = new Map(this.contentOf(tip));
    const manifest = manifestOf(
      'merged',
      entriesOf(files, () => null),
      {
        ...plan.heritage,
        parent: null,
      },
    );
    return { merged: this.#add(manifest, files, plan.pinned), plan };
  }

  #add(manifest: Manifest, files: Files, pinned = false): KnownArchive {
    const archive = { ...archiveOf(manifest), pinned };
    this.archives.push(archive);
    this.states.set(manifest.backupId, files);
    const held = new Map<string, string>();
    for (const entry of filesOf(manifest)) {
      const text = files.get(pathOfEntry(entry));
      if (entry.member !== undefined) held.set(contentKeyOf(entry), text as string);
    }
    this.#held.set(archive.path, held);
    return archive;
  }

  remove(archives: readonly ChainArchive[]): void {
    const paths = new Set(archives.map((archive) => archive.path));
    this.archives = this.archives.filter((archive) => !paths.has(archive.path));
    for (const path of paths) this.#held.delete(path);
  }

  /** What a restore of `tip` gives, read from the archives that are left. */
  contentOf(tip: KnownArchive): Files {
    const map = locateContent(tip, this.archives);
    const files = new Map<string, string | null | { failed: true }>();
    for (const entry of tip.manifest.files) {
      const path = pathOfEntry(entry);
      if ('error' in entry) files.set(path, { failed: true });
      else if (entry.isDirectory) files.set(path, null);
      else {
        const source = map.sources.get(path);
        const text = source && this.#held.get(source.archive.path)?.get(contentKeyOf(entry));
        if (text === undefined) throw new Error(`nobody holds ${path}`);
        files.set(path, text);
      }
    }
    return files;
  }
}
