/**
 * The seam between a running job and what shows it. A reporter is given events and, at the end, a
 * closing; it never throws into the job and never keeps the process alive once closed.
 */
import type { JobEvent } from '../core/events.js';
import type { FinishedEvent } from './progress-state.js';

export interface Reporter {
  event(event: JobEvent): void;
  /** A board is through (with `board` when it is one of several). */
  finished(event: FinishedEvent): void;
  /** Shows what is still held back, puts the terminal right. May be called more than once. */
  close(): Promise<void>;
}

/** Takes one line of text without its line end. */
export type LineSink = (line: string) => void;

/** Shows nothing: `-q`, and listeners that only count. */
export const silentReporter: Reporter = {
  event() {},
  finished() {},
  async close() {},
};
