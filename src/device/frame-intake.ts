/** The stream of one job out of its frames, also where they become smaller on the way. Pure. */
import { FrameOrder } from './frame-order.js';

export class FrameIntake {
  #order = new FrameOrder();
  readonly #take: (payload: Uint8Array) => void;
  /** How far the job's stream has been handed on. */
  #takenBytes = 0;
  /** What comes next has been handed on already. */
  #skipBytes = 0;

  constructor(take: (payload: Uint8Array) => void) {
    this.#take = take;
  }

  get order(): FrameOrder {
    return this.#order;
  }

  /** Frames taken and the news of the end, for judging progress. */
  get news(): number {
    return this.#order.accepted + (this.#order.total === null ? 0 : 1);
  }

  readonly deliver = (payload: Uint8Array): void => {
    const rest = payload.subarray(Math.min(this.#skipBytes, payload.length));
    this.#skipBytes -= payload.length - rest.length;
    this.#takenBytes += rest.length;
    if (rest.length > 0) this.#take(rest);
  };

  /** From here on frames have other payloads; the board begins again at this offset of the stream. */
  resize(offset: number, payloadBytes: number): void {
    const first = Math.floor(offset / payloadBytes);
    this.#order = new FrameOrder(first);
    this.#skipBytes = this.#takenBytes - first * payloadBytes;
  }
}
