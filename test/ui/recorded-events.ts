/** Events as a job sends them: one for a test to change, and a whole run as a fixture and demo. */
import type { JobEvent, ProgressEvent } from '../../src/core/events.js';

export function progressEvent(changes: Partial<ProgressEvent> = {}): ProgressEvent {
  return {
    type: 'progress',
    operation: 'reading',
    currentFile: null,
    processedFiles: 0,
    totalFiles: 0,
    processedBytes: 0,
    totalBytes: 0,
    percentComplete: 0,
    elapsedMs: 0,
    etaMs: null,
    bytesPerSecond: 0,
    wireBytes: 0,
    ...changes,
  };
}

const READING = { operation: 'reading', totalFiles: 50, totalBytes: 115_000 } as const;

/** A full backup of 50 files on a slow wire, with a file that changes under the reader. */
export const BACKUP_RUN: readonly JobEvent[] = [
  progressEvent({ operation: 'connecting' }),
  progressEvent({ operation: 'scanning', elapsedMs: 400, wireBytes: 3_000 }),
  { type: 'note', code: 'type', message: 'taking a full backup: no earlier backup of this board' },
  progressEvent({ ...READING, elapsedMs: 700, currentFile: 'boot.py', wireBytes: 5_200 }),
  progressEvent({
    ...READING,
    elapsedMs: 6_600,
    currentFile: 'lib/umqtt/simple.py',
    processedFiles: 31,
    processedBytes: 71_200,
    percentComplete: 61.9,
    etaMs: 4_100,
    bytesPerSecond: 10_900,
    wireBytes: 76_000,
  }),
  {
    type: 'warning',
    code: 'file-changed',
    message: 'changed while it was read',
    path: 'data/log.csv',
  },
  progressEvent({
    ...READING,
    elapsedMs: 10_700,
    processedFiles: 50,
    processedBytes: 115_000,
    percentComplete: 100,
    etaMs: 0,
    bytesPerSecond: 10_900,
    wireBytes: 121_000,
  }),
  progressEvent({
    operation: 'verifying',
    elapsedMs: 10_900,
    processedFiles: 50,
    totalFiles: 50,
    percentComplete: 100,
  }),
];
