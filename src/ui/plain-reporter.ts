/** Progress as plain lines, for pipes, CI and `--plain`: few, each true when it was printed. */
import { displayPath } from '../core/device-path.js';
import type { JobEvent, ProgressEvent } from '../core/events.js';
import type { FinishedEvent } from './progress-state.js';
import { safeProgress } from './progress-state.js';
import { progressSentence, stageName, warningText } from './progress-text.js';
import type { LineSink, Reporter } from './reporter.js';

/** Least time between two progress lines of one board, by the job's own clock. */
export const PLAIN_INTERVAL_MS = 2_000;

export type Verbosity = 'quiet' | 'normal' | 'verbose';

interface Shown {
  operation: string;
  elapsedMs: number;
  file: string | null;
}

/**
 * A line when the stage changes, then at most one every two seconds; warnings and notes at once.
 * quiet: warnings only. verbose: every file.
 */
export function plainReporter(line: LineSink, verbosity: Verbosity): Reporter {
  const shown = new Map<string, Shown>();

  function progress(event: ProgressEvent): void {
    const key = event.board ?? '';
    const last = shown.get(key);
    const safe = safeProgress(event);
    const now: Shown = {
      operation: safe.operation,
      elapsedMs: safe.elapsedMs,
      file: safe.currentFile,
    };
    if (last === undefined || last.operation !== safe.operation) {
      shown.set(key, now);
      const fresh = safe.processedBytes === 0 && safe.processedFiles === 0;
      line(prefixOf(event.board) + (fresh ? stageName(safe.operation) : progressSentence(safe)));
      return;
    }
    const newFile =
      verbosity === 'verbose' && safe.currentFile !== null && safe.currentFile !== last.file;
    // A negative distance is a second job with a clock of its own (a restore after its plan).
    const sinceMs = safe.elapsedMs - last.elapsedMs;
    if (!newFile && sinceMs >= 0 && sinceMs < PLAIN_INTERVAL_MS) return;
    shown.set(key, now);
    line(prefixOf(event.board) + progressSentence(safe));
  }

  return {
    event(event: JobEvent) {
      if (event.type === 'warning') line(`${prefixOf(event.board)}warning: ${warningText(event)}`);
      else if (verbosity === 'quiet') return;
      else if (event.type === 'note') line(prefixOf(event.board) + displayPath(event.message));
      else progress(event);
    },
    finished(event: FinishedEvent) {
      if (event.board === undefined || verbosity === 'quiet') return;
      line(prefixOf(event.board) + displayPath(event.outcome));
    },
    async close() {},
  };
}

function prefixOf(board: string | undefined): string {
  return board === undefined ? '' : `${displayPath(board)}: `;
}
