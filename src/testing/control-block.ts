/**
 * The few words that the board's thread and its wire share. Everything that must work while the
 * interpreter is busy (bytes, the interrupt, resets) goes through this memory, since a thread that
 * runs Python takes no messages.
 */

/** Index of each 32-bit cell. Heads and tails only ever count up, modulo 2^32. */
export const CELL = {
  rxHead: 0,
  rxTail: 1,
  txHead: 2,
  txTail: 3,
  /** Counted up and notified whenever the board has something to look at. */
  wake: 4,
  /** 1 while the wire sleeps and wants a message as soon as there is output. */
  doorbell: 5,
  /** Messages that the board has posted; the wire compares before it trusts its mirror. */
  posted: 6,
  /** 1 while a flash operation has interrupts off: only the UART's own FIFO takes bytes then. */
  interruptsOff: 7,
  /** Interrupts that were asked for, so that a wait can tell them from bytes. */
  interrupts: 8,
  /** 1 while the board's thread sleeps on purpose (a flash operation, `sleep`), not for input. */
  asleep: 9,
  /** How often the watchdog was fed. */
  watchdogFed: 10,
  /** 1 while the wire holds bytes back for want of room and wants a message when there is some. */
  roomBell: 12,
  /** 1 when what is in the receive ring is to be thrown away, up to `flushTo`. */
  flushAsked: 13,
  flushTo: 14,
  /** 1 while reads from the console are held back (the "reads stall" fault). */
  readsStalled: 11,
  /** Speed of the board's UART in baud; 0 for what it is at power-up. */
  baud: 15,
} as const;

export const CONTROL_BYTES = 64;

/** Memory for a ring of `capacity` bytes: a power of two, so that counters may wrap at 2^32. */
export function ringBytesFor(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(16, capacity)));
}

/** A ring with one writer and one reader, on shared memory. */
export class ByteRing {
  /** Bytes it holds before it is full; at most the memory it was given. */
  readonly capacity: number;
  readonly #bytes: Uint8Array;
  readonly #cells: Int32Array;
  readonly #head: number;
  readonly #tail: number;

  constructor(parts: {
    bytes: Uint8Array;
    capacity: number;
    cells: Int32Array;
    head: number;
    tail: number;
  }) {
    const { bytes, capacity, cells, head, tail } = parts;
    this.capacity = capacity;
    this.#bytes = bytes;
    this.#cells = cells;
    this.#head = head;
    this.#tail = tail;
  }

  get length(): number {
    return (Atomics.load(this.#cells, this.#head) - Atomics.load(this.#cells, this.#tail)) >>> 0;
  }

  get free(): number {
    return Math.max(0, this.capacity - this.length);
  }

  /** Puts in as much as fits and returns how much that was. */
  push(source: Uint8Array): number {
    const count = Math.min(source.length, this.free);
    if (count === 0) return 0;
    const head = Atomics.load(this.#cells, this.#head);
    const at = (head >>> 0) % this.#bytes.length;
    const first = Math.min(count, this.#bytes.length - at);
    this.#bytes.set(source.subarray(0, first), at);
    if (count > first) this.#bytes.set(source.subarray(first, count), 0);
    this.#publish(this.#head, head, count);
    return count;
  }

  /** Takes at most `limit` bytes into a new array. */
  take(limit: number): Uint8Array {
    const count = Math.min(limit, this.length);
    const taken = new Uint8Array(count);
    this.takeInto(taken, 0, count);
    return taken;
  }

  /** Takes at most `limit` bytes into `target` at `offset`; returns how many. */
  takeInto(target: Uint8Array, offset: number, limit: number): number {
    const count = Math.min(limit, this.length);
    if (count === 0) return 0;
    const tail = Atomics.load(this.#cells, this.#tail);
    const at = (tail >>> 0) % this.#bytes.length;
    const first = Math.min(count, this.#bytes.length - at);
    target.set(this.#bytes.subarray(at, at + first), offset);
    if (count > first) target.set(this.#bytes.subarray(0, count - first), offset + first);
    this.#publish(this.#tail, tail, count);
    return count;
  }

  /** Where the writer stands, for `dropUntil`. */
  get head(): number {
    return Atomics.load(this.#cells, this.#head);
  }

  /** Forgets everything before a place of the writer. Only the reader may do that. */
  dropUntil(head: number): void {
    const tail = Atomics.load(this.#cells, this.#tail);
    if (((head - tail) | 0) > 0) Atomics.store(this.#cells, this.#tail, head);
  }

  #publish(cell: number, from: number, count: number): void {
    Atomics.store(this.#cells, cell, (from + count) | 0);
    Atomics.notify(this.#cells, cell);
  }
}
