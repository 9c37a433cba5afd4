/** Progress as JSON lines on stdout: one object a line, `type` first. The summary is the command's. */
import type { JobEvent, ProgressEvent } from '../core/events.js';
import type { Verbosity } from './plain-reporter.js';
import { safeProgress } from './progress-state.js';
import type { LineSink, Reporter } from './reporter.js';

/** Least time between two progress lines of one operation, by the job's own clock. */
export const JSON_INTERVAL_MS = 200;

interface Held {
  readonly shownAtMs: number;
  readonly operation: string;
  /** The newest event that was not printed yet. */
  readonly pending: ProgressEvent | null;
}

/**
 * Prints the first and the last progress of every operation and at most five a second between.
 * quiet: no progress lines. verbose: notes as well.
 */
export function jsonReporter(line: LineSink, verbosity: Verbosity): Reporter {
  const held = new Map<string, Held>();

  function flush(key: string): void {
    const last = held.get(key);
    if (last?.pending == null) return;
    line(progressLine(last.pending));
    held.set(key, { ...last, shownAtMs: last.pending.elapsedMs, pending: null });
  }

  function progress(event: ProgressEvent): void {
    const key = event.board ?? '';
    const last = held.get(key);
    const sameStage = last !== undefined && last.operation === event.operation;
    // A negative distance is a second job with a clock of its own (a restore after its plan).
    const sinceMs = event.elapsedMs - (last?.shownAtMs ?? 0);
    if (sameStage && sinceMs >= 0 && sinceMs < JSON_INTERVAL_MS) {
      held.set(key, { ...last, pending: event });
      return;
    }
    if (!sameStage) flush(key);
    line(progressLine(event));
    held.set(key, { shownAtMs: event.elapsedMs, operation: event.operation, pending: null });
  }

  return {
    event(event: JobEvent) {
      if (event.type === 'progress') {
        if (verbosity !== 'quiet') progress(event);
        return;
      }
      flush(event.board ?? '');
      if (event.type === 'warning') line(warningLine(event));
      else if (verbosity === 'verbose') line(JSON.stringify(event));
    },
    finished(event) {
      flush(event.board ?? '');
    },
    async close() {
      for (const key of [...held.keys()]) flush(key);
    },
  };
}

function progressLine(event: ProgressEvent): string {
  const safe = safeProgress(event);
  return JSON.stringify({
    type: 'progress',
    ...boardField(event),
    operation: safe.operation,
    currentFile: safe.currentFile,
    processedFiles: safe.processedFiles,
    totalFiles: safe.totalFiles,
    processedBytes: safe.processedBytes,
    totalBytes: safe.totalBytes,
    percentComplete: Math.round(safe.percentComplete * 10) / 10,
    elapsedMs: Math.round(safe.elapsedMs),
    etaMs: safe.etaMs === null ? null : Math.round(safe.etaMs),
    bytesPerSecond: Math.round(safe.bytesPerSecond),
    wireBytes: safe.wireBytes,
  });
}

function warningLine(event: Extract<JobEvent, { type: 'warning' }>): string {
  return JSON.stringify({
    type: 'warning',
    ...boardField(event),
    code: event.code,
    message: event.message,
    path: event.path,
  });
}

function boardField(event: JobEvent): { board?: string } {
  return event.board === undefined ? {} : { board: event.board };
}
