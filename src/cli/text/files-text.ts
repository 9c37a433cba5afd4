/** The files of a backup, one a line like `ls -l`. */

import type { ManifestEntry } from '../../archive/manifest.js';
import { pathOfEntry } from '../../archive/manifest.js';
import { displayPath } from '../../core/device-path.js';
import type { Style } from '../terminal.js';
import type { Cell } from './style.js';
import { tableLines } from './style.js';

export function filesLines(files: readonly ManifestEntry[], style: Style): string[] {
  return tableLines(files.map(rowOf), style);
}

function rowOf(entry: ManifestEntry): Cell[] {
  const path = displayPath(pathOfEntry(entry));
  if ('error' in entry) {
    return [
      { text: '?', colour: 'red' },
      { text: '' },
      { text: '' },
      { text: `${path}  not read: ${displayPath(entry.error.message)}` },
    ];
  }
  if (entry.isDirectory) {
    return [{ text: 'd' }, { text: '' }, { text: '' }, { text: `${path}/` }];
  }
  return [
    { text: '-' },
    { text: String(entry.originalSize), align: 'right' },
    { text: boardTime(entry.lastModified) },
    { text: path },
  ];
}

/** As the board's clock said; boards know no time zone, and often not the year. */
function boardTime(modifiedS: number | null): string {
  if (modifiedS === null) return '-';
  const at = new Date(modifiedS * 1000);
  if (Number.isNaN(at.getTime())) return '-';
  return at.toISOString().slice(0, 19).replace('T', ' ');
}
