/**
 * The safety archive: the content of everything that a restore is about to overwrite or delete, and
 * a record of what it changes, written and verified before the board is touched.
 */
import type { Manifest, ManifestDeviceInfo } from '../archive/manifest.js';
import { nextSequence } from '../chain/lineage.js';
import { BelayError } from '../core/errors.js';
import type { Tree } from '../core/tree.js';
import type { BackupFolder, CommittedArchive, StoredBackup } from '../store/backup-folder.js';
import { chainArchiveOf } from './archive-listing.js';
import type { BoardSession } from './board-session.js';
import type { JobContext } from './context.js';
import type { JobVoice } from './job-voice.js';
import { manifestDraft } from './manifest-draft.js';
import { readFiles } from './read-files.js';
import type { PlannedOperation } from './restore-plan.js';
import { changesOf, filesToSave, recordEntryOf } from './restore-record.js';

/** Kept whatever their age, and kept however many there are while they are younger. */
const NEWEST_KEPT = 5;
const KEPT_DAYS = 30;

export interface SafetyInput {
  readonly store: BackupFolder;
  readonly boardFolder: string;
  readonly device: ManifestDeviceInfo;
  readonly operations: readonly PlannedOperation[];
  /** The board as it was scanned for the plan. */
  readonly current: Tree;
  readonly mounts: readonly string[];
  readonly sourceBackupId: string;
}

/** Needs the board folder's lock. Throws where anything that would be lost cannot be saved. */
export async function makeSafetyArchive(
  session: BoardSession,
  input: SafetyInput,
  voice: JobVoice,
  context: JobContext,
): Promise<CommittedArchive> {
  const { store, boardFolder, operations, current, mounts } = input;
  const reads = filesToSave(operations, current);
  const startedMs = voice.elapsedMs;
  const archive = await store.create(boardFolder, 'safety', { compress: true });
  try {
    for (const operation of operations)
      if (operation.kind === 'delete-folder') archive.writer.addFolder(operation.path);
    voice.begin('reading', {
      files: reads.length,
      bytes: reads.reduce((sum, file) => sum + file.sizeBytes, 0),
    });
    const intake = await readFiles(
      session,
      {
        writer: archive.writer,
        reads,
        copies: new Map(),
        holder: () => null,
        roots: [''],
        mounts,
        signal: context.signal,
      },
      voice,
    );
    voice.end();
    requireSaved(reads, intake);
    const stored = await store.list({ safety: true });
    const own = stored.filter((each) => each.boardFolder === boardFolder).map(chainArchiveOf);
    const draft = manifestDraft(
      {
        sequence: nextSequence(own),
        backupType: 'safety',
        deviceInfo: input.device,
        scope: WHOLE_BOARD,
        description: `before a restore of ${input.sourceBackupId.slice(0, 8)}`,
        restoreRecord: {
          sourceBackupId: input.sourceBackupId,
          entries: changesOf(operations, current).map(recordEntryOf),
        },
        durationMs: voice.elapsedMs - startedMs,
      },
      context,
    );
    return await archive.commit(draft, { signal: context.signal });
  } finally {
    await archive.abort();
  }
}

const WHOLE_BOARD: Manifest['scope'] = {
  roots: [''],
  path: '',
  patterns: { include: [], exclude: [] },
};

type Intake = Awaited<ReturnType<typeof readFiles>>;

/** What was read must be what the plan saw: an undo goes by the hashes of the scan. */
function requireSaved(
  reads: readonly { readonly path: string; readonly sha256: string | null }[],
  intake: Intake,
): void {
  for (const { path, sha256 } of reads) {
    const failure = intake.failed.get(path);
    if (failure !== undefined) {
      throw new BelayError(
        'board/file',
        `/${path} could not be saved before it is overwritten: ${failure.message}`,
        {
          hint: 'nothing was changed; leave the file out, or do without a safety archive (--no-safety)',
          details: { path },
        },
      );
    }
    if (sha256 !== null && intake.done.get(path)?.sha256 !== sha256) {
      throw new BelayError(
        'job/failed',
        `/${path} changed on the board while the restore was prepared`,
        {
          hint: 'nothing was changed; run the restore again',
          details: { path },
          retryable: true,
        },
      );
    }
  }
}

/** Old safety archives of one board: all but the newest five and those under 30 days, oldest first. */
export function expiredSafety(
  stored: readonly StoredBackup[],
  boardFolder: string,
  now: Date,
): readonly string[] {
  const since = new Date(now.getTime() - KEPT_DAYS * 86_400_000).toISOString();
  const own = stored
    .filter(
      (each) =>
        each.safety && each.boardFolder === boardFolder && each.head !== null && !each.pinned,
    )
    .sort((a, b) => (a.head?.manifest.sequence ?? 0) - (b.head?.manifest.sequence ?? 0));
  return own
    .slice(0, Math.max(0, own.length - NEWEST_KEPT))
    .filter((each) => (each.head?.manifest.createdAt ?? since) < since)
    .map((each) => each.path);
}
