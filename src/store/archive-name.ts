/** Names of archives and of the folders of boards. */
import { createHash } from 'node:crypto';
import type { BackupType, Manifest } from '../archive/manifest.js';
import { BelayError } from '../core/errors.js';

const SUFFIX_BY_TYPE: Readonly<Record<BackupType, string>> = {
  full: 'full',
  incremental: 'incr',
  differential: 'diff',
  merged: 'merged',
  safety: 'safety',
};

const OUR_PATTERN = /^backup_(\d{8})_(\d{6})_(full|incr|diff|merged|safety)\.blb$/;
const SLUG_LENGTH_MAX = 32;

/** `backup_20261120_102111_full.blb`, in UTC. */
export function archiveNameOf(manifest: Pick<Manifest, 'createdAt' | 'backupType'>): string {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)/.exec(manifest.createdAt) ?? [];
  if (date === undefined || time === undefined) {
    throw new TypeError(`archiveNameOf: "${manifest.createdAt}" is no time`);
  }
  const stamp = `${date.replaceAll('-', '')}_${time.replaceAll(':', '')}`;
  return `backup_${stamp}_${SUFFIX_BY_TYPE[manifest.backupType]}.blb`;
}

/** The same moment a second later, in the manifest's form. */
export function aSecondLater(createdAt: string): string {
  return new Date(Date.parse(createdAt) + 1000).toISOString();
}

/**
 * Null where the name is the user's own or agrees with the manifest; else archive/name-mismatch: an
 * archive that bears another's name would be taken for it.
 */
export function nameMismatch(fileName: string, manifest: Manifest): BelayError | null {
  if (!OUR_PATTERN.test(fileName)) return null;
  const expected = archiveNameOf(manifest);
  if (fileName === expected) return null;
  return new BelayError(
    'archive/name-mismatch',
    `${fileName}: its manifest belongs to ${expected}`,
    {
      hint: 'Give it the name it was made with, or any name of your own.',
      details: { expected, found: fileName },
    },
  );
}

/** The part of a board folder's name that finds it again. */
export function boardSuffixOf(uniqueKey: string): string {
  return createHash('sha256').update(uniqueKey).digest('hex').slice(0, 8);
}

/** Cosmetic part of a board folder's name: a-z, 0-9 and single hyphens, 1 to 32 long. */
export function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_LENGTH_MAX)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'board' : slug;
}
