/** Puts frames into order and knows which are missing. Pure; sequence numbers on the wire wrap. */
import { SEQUENCE_MODULO } from './frames.js';

export class FrameOrder {
  #next = 0;
  #total: number | null = null;
  #reference = 0;
  #heldBytes = 0;
  #accepted = 0;
  /** One behind the highest number that came. */
  #end = 0;
  readonly #held = new Map<number, Uint8Array>();

  /** `first`: all before it is there already. */
  constructor(first = 0) {
    this.#next = first;
    this.#end = first;
  }

  /** Number of the first frame that has not come yet. */
  get next(): number {
    return this.#next;
  }

  /** Near the number that comes next. */
  get reference(): number {
    return this.#reference;
  }

  /** How many frames there are; null until the board said so. */
  get total(): number | null {
    return this.#total;
  }

  /** Frames taken that were not there before, for judging progress. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Bytes that wait behind a gap. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get complete(): boolean {
    return this.#total !== null && this.#next === this.#total;
  }

  /** How many are missing before the last that came, or before the end where that is known. */
  get gaps(): number {
    return Math.max(0, (this.#total ?? this.#end) - this.#next - this.#held.size);
  }

  /** The board starts (again) with frames from here on. */
  begin(sequence: number): void {
    this.#reference = sequence;
  }

  /** The board stands here: what is not wanted passes unseen, more of it than eleven bits can tell. */
  pass(sequence: number): void {
    this.#reference = this.#absolute(sequence);
  }

  /** A round that repeats single frames ends early: the first end is the stream's. */
  end(sequence: number): void {
    this.#total ??= this.#absolute(sequence);
  }

  /** Takes a frame; hands on what is in order now. */
  accept(sequence: number, payload: Uint8Array, deliver: (payload: Uint8Array) => void): void {
    const number = this.#absolute(sequence);
    this.#reference = number;
    if (number < this.#next || this.#held.has(number)) return;
    this.#accepted += 1;
    this.#end = Math.max(this.#end, number + 1);
    this.#held.set(number, payload);
    this.#heldBytes += payload.length;
    for (;;) {
      const ready = this.#held.get(this.#next);
      if (ready === undefined) break;
      this.#held.delete(this.#next);
      this.#heldBytes -= ready.length;
      this.#next += 1;
      deliver(ready);
    }
  }

  /**
   * Numbers to ask for again, the first `limit` of them, so near to each other that eleven bits
   * tell them apart; empty while the total is not known.
   */
  missing(limit: number): readonly number[] {
    const numbers: number[] = [];
    const end = Math.min(this.#total ?? 0, this.#next + SEQUENCE_MODULO / 2);
    for (let number = this.#next; number < end && numbers.length < limit; number += 1) {
      if (!this.#held.has(number)) numbers.push(number);
    }
    return numbers;
  }

  /** The number nearest to the last one that has these eleven low bits. */
  #absolute(sequence: number): number {
    const ahead =
      (((sequence - this.#reference) % SEQUENCE_MODULO) + SEQUENCE_MODULO) % SEQUENCE_MODULO;
    const number =
      this.#reference + (ahead < SEQUENCE_MODULO / 2 ? ahead : ahead - SEQUENCE_MODULO);
    return number < 0 ? number + SEQUENCE_MODULO : number;
  }
}
