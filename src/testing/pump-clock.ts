/** When the wire looks again: never twice for the same reason, and at a message's end to the moment. */

/** How long the wire sleeps while bytes flow, and where many of them go to the host. */
const TICK_MS = 1;
const LONG_TICK_MS = 3;
const LONG_MS_MIN = 6;
/** A timer is late by as much: the rest of a wait is spent on the turns of the event loop. */
const TIMER_LATE_MS = 1.2;
/** Of so little that goes to the host it has every few bytes: an answer may be among them. */
const SHORT_MS_MAX = 3;
const FEW_BYTES_MS = 0.25;

/** When the first message on a lane will be there, and all of them. */
export interface Arrivals {
  readonly firstMs: number;
  readonly allMs: number;
}

export class PumpClock {
  readonly #pump: () => void;
  #timer: NodeJS.Timeout | null = null;
  #timerEndMs = 0;
  #immediate: NodeJS.Immediate | null = null;
  #dueMs = 0;

  constructor(pump: () => void) {
    this.#pump = pump;
  }

  /** On the next turn of the event loop. */
  soon(): void {
    this.#at(performance.now());
  }

  /** As finely as timers can. */
  tick(): void {
    this.#after(TICK_MS);
  }

  /**
   * When a message has arrived; before that now and then, for what of it is there already: more often
   * on the way to the board, where bytes fill a ring.
   */
  until(toBoard: Arrivals | null, toHost: Arrivals | null): void {
    const nowMs = performance.now();
    const toHostMs = (toHost?.allMs ?? Infinity) - nowMs;
    const leftMs = Math.min(toBoard?.firstMs ?? Infinity, toHost?.firstMs ?? Infinity) - nowMs;
    if (toHostMs < SHORT_MS_MAX) this.#at(nowMs + Math.min(leftMs, FEW_BYTES_MS));
    else if (leftMs < TIMER_LATE_MS) this.#at(nowMs + leftMs);
    else if (toBoard === null && toHostMs > LONG_MS_MIN) this.#after(LONG_TICK_MS);
    else this.#after(TICK_MS);
  }

  #at(dueMs: number): void {
    if (this.#immediate !== null) {
      this.#dueMs = Math.min(this.#dueMs, dueMs);
      return;
    }
    this.#dueMs = dueMs;
    this.#immediate = setImmediate(() => {
      this.#immediate = null;
      if (performance.now() < this.#dueMs) this.#at(this.#dueMs);
      else this.#pump();
    });
  }

  /** After `ms`, or when an earlier wish is due. */
  #after(ms: number): void {
    const endMs = performance.now() + ms;
    if (this.#timer !== null) {
      if (this.#timerEndMs <= endMs + 0.5) return;
      clearTimeout(this.#timer);
    }
    this.#timerEndMs = endMs;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#pump();
    }, ms);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#timer = null;
    this.#immediate = null;
  }
}
