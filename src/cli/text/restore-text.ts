/** A restore's plan as people read it before they say yes, and what came of it. */
import { displayPath } from '../../core/device-path.js';
import type { JobWarning } from '../../jobs/context.js';
import type { PreparedRestore, RestoreResult } from '../../jobs/restore.js';
import type { PlannedOperation, RestorePlan } from '../../jobs/restore-plan.js';
import { countOf, formatBytes, formatDuration } from '../../ui/formats.js';
import { warningText } from '../../ui/progress-text.js';
import type { Style } from '../terminal.js';
import { failedLines } from './backup-text.js';
import type { Cell } from './style.js';
import { boardText, bounded, localTime, paint, shortId, tableLines } from './style.js';

/** Of a plan that is carried out after a question; `--dry-run` shows all of it. */
export const PLAN_LINES_MAX = 200;

export interface PlanTextOptions {
  readonly undo: boolean;
  readonly linesMax: number;
  readonly warnings: readonly JobWarning[];
}

export function planLines(
  prepared: PreparedRestore,
  style: Style,
  options: PlanTextOptions,
): string[] {
  const { plan } = prepared;
  return [
    ...headLines(prepared, style, options.undo),
    ...bounded(operationLines(plan, style), options.linesMax, ' (--dry-run shows all)'),
    ...conflictLines(plan, style),
    ...unfitLines(plan, style),
    totalsText(plan),
    ...spaceLines(plan, style),
    ...strategyLines(plan),
    ...timesLines(prepared),
    ...options.warnings.map((warning) =>
      paint(style, 'yellow', `warning: ${warningText(warning)}`),
    ),
  ];
}

function headLines(prepared: PreparedRestore, style: Style, undo: boolean): string[] {
  const { source, board } = prepared;
  const note = source.description === null ? '' : `, "${displayPath(source.description)}"`;
  const backup = `${shortId(source.backupId)} of ${localTime(source.createdAt)}${note}`;
  const lines = [undo ? `Take back the last restore, with ${backup}` : `Restore ${backup}`];
  lines.push(`  from  ${boardText(source.board)}`);
  lines.push(
    `  to    ${boardText(board)}${board.port === null ? '' : ` on ${displayPath(board.port)}`}`,
  );
  if (source.board.uniqueId !== board.uniqueId) {
    lines.push(paint(style, 'yellow', '  These are different boards.'));
  }
  return lines;
}

export function isEmptyPlan(plan: RestorePlan): boolean {
  return plan.operations.length === 0;
}

function operationLines(plan: RestorePlan, style: Style): string[] {
  const rows = plan.operations.map((operation) => operationRow(operation));
  return tableLines(rows, style).map((line) => `  ${line}`);
}

function operationRow(operation: PlannedOperation): Cell[] {
  const path = displayPath(operation.path);
  switch (operation.kind) {
    case 'make-folder':
      return [{ text: '+', colour: 'green' }, { text: `${path}/` }];
    case 'put':
      return putRow(operation, path);
    case 'delete-file':
      return [
        { text: '-', colour: 'red' },
        { text: path },
        { text: formatBytes(operation.sizeBytes), align: 'right' },
        { text: reasonText(operation.reason) },
      ];
    case 'delete-folder':
      return [
        { text: '-', colour: 'red' },
        { text: `${path}/` },
        { text: '' },
        { text: reasonText(operation.reason) },
      ];
  }
}

function putRow(operation: Extract<PlannedOperation, { kind: 'put' }>, path: string): Cell[] {
  const { replaces } = operation;
  const source = operation.source === operation.path ? '' : `from ${displayPath(operation.source)}`;
  const was = replaces === null ? '' : `was ${formatBytes(replaces.sizeBytes)}`;
  return [
    replaces === null ? { text: '+', colour: 'green' } : { text: '~', colour: 'yellow' },
    { text: path },
    { text: formatBytes(operation.sizeBytes), align: 'right' },
    { text: [was, source].filter((fact) => fact !== '').join(', ') },
  ];
}

function reasonText(reason: 'extra' | 'kind-change' | 'undo'): string {
  if (reason === 'extra') return 'not in the backup';
  return reason === 'undo' ? 'made by the restore' : 'becomes another kind';
}

