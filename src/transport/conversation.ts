/**
 * Plays a pure machine (raw-repl.ts) on a real wire: this is the only place of the prompt's
 * protocol that waits. Bytes are handed to the machine in the very event that brings them.
 */
import { type BelayError, cancelled } from '../core/errors.js';
import type { ReplAction, ReplFailure, ReplInput, ReplMachine } from './raw-repl.js';
import { replError } from './repl-errors.js';

export interface SessionClock {
  monotonicMs(): number;
  /** Resolves after `ms`. When the signal is aborted it ends at once: by resolving or rejecting, both are fine here. */
  delay(ms: number, signal: AbortSignal): Promise<void>;
}

export interface ConversationOptions {
  readonly signal: AbortSignal;
  /** Limit over all; null where the machine's own waits suffice. */
  readonly limitMs: number | null;
  /**
   * What to do on abort and at the limit: 'interrupt' lets the machine bring the board back to its
   * prompt first (bounded), 'stop' ends at once.
   */
  readonly onAbort: 'interrupt' | 'stop';
  readonly onOutput?: (bytes: Uint8Array) => void;
}

/** The wire as a conversation needs it. */
export interface Wire {
  readonly portName: string;
  readonly clock: SessionClock;
  write(bytes: Uint8Array): Promise<void>;
  lastBytes(): Uint8Array;
}

export type ConversationEnd = 'finished' | 'aborted' | 'limit';

export class Conversation {
  readonly #wire: Wire;
  readonly #machine: ReplMachine;
  readonly #options: ConversationOptions;
  readonly #over = new AbortController();
  readonly #ended: Promise<ConversationEnd>;
  #resolve!: (end: ConversationEnd) => void;
  #reject!: (error: unknown) => void;
  #wake = new AbortController();
  #dueMs = Number.POSITIVE_INFINITY;
  #limitMs: number;
  #end: ConversationEnd = 'finished';
  /** Counts up when a paced write is to stop. */
  #paceRound = 0;

  constructor(wire: Wire, machine: ReplMachine, options: ConversationOptions) {
    this.#wire = wire;
    this.#machine = machine;
    this.#options = options;
    this.#limitMs =
      options.limitMs === null
        ? Number.POSITIVE_INFINITY
        : wire.clock.monotonicMs() + options.limitMs;
    this.#ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Resolves, never rejects, when the conversation has ended. */
  get over(): Promise<unknown> {
    return this.#ended.catch(() => {});
  }

  /** Throws the machine's failure, the wire's error, or `job/cancelled` for 'stop'. */
  async run(): Promise<ConversationEnd> {
    const { signal } = this.#options;
    if (signal.aborted) throw cancelled();
    const abort = () => this.#abort();
    signal.addEventListener('abort', abort, { once: true });
    this.#carryOut(this.#machine.start());
    void this.#keepTime();
    try {
      return await this.#ended;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#over.abort();
      this.#wake.abort();
    }
  }

  data(bytes: Uint8Array): void {
    if (!this.#over.signal.aborted) this.#feed({ kind: 'bytes', bytes });
  }

  fail(error: unknown): void {
    this.#over.abort();
    this.#reject(error);
  }

  #feed(input: ReplInput): void {
    try {
      this.#carryOut(this.#machine.step(input));
    } catch (error) {
      this.fail(error); // a consumer that threw
    }
  }

  #carryOut(actions: readonly ReplAction[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case 'send':
          this.#write(action.bytes);
          break;
        case 'send-paced':
          void this.#writePaced(action.bytes, action.stepBytes, action.stepMs);
          break;
        case 'wait':
          this.#wait(action.ms);
          break;
        case 'output':
          this.#options.onOutput?.(action.bytes);
          break;
        case 'finished':
          this.#over.abort();
          this.#resolve(this.#end);
          return;
        case 'failed':
          this.fail(this.#end === 'aborted' ? cancelled() : this.#errorOf(action.failure));
          return;
      }
    }
  }

  #write(bytes: Uint8Array): void {
    this.#wire.write(bytes).catch((error: unknown) => this.fail(error));
  }

  async #writePaced(bytes: Uint8Array, stepBytes: number, stepMs: number): Promise<void> {
    const { clock } = this.#wire;
    const round = this.#paceRound;
    const isWanted = () => round === this.#paceRound && !this.#over.signal.aborted;
    try {
      for (let at = 0; at < bytes.length && isWanted(); at += stepBytes) {
        const startedMs = clock.monotonicMs();
        await this.#wire.write(bytes.subarray(at, at + stepBytes));
        const restMs = startedMs + stepMs - clock.monotonicMs();
        if (restMs > 0 && at + stepBytes < bytes.length) {
          await clock.delay(Math.ceil(restMs), this.#over.signal).catch(() => {});
        }
      }
      if (isWanted()) this.#feed({ kind: 'sent' });
    } catch (error) {
      this.fail(error);
    }
  }

  #wait(ms: number | null): void {
    const dueMs = ms === null ? Number.POSITIVE_INFINITY : this.#wire.clock.monotonicMs() + ms;
    const earlier = dueMs < this.#dueMs;
    this.#dueMs = dueMs;
    // A later moment needs no waking: the sleeper looks again when it wakes.
    if (earlier) this.#wake.abort();
  }

  async #keepTime(): Promise<void> {
    const { clock } = this.#wire;
    while (!this.#over.signal.aborted) {
      const nowMs = clock.monotonicMs();
      if (nowMs >= this.#limitMs) {
        this.#stopAs('limit');
      } else if (nowMs >= this.#dueMs) {
        this.#dueMs = Number.POSITIVE_INFINITY;
        this.#feed({ kind: 'timeout' });
      } else {
        this.#wake = new AbortController();
        const sleepMs = Math.min(this.#limitMs, this.#dueMs) - nowMs;
        await clock.delay(Math.min(sleepMs, 60_000), this.#wake.signal).catch(() => {});
      }
    }
  }

  #abort(): void {
    if (this.#options.onAbort === 'stop') this.fail(cancelled());
    else this.#stopAs('aborted');
  }

  #stopAs(end: ConversationEnd): void {
    if (this.#options.onAbort === 'stop') {
      this.#end = end;
      this.#over.abort();
      this.#resolve(end);
      return;
    }
    if (this.#end === 'finished') this.#end = end;
    this.#limitMs = Number.POSITIVE_INFINITY;
    this.#paceRound += 1;
    this.#feed({ kind: 'interrupt' });
  }

  #errorOf(failure: ReplFailure): BelayError {
    return replError(failure, this.#wire.portName, this.#wire.lastBytes());
  }
}
