/**
 * One exec in raw mode: hands over the source by raw paste (flow control by windows) or in plain
 * raw mode (paced), then tells output, traceback and prompt apart. A consumer may take the output
 * byte for byte, 0x04 included, until it says that its stream is over.
 */
import {
  ByteTail,
  bytesOfText,
  CTRL_A,
  CTRL_C,
  CTRL_D,
  joinBytes,
  type ReplAction,
  type ReplFailure,
  type ReplInput,
  type ReplMachine,
  send,
  textOfBytes,
} from './raw-repl.js';
import { type HandoverOptions, SourceHandover } from './source-handover.js';

/** Takes a running exec's output, byte for byte. Synchronous. */
export interface StreamConsumer {
  /**
   * Returns how many bytes were taken and whether the stream is over. What was not taken comes
   * again with the next bytes, or goes to the prompt when `done`.
   */
  push(bytes: Uint8Array): { readonly consumed: number; readonly done: boolean };
  /** How long the board may be silent from now on; asked whenever bytes came. */
  silenceMsMax(): number;
  /** False while nothing of the stream has come: an exec's end is one then, whatever files hold. */
  readonly hasBegun?: boolean;
}

export interface RawExecOptions extends HandoverOptions {
  readonly consumer?: StreamConsumer | null;
}

/** From the end of an output to its traceback, and to the prompt. */
const STDERR_MS = 5000;
const PROMPT_MS = 300;
/** Longest gap between two signs of life of a running agent is 500 ms; longer means it has ended. */
const ENDED_QUIET_MS = 700;
const INTERRUPT_WAITS_MS = [300, 500, 1000, 1500] as const;
const STDERR_BYTES_MAX = 16 * 1024;
const TAIL_BYTES = 2048;

/** An exec's end as the last bytes show it: 0x04, traceback or nothing, 0x04, prompt. */
const EXEC_END = /\x04([^\x04]*)\x04>$/;
/** The same with nothing before it: what was sent was damaged, and no stream ever began. */
const EMPTY_EXEC = /^\x04[^\x04]*\x04>$/;

type Stage = 'handover' | 'stdout' | 'stderr' | 'prompt' | 'answer' | 'interrupting' | 'over';

export class RawExec implements ReplMachine {
  readonly handover: SourceHandover;
  /** The consumer said that its stream is over (true from the start without a consumer). */
  streamOver: boolean;
  readonly #consumer: StreamConsumer | null;
  readonly #tail = new ByteTail(TAIL_BYTES);
  #stage: Stage = 'handover';
  #pending: Uint8Array = new Uint8Array(0);
  #errors: Uint8Array[] = [];
  #errorCount = 0;
  #maybeEnded = false;
  #streamedBytes = 0;
  #interrupts = 0;

  constructor(source: Uint8Array, options: RawExecOptions) {
    this.handover = new SourceHandover(source, options);
    this.#consumer = options.consumer ?? null;
    this.streamOver = this.#consumer === null;
  }

  /** The traceback, empty where the source ran to its end. */
  get errorBytes(): Uint8Array {
    return joinBytes(this.#errors);
  }

  /** What comes now is the stream's. */
  get isStreaming(): boolean {
    return !this.streamOver && this.#stage === 'stdout';
  }

  start(): readonly ReplAction[] {
    return this.handover.start();
  }

  step(input: ReplInput): readonly ReplAction[] {
    switch (input.kind) {
      case 'bytes':
        return this.#take(input.bytes);
      case 'sent':
        // The answer may have come while the last piece was being handed on.
        if (this.#stage !== 'handover') return [];
        return [...this.handover.sent(), ...this.#take(new Uint8Array(0))];
      case 'interrupt':
        return this.#stage === 'over' ? [] : this.#interrupt();
      case 'timeout':
        return this.#timeout();
    }
  }

  #take(bytes: Uint8Array): readonly ReplAction[] {
    this.#tail.push(bytes);
    let rest = this.#pending.length === 0 ? bytes : joinBytes([this.#pending, bytes]);
    const actions: ReplAction[] = [];
    for (;;) {
      const before = this.#stage;
      rest = this.#advance(rest, actions);
      if (this.#stage === before || this.#stage === 'over') break;
    }
    this.#pending = rest.slice();
    return actions;
  }

  /** Handles bytes in the present stage; returns what is left (for the next stage, or for later). */
  #advance(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    switch (this.#stage) {
      case 'handover':
        return this.#handingOver(bytes, actions);
      case 'stdout':
        return this.streamOver ? this.#stdout(bytes, actions) : this.#streamed(bytes, actions);
      case 'stderr':
        return this.#stderr(bytes, actions);
      case 'prompt':
        return this.#prompt(bytes, actions);
      case 'answer':
        return this.#answer(bytes, actions);
      case 'interrupting':
        return this.#interrupting(actions);
      case 'over':
        return bytes;
    }
  }

  #handingOver(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const rest = this.handover.take(bytes, actions);
    if (!this.handover.isOver) return rest;
    this.#stage = 'stdout';
    actions.push({ kind: 'wait', ms: this.#consumer?.silenceMsMax() ?? null });
    return rest;
  }

  #stdout(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const end = bytes.indexOf(CTRL_D);
    const output = end < 0 ? bytes : bytes.subarray(0, end);
    if (output.length > 0) actions.push({ kind: 'output', bytes: output });
    if (end < 0) return bytes.subarray(bytes.length);
    this.#stage = 'stderr';
    actions.push({ kind: 'wait', ms: STDERR_MS });
    return bytes.subarray(end + 1);
  }

  #streamed(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const consumer = this.#consumer as StreamConsumer;
    const soFar = this.#streamedBytes + bytes.length;
    if (consumer.hasBegun === false && this.#isEmptyExec(soFar))
      return this.#stdout(this.#tail.bytes.slice(-soFar), actions);
    const { consumed, done } = consumer.push(bytes);
    this.#streamedBytes += consumed;
    const rest = bytes.subarray(consumed);
    if (done) {
      this.streamOver = true;
      return this.#stdout(rest, actions.length > 0 ? actions : pushWait(actions, STDERR_MS));
    }
    this.#maybeEnded = this.#endsAtPrompt() && EXEC_END.test(textOfBytes(this.#tail.bytes));
    const silenceMs = consumer.silenceMsMax();
    const ms = this.#maybeEnded ? Math.min(ENDED_QUIET_MS, silenceMs) : silenceMs;
    actions.push({ kind: 'wait', ms });
    return rest;
  }

  /** All that came since the board took the source is the end of an exec. */
  #isEmptyExec(lengthBytes: number): boolean {
    if (lengthBytes === 0 || lengthBytes > TAIL_BYTES || !this.#endsAtPrompt()) return false;
    return EMPTY_EXEC.test(textOfBytes(this.#tail.bytes.subarray(-lengthBytes)));
  }

  #stderr(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const end = bytes.indexOf(CTRL_D);
    const part = end < 0 ? bytes : bytes.subarray(0, end);
    this.#keepError(part);
    if (end < 0) return bytes.subarray(bytes.length);
    this.#stage = 'prompt';
    actions.push({ kind: 'wait', ms: PROMPT_MS });
    return bytes.subarray(end + 1);
  }

  #keepError(part: Uint8Array): void {
    if (part.length === 0 || this.#errorCount > STDERR_BYTES_MAX) return;
    this.#errors.push(part.slice());
    this.#errorCount += part.length;
  }

  #prompt(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const at = bytes.indexOf(0x3e);
    if (at < 0) return bytes.subarray(bytes.length);
    this.#finish(actions);
    return bytes.subarray(at + 1);
  }

  #answer(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const rest = this.handover.answered(bytes);
    if (this.handover.answerDueMs === null) this.#finish(actions);
    return rest;
  }

