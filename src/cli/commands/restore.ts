/** `restore` and `restore --undo`: plan, question, carry out; one board or several. */
import { BelayError } from '../../core/errors.js';
import type { JobContext, JobWarning } from '../../jobs/context.js';
import type {
  PreparedRestore,
  RestoreOptions,
  RestoreResult,
  RestoreSummary,
} from '../../jobs/restore.js';
import { prepareRestore } from '../../jobs/restore.js';
import type { OverwritePolicy } from '../../jobs/restore-plan.js';
import { prepareUndo } from '../../jobs/undo-restore.js';
import { countOf, formatBytes } from '../../ui/formats.js';
import { openStore } from '../../wiring.js';
import type { BoardChoice } from '../board-choice.js';
import { boardConnector, withBoardChoice } from '../board-choice.js';
import type { EverywhereOptions } from '../call.js';
import { STATUS_DONE, STATUS_PARTIAL } from '../exit-status.js';
import type { Session } from '../session.js';
import type { BoardOutcome } from '../several-boards.js';
import { failMany, runMany, wantedPorts } from '../several-boards.js';
import { isEmptyPlan, PLAN_LINES_MAX, planLines, restoreLines } from '../text/restore-text.js';

interface Options extends EverywhereOptions {
  readonly to?: string;
  readonly map?: readonly (readonly [string, string])[];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly overwrite: OverwritePolicy;
  readonly delete?: boolean;
  readonly safety: boolean;
  readonly inPlace?: boolean;
  readonly verify: boolean;
  readonly keepGoing?: boolean;
  readonly allowUnfit?: boolean;
  readonly preserveTimes?: boolean;
  readonly undo?: boolean;
  readonly all?: boolean;
}

export async function run(session: Session): Promise<number> {
  const options = session.optionsAs<Options>();
  refuseNonsense(session, options);
  const ports = await wantedPorts(session, options.all === true);
  if (ports.several.length > 0) return restoreMany(session, ports.several, options);
  return restoreOne(session, ports.first, options);
}

function refuseNonsense(session: Session, options: Options): void {
  const paths = session.call.args[1] ?? [];
  if (options.undo !== true) return;
  const selecting = [options.to, options.map, options.include, options.exclude, options.delete];
  if (paths.length === 0 && selecting.every((option) => option === undefined)) return;
  throw new BelayError('usage/invalid', 'restore --undo takes no paths and no selection', {
    hint: 'it takes the whole last restore back',
  });
}

async function prepare(
  session: Session,
  options: Options,
  choice: BoardChoice,
  context: JobContext,
): Promise<PreparedRestore> {
  const parts = {
    store: openStore(session.options.dir),
    connect: boardConnector(session, choice.port, context, { wait: false }),
  };
  const jobOptions = restoreOptionsOf(session, options, choice);
  return options.undo === true
    ? prepareUndo(parts, jobOptions, context)
    : prepareRestore(parts, jobOptions, context);
}

async function restoreOne(
  session: Session,
  port: string | undefined,
  options: Options,
): Promise<number> {
  const prepared = await withBoardChoice(session, port, async (choice) => {
    await session.startProgress();
    return prepare(session, options, choice, await session.context());
  });
  await session.endProgress();
  return withCancel([prepared], async () => {
    showPlan(session, prepared, options);
    if (session.dryRun) {
      await prepared.cancel();
      reportSummary(session, unchangedSummary(prepared));
      return STATUS_DONE;
    }
    await confirmPlans(session, [prepared], options);
    await session.startProgress();
    const result = await prepared.carryOut();
    session.finished(finishedOf(result));
    await session.endProgress();
    report(session, result);
    return result.partial ? STATUS_PARTIAL : STATUS_DONE;
  });
}

async function restoreMany(
  session: Session,
  ports: readonly string[],
  options: Options,
): Promise<number> {
  await session.startProgress();
  const prepared = await runMany(session, ports, async (port, context) => ({
    value: await prepare(session, options, { port, board: session.boardName }, context),
    finished: null,
    partial: false,
  }));
  await session.endProgress();
  const ready = prepared.filter((outcome) => outcome.ok);
  const plans = ready.map((outcome) => outcome.value);
  return withCancel(plans, async () => {
    for (const plan of plans) showPlan(session, plan, options);
    if (session.dryRun) {
      await Promise.all(plans.map((plan) => plan.cancel()));
      return failMany(session, prepared);
    }
    if (plans.length > 0) await confirmPlans(session, plans, options);
    await session.startProgress();
    const done = await runMany(
      session,
      ready.map((outcome) => outcome.port),
      async (port) => {
        const plan = ready.find((outcome) => outcome.port === port)?.value as PreparedRestore;
        const value = await plan.carryOut();
        return { value, finished: finishedOf(value), partial: value.partial };
      },
    );
    await session.endProgress();
    for (const outcome of done) {
      if (outcome.ok) report(session, outcome.value, outcome.port);
    }
    const failed: readonly BoardOutcome<unknown>[] = prepared.filter((outcome) => !outcome.ok);
    return failMany(session, [...failed, ...done]);
  });
}

