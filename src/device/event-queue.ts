/** Joins a synchronous producer (bytes from a wire that must not wait) to an async iteration. */
export class EventQueue<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #over = false;
  #error: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#over = true;
    this.#wake?.();
  }

  /** What was pushed before is still delivered. */
  fail(error: unknown): void {
    this.#error = { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const items = this.#items;
      this.#items = [];
      yield* items;
      if (this.#items.length > 0) continue;
      if (this.#error !== null) throw this.#error.error;
      if (this.#over) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}
