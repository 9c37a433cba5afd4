/** What a backup says to people when it is through. */
import { displayPath } from '../../core/device-path.js';
import type { BackupResult } from '../../jobs/backup.js';
import type { FailedPath } from '../../jobs/context.js';
import { countOf, formatBytes, formatDuration } from '../../ui/formats.js';
import type { Style } from '../terminal.js';
import { boardText, bounded, firmwareText, paint, shortId } from './style.js';

const FAILED_SHOWN_MAX = 20;
const PLANNED_SHOWN_MAX = 1_000;

export const NOT_INCLUDED = 'Not included: firmware, NVS, other partitions, eFuses, RTC memory.';

export function backupLines(result: BackupResult, style: Style, verbose = false): string[] {
  if (result.outcome === 'planned') return plannedLines(result);
  const { summary } = result;
  if (result.outcome === 'unchanged') {
    return [`Nothing has changed on ${boardText(summary.board)}.`, 'No archive was written.'];
  }
  const board = boardText(summary.board);
  return [
    summary.partial
      ? `${paint(style, 'yellow', 'Partial backup')} of ${board}`
      : `${paint(style, 'green', 'Backed up')} ${board}`,
    `  runs     ${firmwareText(summary.board)}`,
    `  archive  ${displayPath(summary.archive ?? '')}`,
    `  backup   ${shortId(summary.backupId ?? '')}, ${summary.backupType}${reasonText(result)}`,
    `  content  ${contentText(result)}`,
    ...changesLines(result),
    `  took     ${formatDuration(summary.durationMs)}`,
    ...(verbose
      ? [
          `  wire     ${formatBytes(summary.wireBytesIn)} in, ${formatBytes(summary.wireBytesOut)} out`,
        ]
      : []),
    ...failedLines(result.failed, 'could not be read'),
    ...prunedLines(result),
    NOT_INCLUDED,
  ];
}

function reasonText(result: BackupResult): string {
  const reason = result.reason.replace(
    /^taking an? (?:full backup[:,] |(?:increment|differential) (?=on ))/,
    '',
  );
  return reason === '' ? '' : ` (${displayPath(reason)})`;
}

function contentText(result: BackupResult): string {
  const { summary } = result;
  const counts = `${countOf(summary.fileCount, 'file')} and ${countOf(summary.directoryCount, 'folder')}`;
  const sizes = `${formatBytes(summary.totalOriginalSize)}, ${formatBytes(summary.archiveSize)} in the archive`;
  return `${counts}, ${sizes}`;
}

/** Since the parent; a full has none. */
function changesLines(result: BackupResult): string[] {
  const { summary } = result;
  if (summary.parentId === null) return [];
  const changes = [
    `${summary.filesNew} new`,
    `${summary.filesChanged} changed`,
    `${summary.filesDeleted} deleted`,
    `${summary.filesUnchanged} unchanged`,
  ];
  const how = result.manifest?.options.quick === true ? ' (by size and time alone: --quick)' : '';
  return [`  changes  ${changes.join(', ')}${how}`];
}

function plannedLines(result: BackupResult): string[] {
  const { summary } = result;
  return [
    `Would back up ${boardText(summary.board)}: ${summary.backupType}${reasonText(result)}`,
    ...bounded(
      result.filesRead.map((path) => `  ${displayPath(path)}`),
      PLANNED_SHOWN_MAX,
      '',
    ),
    `${countOf(result.filesRead.length, 'file')} to read, ${formatBytes(summary.totalOriginalSize)} on the board; nothing was written.`,
  ];
}

function prunedLines(result: BackupResult): string[] {
  const count = result.pruned?.removed.length ?? 0;
  if (count === 0) return [];
  return [
    `  removed  ${countOf(count, 'old backup')}, ${formatBytes(result.pruned?.freedBytes ?? 0)}`,
  ];
}

export function failedLines(failed: readonly FailedPath[], what: string): string[] {
  if (failed.length === 0) return [];
  const lines = failed.map(
    ({ path, message }) => `    ${displayPath(path)}: ${displayPath(message)}`,
  );
  return [`  ${countOf(failed.length, 'path')} ${what}:`, ...bounded(lines, FAILED_SHOWN_MAX, '')];
}
