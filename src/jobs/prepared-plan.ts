/** A restore (or an undo) between its plan and its end: it holds the board until one of its two methods was called. */
import type { KnownArchive } from '../chain/archive.js';
import { boardKeyOf } from '../core/board-key.js';
import type { Tree } from '../core/tree.js';
import type { BackupFolder } from '../store/backup-folder.js';
import type { BoardSummary } from './board-identity.js';
import {
  deviceInfoOf,
  identityOfConnection,
  summaryOfConnection,
  summaryOfManifest,
} from './board-identity.js';
import type { BoardSession } from './board-session.js';
import type { CarriedOut } from './carry-out-plan.js';
import { carryOutPlan } from './carry-out-plan.js';
import type { ContentReader } from './content-reader.js';
import type { FailedPath, JobContext, JobWarning } from './context.js';
import type { TimesKept } from './file-dates.js';
import type { JobVoice } from './job-voice.js';
import type {
  PreparedRestore,
  RestoreOptions,
  RestoreResult,
  RestoreSource,
} from './restore-options.js';
import type { RestorePlan } from './restore-plan.js';

type Asked = Pick<
  RestoreOptions,
  'safety' | 'verify' | 'keepGoing' | 'boardName' | 'after' | 'retryLockMs'
>;

export interface PreparedParts {
  readonly session: BoardSession;
  readonly store: BackupFolder;
  readonly plan: RestorePlan;
  readonly current: Tree;
  readonly mounts: readonly string[];
  readonly content: ContentReader;
  readonly tip: KnownArchive;
  readonly times: TimesKept;
  readonly options: Asked;
  readonly voice: JobVoice;
  readonly context: JobContext;
}

/**
 * `--board` says whose backups are meant. It names the board on the port where nothing else tells
 * that apart; any other has the name that its own backups gave it.
 */
function nameOfConnected({ session, tip, options }: PreparedParts): string | null {
  const { info, usbSerial } = session.connection;
  const own = boardKeyOf({ uniqueId: info.uniqueId, usbSerial, boardName: null });
  if (own === null) return options.boardName ?? null;
  const { deviceInfo } = tip.manifest;
  return boardKeyOf(deviceInfo) === own ? deviceInfo.boardName : null;
}

export class PreparedPlan implements PreparedRestore {
  readonly plan: RestorePlan;
  readonly source: RestoreSource;
  readonly board: BoardSummary;
  readonly times: TimesKept;
  readonly #parts: PreparedParts;
  readonly #boardName: string | null;

  constructor(parts: PreparedParts) {
    const { manifest, path } = parts.tip;
    this.#parts = parts;
    this.#boardName = nameOfConnected(parts);
    this.plan = parts.plan;
    this.times = parts.times;
    // Whoever carries it out may ask a person first: that time is not the restore's.
    parts.voice.pause();
    this.board = summaryOfConnection(parts.session.connection, this.#boardName);
    this.source = {
      backupId: manifest.backupId,
      archive: path,
      createdAt: manifest.createdAt,
      description: manifest.description,
      board: summaryOfManifest(manifest.deviceInfo),
    };
  }

  get warnings(): readonly JobWarning[] {
    return this.#parts.voice.warnings;
  }

  async carryOut(): Promise<RestoreResult> {
    const { session, voice, options } = this.#parts;
    voice.goOn();
    try {
      const carried = await this.#carry();
      await session.leave(options.after ?? 'auto');
      return this.#result(carried);
    } finally {
      await this.cancel();
    }
  }

  async #carry(): Promise<CarriedOut> {
    const { session, store, plan, current, mounts, content, options, voice, context } = this.#parts;
    const boardFolder = await store.boardFolderFor(
      identityOfConnection(session.connection, this.#boardName),
    );
    return carryOutPlan(
      {
        session,
        store,
        boardFolder,
        device: deviceInfoOf(session.info, session.connection.usbSerial, this.#boardName),
        plan,
        current,
        mounts,
        content,
        sourceBackupId: this.source.backupId,
        safety: options.safety ?? true,
        verify: options.verify ?? true,
        keepGoing: options.keepGoing ?? false,
        retryLockMs: options.retryLockMs ?? 0,
        times: this.times,
      },
      voice,
      context,
    );
  }

  #result(carried: CarriedOut): RestoreResult {
    const { session, voice } = this.#parts;
    const unfit: readonly FailedPath[] = this.plan.unfit;
    const failed = [...unfit, ...carried.failed];
    const conflicts = this.plan.skipped
      .filter((each) => each.reason === 'conflict')
      .map((each) => each.path);
    const wire = session.counters();
    return {
      summary: {
        command: 'restore',
        backupId: this.source.backupId,
        filesWritten: carried.filesWritten,
        filesSkipped: this.plan.skipped.length,
        filesDeleted: carried.filesDeleted,
        bytesWritten: carried.bytesWritten,
        wireBytesIn: wire.bytesIn,
        wireBytesOut: wire.bytesOut,
        verified: carried.verified,
        times: this.times,
        timesSet: carried.timesSet,
        durationMs: voice.elapsedMs,
        failed,
      },
      plan: this.plan,
      board: this.board,
      safetyArchive: carried.safetyArchive,
      warnings: voice.warnings,
      conflicts,
      partial: failed.length > 0 || conflicts.length > 0,
    };
  }

  async cancel(): Promise<void> {
    await this.#parts.content.close();
    await this.#parts.session.leave(this.#parts.options.after ?? 'auto');
  }
}
