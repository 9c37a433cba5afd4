/** What merge, prune, remove, repair, unlock, export, import and devices say to people. */
import { displayPath } from '../../core/device-path.js';
import type { DevicesResult } from '../../jobs/devices.js';
import type { MergeResult } from '../../jobs/merge.js';
import type { PruneResult, PruneRow } from '../../jobs/prune.js';
import type { RemoveResult } from '../../jobs/remove.js';
import type { RepairResult } from '../../jobs/repair.js';
import { countOf, formatBytes } from '../../ui/formats.js';
import type { Style } from '../terminal.js';
import type { Cell } from './style.js';
import {
  boardText,
  fileNameOf,
  firmwareText,
  localTime,
  paint,
  shortId,
  tableLines,
  withoutPath,
} from './style.js';

export function mergeLines(result: MergeResult): string[] {
  const verb = result.dryRun ? 'Would merge' : 'Merged';
  const head = result.alreadyMerged
    ? 'Merged already: no new archive is needed.'
    : `${verb} ${countOf(result.sources.length, 'archive')} into one full`;
  const sources = result.alreadyMerged ? [] : result.sources;
  const gone = result.dryRun ? 'remove ' : 'removed';
  const removed = result.dryRun ? 'would be removed' : 'removed';
  return [
    head,
    ...(result.archive === null ? [] : [`  archive  ${displayPath(result.archive)}`]),
    ...sources.map((path) => `  from     ${fileNameOf(path)}`),
    ...result.removed.map((path) => `  ${gone}  ${fileNameOf(path)}`),
    ...result.kept.map(
      ({ archive, reason }) => `  kept     ${fileNameOf(archive)} (${displayPath(reason)})`,
    ),
    `${countOf(result.removed.length, 'archive')} ${removed}.`,
    ...(result.dryRun ? ['A dry run: nothing was changed.'] : []),
  ];
}

const ACTION_COLOURS = { keep: 'green', remove: 'red', merge: 'yellow' } as const;

export function pruneLines(result: PruneResult, style: Style): string[] {
  const verb = result.dryRun ? 'to remove' : 'removed';
  const merged = result.dryRun ? 'to fold into one full' : 'folded into one full';
  return [
    ...pruneTables(result.rows, style),
    ...(result.merged.length === 0
      ? []
      : [`${countOf(result.merged.length, 'expired chain')} ${merged}.`]),
    `${countOf(result.removed.length, 'backup')} ${verb}, ${formatBytes(result.freedBytes)}.`,
  ];
}

/** One table a board, under its name. */
function pruneTables(rows: readonly PruneRow[], style: Style): string[] {
  const boards = new Map<string, PruneRow[]>();
  for (const row of rows) {
    const name = row.boardName === '' ? 'Unreadable' : row.boardName;
    const board = row.boardId === null ? name : `${name} (id ${row.boardId})`;
    boards.set(board, [...(boards.get(board) ?? []), row]);
  }
  return [...boards].flatMap(([board, own]) => [
    paint(style, 'cyan', displayPath(board)),
    ...tableLines(own.map(pruneCells), style),
  ]);
}

function pruneCells(row: PruneRow): Cell[] {
  return [
    { text: `  ${row.action}`, colour: ACTION_COLOURS[row.action] },
    { text: row.backupId === '' ? '????????' : shortId(row.backupId) },
    { text: row.createdAt === '' ? '' : localTime(row.createdAt) },
    { text: formatBytes(row.archiveSize), align: 'right' },
    { text: displayPath(reasonsText(row.reasons)) },
  ];
}

/** A full that fifty increments need shall not fill the screen with their names; --json has all. */
function reasonsText(reasons: readonly string[]): string {
  const needed = reasons.filter((reason) => reason.startsWith('needed by '));
  const others = reasons.filter((reason) => !reason.startsWith('needed by '));
  const [first] = needed;
  if (first === undefined) return others.join(', ');
  return [...others, needed.length === 1 ? first : `${first} and ${needed.length - 1} more`].join(
    ', ',
  );
}

export function removeLines(result: RemoveResult): string[] {
  const verb = result.dryRun ? 'to remove' : 'removed';
  return [
    ...result.removed.map(
      ({ archive, backupId, reason }) =>
        `  ${backupId === null ? '????????' : shortId(backupId)}  ${fileNameOf(archive)}${reason === 'dependant' ? '  (built on it)' : ''}`,
    ),
    `${countOf(result.removed.length, 'backup')} ${verb}, ${formatBytes(result.freedBytes)}.`,
  ];
}

export function repairLines(result: RepairResult): string[] {
  const fact = (what: string, path: string, ...more: string[]) => [
    `${what}${displayPath(path)}`,
    ...more.map((line) => `             ${displayPath(line)}`),
  ];
  const { quarantined, orphans, swept } = result;
  return [
    ...swept.flatMap((path) => fact('swept        ', path)),
    ...result.locksRemoved.flatMap((path) => fact('unlocked     ', path)),
    ...quarantined.flatMap(({ from, to, message }) =>
      fact('quarantined  ', from, withoutPath(message, from), ...(to === '' ? [] : [`now ${to}`])),
    ),
    ...orphans.flatMap(({ archive, message }) =>
      fact('orphan       ', archive, withoutPath(message, archive)),
    ),
    `${countOf(result.healthy, 'healthy backup')}, ${quarantined.length} quarantined, ${countOf(orphans.length, 'orphan')}, ${countOf(swept.length, 'leftover')} swept.`,
    ...(result.dryRun ? ['A dry run: that would be done; nothing was changed.'] : []),
  ];
}

export function devicesLines(result: DevicesResult, style: Style): string[] {
  if (result.devices.length === 0) return ['No serial port is there.'];
  const wasProbed = result.devices.some((device) => device.asked);
  const rows = result.devices.map((device) => [
    { text: displayPath(device.path) },
    { text: device.vendorId === null ? '' : `${device.vendorId}:${device.productId ?? '????'}` },
    { text: displayPath(device.serialNumber ?? '') },
    { text: displayPath(device.product ?? device.manufacturer ?? '') },
    { text: answerText(device, wasProbed) },
    {
      text:
        device.lastBackup === null ? '' : `last backup ${localTime(device.lastBackup.createdAt)}`,
    },
  ]);
  return tableLines(rows, style);
}

function answerText(device: DevicesResult['devices'][number], wasProbed: boolean): string {
  if (device.board !== null) return `${boardText(device.board)}, ${firmwareText(device.board)}`;
  if (device.problem !== null) return displayPath(device.problem.message);
  if (device.likelyBoard) return 'looks like a board';
  return wasProbed ? 'not asked: name it with --port' : '';
}
