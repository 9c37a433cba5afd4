/**
 * A plan becomes the board's state: safety archive, apply, check. When something fails, everything
 * done is taken back from the safety archive, and the board is as before.
 */
import type { ManifestDeviceInfo } from '../archive/manifest.js';
import type { ErrorCode } from '../core/errors.js';
import { BelayError, EXIT_STATUS_BY_CODE, isBelayError, throwIfAborted } from '../core/errors.js';
import type { Tree } from '../core/tree.js';
import type { BackupFolder, CommittedArchive } from '../store/backup-folder.js';
import { boardOperationOf, remainingOperations } from './board-operation.js';
import type { BoardSession } from './board-session.js';
import { isLoss } from './board-session.js';
import { clearAfterDead } from './clear-after-dead.js';
import type { ContentReader } from './content-reader.js';
import type { FailedPath, JobContext } from './context.js';
import { FileDates, type TimesKept } from './file-dates.js';
import type { JobVoice } from './job-voice.js';
import type { PlannedOperation, RestorePlan } from './restore-plan.js';
import { rollBack } from './roll-back.js';
import { expiredSafety, makeSafetyArchive } from './safety-archive.js';

export interface CarryOutInput {
  readonly session: BoardSession;
  readonly store: BackupFolder;
  readonly boardFolder: string;
  readonly device: ManifestDeviceInfo;
  readonly plan: RestorePlan;
  /** The board as the plan saw it. */
  readonly current: Tree;
  readonly mounts: readonly string[];
  readonly content: ContentReader;
  readonly sourceBackupId: string;
  readonly safety: boolean;
  readonly verify: boolean;
  readonly keepGoing: boolean;
  readonly retryLockMs: number;
  readonly times: TimesKept;
}

export interface CarriedOut {
  readonly filesWritten: number;
  readonly filesDeleted: number;
  readonly bytesWritten: number;
  readonly verified: boolean;
  /** Files that have the time of the backup, as the board shows them. */
  readonly timesSet: number;
  readonly failed: readonly FailedPath[];
  readonly safetyArchive: string | null;
}

export async function carryOutPlan(
  input: CarryOutInput,
  voice: JobVoice,
  context: JobContext,
): Promise<CarriedOut> {
  throwIfAborted(context.signal);
  if (input.plan.operations.length === 0) {
    await clearAfterDead(input.store);
    return {
      filesWritten: 0,
      filesDeleted: 0,
      bytesWritten: 0,
      verified: true,
      timesSet: 0,
      failed: [],
      safetyArchive: null,
    };
  }
  await input.session.fs.sweep(context.signal);
  if (!input.safety) return carry(input, voice, context, null);
  const { store, boardFolder, retryLockMs } = input;
  const lock = await store.lock(boardFolder, 'restore', {
    retryMs: retryLockMs,
    signal: context.signal,
  });
  try {
    await store.sweep();
    const safety = await makeSafetyArchive(
      input.session,
      { ...input, operations: input.plan.operations },
      voice,
      context,
    );
    const result = await carry(input, voice, context, safety);
    const stored = await store.list({ safety: true });
    await store.remove(expiredSafety(stored, boardFolder, context.clock.now()));
    return result;
  } finally {
    await lock.release();
  }
}

async function carry(
  input: CarryOutInput,
  voice: JobVoice,
  context: JobContext,
  safety: CommittedArchive | null,
): Promise<CarriedOut> {
  const dates = await FileDates.begin({ session: input.session, voice, context }, input.times);
  try {
    return await new Carrier(input, voice, context, safety, dates).run();
  } finally {
    await dates?.end();
  }
}

class Carrier {
  readonly #input: CarryOutInput;
  readonly #voice: JobVoice;
  readonly #context: JobContext;
  readonly #safety: CommittedArchive | null;
  readonly #dates: FileDates | null;
  readonly #done = new Set<PlannedOperation>();
  readonly #failed = new Map<string, FailedPath>();

  constructor(
    input: CarryOutInput,
    voice: JobVoice,
    context: JobContext,
    safety: CommittedArchive | null,
    dates: FileDates | null,
  ) {
    this.#input = input;
    this.#voice = voice;
    this.#context = context;
    this.#safety = safety;
    this.#dates = dates;
  }

