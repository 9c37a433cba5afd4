/**
 * A clock for tests that need no real time: whenever nothing else is left to do, it jumps to the
 * next moment that someone waits for. A conversation of seconds takes milliseconds, in the same
 * order on every machine.
 */
interface Timer {
  readonly atMs: number;
  readonly order: number;
  fire(): void;
}

export class IdleClock {
  #nowMs = 0;
  #order = 0;
  #timers: Timer[] = [];
  #watching = false;

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Calls back after `ms` of this clock; the returned function takes it back. */
  after(ms: number, fire: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, fire };
    this.#timers.push(timer);
    this.#watch();
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  delay(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
      const stop = () => {
        cancel();
        resolve();
      };
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    setImmediate(() => {
      this.#watching = false;
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) return;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      if (this.#timers.length > 0) this.#watch();
    });
  }
}
