/** One round of a framed job: what the board sends, frame by frame, until its end. */
import { SILENCE_MS_MAX } from '../core/limits.js';
import type { StreamConsumer } from '../transport/repl-session.js';
import type { FrameCheck } from './frame-check.js';
import type { FrameOrder } from './frame-order.js';
import type { Frame } from './frames.js';
import { PromptWatch } from './prompt-watch.js';
import { type FrameSource, frameSource, type OutputRung } from './text-frames.js';

/** Frames that wait behind a gap: beyond this the stream is stopped and begun again at the gap. */
const HELD_BYTES_MAX = 8 * 1024 * 1024;
/** The agent is never silent for longer than 500 ms: where a prompt seems to be back, this will do. */
const SILENCE_AT_PROMPT_MS = 1500;
/** A boot banner or a traceback is the last that comes; what is before the end of a piece is content. */
const BANNER_BYTES_MAX = 512;

export interface RoundParts {
  readonly output: OutputRung;
  readonly check: FrameCheck;
  readonly nonce: number;
  readonly payloadBytes: number;
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
  readonly #prompt = new PromptWatch();
  /** A reset or the end of the agent was seen, and no frame since: unless it was content, nothing more comes. */
  #seemsGone = false;
  #over = false;
  hasBegun = false;
  /** What `take` threw. */
  failure: unknown = null;

  constructor(parts: RoundParts) {
    this.#parts = parts;
    const { output, check, nonce, payloadBytes, order } = parts;
    this.#source = frameSource(output, { check, nonce, payloadBytes }, order.reference);
  }

  get strayBytes(): number {
    return this.#source.strayBytes;
  }

  push(bytes: Uint8Array): { readonly consumed: number; readonly done: boolean } {
    if (this.#prompt.push(bytes.subarray(-BANNER_BYTES_MAX)) !== null) this.#seemsGone = true;
    this.#source.push(bytes, this.#take);
    if (!this.#over) return { consumed: bytes.length, done: false };
    return { consumed: Math.max(0, bytes.length - this.#source.pendingBytes), done: true };
  }

  flush(): void {
    if (!this.#over && this.failure === null) this.#source.flush(this.#take);
  }

  silenceMsMax(): number {
    return this.#seemsGone ? SILENCE_AT_PROMPT_MS : SILENCE_MS_MAX;
  }

  readonly #take = ({ kind, sequence, payload }: Frame): boolean => {
    const { order, take, begun, stop } = this.#parts;
    this.#seemsGone = false;
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
    } else if (kind === 'busy') {
      order.pass(sequence);
    } else if (kind === 'end') {
      order.end(sequence);
      this.#over = payload[0] === 0;
    }
    return !this.#over;
  };
}
