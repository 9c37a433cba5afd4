/**
 * A conversation with a board's prompt over a byte port: enter raw mode whatever runs there, run
 * sources, stream, reset, leave. One thing at a time. Every wait is bounded by the machines it
 * plays (raw-entry.ts, raw-exec.ts, raw-reset.ts) and ends with the signal; what the board sends
 * is always taken at once.
 */
import { type BelayError, cancelled, isBelayError } from '../core/errors.js';
import type { BytePort } from './byte-port.js';
import {
  Conversation,
  type ConversationEnd,
  type ConversationOptions,
  type SessionClock,
} from './conversation.js';
import { RawEntry } from './raw-entry.js';
import { RawExec, type StreamConsumer } from './raw-exec.js';
import { bytesOfText, joinBytes, type ReplMachine } from './raw-repl.js';
import { FriendlyReturn, RawSoftReset } from './raw-reset.js';
import { execFailed, overLimit, replError } from './repl-errors.js';
import { type SessionCounters, SessionWire, type TrafficListener } from './session-wire.js';
import { ASK_BEHIND_BYTES_MAX, type SourceMode } from './source-handover.js';

export type { SessionClock } from './conversation.js';
export type { StreamConsumer } from './raw-exec.js';
export type { SessionCounters, TrafficListener } from './session-wire.js';

export interface EnterRawResult {
  /** Something ran (or printed) when we came. */
  readonly programInterrupted: boolean;
  /** The board was in raw mode already. */
  readonly wasRaw: boolean;
  /** What came besides the answer of an idle prompt. */
  readonly noise: Uint8Array;
}

export interface ExecOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** It does no harm to run it twice: a short first source saves the question for raw paste its turn. */
  readonly repeatable?: boolean;
}

type RunOptions = Pick<ExecOptions, 'signal'> & Partial<ExecOptions>;

/**
 * Up to here a source goes in plain raw mode, at the wire's own speed and in one turn; the board
 * holds it in memory until it is compiled. With `byRawPaste` only short ones do.
 */
const PLAIN_BYTES_MAX = 6000;
const SHORT_BYTES_MAX = 250;
/** As long as a board cannot have run anything, another try does no harm. */
const HAND_OVER_TRIES = 3;
/** Beyond this an exec's text is no answer any more. */
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const RESETS_MAX = 2;

export class ReplSession {
  /**
   * Hand all but short sources over by raw paste where the board has it: for tight memory. Set here
   * as well when a source seems to have lost bytes on its way.
   */
  byRawPaste = false;
  readonly #wire: SessionWire;
  #conversation: Conversation | null = null;
  #running: RawExec | null = null;
  /** The raw prompt is where we think it is. */
  #inSync = false;
  #rawPaste: boolean | null = null;
  #softResets = 0;
  #entries = 0;

