/** Changes between two trees, and versions of files, one a line. */
import { displayPath } from '../../core/device-path.js';
import type { TreeChange } from '../../jobs/diff.js';
import type { FoundFile } from '../../jobs/find.js';
import { countOf, formatBytes } from '../../ui/formats.js';
import type { Style } from '../terminal.js';
import { localTime, paint, shortId, tableLines } from './style.js';

const COLOURS = { '+': 'green', '-': 'red', M: 'yellow', T: 'yellow', '?': 'red' } as const;

export function changeLines(changes: readonly TreeChange[], style: Style): string[] {
  const lines: string[] = [];
  for (const change of changes) {
    const path = `${displayPath(change.path)}${change.kind === 'folder' ? '/' : ''}`;
    const sizes = sizesText(change);
    const line = `${change.status} ${path}${sizes === '' ? '' : `  ${sizes}`}`;
    lines.push(paint(style, COLOURS[change.status], line));
    if (change.text != null) lines.push(...textLines(change.text));
  }
  return lines;
}

/** A file's own lines are the user's data: escape codes in them must not reach the terminal. */
function textLines(text: string): string[] {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `    ${line.split('\t').map(displayPath).join('\t')}`);
}

function sizesText(change: TreeChange): string {
  const { sizeBefore, sizeAfter } = change;
  if (sizeBefore !== null && sizeAfter !== null && change.status === 'M') {
    return `${formatBytes(sizeBefore)} -> ${formatBytes(sizeAfter)}`;
  }
  const size = sizeAfter ?? sizeBefore;
  return size === null ? '' : formatBytes(size);
}

export function changeTotals(changes: readonly TreeChange[]): string {
  const count = (status: string) => changes.filter((change) => change.status === status).length;
  const facts = [
    `${count('+')} added`,
    `${count('-')} removed`,
    `${count('M')} changed`,
    ...(count('T') > 0 ? [`${count('T')} of another kind`] : []),
    ...(count('?') > 0 ? [`${count('?')} unknown`] : []),
  ];
  return facts.join(', ');
}

export function versionLines(files: readonly FoundFile[], style: Style): string[] {
  return files.flatMap((file) => [
    `${paint(style, 'cyan', displayPath(file.path))}  ${displayPath(file.boardName)}, ${countOf(file.versions.length, 'version')}`,
    ...tableLines(
      file.versions.map((version) => [
        { text: `  ${shortId(version.firstBackupId)}` },
        { text: localTime(version.firstCreatedAt) },
        {
          text:
            version.lastBackupId === version.firstBackupId
              ? ''
              : `to ${shortId(version.lastBackupId)}`,
        },
        { text: formatBytes(version.sizeBytes), align: 'right' as const },
        { text: version.checksum.slice(0, 12) },
      ]),
      style,
    ),
  ]);
}
