/** A backup's manifest without its files, for people. */
import { displayPath } from '../../core/device-path.js';
import type { BackupDetails } from '../../jobs/show.js';
import { countOf, formatBytes, formatDuration, formatWhen } from '../../ui/formats.js';
import { factLines, firmwareText, shortId } from './style.js';

export function showLines(details: BackupDetails): string[] {
  const { row, manifest } = details;
  const { deviceInfo: device, statistics, scope } = manifest;
  const patterns = [
    ...scope.patterns.include.map((pattern) => `only ${pattern}`),
    ...scope.patterns.exclude.map((pattern) => `not ${pattern}`),
  ];
  return [
    ...factLines([
      ['backup', manifest.backupId],
      ['type', `${manifest.backupType}, number ${manifest.sequence}`],
      ['state', row.problem === null ? row.state : `${row.state}: ${displayPath(row.problem)}`],
      ['created', whenText(manifest.createdAt, manifest.utcOffsetMinutes)],
      ['description', manifest.description === null ? null : displayPath(manifest.description)],
      ['archive', displayPath(row.archive)],
      ['size', `${formatBytes(row.archiveSize)}${row.pinned ? ', pinned' : ''}`],
      ['content', contentText(statistics)],
      ['took', formatDuration(statistics.backupDurationMs)],
      ['scope', displayPath([scope.path === '' ? '/' : `/${scope.path}`, ...patterns].join(', '))],
      ['parent', manifest.parent === null ? 'none' : manifest.parent.backupId],
      ['needs', idsText(details.dependsOn)],
      ['needed by', idsText(details.neededBy)],
      ['merged', manifest.mergedAt],
      ['saved for', restoreText(manifest.restoreRecord)],
      ['supersedes', idsText(manifest.supersedes.map((old) => old.backupId))],
      ['board', displayPath(device.boardName ?? device.machine)],
      ['machine', displayPath(device.machine)],
      ['firmware', firmwareText(device)],
      ['unique id', device.uniqueId ?? 'none'],
      ['usb serial', device.usbSerial === null ? null : displayPath(device.usbSerial)],
      ['mounts', device.mounts.map(mountText).join('; ')],
      ['clock', `counts from ${device.epochYear}`],
      ['state hash', manifest.stateHash],
      ['manifest', `sha256 ${details.manifestSha256}`],
      ['format', String(manifest.formatVersion)],
    ]),
    ...pairLines('metadata', manifest.metadata),
    ...pairLines('options', manifest.options),
    ...pairLines('probe', device.probe),
  ];
}

function contentText(statistics: BackupDetails['manifest']['statistics']): string {
  const counts = `${countOf(statistics.fileCount, 'file')}, ${countOf(statistics.directoryCount, 'folder')}`;
  return `${counts}, ${formatBytes(statistics.totalOriginalSize)}`;
}

function whenText(isoUtc: string, utcOffsetMinutes: number): string {
  const sign = utcOffsetMinutes < 0 ? '-' : '+';
  const minutes = Math.abs(utcOffsetMinutes);
  const pad = (value: number) => String(value).padStart(2, '0');
  const offset = `${sign}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
  return `${formatWhen(isoUtc, utcOffsetMinutes)} ${offset} (${isoUtc})`;
}

function restoreText(record: BackupDetails['manifest']['restoreRecord']): string | null {
  if (record === null) return null;
  return `a restore of ${shortId(record.sourceBackupId)} (${countOf(record.entries.length, 'path')})`;
}

function idsText(ids: readonly string[]): string | null {
  return ids.length === 0 ? null : ids.map(shortId).join(', ');
}

function mountText(mount: BackupDetails['manifest']['deviceInfo']['mounts'][number]): string {
  const size =
    mount.totalBytes === null
      ? ''
      : ` ${formatBytes(mount.totalBytes)}${mount.freeBytes === null ? '' : `, ${formatBytes(mount.freeBytes)} free`}`;
  return `/${displayPath(mount.path)}${size}${mount.skipped ? ' (left out)' : ''}`;
}

function pairLines(title: string, pairs: Readonly<Record<string, unknown>>): string[] {
  const entries = Object.entries(pairs).filter(([, value]) => String(value) !== '');
  if (entries.length === 0) return [];
  return [
    `${title}:`,
    ...entries.map(([key, value]) => `  ${displayPath(key)} = ${displayPath(String(value))}`),
  ];
}