  constructor(port: BytePort, clock: SessionClock) {
    this.#wire = new SessionWire(port, clock, {
      // Outside a conversation it is a user's callback that prints: kept for messages alone.
      data: (bytes) => this.#conversation?.data(bytes),
      lost: (error) => this.#conversation?.fail(error),
      isContent: () => this.#running?.isStreaming ?? false,
    });
  }

  /** Hears every byte on the wire, for `doctor` and its transcripts. */
  set onTraffic(listener: TrafficListener | null) {
    this.#wire.onTraffic = listener;
  }

  /** Whether the board knows raw paste; null before the first exec. */
  get rawPaste(): boolean | null {
    return this.#rawPaste;
  }

  /** How often the board was reset by softReset. */
  get softResets(): number {
    return this.#softResets;
  }

  /** Resolves when no conversation is going on. */
  async settled(): Promise<void> {
    while (this.#conversation !== null) await this.#conversation.over;
  }

  /** True once the port is gone; everything then throws `port/lost`. */
  get isClosed(): boolean {
    return this.#wire.closed !== null;
  }

  /**
   * Interrupts whatever runs and enters raw mode; at an idle prompt in one turn. Throws
   * `repl/no-prompt` with the stage, the last bytes seen and what to try.
   */
  async enterRaw(options: { readonly signal: AbortSignal }): Promise<EnterRawResult> {
    this.#entries += 1;
    const entry = new RawEntry(this.#entries);
    await this.#play(entry, { signal: options.signal, limitMs: null, onAbort: 'stop' });
    this.#inSync = true;
    const arrival = entry.arrival;
    if (arrival === null) throw this.#protocolError('entering raw mode');
    return {
      programInterrupted: arrival.programInterrupted,
      wasRaw: arrival.wasRaw,
      noise: bytesOfText(arrival.noiseText),
    };
  }

  /**
   * Runs source to its end and returns what it printed, as the board sent it (lines end in CR LF).
   * Throws `repl/exec-failed` (details: traceback, output), `repl/timeout` (what ran has been
   * interrupted), `job/cancelled` likewise.
   */
  async exec(source: string | Uint8Array, options: ExecOptions): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let outputBytes = 0;
    const exec = await this.#run(source, null, options, (bytes) => {
      outputBytes += bytes.length;
      if (outputBytes > OUTPUT_BYTES_MAX)
        throw this.#protocolError('reading what a program printed');
      parts.push(bytes.slice());
    });
    const output = joinBytes(parts);
    if (exec.errorBytes.length > 0) throw execFailed(exec.errorBytes, output);
    return output;
  }

  /**
   * Sends source, then hands every byte that it sends to the consumer until that says done; what
   * follows is the prompt's. Throws `repl/timeout` on silence beyond the consumer's limit,
   * `repl/exec-failed` when the source ended early with a traceback, `repl/protocol` when it ended
   * early without one, `job/cancelled` after Ctrl-C, `port/lost`.
   */
  async stream(
    source: string | Uint8Array,
    consumer: StreamConsumer,
    options: { readonly signal: AbortSignal },
  ): Promise<void> {
    const parts: Uint8Array[] = [];
    const exec = await this.#run(source, consumer, options, (bytes) => {
      if (parts.length < 64) parts.push(bytes.slice(0, 1024));
    });
    if (exec.errorBytes.length > 0) throw execFailed(exec.errorBytes, joinBytes(parts));
    if (!exec.streamOver) throw this.#protocolError('reading a stream that ended early');
  }

  /** Bytes towards what runs (upload frames). Resolves when they were handed on. */
  async send(bytes: Uint8Array): Promise<void> {
    await this.#wire.write(bytes, true);
  }

  /** Soft reset from raw mode back to raw mode: boot.py runs (one that loops is interrupted), main.py does not. */
  async softReset(options: { readonly signal: AbortSignal }): Promise<void> {
    for (let round = 0; round < RESETS_MAX; round += 1) {
      await this.#ensureRaw(options.signal);
      const reset = new RawSoftReset();
      this.#inSync = false;
      await this.#play(reset, { signal: options.signal, limitMs: null, onAbort: 'stop' });
      this.#inSync = !reset.ignored;
      if (reset.ignored) continue;
      this.#softResets += 1;
      return;
    }
    throw this.#protocolError('asking for a soft reset');
  }

  /** Ctrl-B: the friendly prompt. With `restart` Ctrl-D after it, so that main.py runs again. */
  async exitRaw(
    options: { readonly restart?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const signal = options.signal ?? new AbortController().signal;
    this.#inSync = false;
    const machine = new FriendlyReturn(options.restart ?? false);
    await this.#play(machine, { signal, limitMs: null, onAbort: 'stop' });
  }

  /** Runs a short source and goes to the friendly prompt, in one turn. False where it did not run in silence. */
  async exitRawAfter(source: string, options: { readonly signal: AbortSignal }): Promise<boolean> {
    await this.#ensureRaw(options.signal);
    this.#inSync = false;
    const machine = new FriendlyReturn(false, source);
    await this.#play(machine, { signal: options.signal, limitMs: null, onAbort: 'stop' });
    return machine.sourceRan;
  }

  /** Something is amiss (a failed check, a quarrel about frames): find the raw prompt again before the next exec. */
  distrust(): void {
    this.#inSync = false;
  }

  /** The wire is at least this fast; null while too little has passed. */
  get bytesPerSecondMin(): number | null {
    return this.#wire.bytesPerSecondMin;
  }

  counters(): SessionCounters {
    return this.#wire.counters();
  }

  async #run(
    source: string | Uint8Array,
    consumer: StreamConsumer | null,
    { timeoutMs: limitMs, signal, repeatable = false }: RunOptions,
    onOutput: (bytes: Uint8Array) => void,
  ): Promise<RawExec> {
    const bytes = typeof source === 'string' ? bytesOfText(source) : source;
    for (let tryNumber = 1; ; tryNumber += 1) {
      await this.#ensureRaw(signal);
      const pasteAboveBytes = this.byRawPaste ? SHORT_BYTES_MAX : PLAIN_BYTES_MAX;
      const mode = this.#modeFor(bytes, pasteAboveBytes, repeatable);
      const exec = new RawExec(bytes, { mode, pasteAboveBytes, consumer });
      try {
        return await this.#runOnce(exec, limitMs ?? null, signal, onOutput);
      } catch (error) {
        if (tryNumber === HAND_OVER_TRIES || !isBelayError(error, 'repl/timeout')) throw error;
        const mayRunAgain = repeatable && !exec.handover.isOver;
        if (!mayRunAgain && !(await this.#surelyNotRun(exec, signal))) throw error;
      } finally {
        // Lost bytes are likelier than a wrong program: with raw paste the board sets the pace.
        if (exec.errorBytes.length > 0 || !exec.handover.heardSince)
          this.byRawPaste ||= bytes.length > SHORT_BYTES_MAX;
      }
    }
  }

  /** The source cannot have run: it never went out whole, or a raw prompt waits that has said nothing since. */
  async #surelyNotRun(exec: RawExec, signal: AbortSignal): Promise<boolean> {
    if (!exec.handover.isOut) return true;
    if (exec.handover.heardSince) return false;
    const arrival = await this.enterRaw({ signal });
    return arrival.wasRaw && arrival.noise.length === 0;
  }

  async #runOnce(
    exec: RawExec,
    limitMs: number | null,
    signal: AbortSignal,
    onOutput: (bytes: Uint8Array) => void,
  ): Promise<RawExec> {
    this.#inSync = false;
    this.#running = exec;
    const options = { signal, limitMs, onAbort: 'interrupt', onOutput } as const;
    const end = await this.#play(exec, options).finally(() => {
      this.#running = null;
      this.#rawPaste = exec.handover.rawPaste ?? this.#rawPaste;
    });
    this.#inSync = true;
    if (end === 'aborted') throw cancelled();
    if (end === 'limit') throw overLimit(this.#wire.portName, limitMs ?? 0);
    return exec;
  }

  #modeFor(source: Uint8Array, pasteAboveBytes: number, repeatable: boolean): SourceMode {
    if (this.#rawPaste === null)
      return repeatable && source.length <= ASK_BEHIND_BYTES_MAX ? 'ask-behind' : 'ask';
    if (!this.#rawPaste) return 'paced';
    return source.length > pasteAboveBytes ? 'paste' : 'at-once';
  }

  /** After a failure nobody knows where the board is: interrupt and enter raw mode again. */
  async #ensureRaw(signal: AbortSignal): Promise<void> {
    if (!this.#inSync) await this.enterRaw({ signal });
  }

  async #play(machine: ReplMachine, options: ConversationOptions): Promise<ConversationEnd> {
    if (this.#wire.closed !== null) throw this.#wire.closed;
    if (this.#conversation !== null)
      throw new Error('the session is busy with another conversation');
    this.#conversation = new Conversation(this.#wire, machine, options);
    try {
      return await this.#conversation.run();
    } finally {
      this.#conversation = null;
    }
  }

  #protocolError(stage: string): BelayError {
    const failure = {
      code: 'repl/protocol',
      stage,
      hint: 'Try again; reset the board if it happens again',
    } as const;
    return replError(failure, this.#wire.portName, this.#wire.lastBytes());
  }
}
