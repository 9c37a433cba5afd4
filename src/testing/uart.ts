/** The board's end of the wire: what the interpreter's console reads and writes. */

import type { ByteRing } from './control-block.js';
import { CELL } from './control-block.js';

const LF = 10;
const CR = 13;
/** Who asks again this soon does nothing else. */
const AGAIN_MS = 0.05;
/** Longest sleep before a look around; every change of state also wakes the sleeper. */
const NAP_MS = 1000;
/** Without a host nothing leaves the ring: the wait for it ends all the same. */
const SENT_MS_MAX = 1000;
/** The wire holds at most a fiftieth of a second (wire.ts). */
const ON_THE_WIRE_MS = 25;

export interface UartParts {
  readonly cells: Int32Array;
  readonly receive: ByteRing;
  readonly transmit: ByteRing;
  /** Tells the sleeping wire that there is output. */
  readonly ringBell: () => void;
  /** True while a keyboard interrupt waits to be raised. */
  readonly interrupted: () => boolean;
}

export class Uart {
  readonly #parts: UartParts;
  #lastWasCr = false;
  /** Output is handed here instead of to the wire while something wants to look at it. */
  #capture: number[] | null = null;
  #skip = 0;
  /** When nothing was there for the last question. */
  #quietPollMs = Number.NEGATIVE_INFINITY;
  /** True while output is thrown away (the frame around boot.py and main.py). */
  hushed = false;

  constructor(parts: UartParts) {
    this.#parts = parts;
  }

  get available(): number {
    const { cells, receive } = this.#parts;
    if (Atomics.load(cells, CELL.flushAsked) === 1) {
      Atomics.store(cells, CELL.flushAsked, 0);
      receive.dropUntil(Atomics.load(cells, CELL.flushTo));
    }
    return Atomics.load(cells, CELL.readsStalled) === 1 ? 0 : receive.length;
  }

  #take(target: Uint8Array): number {
    const { cells, receive } = this.#parts;
    const count = receive.takeInto(target, 0, target.length);
    if (Atomics.exchange(cells, CELL.roomBell, 0) === 1) this.#parts.ringBell();
    return count;
  }

  /** Text: a line feed goes out as CR LF (shared/runtime/stdout_helpers.c), never doubled. */
  writeText(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    let extra = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      if (bytes[at] === LF && !this.#crBefore(bytes, at)) extra += 1;
    }
    if (extra === 0) {
      this.#lastWasCr = bytes[bytes.length - 1] === CR;
      this.writeRaw(bytes);
      return;
    }
    const cooked = new Uint8Array(bytes.length + extra);
    let to = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      if (bytes[at] === LF && !this.#crBefore(bytes, at)) cooked[to++] = CR;
      cooked[to++] = bytes[at] as number;
    }
    this.#lastWasCr = bytes[bytes.length - 1] === CR;
    this.writeRaw(cooked);
  }

  #crBefore(bytes: Uint8Array, at: number): boolean {
    return at === 0 ? this.#lastWasCr : bytes[at - 1] === CR;
  }

  writeRaw(bytes: Uint8Array): void {
    if (this.#capture !== null) {
      for (const byte of bytes) this.#capture.push(byte);
      return;
    }
    if (this.hushed) return;
    if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, bytes.length);
      this.#skip -= skipped;
      this.writeRaw(bytes.subarray(skipped));
      return;
    }
    const { cells, transmit } = this.#parts;
    for (let at = 0; at < bytes.length; ) {
      const tail = Atomics.load(cells, CELL.txTail);
      const count = transmit.push(at === 0 ? bytes : bytes.subarray(at));
      at += count;
      if (count > 0 && Atomics.exchange(cells, CELL.doorbell, 0) === 1) this.#parts.ringBell();
      if (at < bytes.length && transmit.free === 0) Atomics.wait(cells, CELL.txTail, tail, NAP_MS);
    }
  }

  /** Waits until what was written has left the wire: a UART finishes before it changes its speed. */
  sent(): void {
    const { cells, transmit } = this.#parts;
    const end = performance.now() + SENT_MS_MAX;
    while (transmit.length > 0 && performance.now() < end)
      Atomics.wait(cells, CELL.txTail, Atomics.load(cells, CELL.txTail), end - performance.now());
    stallThread(ON_THE_WIRE_MS);
  }

  /** Leaves out the next `count` bytes of output. */
  skipNext(count: number): void {
    this.#skip = count;
  }

  /** Runs `action` and returns what it would have sent. */
  capture(action: () => void): Uint8Array {
    const captured: number[] = [];
    this.#capture = captured;
    try {
      action();
    } finally {
      this.#capture = null;
    }
    return Uint8Array.from(captured);
  }

  /** Waits for at least one byte; 0 when an interrupt came instead. */
  read(target: Uint8Array): number {
    const { cells } = this.#parts;
    for (;;) {
      const seen = Atomics.load(cells, CELL.wake);
      if (this.#parts.interrupted()) return 0;
      if (this.available > 0) return this.#take(target);
      Atomics.wait(cells, CELL.wake, seen, NAP_MS);
    }
  }

  /** The next byte for the prompt. */
  readByte(): number {
    const one = new Uint8Array(1);
    const { cells } = this.#parts;
    for (;;) {
      const seen = Atomics.load(cells, CELL.wake);
      if (this.available > 0 && this.#take(one) === 1) return one[0] as number;
      Atomics.wait(cells, CELL.wake, seen, NAP_MS);
    }
  }

  /**
   * Bytes to read, for `select.poll`, which asks again and again until its time is over: then the
   * board sleeps for a moment, ended by the first byte, instead of spinning. A program that asks
   * once, and after some work once more, is not held up.
   */
  poll(): number {
    if (performance.now() - this.#quietPollMs < AGAIN_MS && this.available === 0) this.nap(1);
    const count = this.available;
    this.#quietPollMs = count > 0 ? Number.NEGATIVE_INFINITY : performance.now();
    return count;
  }

  /** Something else than a question happened. */
  stir(): void {
    this.#quietPollMs = Number.NEGATIVE_INFINITY;
  }

  get interrupted(): boolean {
    return this.#parts.interrupted();
  }

  /** Sleeps until `ms` are over, a byte came, or an interrupt. */
  nap(ms: number): void {
    const { cells } = this.#parts;
    const seen = Atomics.load(cells, CELL.wake);
    if (this.#parts.interrupted() || this.available > 0) return;
    Atomics.wait(cells, CELL.wake, seen, ms);
  }

  /** Sleeps for `ms`, through incoming bytes; false when an interrupt cut it short. */
  sleep(ms: number): boolean {
    const { cells } = this.#parts;
    const end = performance.now() + ms;
    Atomics.store(cells, CELL.asleep, 1);
    try {
      for (;;) {
        const seen = Atomics.load(cells, CELL.wake);
        if (this.#parts.interrupted()) return false;
        const left = end - performance.now();
        if (left <= 0) return true;
        Atomics.wait(cells, CELL.wake, seen, left);
      }
    } finally {
      Atomics.store(cells, CELL.asleep, 0);
    }
  }
}

const still = new Int32Array(new SharedArrayBuffer(4));
let owedMs = 0;

/**
 * Holds the whole board, as a flash operation does. Short times are saved up until they can be
 * slept, and what was slept too long is taken off the next ones, so that many do not drift.
 */
export function stallThread(ms: number): void {
  owedMs += ms;
  if (owedMs < 0.25) return;
  const start = performance.now();
  Atomics.wait(still, 0, 0, owedMs);
  owedMs = Math.max(-200, owedMs - (performance.now() - start));
}