  async run(): Promise<CarriedOut> {
    const { plan, keepGoing, verify } = this.#input;
    try {
      this.#voice.begin('restoring', {
        files: plan.filesToWrite + plan.filesToDelete,
        bytes: plan.bytesToWrite,
      });
      await this.#applyThroughLosses();
      this.#voice.end();
    } catch (error) {
      throw await this.#takenBack(error);
    }
    const first = [...this.#failed.values()][0];
    if (first !== undefined && !keepGoing && this.#safety !== null)
      throw await this.#takenBack(errorOf(first));
    return this.#result(verify);
  }

  async #applyThroughLosses(): Promise<void> {
    const { session, plan } = this.#input;
    let due = plan.operations;
    let relist = false;
    for (;;) {
      try {
        if (relist) due = await this.#listAgain();
        relist = false;
        return await this.#apply(due);
      } catch (error) {
        if (!isLoss(error)) throw error;
        await session.recover(error, this.#context.signal);
        relist = true;
      }
    }
  }

  async #listAgain(): Promise<readonly PlannedOperation[]> {
    const { session, plan, mounts } = this.#input;
    const { signal } = this.#context;
    await session.fs.sweep(signal);
    const { tree } = await session.fs.scan({
      roots: [''],
      mounts,
      hashes: 'content',
      known: this.#input.current,
      signal,
    });
    const due = remainingOperations(plan.operations, tree);
    for (const operation of plan.operations) {
      if (!due.includes(operation) && !this.#failed.has(operation.path)) this.#done.add(operation);
    }
    return due;
  }

  async #apply(due: readonly PlannedOperation[]): Promise<void> {
    const { session, plan, content, keepGoing, verify } = this.#input;
    const planned = new Map(
      due.map((operation) => [boardOperationOf(operation, content), operation]),
    );
    const { signal } = this.#context;
    const times = this.#dates === null ? {} : { times: this.#dates.applied() };
    const options = { strategy: plan.strategy, keepGoing, verify, signal, ...times };
    for await (const event of session.fs.apply([...planned.keys()], options)) {
      const operation = planned.get(event.operation);
      const { path } = event.operation;
      if (event.kind === 'sent') this.#voice.advance(event.bytes, path);
      else if (event.kind === 'failed')
        this.#fail({ path, code: event.code, message: event.message });
      else if (event.kind === 'done' && operation !== undefined) {
        session.progressed();
        this.#done.add(operation);
        if (operation.kind === 'put' || operation.kind === 'delete-file')
          this.#voice.fileDone(path);
      }
    }
  }

  #fail(failure: FailedPath): void {
    this.#failed.set(failure.path, failure);
    this.#voice.warn('file-failed', failure.message, failure.path);
  }

  async #result(verify: boolean): Promise<CarriedOut> {
    const done = [...this.#done].filter((operation) => !this.#failed.has(operation.path));
    const puts = done.filter((operation) => operation.kind === 'put');
    return {
      filesWritten: puts.length,
      filesDeleted: done.filter((operation) => operation.kind === 'delete-file').length,
      bytesWritten: puts.reduce((sum, put) => sum + put.sizeBytes, 0),
      verified: verify && this.#failed.size === 0,
      timesSet: (await this.#dates?.count(puts, this.#input.mounts)) ?? 0,
      failed: [...this.#failed.values()],
      safetyArchive: this.#safety?.path ?? null,
    };
  }

  /** The error to end with, after everything that can be taken back was taken back. */
  async #takenBack(error: unknown): Promise<unknown> {
    const { session, store, keepGoing } = this.#input;
    const safety = this.#safety;
    const cause = isBelayError(error)
      ? error
      : new BelayError('job/failed', String(error), { cause: error });
    const written = [...this.#done].map((operation) => operation.path);
    if (safety === null || (keepGoing && cause.code !== 'job/cancelled')) {
      if (written.length === 0) return cause;
      return withDetails(cause, `; ${written.length} paths were changed already`, {
        rolledBack: false,
        written,
      });
    }
    const outcome = await rollBack(
      {
        session,
        store,
        safety,
        mounts: this.#input.mounts,
        plan: this.#input.plan,
        current: this.#input.current,
        dates: this.#dates,
      },
      this.#voice,
      this.#context,
    );
    if (outcome.complete) {
      await store.remove([safety.path]);
      return withDetails(cause, '; the board was put back as it was', {
        rolledBack: true,
      });
    }
    return new BelayError(
      cause.code,
      `${cause.message}; the board could not be put back as it was (${outcome.problem})`,
      {
        hint: `plug the board in and run: belay-backup restore --undo (its old files are in ${safety.path})`,
        cause,
        details: {
          ...cause.details,
          rolledBack: false,
          written,
          safetyArchive: safety.path,
        },
      },
    );
  }
}

function withDetails(
  cause: BelayError,
  what: string,
  details: Record<string, unknown>,
): BelayError {
  return new BelayError(cause.code, `${cause.message}${what}`, {
    ...(cause.hint === null ? {} : { hint: cause.hint }),
    cause,
    details: { ...cause.details, ...details },
  });
}

function errorOf(failure: FailedPath): BelayError {
  const known = Object.hasOwn(EXIT_STATUS_BY_CODE, failure.code);
  return new BelayError(known ? (failure.code as ErrorCode) : 'board/file', failure.message, {
    details: { path: failure.path },
  });
}
