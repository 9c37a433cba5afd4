/**
 * One upload exec: frames go up within the credit that the receive ring allows, acknowledgements and
 * results come down. Ends when the agent says so, dies, or the signal is aborted. What the board
 * acknowledges is answered in the very event that brings it, so wire and flash overlap.
 */
import { BelayError, isBelayError } from '../core/errors.js';
import { SILENCE_MS_MAX } from '../core/limits.js';
import type { SessionClock, StreamConsumer } from '../transport/repl-session.js';
import type { Agent } from './agent.js';
import { outOfMemory } from './agent-failure.js';
import type { Frame, FrameFormat } from './frames.js';
import { shortName } from './helper-source.js';
import { PromptWatch } from './prompt-watch.js';
import { frameSource } from './text-frames.js';
import { uploadFrames } from './upload-frames.js';
import { payloadBytesFor, type UploadPace } from './upload-pace.js';
import { UploadQueue } from './upload-queue.js';

/**
 * Without progress for so long the board may wait for bytes that were lost: first, and at most. What
 * ends that wait spoils what was only late, so each time it is waited for longer.
 */
const NUDGE_MS = 800;
const NUDGE_MS_MAX = 6400;
const NUDGES_MAX = 6;
/** Asked for again sooner than this, a frame is still on its way; twice as long each time it was in vain. */
const RESEND_MS = 90;
/** A timer that is so late was held up with the whole computer, and so was what the board said. */
const HELD_UP = 1.25;
const HELD_UP_MAX = 3;
/** How long an agent that died may still say why. */
const LAST_WORDS_MS = 40;
/** Frames made ahead of the wire: few, since they are shorter once one was damaged. */
const AHEAD_FRAMES = 4;

export interface UploadCall {
  readonly parts: readonly string[];
  /** `function,(arguments)` of the agent's job. */
  readonly call: string;
  readonly skipped: readonly string[];
  readonly pace: UploadPace;
  /** The logical stream, whole ops in order. */
  readonly content: AsyncIterable<Uint8Array>;
  /** The board has taken so many bytes of the content. */
  onTaken(contentBytes: number): void;
  /** So many steps of this exec are over, the last with this error number; those between had none. */
  onResults(count: number, errorNumber: number): void;
}

export class UploadLink implements StreamConsumer {
  readonly #agent: Agent;
  readonly #clock: SessionClock;
  readonly #call: UploadCall;
  readonly #format: FrameFormat;
  readonly #source;
  readonly #prompt = new PromptWatch();
  readonly #stop = new AbortController();
  readonly #queue = new UploadQueue();
  #started = false;
  /** Nothing more goes up. */
  #over = false;
  /** The agent said its last word. */
  #complete = false;
  #dead: BelayError | null = null;
  #early: BelayError | null = null;
  #failure: unknown = null;
  #results = 0;
  #errors = 0;
  #damages = -1;
  #resentMs = 0;
  #resendMs = RESEND_MS;
  #nudgeMs = NUDGE_MS;
  #answers = 0;
  #progress = 0;
  #wake: (() => void) | null = null;
  #loaded: () => void = () => {};

  constructor(agent: Agent, clock: SessionClock, call: UploadCall) {
    this.#agent = agent;
    this.#clock = clock;
    this.#call = call;
    const nonce = agent.newNonce();
    const { payloadBytes } = agent;
    const { check, output } = agent.rungs;
    this.#format = { check, nonce, payloadBytes };
    this.#source = frameSource(output, this.#format);
  }

