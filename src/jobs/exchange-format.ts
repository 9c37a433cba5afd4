/** Formats that others read, by the ending of a name. */
import { BelayError } from '../core/errors.js';
import type { FailedPath } from './context.js';

export type ExchangeFormat = 'tar' | 'tgz' | 'zip' | 'blb' | 'folder';

const ENDINGS: readonly (readonly [string, ExchangeFormat])[] = [
  ['.tar', 'tar'],
  ['.tgz', 'tgz'],
  ['.tar.gz', 'tgz'],
  ['.zip', 'zip'],
  ['.blb', 'blb'],
];

/** Whoever writes one of these does not mean a folder. */
const OTHERS = /\.(?:7z|bz2|gz|rar|tbz2?|txz|xz|zst)$/;

/** A name with none of the endings is a folder. Throws usage/invalid for archives of other kinds. */
export function formatOf(path: string): ExchangeFormat {
  const name = path.toLowerCase();
  const known = ENDINGS.find(([ending]) => name.endsWith(ending))?.[1];
  if (known !== undefined) return known;
  const other = OTHERS.exec(name)?.[0];
  if (other === undefined) return 'folder';
  throw new BelayError('usage/invalid', `${path}: ${other} is no format that is written or read`, {
    hint: 'choose .tar, .tgz, .zip or .blb, or a folder',
  });
}

/** The last part of a path of this computer, without its ending: a name for what is in it. */
export function nameOfInput(path: string): string {
  const name = path.replace(/[\\/]+$/, '').replace(/^.*[\\/]/, '');
  const ending = ENDINGS.find(([each]) => name.toLowerCase().endsWith(each))?.[0] ?? '';
  return name.slice(0, name.length - ending.length) || 'files';
}

/** Folder and name of a path of this computer. */
export function splitHostPath(path: string): {
  readonly folder: string;
  readonly name: string;
} {
  const at = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  if (at < 0) return { folder: '.', name: path };
  return {
    folder: at === 0 ? path.slice(0, 1) : path.slice(0, at),
    name: path.slice(at + 1),
  };
}

export interface ExportOptions {
  readonly backup: string;
  /** The ending decides the format: .tar, .tgz, .tar.gz, .zip, .blb; a folder otherwise. */
  readonly output: string;
  readonly board?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface ExportResult {
  readonly backupId: string;
  readonly output: string;
  readonly format: 'tar' | 'tgz' | 'zip' | 'blb' | 'folder';
  readonly filesWritten: number;
  readonly bytesWritten: number;
  readonly failed: readonly FailedPath[];
}
