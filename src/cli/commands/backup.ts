/** `backup`: one board, or several at once. */
import { readFileSync } from 'node:fs';
import { BelayError } from '../../core/errors.js';
import type { BackupOptions, BackupResult } from '../../jobs/backup.js';
import { backup } from '../../jobs/backup.js';
import { countOf, formatBytes } from '../../ui/formats.js';
import { openStore } from '../../wiring.js';
import { boardConnector, skipWhenAbsent, withBoardChoice } from '../board-choice.js';
import type { EverywhereOptions } from '../call.js';
import { STATUS_DONE, STATUS_PARTIAL } from '../exit-status.js';
import type { KeepOptions } from '../keep-rules.js';
import { keepRulesOf } from '../keep-rules.js';
import { patternsOfFile } from '../option-values.js';
import type { Session } from '../session.js';
import { failMany, runMany, wantedPorts } from '../several-boards.js';
import { backupLines } from '../text/backup-text.js';

interface Options extends EverywhereOptions, KeepOptions {
  readonly type: 'auto' | 'full' | 'incremental' | 'differential';
  readonly path?: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly excludeFrom?: readonly string[];
  readonly mounts?: readonly string[];
  readonly description?: string;
  readonly meta?: readonly (readonly [string, string])[];
  readonly compress: boolean;
  readonly quick?: boolean;
  readonly verify: boolean;
  readonly allowEmpty?: boolean;
  readonly requireParent?: boolean;
  readonly fullEvery?: number;
  readonly ifPresent?: boolean;
  readonly wait?: boolean;
  readonly skipIfUnchanged?: boolean;
  readonly all?: boolean;
}

export async function run(session: Session): Promise<number> {
  const options = session.optionsAs<Options>();
  const jobOptions = backupOptionsOf(options, session);
  return skipWhenAbsent(options.ifPresent === true, async () => {
    const ports = await wantedPorts(session, options.all === true);
    if (ports.several.length > 0) return backupMany(session, ports.several, jobOptions);
    return backupOne(session, ports.first, jobOptions, options.wait === true);
  });
}

async function backupOne(
  session: Session,
  port: string | undefined,
  options: BackupOptions,
  wait: boolean,
): Promise<number> {
  const store = openStore(session.options.dir);
  const result = await withBoardChoice(session, port, async (chosen) => {
    await session.startProgress();
    const context = await session.context();
    const connect = boardConnector(session, chosen.port, context, { wait });
    return backup({ connect, store }, { ...options, boardName: chosen.board }, context);
  });
  session.finished(finishedOf(result));
  await session.endProgress();
  report(session, result);
  if (result.pruneProblem !== null) throw result.pruneProblem;
  return statusOf(result);
}

async function backupMany(
  session: Session,
  ports: readonly string[],
  options: BackupOptions,
): Promise<number> {
  const store = openStore(session.options.dir);
  await session.startProgress();
  const outcomes = await runMany(session, ports, async (port, context) => {
    const connect = boardConnector(session, port, context, { wait: false });
    const result = await backup({ connect, store }, options, context);
    const partial = result.summary.partial || result.pruneProblem !== null;
    return {
      value: result,
      finished: finishedOf(result),
      partial,
      // A board's summary is its last line, and is there before slower boards are through.
      report: () => session.json && report(session, result),
    };
  });
  await session.endProgress();
  for (const outcome of outcomes) {
    if (outcome.ok && !session.json) report(session, outcome.value);
  }
  return failMany(session, outcomes);
}

function report(session: Session, result: BackupResult): void {
  if (session.json) {
    session.terminal.out(JSON.stringify({ type: 'summary', ...result.summary }));
  } else if (session.quiet) {
    if (result.summary.archive !== null) session.terminal.out(result.summary.archive);
  } else {
    const verbose = session.verbosity === 'verbose';
    const lines = backupLines(result, session.terminal.style, verbose);
    for (const line of lines) session.terminal.out(line);
  }
}

function finishedOf(result: BackupResult) {
  const { summary } = result;
  const size = `${countOf(summary.fileCount, 'file')}, ${formatBytes(summary.totalOriginalSize)}`;
  const words = { written: 'backed up', unchanged: 'unchanged', planned: 'planned' };
  const status = summary.partial ? ('partial' as const) : ('done' as const);
  return {
    type: 'finished' as const,
    status,
    outcome: `${words[result.outcome]}${summary.partial ? ' in part' : ''}: ${size}`,
  };
}

function statusOf(result: BackupResult): number {
  return result.summary.partial ? STATUS_PARTIAL : STATUS_DONE;
}

function backupOptionsOf(options: Options, session: Session): BackupOptions {
  return {
    type: options.type,
    path: options.path,
    include: options.include,
    exclude: [...(options.exclude ?? []), ...(options.excludeFrom ?? []).flatMap(readPatterns)],
    mounts: options.mounts,
    description: options.description,
    metadata: options.meta === undefined ? undefined : Object.fromEntries(options.meta),
    compress: options.compress,
    quick: options.quick,
    verify: options.verify,
    allowEmpty: options.allowEmpty,
    requireParent: options.requireParent,
    fullEvery: options.fullEvery,
    skipIfUnchanged: options.skipIfUnchanged,
    dryRun: session.dryRun,
    boardName: session.boardName,
    after: options.after,
    retryLockMs: session.retryLockMs,
    keep: keepRulesOf(options),
  };
}

function readPatterns(file: string): readonly string[] {
  try {
    return patternsOfFile(readFileSync(file, 'utf8'));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new BelayError(
      code === 'ENOENT' ? 'store/not-found' : 'store/io',
      `--exclude-from ${file}: ${code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`}`,
      { cause },
    );
  }
}
