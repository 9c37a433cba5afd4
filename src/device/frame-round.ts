/** One round of a framed job: what the board sends, frame by frame, until its end. */
import { SILENCE_MS_MAX } from '../core/limits.js';
import type { StreamConsumer } from '../transport/repl-session.js';
import type { FrameCheck } from './frame-check.js';
import type { FrameOrder } from './frame-order.js';
import type { Frame } from './frames.js';
import { type FrameSource, frameSource, type OutputRung } from './text-frames.js';

/** Frames that wait behind a gap: beyond this the stream is stopped and begun again at the gap. */
const HELD_BYTES_MAX = 8 * 1024 * 1024;

export interface RoundParts {
  readonly output: OutputRung;
  readonly check: FrameCheck;
  readonly nonce: number;
  readonly order: FrameOrder;
  /** Payloads in order. */
  take(payload: Uint8Array): void;
  /** The first frame: what was sent runs. */
  begun(): void;
  /** Nothing more is wanted. */
  stop(): void;
}

export class FrameRound implements StreamConsumer {
  readonly #parts: RoundParts;
  readonly #source: FrameSource;
  #over = false;
  hasBegun = false;
  /** What `take` threw. */
  failure: unknown = null;

  constructor(parts: RoundParts) {
    this.#parts = parts;
    this.#source = frameSource(parts.output, { check: parts.check, nonce: parts.nonce });
  }

  get strayBytes(): number {
    return this.#source.strayBytes;
  }

  push(bytes: Uint8Array): { readonly consumed: number; readonly done: boolean } {
    this.#source.push(bytes, this.#take);
    if (!this.#over) return { consumed: bytes.length, done: false };
    return { consumed: Math.max(0, bytes.length - this.#source.pendingBytes), done: true };
  }

  flush(): void {
    if (!this.#over && this.failure === null) this.#source.flush(this.#take);
  }

  silenceMsMax(): number {
    return SILENCE_MS_MAX;
  }

  readonly #take = ({ kind, sequence, payload }: Frame): boolean => {
    const { order, take, begun, stop } = this.#parts;
    if (!this.hasBegun) begun();
    this.hasBegun = true;
    if (kind === 'data') {
      try {
        order.accept(sequence, payload, take);
      } catch (error) {
        this.failure = error;
        stop();
      }
      if (order.heldBytes > HELD_BYTES_MAX) stop();
    } else if (kind === 'end') {
      order.end(sequence);
      this.#over = payload[0] === 0;
    }
    return !this.#over;
  };
}
