/** Sentences about progress, shared by the screen and the plain lines. */
import { displayPath } from '../core/device-path.js';
import type { Operation, Progress } from '../core/events.js';
import { countOf, formatBytes, formatRate, formatTimeLeft } from './formats.js';

const STAGE_NAMES: Readonly<Record<Operation, string>> = {
  connecting: 'Connecting',
  scanning: 'Scanning',
  reading: 'Reading',
  compressing: 'Compressing',
  verifying: 'Verifying',
  extracting: 'Extracting',
  restoring: 'Restoring',
};

export function stageName(operation: Operation): string {
  return STAGE_NAMES[operation];
}

/** `31/50 files`; without totals what is known so far; '' for nothing. */
export function filesText(progress: Progress): string {
  if (progress.totalFiles > 0) return `${progress.processedFiles}/${progress.totalFiles} files`;
  return progress.processedFiles > 0 ? countOf(progress.processedFiles, 'file') : '';
}

/** `71.2 kB of 115 kB`. */
export function bytesText(progress: Progress): string {
  if (progress.totalBytes > 0) {
    return `${formatBytes(progress.processedBytes)} of ${formatBytes(progress.totalBytes)}`;
  }
  return progress.processedBytes > 0 ? formatBytes(progress.processedBytes) : '';
}

export function rateText(progress: Progress): string {
  return progress.bytesPerSecond > 0 ? formatRate(progress.bytesPerSecond) : '';
}

export function timeLeftText(progress: Progress): string {
  return progress.etaMs === null ? '' : `${formatTimeLeft(progress.etaMs)} left`;
}

/** One line without control characters; the path stands in front unless the message has it. */
export function warningText(warning: {
  readonly message: string;
  readonly path: string | null;
}): string {
  const message = displayPath(warning.message);
  if (warning.path === null) return message;
  const path = displayPath(warning.path);
  return message.includes(path) ? message : `${path}: ${message}`;
}

/** `Reading 31/50 files, 71.2 kB of 115 kB (62 %), 10.9 kB/s, 0:04 left: lib/x.py` */
export function progressSentence(progress: Progress): string {
  const facts = [
    filesText(progress),
    bytesText(progress),
    progress.totalBytes > 0 ? `${Math.floor(progress.percentComplete)} %` : '',
    rateText(progress),
    timeLeftText(progress),
  ].filter((fact) => fact !== '');
  const tail = facts.length === 0 ? '' : ` ${facts.join(', ')}`;
  const file = progress.currentFile === null ? '' : `: ${displayPath(progress.currentFile)}`;
  return `${stageName(progress.operation)}${tail}${file}`;
}
