/** What a backup's manifest says besides what was read. */
import type { ManifestDraft } from '../archive/blb-writer.js';
import { nextSequence } from '../chain/lineage.js';
import type { BoardInfo } from '../device/device-fs.js';
import { chainArchiveOf } from './archive-listing.js';
import type { BackupOptions } from './backup-options.js';
import type { JobContext } from './context.js';
import { manifestDraft } from './manifest-draft.js';
import type { Survey } from './survey-board.js';

interface Run {
  readonly options: BackupOptions;
  /** As it is now: reading may have told more of the board, how fast it compresses. */
  readonly info: BoardInfo;
  readonly boardFolder: string;
  readonly createdAt: Date;
  readonly durationMs: number;
}

export function backupDraft(survey: Survey, run: Run, context: JobContext): ManifestDraft {
  const { options, info, boardFolder, createdAt, durationMs } = run;
  const { path, include, exclude, mounts, type, compress, quick, verify } = options;
  const own = survey.listing.stored
    .filter((each) => each.boardFolder === boardFolder)
    .map(chainArchiveOf);
  const parent = survey.choice.parent?.manifest;
  const asked = { type: type ?? 'auto', path, include, exclude, mounts, compress, quick, verify };
  return manifestDraft(
    {
      sequence: nextSequence(own),
      backupType: survey.choice.type,
      createdAt: createdAt.toISOString(),
      deviceInfo: { ...survey.device, probe: { ...info.probe } },
      options: Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)),
      description: options.description ?? null,
      metadata: options.metadata ?? {},
      scope: survey.scope,
      parent:
        parent === undefined ? null : { backupId: parent.backupId, stateHash: parent.stateHash },
      durationMs,
    },
    context,
  );
}