function conflictLines(plan: RestorePlan, style: Style): string[] {
  const conflicts = plan.skipped.filter((skipped) => skipped.reason === 'conflict');
  const lines = conflicts.map((skipped) =>
    paint(style, 'yellow', `  ! ${displayPath(skipped.path)}  changed since; left alone`),
  );
  return bounded(lines, PLAN_LINES_MAX, '');
}

function unfitLines(plan: RestorePlan, style: Style): string[] {
  const lines = plan.unfit.map(({ path, message }) =>
    paint(style, 'red', `  ! ${displayPath(path)}  ${displayPath(message)}`),
  );
  return bounded(lines, PLAN_LINES_MAX, '');
}

function totalsText(plan: RestorePlan): string {
  const skipped = (reason: string) => plan.skipped.filter((each) => each.reason === reason).length;
  const facts = [
    `${countOf(plan.filesToWrite, 'file')} to write (${formatBytes(plan.bytesToWrite)})`,
    plan.foldersToMake > 0 ? `${countOf(plan.foldersToMake, 'folder')} to make` : '',
    plan.filesToDelete > 0 ? `${countOf(plan.filesToDelete, 'file')} to delete` : '',
    plan.foldersToDelete > 0 ? `${countOf(plan.foldersToDelete, 'folder')} to delete` : '',
    skipped('unchanged') > 0 ? `${skipped('unchanged')} unchanged` : '',
    skipped('exists') > 0 ? `${skipped('exists')} kept as they are` : '',
    plan.unfit.length > 0 ? `${plan.unfit.length} that this board cannot take` : '',
    skipped('failed') > 0 ? `${skipped('failed')} unknown to the backup` : '',
  ];
  return `${facts.filter((fact) => fact !== '').join(', ')}.`;
}

function spaceLines(plan: RestorePlan, _style: Style): string[] {
  if (plan.space === null) return [];
  const { freeBytes, neededBytes } = plan.space;
  return [
    `Space: ${formatBytes(neededBytes)} needed, ${formatBytes(freeBytes)} free on the board.`,
  ];
}

function strategyLines(plan: RestorePlan): string[] {
  if (isEmptyPlan(plan)) return [];
  if (!plan.atomic) {
    return [
      'Not atomic: this board cannot rename over a file; the safety archive is the protection.',
    ];
  }
  if (plan.strategy === 'one-by-one')
    return ['One file after the other: there is no room for all at once.'];
  return [];
}

function timesLines({ plan, times }: PreparedRestore): string[] {
  if (plan.filesToWrite === 0) return [];
  if (times === 'clock') return ["Times: of the backup; the board's clock is set meanwhile."];
  if (times === 'utime') return ['Times: of the backup.'];
  if (times === 'cannot') return ['Times: of now; this board cannot set the times of files.'];
  return ["Times: of now (--preserve-times: the backup's)."];
}

export function restoreLines(result: RestoreResult, style: Style): string[] {
  const { summary } = result;
  const mark = result.partial
    ? paint(style, 'yellow', 'Restored in part')
    : paint(style, 'green', 'Restored');
  const checked = summary.verified ? 'checked on the board' : 'not checked on the board';
  return [
    `${mark} ${shortId(summary.backupId)} to ${boardText(result.board)}`,
    `  written  ${countOf(summary.filesWritten, 'file')}, ${formatBytes(summary.bytesWritten)}, ${checked}`,
    `  skipped  ${countOf(summary.filesSkipped, 'file')}`,
    ...(summary.times === 'clock' || summary.times === 'utime'
      ? [`  times    ${countOf(summary.timesSet, 'file')} with the time of the backup`]
      : []),
    `  deleted  ${countOf(summary.filesDeleted, 'file')}`,
    `  took     ${formatDuration(summary.durationMs)}`,
    ...(result.safetyArchive === null
      ? []
      : [
          `  before   ${displayPath(result.safetyArchive)}`,
          '           (belay-backup restore --undo brings that state back)',
        ]),
    ...failedLines(summary.failed, 'could not be written'),
    ...failedLines(
      result.conflicts.map((path) => ({
        path,
        code: 'conflict',
        message: 'changed since; left alone',
      })),
      'left alone',
    ),
  ];
}
