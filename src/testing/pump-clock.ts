/** When the wire looks again: soon, or after a while; never twice for the same reason. */
export class PumpClock {
  readonly #pump: () => void;
  #timer: NodeJS.Timeout | null = null;
  #timerEndMs = 0;
  #immediate: NodeJS.Immediate | null = null;

  constructor(pump: () => void) {
    this.#pump = pump;
  }

  /** On the next turn of the event loop. */
  soon(): void {
    if (this.#immediate !== null) return;
    this.#immediate = setImmediate(() => {
      this.#immediate = null;
      this.#pump();
    });
  }

  /** After `ms`, or when an earlier wish is due. */
  later(ms: number): void {
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
