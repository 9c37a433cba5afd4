/** The part of a manifest that a job knows before the archive is finished. */
import type { ManifestDraft } from '../archive/blb-writer.js';
import type { Manifest } from '../archive/manifest.js';
import type { JobContext } from './context.js';

export const FORMAT_VERSION = 1;

type Given = Pick<Manifest, 'sequence' | 'backupType' | 'deviceInfo' | 'scope'> &
  Partial<
    Pick<
      Manifest,
      | 'options'
      | 'description'
      | 'metadata'
      | 'parent'
      | 'supersedes'
      | 'mergedAt'
      | 'restoreRecord'
      | 'createdAt'
      | 'utcOffsetMinutes'
      | 'requiredFeatures'
    >
  > & {
    readonly durationMs: number;
  };

/**
 * A new id; created now, unless the caller says otherwise (a merge keeps its tip's time). Further
 * fields of `given`, which a merge takes over from a newer version, are kept.
 */
export function manifestDraft(given: Given, context: JobContext): ManifestDraft {
  const now = context.clock.now();
  const { durationMs, sequence, backupType, deviceInfo, scope, ...fields } = given;
  return {
    formatVersion: FORMAT_VERSION,
    backupId: context.randomHex(16),
    sequence,
    backupType,
    createdAt: now.toISOString(),
    utcOffsetMinutes: context.clock.utcOffsetMinutes(now),
    deviceInfo,
    options: {},
    description: null,
    metadata: {},
    scope,
    parent: null,
    supersedes: [],
    mergedAt: null,
    restoreRecord: null,
    requiredFeatures: { read: [], extend: [], merge: [] },
    ...fields,
    statistics: { backupDurationMs: durationMs },
  };
}
