/** Reads files of a board into an archive, through losses of the board. */
import type { BlbWriter } from '../archive/blb-writer.js';
import type { TreeFile } from '../core/tree.js';
import type { BoardSession } from './board-session.js';
import { isLoss } from './board-session.js';
import type { IntakeOptions } from './file-intake.js';
import { FileIntake } from './file-intake.js';
import type { JobVoice } from './job-voice.js';

export interface ReadingOptions {
  readonly writer: BlbWriter;
  readonly reads: readonly TreeFile[];
  readonly copies: ReadonlyMap<string, readonly TreeFile[]>;
  readonly holder: IntakeOptions['holder'];
  /** How the files were listed: done again after a loss, since a board forgets. */
  readonly roots: readonly string[];
  readonly mounts: readonly string[];
  /** The board may compress what it sends. Default true. */
  readonly compress?: boolean;
  /** Done once, while contents are on the wire. */
  readonly meanwhile?: () => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Every file ends in `done` or in `failed` of the result. Throws what a board that does not come
 * back throws, and whatever the archive's disk throws.
 */
export async function readFiles(
  session: BoardSession,
  options: ReadingOptions,
  voice: JobVoice,
): Promise<FileIntake> {
  const intake = new FileIntake(options.writer, {
    holder: options.holder,
    copies: options.copies,
    onBytes: (count, path) => voice.advance(count, path),
    onFile: (path) => voice.fileDone(path),
  });
  const wanted = [...options.reads, ...[...options.copies.values()].flat()];
  let { meanwhile } = options;
  let due = options.reads;
  let relist = false;
  while (due.length > 0) {
    try {
      if (relist) due = await listAgain(session, due, intake, options);
      relist = false;
      for await (const event of session.fs.read(due, {
        compress: options.compress ?? true,
        signal: options.signal,
      })) {
        await intake.take(event);
        await meanwhile?.();
        meanwhile = undefined;
        if (event.kind === 'verified' || event.kind === 'failed') session.progressed();
        if (event.kind === 'restart')
          voice.warn('file-restarted', `${event.file.path}: ${event.reason}`, event.file.path);
      }
      due = stillDue(wanted, intake);
    } catch (error) {
      await intake.dropUnverified();
      if (!isLoss(error)) throw error;
      await session.recover(error, options.signal);
      due = stillDue(due, intake);
      relist = true;
    }
  }
  return intake;
}

function stillDue(files: readonly TreeFile[], intake: FileIntake): readonly TreeFile[] {
  return files.filter(({ path }) => !intake.done.has(path) && !intake.failed.has(path));
}

async function listAgain(
  session: BoardSession,
  due: readonly TreeFile[],
  intake: FileIntake,
  options: ReadingOptions,
): Promise<readonly TreeFile[]> {
  const { roots, mounts, signal } = options;
  const { tree } = await session.fs.scan({
    roots,
    mounts,
    hashes: 'none',
    signal,
  });
  const present = new Map(tree.map((entry) => [entry.path, entry]));
  const found: TreeFile[] = [];
  for (const file of due) {
    const now = present.get(file.path);
    if (now?.kind === 'file') found.push({ ...now, sha256: file.sha256 });
    else {
      const message = now?.kind === 'failed' ? now.message : 'vanished while the board was away';
      intake.failed.set(file.path, {
        kind: 'failed',
        path: file.path,
        code: 'board/file',
        message,
      });
    }
  }
  return found;
}