/** A plan that is not carried out must let go of its board, whatever happens in between. */
async function withCancel(
  plans: readonly PreparedRestore[],
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    await Promise.allSettled(plans.map((plan) => plan.cancel()));
    throw error;
  }
}

function showPlan(session: Session, prepared: PreparedRestore, options: Options): void {
  const { plan, source, board, times } = prepared;
  if (session.json) {
    // A run that is carried out speaks in progress, warnings and a summary; nobody waits for a plan.
    if (!session.dryRun) return;
    session.terminal.out(
      JSON.stringify({ type: 'plan', command: 'restore', source, board, times, ...plan }),
    );
    return;
  }
  if (session.quiet && !session.dryRun && session.options.yes === true) return;
  const lines = planLines(prepared, session.terminal.style, {
    undo: options.undo === true,
    linesMax: session.dryRun ? Number.POSITIVE_INFINITY : PLAN_LINES_MAX,
    warnings: unsaid(session, [...prepared.warnings, ...plan.warnings]),
  });
  for (const line of lines) session.terminal.out(line);
}

/** Warnings that the progress display has not shown already, each once. */
function unsaid(session: Session, warnings: readonly JobWarning[]): readonly JobWarning[] {
  const fresh = new Map<string, JobWarning>();
  for (const warning of warnings) {
    if (!session.hasWarned(warning)) fresh.set(JSON.stringify(warning), warning);
  }
  return [...fresh.values()];
}

async function confirmPlans(
  session: Session,
  plans: readonly PreparedRestore[],
  options: Options,
): Promise<void> {
  if (plans.every((prepared) => isEmptyPlan(prepared.plan))) return;
  // A plan that cannot be carried out is refused by the job with the reason; there is no question.
  if (plans.length === 1 && plans.every(({ plan }) => !plan.fits)) return;
  const verb = options.undo === true ? 'Take the restore back' : 'Restore';
  const where = plans.length === 1 ? '' : ` to ${countOf(plans.length, 'board')}`;
  await session.terminal.confirm(`${verb}${where}?`, session.signal);
}

function report(session: Session, result: RestoreResult, port?: string): void {
  if (session.json) {
    const board = port === undefined ? {} : { board: port };
    const failed = [...result.summary.failed, ...conflictsOf(result)];
    session.terminal.out(JSON.stringify({ type: 'summary', ...board, ...result.summary, failed }));
  } else if (!session.quiet) {
    for (const line of restoreLines(result, session.terminal.style)) session.terminal.out(line);
  }
}

/** What an undo left alone is why it ends with 3: a script finds it where it finds failures. */
function conflictsOf(result: RestoreResult): RestoreSummary['failed'] {
  const message = 'changed since the restore; left alone';
  return result.conflicts.map((path) => ({ path, code: 'conflict', message }));
}

function reportSummary(session: Session, summary: RestoreSummary): void {
  if (session.json) {
    session.terminal.out(JSON.stringify({ type: 'summary', ...summary, dryRun: true }));
  } else if (!session.quiet) {
    session.terminal.out('A dry run: nothing was changed.');
  }
}

function unchangedSummary(prepared: PreparedRestore): RestoreSummary {
  return {
    command: 'restore',
    backupId: prepared.source.backupId,
    filesWritten: 0,
    filesSkipped: prepared.plan.skipped.length,
    filesDeleted: 0,
    bytesWritten: 0,
    wireBytesIn: 0,
    wireBytesOut: 0,
    verified: false,
    times: prepared.times,
    timesSet: 0,
    durationMs: 0,
    failed: [],
  };
}

function finishedOf(result: RestoreResult) {
  const { summary } = result;
  const size = `${countOf(summary.filesWritten, 'file')}, ${formatBytes(summary.bytesWritten)}`;
  return {
    type: 'finished' as const,
    status: result.partial ? ('partial' as const) : ('done' as const),
    outcome: `restored${result.partial ? ' in part' : ''}: ${size}`,
  };
}

function restoreOptionsOf(session: Session, options: Options, choice: BoardChoice): RestoreOptions {
  return {
    backup: session.call.args[0] as string | undefined,
    paths: session.call.args[1] as readonly string[] | undefined,
    include: options.include,
    exclude: options.exclude,
    to: options.to,
    map: options.map?.map(([from, to]) => ({ from, to })),
    overwrite: options.overwrite,
    delete: options.delete,
    safety: options.safety,
    inPlace: options.inPlace,
    verify: options.verify,
    keepGoing: options.keepGoing,
    allowUnfit: options.allowUnfit,
    preserveTimes: options.preserveTimes,
    boardName: choice.board,
    after: options.after,
    retryLockMs: session.retryLockMs,
  };
}