  /**
   * Returns what ended it early, null at its end. Throws board/silent when the board was reset,
   * job/cancelled, port errors, and what the caller's content throws.
   */
  async run(signal: AbortSignal): Promise<BelayError | null> {
    const skipped = this.#call.skipped.map((path) => `${path},`).join('');
    const exec = this.#agent.withParts(
      [...this.#agent.streamParts(), ...this.#call.parts],
      `${shortName('job')}(${this.#call.call},${this.#format.nonce},${this.#format.payloadBytes + 6},(${skipped}),0,6,())`,
    );
    this.#loaded = exec.loaded;
    const streaming = this.#agent.session
      .stream(exec.source, this, { signal: AbortSignal.any([signal, this.#stop.signal]) })
      .then(
        () => null,
        (error: unknown) => ({ error }),
      )
      .finally(() => this.#end());
    try {
      await this.#sendAll(signal);
    } catch (error) {
      this.#fail(error);
    }
    const ended = await streaming;
    if (signal.aborted && ended !== null) throw ended.error;
    if (this.#failure !== null) throw this.#failure;
    if (this.#dead !== null) throw this.#dead;
    if (ended === null) return null;
    if (this.#early !== null)
      return this.#prompt.isOutOfMemory ? outOfMemory(this.#early) : this.#early;
    if (!isBelayError(ended.error) || ended.error.code.startsWith('port/')) throw ended.error;
    return ended.error;
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    const { content, pace } = this.#call;
    const payloadBytes = () => payloadBytesFor(pace, this.#damages >= 0);
    for await (const frame of uploadFrames(content, this.#format, payloadBytes)) {
      await this.#until(() => this.#queue.waiting < AHEAD_FRAMES, signal);
      if (this.#over || signal.aborted) return;
      this.#queue.add(frame);
      this.#pump();
    }
    await this.#until(() => this.#over, signal);
  }

  /** Sends what the credit allows. */
  #pump(): void {
    while (this.#started && !this.#over) {
      const part = this.#queue.nextPart(this.#call.pace.windowBytes - this.#queue.outstandingBytes);
      if (part === null) return;
      this.#agent.session.send(part).catch((error: unknown) => this.#fail(error));
    }
  }

  /** Waits for news; a board that makes no progress may wait for bytes that were lost on the way. */
  async #until(reached: () => boolean, signal: AbortSignal): Promise<void> {
    let [nudges, answers, progress] = [0, this.#answers, this.#progress];
    let [sinceMs, heldUp] = [this.#clock.monotonicMs(), 0];
    while (!reached() && !this.#over && !signal.aborted) {
      await this.#news(this.#nudgeMs, signal);
      if (this.#answers > answers) nudges = 0;
      answers = this.#answers;
      if (this.#progress > progress) {
        [progress, sinceMs] = [this.#progress, this.#clock.monotonicMs()];
        continue;
      }
      const waitedMs = this.#clock.monotonicMs() - sinceMs;
      if (waitedMs < this.#nudgeMs) continue;
      sinceMs += waitedMs;
      if (waitedMs > HELD_UP * this.#nudgeMs && heldUp < HELD_UP_MAX) {
        heldUp += 1;
        continue;
      }
      this.#nudgeMs = Math.min(2 * this.#nudgeMs, NUDGE_MS_MAX);
      nudges += 1;
      if (nudges > NUDGES_MAX)
        throw new BelayError('board/silent', 'the board takes no more bytes', { retryable: true });
      this.#nudge();
    }
  }

  async #news(waitMs: number, signal: AbortSignal): Promise<void> {
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const late = this.#clock.delay(waitMs, AbortSignal.any([timer.signal, signal])).catch(() => {});
    await Promise.race([woken, late]);
    this.#wake = null;
    timer.abort();
  }

  /** Blanks end the piece that the board waits for; it then says what it wants again. */
  #nudge(): void {
    if (!this.#started || this.#over || this.#queue.outstandingBytes === 0) return;
    this.#agent.session.distrust();
    const filler = new Uint8Array(this.#call.pace.pieceBytes + 10).fill(0x20);
    this.#agent.session.send(filler).catch((error: unknown) => this.#fail(error));
  }

  push(bytes: Uint8Array): { readonly consumed: number; readonly done: boolean } {
    this.#source.push(bytes, (frame) => {
      this.#started = true;
      this.#loaded();
      this.#answers += 1;
      if (frame.kind === 'busy') this.#answer(frame);
      if (frame.kind === 'end') this.#complete = frame.payload[0] === 0;
      return !this.#complete;
    });
    if (this.#complete) this.#over = true;
    else this.#watch(bytes);
    this.#pump();
    this.#wake?.();
    if (!this.#complete) return { consumed: bytes.length, done: false };
    return { consumed: Math.max(0, bytes.length - this.#source.pendingBytes), done: true };
  }

  silenceMsMax(): number {
    return 3 * SILENCE_MS_MAX;
  }

  /** What the agent says in between, told apart by its length. */
  #answer({ sequence, payload }: Frame): void {
    // Busy with files, not waiting: what is in the ring is as it should be.
    if (payload.length === 0) this.#progress += 1;
    const word = (at: number) => ((payload[at] as number) << 8) | (payload[at + 1] as number);
    if (payload.length === 2) {
      this.#resend(payload[0] as number, payload[1] as number);
    } else if (payload.length === 3) {
      this.#errors += 1;
      this.#progress += 1;
      this.#results = word(0);
      this.#call.onResults(this.#results, payload[2] as number);
    } else if (payload.length > 0) {
      if (this.#queue.taken(payload[0] as number, sequence)) {
        this.#call.onTaken(this.#queue.contentTakenBytes);
        this.#progress += 1;
        this.#resendMs = RESEND_MS;
      }
      // Where an error's own frame was lost the results are asked for at the end.
      if (payload.length < 4 || payload[1] !== (this.#errors & 255)) return;
      const more = (word(2) - this.#results) & 0xffff;
      if (more === 0) return;
      this.#progress += 1;
      this.#results += more;
      this.#call.onResults(this.#results, 0);
    }
  }

  /**
   * The board wants this frame, and all behind it, again. It says so again where nothing came: the
   * first time may have been lost, or the frame; a slow wire must not be filled with the same bytes.
   */
  #resend(number: number, damages: number): void {
    const isNew = damages !== this.#damages;
    const nowMs = this.#clock.monotonicMs();
    if (!isNew && nowMs - this.#resentMs <= this.#resendMs) return;
    this.#damages = damages;
    if (!this.#queue.resendFrom(number)) return;
    this.#resentMs = nowMs;
    if (!isNew) this.#resendMs = Math.min(2 * this.#resendMs, NUDGE_MS_MAX);
  }

  /** A reset, or a prompt where the agent should be: not a byte more, and Ctrl-C before all else. */
  #watch(bytes: Uint8Array): void {
    const seen = this.#prompt.push(bytes);
    if (seen === null || !this.#started) return;
    this.#end();
    if (seen === 'ended') {
      this.#early ??= new BelayError('board/integrity', 'the agent ended before its time', {
        retryable: true,
      });
      // The last line of its traceback, on its way, says why.
      const stop = () => this.#stop.abort();
      void this.#clock.delay(LAST_WORDS_MS, this.#stop.signal).then(stop, stop);
      return;
    }
    const hint = 'a watchdog of the program may be resetting the board';
    this.#dead = new BelayError('board/silent', 'the board was reset while files were written', {
      hint,
      retryable: true,
    });
    // Not from within the event that the session is handling.
    queueMicrotask(() => this.#stop.abort());
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    queueMicrotask(() => this.#stop.abort());
    this.#end();
  }

  #end(): void {
    this.#over = true;
    this.#wake?.();
  }
}
