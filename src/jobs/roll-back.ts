/** Puts a board back as its safety archive says it was, after a restore that failed halfway. */
import { pathOfEntry } from '../archive/manifest.js';
import { filesOf } from '../chain/materialize.js';
import { isBelayError } from '../core/errors.js';
import type { Tree } from '../core/tree.js';
import type { BackupFolder, CommittedArchive } from '../store/backup-folder.js';
import { boardOperationOf } from './board-operation.js';
import type { BoardSession } from './board-session.js';
import { isLoss } from './board-session.js';
import { ContentReader } from './content-reader.js';
import type { JobContext } from './context.js';
import type { FileDates } from './file-dates.js';
import type { JobVoice } from './job-voice.js';
import { planUndo } from './plan-undo.js';
import type { RestorePlan } from './restore-plan.js';
import { changesOf } from './restore-record.js';

export interface RollBackInput {
  readonly session: BoardSession;
  readonly store: BackupFolder;
  readonly safety: CommittedArchive;
  readonly plan: RestorePlan;
  /** The board before the restore. */
  readonly current: Tree;
  readonly mounts: readonly string[];
  /** What is put back gets its time back as well. */
  readonly dates: FileDates | null;
}

export interface RollBackOutcome {
  readonly complete: boolean;
  /** Why it is not complete. */
  readonly problem: string | null;
}

/** Never throws: what went wrong is in the outcome. Goes on after a cancellation, whose signal it does not take. */
export async function rollBack(
  input: RollBackInput,
  voice: JobVoice,
  context: JobContext,
): Promise<RollBackOutcome> {
  voice.note('rolling-back', 'putting the board back as it was');
  const signal = new AbortController().signal;
  const { safety, store, session } = input;
  // Losses that ended the restore do not count here: putting back is shorter, and worth as many tries.
  session.progressed();
  const archive = { ...safety, pinned: false, problem: null };
  const content = ContentReader.alone(store, archive);
  try {
    for (;;) {
      try {
        return await putBack(input, content, voice, signal);
      } catch (error) {
        if (!isLoss(error)) throw error;
        await session.recover(error, signal);
      }
    }
  } catch (error) {
    return {
      complete: false,
      problem: isBelayError(error) ? error.message : String(error),
    };
  } finally {
    await content.close();
    if (context.signal.aborted) voice.note('rolled-back', 'stopped after the board was put back');
  }
}

async function putBack(
  input: RollBackInput,
  content: ContentReader,
  voice: JobVoice,
  signal: AbortSignal,
): Promise<RollBackOutcome> {
  const { session, safety, mounts } = input;
  await session.fs.sweep(signal);
  const { tree } = await session.fs.scan({
    roots: [''],
    mounts,
    hashes: 'content',
    known: input.current,
    signal,
  });
  const saved = filesOf(safety.manifest).map(
    (entry) =>
      [
        pathOfEntry(entry),
        { sizeBytes: entry.originalSize, modifiedS: entry.lastModified },
      ] as const,
  );
  const undo = planUndo({
    changes: changesOf(input.plan.operations, input.current),
    saved: new Map(saved),
    board: { tree, info: session.info },
    overwriteChanged: true,
    inPlace: true,
    warnings: [],
  });
  voice.begin('restoring', {
    files: undo.filesToWrite + undo.filesToDelete,
    bytes: undo.bytesToWrite,
  });
  const operations = undo.operations.map((operation) => boardOperationOf(operation, content));
  let problem: string | null =
    undo.skipped.find((each) => each.reason === 'conflict')?.path ?? null;
  if (problem !== null) problem = `/${problem} has changed meanwhile`;
  for await (const event of session.fs.apply(operations, {
    // The board may be full by now, whatever was free when it was asked: what the restore made goes
    // first, then file after file comes back.
    strategy: undo.strategy === 'staged' ? 'one-by-one' : undo.strategy,
    keepGoing: true,
    verify: true,
    signal,
    ...(input.dates === null ? {} : { times: input.dates.applied() }),
  })) {
    if (event.kind === 'sent') voice.advance(event.bytes, event.operation.path);
    else if (event.kind === 'failed') problem ??= event.message;
    else if (event.kind === 'done') session.progressed();
  }
  voice.end();
  return { complete: problem === null, problem };
}
