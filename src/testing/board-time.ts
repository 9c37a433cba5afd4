/**
 * How much time the board itself had. Its thread shares the computer with others, and a board that
 * was not given the processor must not lose bytes for it: a real one never waits for its turn.
 */
import { readFileSync } from 'node:fs';

export interface BoardTime {
  /** Milliseconds since the last call in which the board ran or slept on purpose. */
  passedMs(asleep: boolean): number;
}

/**
 * `threadPath` is the thread's folder below /proc; null where the system has none, and then the
 * clock on the wall stands in for it.
 */
export function boardTime(threadPath: string | null): BoardTime {
  let wallMs = performance.now();
  let ranMs = threadPath === null ? 0 : ranSoFarMs(threadPath);
  return {
    passedMs(asleep) {
      const nowMs = performance.now();
      const wall = nowMs - wallMs;
      wallMs = nowMs;
      if (threadPath === null) return wall;
      const now = ranSoFarMs(threadPath);
      const ran = now - ranMs;
      ranMs = now;
      return asleep ? wall : Math.min(wall, ran);
    },
  };
}

/** Time on a processor, the first number of Linux's schedstat, in nanoseconds. */
function ranSoFarMs(threadPath: string): number {
  try {
    return Number(readFileSync(`${threadPath}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
}
