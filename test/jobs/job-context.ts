/** A job's world in memory: a clock that only moves when it is asked, counted randomness, heard events. */

import { throwIfAborted } from '../../src/core/errors.js';
import type { JobEvent } from '../../src/core/events.js';
import type { Connect, JobContext } from '../../src/jobs/context.js';
import type { MemoryBoard } from '../support/memory-board.js';

export interface TestContext extends JobContext {
  readonly events: JobEvent[];
  readonly abort: AbortController;
  /** Moves the wall clock. */
  advance(ms: number): void;
  codes(type: 'warning' | 'note'): string[];
}

let ids = 0;

export function testContext(startsAt = '2026-11-20T10:00:00.000Z'): TestContext {
  const abort = new AbortController();
  const events: JobEvent[] = [];
  let nowMs = Date.parse(startsAt);
  let monotonicMs = 0;
  return {
    events,
    abort,
    signal: abort.signal,
    emit: (event) => void events.push(event),
    advance: (ms) => {
      nowMs += ms;
    },
    codes: (type) => events.flatMap((event) => (event.type === type ? [event.code] : [])),
    randomHex: (bytes) => {
      ids += 1;
      return ids
        .toString(16)
        .padStart(8, '0')
        .repeat(Math.ceil(bytes / 4))
        .slice(0, bytes * 2);
    },
    clock: {
      now: () => new Date(nowMs),
      monotonicMs: () => {
        monotonicMs += 1;
        return monotonicMs;
      },
      utcOffsetMinutes: () => 60,
      delay: async (ms, signal) => {
        throwIfAborted(signal);
        monotonicMs += ms;
      },
    },
  };
}

/** The board answers each time it is connected to; `onConnect` plays what happens before. */
export function connectTo(
  board: MemoryBoard,
  onConnect: (time: number) => void = () => {},
): Connect {
  let time = 0;
  return async ({ signal }) => {
    throwIfAborted(signal);
    time += 1;
    onConnect(time);
    return board.connection();
  };
}
