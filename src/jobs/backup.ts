/**
 * The main job: every file of a board into one `.blb`. It promises that an archive under its final
 * name is whole and verified, that a run which failed or was cancelled leaves nothing half-made,
 * and that the board is left as it was found.
 */
import type { ManifestDraft } from '../archive/blb-writer.js';
import { pathOfEntry } from '../archive/manifest.js';
import { rehearse } from '../archive/rehearsal.js';
import { treeOf } from '../chain/archive.js';
import { omittableContent } from '../chain/materialize.js';
import { refuseEmptyPolicy } from '../chain/retention.js';
import { isBelayError, throwIfAborted } from '../core/errors.js';
import type { Tree } from '../core/tree.js';
import type { BackupFolder, CommittedArchive, NewArchive } from '../store/backup-folder.js';
import { backupDraft } from './backup-draft.js';
import type { BackupOptions, BackupResult, BackupSummary } from './backup-options.js';
import { requireSpace } from './backup-space.js';
import { identityOfConnection, summaryOfConnection } from './board-identity.js';
import { BoardSession } from './board-session.js';
import type { BoardParts, JobContext } from './context.js';
import { JobVoice } from './job-voice.js';
import type { BackupPlan } from './plan-backup.js';
import { countFiles } from './plan-backup.js';
import { policyOf, prune } from './prune.js';
import { readFiles } from './read-files.js';
import type { Survey } from './survey-board.js';
import { Surveyor } from './survey-board.js';

export type {
  BackupOptions,
  BackupResult,
  BackupSummary,
} from './backup-options.js';

/**
 * Backs up one board. Resolves for a partial backup too (`summary.partial`); throws a BelayError
 * when there is no archive: `port/…`, `board/…`, `store/…`, `chain/…`, `job/cancelled`.
 */
export async function backup(
  parts: BoardParts,
  options: BackupOptions,
  context: JobContext,
): Promise<BackupResult> {
  // A wrong policy is found before the board is disturbed.
  if (options.keep !== undefined) refuseEmptyPolicy(policyOf(options.keep));
  const run = new BackupRun(parts.store, options, context);
  run.voice.begin('connecting');
  const session = await BoardSession.open(parts.connect, context, 'read');
  run.voice.countWire(() => session.counters());
  try {
    return await run.withBoard(session);
  } finally {
    await session.leave(options.after ?? 'auto');
  }
}

class BackupRun {
  readonly voice: JobVoice;
  readonly #store: BackupFolder;
  readonly #options: BackupOptions;
  readonly #context: JobContext;
  readonly #createdAt: Date;
  readonly #surveyor: Surveyor;

  constructor(store: BackupFolder, options: BackupOptions, context: JobContext) {
    this.#store = store;
    this.#options = options;
    this.#context = context;
    this.#createdAt = context.clock.now();
    this.voice = new JobVoice(context);
    this.#surveyor = new Surveyor(store, options, context, this.voice);
  }

