/** What merge, prune, remove, repair, unlock, export, import and devices say to people. */
import { displayPath } from '../../core/device-path.js';
import type { DevicesResult } from '../../jobs/devices.js';
import type { MergeResult } from '../../jobs/merge.js';
import type { PruneResult } from '../../jobs/prune.js';
import type { RemoveResult } from '../../jobs/remove.js';
import type { RepairResult } from '../../jobs/repair.js';
import { countOf, formatBytes } from '../../ui/formats.js';
import type { Style } from '../terminal.js';
import { boardText, firmwareText, localTime, shortId, tableLines } from './style.js';

export function mergeLines(result: MergeResult): string[] {
  const verb = result.dryRun ? 'Would merge' : 'Merged';
  if (result.alreadyMerged)
    return ['Merged already: it needs no other archive. Nothing was written.'];
  return [
    `${verb} ${countOf(result.sources.length, 'archive')} into one full${result.archive === null ? '' : `: ${displayPath(result.archive)}`}`,
    ...result.sources.map((path) => `  from     ${displayPath(path)}`),
    ...result.removed.map(
      (path) => `  ${result.dryRun ? 'would remove' : 'removed'}  ${displayPath(path)}`,
    ),
    ...result.kept.map(
      ({ archive, reason }) => `  kept     ${displayPath(archive)} (${displayPath(reason)})`,
    ),
  ];
}

const ACTION_COLOURS = { keep: 'green', remove: 'red', merge: 'yellow' } as const;

export function pruneLines(result: PruneResult, style: Style): string[] {
  const rows = result.rows.map((row) => [
    { text: row.action, colour: ACTION_COLOURS[row.action] },
    { text: shortId(row.backupId) },
    { text: localTime(row.createdAt) },
    { text: displayPath(row.boardName) },
    { text: formatBytes(row.archiveSize), align: 'right' as const },
    { text: displayPath(row.reasons.join(', ')) },
  ]);
  const verb = result.dryRun ? 'to remove' : 'removed';
  return [
    ...tableLines(rows, style),
    ...result.merged.map((path) => `merged into ${displayPath(path)}`),
    `${countOf(result.removed.length, 'backup')} ${verb}, ${formatBytes(result.freedBytes)}.`,
  ];
}

export function removeLines(result: RemoveResult): string[] {
  const verb = result.dryRun ? 'Would remove' : 'Removed';
  return [
    ...result.removed.map(
      ({ archive, reason }) =>
        `${verb} ${displayPath(archive)}${reason === 'dependant' ? ' (built on it)' : ''}`,
    ),
    `${countOf(result.removed.length, 'backup')}, ${formatBytes(result.freedBytes)}.`,
  ];
}

export function repairLines(result: RepairResult): string[] {
  const would = result.dryRun ? 'would be ' : '';
  return [
    ...result.swept.map((path) => `${would}swept        ${displayPath(path)}`),
    ...result.locksRemoved.map((path) => `${would}unlocked     ${displayPath(path)}`),
    ...result.quarantined.map(
      ({ from, to, message }) =>
        `${would}quarantined  ${displayPath(from)}${to === '' ? '' : ` -> ${displayPath(to)}`}: ${displayPath(message)}`,
    ),
    ...result.orphans.map(
      ({ archive, message }) => `orphan       ${displayPath(archive)}: ${displayPath(message)}`,
    ),
    `${countOf(result.healthy, 'healthy backup')}, ${result.quarantined.length} quarantined, ${countOf(result.orphans.length, 'orphan')}, ${countOf(result.swept.length, 'leftover')} swept.`,
  ];
}

export function devicesLines(result: DevicesResult, style: Style): string[] {
  if (result.devices.length === 0) return ['No serial port is there.'];
  const rows = result.devices.map((device) => [
    { text: displayPath(device.path) },
    { text: device.vendorId === null ? '' : `${device.vendorId}:${device.productId ?? '????'}` },
    { text: displayPath(device.serialNumber ?? '') },
    { text: displayPath(device.product ?? device.manufacturer ?? '') },
    { text: answerText(device) },
  ]);
  return tableLines(rows, style);
}

function answerText(device: DevicesResult['devices'][number]): string {
  if (device.board !== null) return `${boardText(device.board)}, ${firmwareText(device.board)}`;
  if (device.problem !== null) return displayPath(device.problem.message);
  return device.likelyBoard ? 'looks like a board' : '';
}
