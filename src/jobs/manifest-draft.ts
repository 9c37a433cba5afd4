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

/** A new id; created now, unless the caller says otherwise (a merge keeps its tip's time). */
export function manifestDraft(given: Given, context: JobContext): ManifestDraft {
  const now = context.clock.now();
  return {
    formatVersion: FORMAT_VERSION,
    backupId: context.randomHex(16),
    sequence: given.sequence,
    backupType: given.backupType,
    createdAt: given.createdAt ?? now.toISOString(),
    utcOffsetMinutes: given.utcOffsetMinutes ?? context.clock.utcOffsetMinutes(now),
    deviceInfo: given.deviceInfo,
    options: given.options ?? {},
    description: given.description ?? null,
    metadata: given.metadata ?? {},
    scope: given.scope,
    parent: given.parent ?? null,
    supersedes: given.supersedes ?? [],
    mergedAt: given.mergedAt ?? null,
    restoreRecord: given.restoreRecord ?? null,
    requiredFeatures: given.requiredFeatures ?? {
      read: [],
      extend: [],
      merge: [],
    },
    statistics: { backupDurationMs: given.durationMs },
  };
}