  get #compresses(): boolean {
    return this.#options.compress ?? true;
  }

  async withBoard(session: BoardSession): Promise<BackupResult> {
    const identity = identityOfConnection(session.connection, this.#options.boardName ?? null);
    const boardFolder = await this.#store.boardFolderFor(identity);
    const survey = () => this.#surveyor.survey(session, boardFolder);
    if (this.#options.dryRun === true)
      return this.#withoutArchive(session, await survey(), 'planned');
    const retryMs = this.#options.retryLockMs ?? 0;
    const lock = await this.#store.lock(boardFolder, 'backup', {
      retryMs,
      signal: this.#context.signal,
    });
    let result: BackupResult;
    try {
      await this.#store.sweep();
      result = await this.#surveyed(session, await survey(), boardFolder);
    } finally {
      await lock.release();
    }
    return this.#pruned(result, identity.uniqueKey);
  }

  async #surveyed(
    session: BoardSession,
    survey: Survey,
    boardFolder: string,
  ): Promise<BackupResult> {
    if (survey.unchanged && this.#options.skipIfUnchanged === true)
      return this.#withoutArchive(session, survey, 'unchanged');
    await requireSpace(this.#store, survey.plan, survey.tree.length);
    const archive = await this.#store.create(boardFolder, 'backup', {
      compress: this.#compresses,
    });
    try {
      return await this.#write(session, survey, archive, boardFolder);
    } finally {
      await archive.abort();
    }
  }

  async #write(
    session: BoardSession,
    survey: Survey,
    archive: NewArchive,
    boardFolder: string,
  ): Promise<BackupResult> {
    const { plan, choice } = survey;
    const { writer } = archive;
    for (const path of plan.folders) writer.addFolder(path);
    for (const { path, code, message } of plan.failures)
      writer.addFailure(path, true, code, message);
    for (const { meta, dataIn } of plan.references) writer.addReference(meta, dataIn);
    this.voice.begin('reading', {
      files: plan.reads.length + sumOf(plan.copies),
      bytes: plan.bytesToRead,
    });
    const intake = await readFiles(
      session,
      {
        writer,
        reads: plan.reads,
        copies: plan.copies,
        holder: choice.parent === null ? () => null : omittableContent(choice.parent.manifest),
        roots: [survey.scope.path],
        mounts: survey.mounts,
        compress: this.#compresses,
        meanwhile: () =>
          rehearse(this.#draft(session, survey, boardFolder), {
            compress: this.#compresses,
            signal: this.#context.signal,
          }),
        signal: this.#context.signal,
      },
      this.voice,
    );
    for (const { path, code, message } of intake.failed.values()) {
      writer.addFailure(path, false, code, message);
      this.voice.warn('file-failed', message, path);
    }
    this.voice.end();
    throwIfAborted(this.#context.signal);
    this.voice.begin('verifying');
    // Nothing more is wanted of the board: it is left while the archive is put on the disk.
    const [, committed] = await Promise.all([
      session.leave(this.#options.after ?? 'auto'),
      archive.commit(this.#draft(session, survey, boardFolder), {
        signal: this.#context.signal,
      }),
    ]);
    this.voice.end();
    return this.#written(session, survey, committed);
  }

  #draft(session: BoardSession, survey: Survey, boardFolder: string): ManifestDraft {
    const run = {
      options: this.#options,
      info: session.info,
      boardFolder,
      createdAt: this.#createdAt,
      durationMs: this.voice.elapsedMs,
    };
    return backupDraft(survey, run, this.#context);
  }

  #written(session: BoardSession, survey: Survey, committed: CommittedArchive): BackupResult {
    const { manifest, path, archiveBytes } = committed;
    const failed = manifest.files.flatMap((entry) =>
      'error' in entry ? [{ path: pathOfEntry(entry), ...entry.error }] : [],
    );
    const { statistics } = manifest;
    const summary = {
      ...this.#summary(session, survey, treeOf(manifest)),
      backupId: manifest.backupId,
      backupType: manifest.backupType,
      archive: path,
      fileCount: statistics.fileCount,
      directoryCount: statistics.directoryCount,
      totalOriginalSize: statistics.totalOriginalSize,
      archiveSize: archiveBytes,
      partial: failed.length > 0,
    };
    return this.#result('written', survey, summary, { manifest, failed });
  }

  #withoutArchive(
    session: BoardSession,
    survey: Survey,
    outcome: 'unchanged' | 'planned',
  ): BackupResult {
    const failed = survey.plan.failures.map(({ path, code, message }) => ({
      path,
      code,
      message,
    }));
    const summary = this.#summary(session, survey, survey.tree);
    // A full may be due, and nothing has changed all the same.
    const counts = outcome === 'unchanged' ? countFiles(survey.tree, survey.reference) : {};
    return this.#result(outcome, survey, { ...summary, ...counts }, { manifest: null, failed });
  }

  #summary(session: BoardSession, survey: Survey, tree: Tree): BackupSummary {
    const files = tree.filter((entry) => entry.kind === 'file');
    const wire = session.counters();
    return {
      command: 'backup',
      backupId: null,
      backupType: survey.choice.type,
      archive: null,
      parentId: survey.choice.parent?.manifest.backupId ?? null,
      fileCount: files.length,
      directoryCount: tree.filter((entry) => entry.kind === 'folder').length,
      ...countFiles(tree, survey.choice.parent?.manifest ?? null),
      totalOriginalSize: files.reduce((sum, file) => sum + file.sizeBytes, 0),
      archiveSize: 0,
      wireBytesIn: wire.bytesIn,
      wireBytesOut: wire.bytesOut,
      durationMs: this.voice.elapsedMs,
      board: summaryOfConnection(session.connection, this.#options.boardName ?? null),
      partial: survey.plan.failures.length > 0,
    };
  }

  #result(
    outcome: BackupResult['outcome'],
    survey: Survey,
    summary: BackupSummary,
    rest: Pick<BackupResult, 'manifest' | 'failed'>,
  ): BackupResult {
    const filesRead = survey.plan.reads.map((file) => file.path);
    const reason = survey.choice.sentence;
    return {
      outcome,
      summary,
      reason,
      filesRead,
      ...rest,
      warnings: this.voice.warnings,
      pruned: null,
      pruneProblem: null,
    };
  }

  /** After a backup that succeeded, never before; not after a partial one. */
  async #pruned(result: BackupResult, boardKey: string): Promise<BackupResult> {
    const { keep, retryLockMs } = this.#options;
    if (keep === undefined || result.outcome !== 'written' || result.summary.partial) return result;
    try {
      const parts = { store: this.#store };
      const pruned = await prune(parts, { keep, boardKey, retryLockMs }, this.#context);
      return { ...result, pruned };
    } catch (error) {
      if (!isBelayError(error) || error.code === 'job/cancelled') throw error;
      this.voice.warn('prune-failed', `old backups were not removed: ${error.message}`);
      return { ...result, pruneProblem: error };
    }
  }
}

function sumOf(copies: BackupPlan['copies']): number {
  return [...copies.values()].reduce((sum, files) => sum + files.length, 0);
}
