/**
 * One upload exec: frames go up within the credit that the receive ring allows, acknowledgements and
 * results come down. Ends when the agent says so, dies, or the signal is aborted.
 */
import { BelayError, isBelayError } from '../core/errors.js';
import { SILENCE_MS_MAX } from '../core/limits.js';
import type { SessionClock, StreamConsumer } from '../transport/repl-session.js';
import type { Agent } from './agent.js';
import { shortName } from './helper-source.js';
import { frameSource } from './text-frames.js';
import { UPLOAD_NUMBER_MODULO, UPLOAD_ROOM_BYTES, uploadFrame } from './upload-frames.js';

/** The smallest ring of boards with a binary stdin holds 256 bytes; losses were seen beyond 240. */
const WINDOW_BYTES = 240;
/** The board takes this much at once: two pieces fill the window, so wire and flash overlap. */
export const PIECE_BYTES = 120;
const ACK_MS_MAX = 1500;
const UNANSWERED_MAX = 12;
const KEPT_FRAMES = 64;
/** Enough for a board that waits for the rest of a piece of which bytes were lost. */
const FILLER = new Uint8Array(PIECE_BYTES + 10).fill(0x20);

export interface UploadCall {
  readonly parts: readonly string[];
  /** `function,(arguments)` of the agent's job. */
  readonly call: string;
  readonly skipped: readonly string[];
  /** The logical stream, whole ops in order. */
  readonly content: AsyncIterable<Uint8Array>;
  onResult(index: number, errorNumber: number): void;
  onSent(contentBytes: number): void;
}

export class UploadLink implements StreamConsumer {
  readonly #agent: Agent;
  readonly #clock: SessionClock;
  readonly #call: UploadCall;
  readonly #nonce: number;
  readonly #source;
  readonly #kept: { readonly number: number; readonly wire: Uint8Array }[] = [];
  #started = false;
  #over = false;
  #sentBytes = 0;
  #takenBytes = 0;
  #wake: (() => void) | null = null;
  #resendFrom: number | null = null;
  #answers = 0;
  #loaded: () => void = () => {};

  constructor(agent: Agent, clock: SessionClock, call: UploadCall) {
    this.#agent = agent;
    this.#clock = clock;
    this.#call = call;
    this.#nonce = agent.newNonce();
    this.#source = frameSource(agent.rungs.output, { check: agent.rungs.check, nonce: this.#nonce });
  }

  /** Throws cancelled, port errors, and what the caller's content throws; returns what else ended it. */
  async run(signal: AbortSignal): Promise<BelayError | null> {
    const skipped = this.#call.skipped.map((path) => `${path},`).join('');
    const exec = this.#agent.withParts(
      [...this.#agent.streamParts(), ...this.#call.parts],
      `${shortName('job')}(${this.#call.call},${this.#nonce},${this.#agent.payloadBytes + 6},(${skipped}),0,6,())`,
    );
    this.#loaded = exec.loaded;
    const stop = new AbortController();
    const streaming = this.#agent.session
      .stream(exec.source, this, { signal: AbortSignal.any([signal, stop.signal]) })
      .then(
        () => null,
        (error: unknown) => ({ error }),
      )
      .finally(() => {
        this.#over = true;
        this.#wake?.();
      });
    let thrown: { readonly error: unknown } | null = null;
    try {
      await this.#sendAll(signal);
    } catch (error) {
      thrown = { error };
      stop.abort();
    }
    const ended = await streaming;
    if (thrown !== null) throw thrown.error;
    if (ended === null) return null;
    if (signal.aborted || !isBelayError(ended.error) || ended.error.code.startsWith('port/')) throw ended.error;
    return ended.error;
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    await this.#until(() => this.#started, signal);
    let number = 0;
    for await (const content of this.#call.content) {
      for (let at = 0; at < content.length; ) {
        if (this.#over) return;
        const frame = uploadFrame(content, at, number, this.#agent.rungs.check, this.#nonce);
        at += frame.contentBytes;
        this.#kept.push({ number: number % UPLOAD_NUMBER_MODULO, wire: frame.wire });
        if (this.#kept.length > KEPT_FRAMES) this.#kept.shift();
        number += 1;
        await this.#transmit(frame.wire, signal);
        this.#call.onSent(frame.contentBytes);
      }
    }
    for (;;) {
      const settled = () => this.#over || this.#resendFrom !== null;
      await this.#until(settled, signal);
      if (this.#over) return;
      await this.#resend(signal);
    }
  }

  async #transmit(wire: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.#resendFrom !== null) return this.#resend(signal);
    for (let at = 0; at < wire.length && !this.#over; ) {
      await this.#until(() => this.#over || this.#resendFrom !== null || this.#room() > 0, signal);
      // The resend covers this frame too: it is the newest of those kept.
      if (this.#resendFrom !== null) return this.#resend(signal);
      const part = wire.subarray(at, at + this.#room());
      at += part.length;
      this.#sentBytes += part.length;
      if (!this.#over) await this.#agent.session.send(part);
    }
  }

  async #resend(signal: AbortSignal): Promise<void> {
    const from = this.#kept.findIndex((frame) => frame.number === this.#resendFrom);
    this.#resendFrom = null;
    this.#sentBytes = 0;
    this.#takenBytes = 0;
    if (from < 0) return;
    for (const frame of this.#kept.slice(from)) {
      await this.#transmit(frame.wire, signal);
      if (this.#resendFrom !== null) return this.#resend(signal);
    }
  }

  #room(): number {
    return WINDOW_BYTES - (this.#sentBytes - this.#takenBytes);
  }

  /** Waits for news; a board that says nothing may wait for bytes that were lost on the way. */
  async #until(reached: () => boolean, signal: AbortSignal): Promise<void> {
    for (let unanswered = 0; !reached() && !this.#over; ) {
      const before = this.#answers;
      let timedOut = false;
      const timer = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        this.#clock.delay(ACK_MS_MAX, AbortSignal.any([timer.signal, signal])).then(() => {
          timedOut = true;
        }),
      ]);
      this.#wake = null;
      timer.abort();
      if (signal.aborted) return;
      if (!timedOut || this.#answers > before || reached() || this.#over) continue;
      unanswered += 1;
      if (unanswered > UNANSWERED_MAX) throw new BelayError('board/silent', 'the board takes no more bytes', { retryable: true });
      if (this.#started && this.#sentBytes > 0) await this.#agent.session.send(FILLER);
    }
  }

  push(bytes: Uint8Array): { readonly consumed: number; readonly done: boolean } {
    this.#source.push(bytes, (frame) => {
      this.#started = true;
      this.#loaded();
      this.#answers += 1;
      if (frame.kind === 'busy') this.#answer(frame.payload);
      if (frame.kind === 'end') this.#over = frame.payload[0] === 0;
      return !this.#over;
    });
    this.#wake?.();
    if (!this.#over) return { consumed: bytes.length, done: false };
    return { consumed: Math.max(0, bytes.length - this.#source.pendingBytes), done: true };
  }

  silenceMsMax(): number {
    return 3 * SILENCE_MS_MAX;
  }

  #answer(payload: Uint8Array): void {
    const value = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
    if (payload.length === 1) this.#resendFrom = payload[0] as number;
    else if (payload.length === 2) this.#takenBytes += (value - this.#takenBytes) & 0xffff;
    else if (payload.length === 3) this.#call.onResult(value, payload[2] as number);
  }
}

export { UPLOAD_ROOM_BYTES };