  /** Over, unless the answer to a question that went out behind the source is still to come. */
  #finish(actions: ReplAction[]): void {
    const ms = this.#stage === 'prompt' ? this.handover.answerDueMs : null;
    this.#stage = ms === null ? 'over' : 'answer';
    actions.push({ kind: 'wait', ms });
    if (ms === null) actions.push({ kind: 'finished' });
  }

  #interrupt(): readonly ReplAction[] {
    const ms = INTERRUPT_WAITS_MS[this.#interrupts];
    this.#stage = 'interrupting';
    if (ms === undefined) {
      return [
        this.#failed('repl/timeout', 'interrupting what runs', 'Reset the board and try again'),
      ];
    }
    this.#interrupts += 1;
    // From the second try on with Ctrl-A: a source that was never handed over whole answers
    // Ctrl-C with nothing, Ctrl-A always with its banner.
    const keys = this.#interrupts === 1 ? [CTRL_C] : [CTRL_C, CTRL_A];
    return [send(...keys), { kind: 'wait', ms }];
  }

  /** Output may hold any byte here: only an end with silence behind it counts. */
  #interrupting(actions: ReplAction[]): Uint8Array {
    this.#maybeEnded = this.#atEnd();
    if (this.#maybeEnded) actions.push({ kind: 'wait', ms: 50 });
    return new Uint8Array(0);
  }

  /** Cheap test before the pattern's: a stream brings thousands of pieces a second. */
  #endsAtPrompt(): boolean {
    const { bytes } = this.#tail;
    return bytes.at(-1) === 0x3e && bytes.at(-2) === CTRL_D;
  }

  #atEnd(): boolean {
    const text = textOfBytes(this.#tail.bytes);
    return EXEC_END.test(text) || /raw REPL; CTRL-B to exit\r?\n>$/.test(text);
  }

  #timeout(): readonly ReplAction[] {
    const actions: ReplAction[] = [];
    switch (this.#stage) {
      case 'prompt':
      case 'answer':
        // A lost `>` costs nothing, the next exec does not need it; for a lost answer it asks again.
        this.#finish(actions);
        return actions;
      case 'interrupting':
        if (!this.#maybeEnded) return this.#interrupt();
        this.#finish(actions);
        return actions;
      case 'stdout': {
        const end = this.#maybeEnded ? EXEC_END.exec(textOfBytes(this.#tail.bytes)) : null;
        if (end === null) {
          return [
            this.#failed(
              'repl/timeout',
              'waiting for the board to send',
              'Try again; reset the board if it happens again',
            ),
          ];
        }
        this.#keepError(bytesOfText(end[1] ?? ''));
        this.#finish(actions);
        return actions;
      }
      case 'handover':
        return [this.#failed('repl/timeout', this.handover.stageName, 'Try again')];
      case 'stderr':
        return [this.#failed('repl/timeout', 'waiting for the prompt', 'Try again')];
      case 'over':
        return [];
    }
  }

  #failed(code: ReplFailure['code'], stage: string, hint: string): ReplAction {
    this.#stage = 'over';
    return { kind: 'failed', failure: { code, stage, hint } };
  }
}

function pushWait(actions: ReplAction[], ms: number): ReplAction[] {
  actions.push({ kind: 'wait', ms });
  return actions;
}
