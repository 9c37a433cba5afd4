import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobEvent, ProgressEvent } from '../../src/core/events.js';
import type { DisplayEvent, ProgressState } from '../../src/ui/progress-state.js';
import {
  EMPTY_PROGRESS,
  NOTES_KEPT_MAX,
  reduceProgress,
  safeProgress,
  WARNINGS_KEPT_MAX,
} from '../../src/ui/progress-state.js';
import { progressEvent } from './recorded-events.js';

function play(events: readonly DisplayEvent[]): ProgressState {
  return events.reduce(reduceProgress, EMPTY_PROGRESS);
}

const warning = (path: string, board?: string): JobEvent => ({
  type: 'warning',
  code: 'file-changed',
  message: 'changed while it was read',
  path,
  ...(board === undefined ? {} : { board }),
});

describe('the progress state', () => {
  it('remembers the stages a board has been through, each once', () => {
    const state = play([
      progressEvent({ operation: 'connecting' }),
      progressEvent({ operation: 'reading' }),
      progressEvent({ operation: 'verifying' }),
      progressEvent({ operation: 'reading' }),
    ]);
    expect(state.boards).toHaveLength(1);
    expect(state.boards[0]?.stages).toEqual(['connecting', 'reading', 'verifying']);
    expect(state.boards[0]?.progress?.operation).toBe('reading');
  });

  it('keeps a row for every board, in order of appearance', () => {
    const state = play([
      progressEvent({ board: 'b' }),
      progressEvent({ board: 'a' }),
      progressEvent({ board: 'b', processedFiles: 5 }),
    ]);
    expect(state.boards.map((each) => each.board)).toEqual(['b', 'a']);
    expect(state.boards[0]?.progress?.processedFiles).toBe(5);
  });

  it('keeps the first warnings and counts all of them', () => {
    const count = WARNINGS_KEPT_MAX + 7;
    const state = play(Array.from({ length: count }, (_, at) => warning(`file-${at}`)));
    expect(state.warningCount).toBe(count);
    expect(state.boards[0]?.warningCount).toBe(count);
    expect(state.log).toHaveLength(WARNINGS_KEPT_MAX);
    const closed = reduceProgress(state, { type: 'closed' });
    expect(closed.log.at(-1)?.message).toBe('and 7 more warnings');
    expect(reduceProgress(closed, { type: 'closed' })).toBe(closed);
  });

  it('bounds notes as well', () => {
    const note: JobEvent = { type: 'note', code: 'x', message: 'n' };
    const state = play(Array.from({ length: NOTES_KEPT_MAX * 2 }, () => note));
    expect(state.log).toHaveLength(NOTES_KEPT_MAX);
  });

  it('settles a board that is through: late progress does not wake it up', () => {
    const state = play([
      progressEvent({ board: 'a', percentComplete: 40 }),
      { type: 'finished', board: 'a', status: 'failed', outcome: 'the board is gone' },
      progressEvent({ board: 'a', percentComplete: 50 }),
    ]);
    expect(state.boards[0]).toMatchObject({ status: 'failed', outcome: 'the board is gone' });
    expect(state.boards[0]?.progress?.percentComplete).toBe(40);
    expect(state.log.at(-1)).toMatchObject({ kind: 'failure', board: 'a' });
  });

  it('makes every number safe, whatever came in', () => {
    const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(NaN, Infinity, -Infinity));
    fc.assert(
      fc.property(
        fc.record({
          processedFiles: number,
          totalFiles: number,
          processedBytes: number,
          totalBytes: number,
          percentComplete: number,
          elapsedMs: number,
          etaMs: fc.option(number),
          bytesPerSecond: number,
          wireBytes: number,
        }),
        (numbers) => {
          const event: ProgressEvent = progressEvent(numbers);
          const safe = safeProgress(event);
          const { operation: _, currentFile: __, etaMs, ...rest } = safe;
          for (const value of Object.values(rest)) expect(value).toBeGreaterThanOrEqual(0);
          for (const value of Object.values(rest)) expect(Number.isFinite(value)).toBe(true);
          if (etaMs !== null) expect(etaMs).toBeGreaterThanOrEqual(0);
          expect(safe.percentComplete).toBeLessThanOrEqual(100);
          if (safe.totalFiles > 0) expect(safe.processedFiles).toBeLessThanOrEqual(safe.totalFiles);
        },
      ),
    );
  });
});
