/**
 * One exec in raw mode: hands over the source by raw paste (flow control by windows) or in plain
 * raw mode (paced), then tells output, traceback and prompt apart. A consumer may take the output
 * byte for byte, 0x04 included, until it says that its stream is over.
 */
import {
  bytesOfText,
  ByteTail,
  CTRL_A,
  CTRL_C,
  CTRL_D,
  CTRL_E,
  joinBytes,
  textOfBytes,
  type ReplAction,
  type ReplFailure,
  type ReplInput,
  type ReplMachine,
} from './raw-repl.js';

/** Takes a running exec's output, byte for byte. Synchronous. */
export interface StreamConsumer {
  /**
   * Returns how many bytes were taken and whether the stream is over. What was not taken comes
   * again with the next bytes, or goes to the prompt when `done`.
   */
  push(bytes: Uint8Array): { readonly consumed: number; readonly done: boolean };
  /** How long the board may be silent from now on; asked whenever bytes came. */
  silenceMsMax(): number;
}

/**
 * How the source gets to the board. 'ask' finds out first whether it knows raw paste, which also
 * tells boards whose ring a source fits through at the wire's own speed from older ones.
 * 'at-once' and 'paced' are plain raw mode: the board keeps the source in memory until it has
 * compiled it, but there is one turn to an exec. 'paste' is raw paste: compiled as it comes, with
 * a turn for every window of 128 bytes.
 */
export type SourceMode = 'ask' | 'at-once' | 'paced' | 'paste';

export interface RawExecOptions {
  readonly mode: SourceMode;
  /** Longer sources go by raw paste where 'ask' finds that the board has it. */
  readonly pasteAboveBytes: number;
  readonly consumer?: StreamConsumer | null;
}

const NEGOTIATE_MS = 1500;
const CREDIT_MS = 3000;
/** From the end of a source to the board's word that it has it. */
const ACCEPT_MS = 2500;
const COMPILE_MS = 5000;
const PROMPT_MS = 300;
/** Longest gap between two signs of life of a running agent is 500 ms; longer means it has ended. */
const ENDED_QUIET_MS = 700;
const INTERRUPT_WAITS_MS = [300, 500, 1000, 1500] as const;
/** 60 bytes fit the smallest ring there is (micro:bit v1: 64) and make 12 kB/s, a UART's own pace. */
const PACE_BYTES = 60;
const PACE_MS = 5;
const STDERR_BYTES_MAX = 16 * 1024;

/** An exec's end as the last bytes show it: 0x04, traceback or nothing, 0x04, prompt. */
const EXEC_END = /\x04([^\x04]*)\x04>$/;

/**
 * Asks for raw paste and closes it again with a source of one empty line. That line keeps the
 * Ctrl-D from being a soft reset where raw paste is refused (`R` 0x00) or unknown (Ctrl-A greets).
 */
const ASK = new Uint8Array([CTRL_E, 0x41, CTRL_A, 0x0a, CTRL_D]);
const ASK_ANSWER = /R\x01[^]{2}[^]*?\x04\x04\x04>|(?:R\x00|raw REPL; CTRL-B to exit)[^]*?OK\x04\x04>/;

type Stage =
  | 'ask'
  | 'negotiate'
  | 'paste'
  | 'paste-end'
  | 'pacing'
  | 'accepted'
  | 'stdout'
  | 'stderr'
  | 'prompt'
  | 'interrupting'
  | 'over';

export class RawExec implements ReplMachine {
  /** What was learned of raw paste; null where it was not asked for. */
  rawPaste: boolean | null = null;
  /** The consumer said that its stream is over (true from the start without a consumer). */
  streamOver: boolean;
  /** The source has been handed over whole: the board may have run it. */
  handedOver = false;
  /** Something came back after the source had begun to go out. */
  heardSinceSource = false;
  readonly #source: Uint8Array;
  readonly #options: RawExecOptions;
  readonly #consumer: StreamConsumer | null;
  readonly #tail = new ByteTail(2048);
  #stage: Stage = 'ask';
  #pending: Uint8Array = new Uint8Array(0);
  #errors: Uint8Array[] = [];
  #errorBytes = 0;
  #sentBytes = 0;
  #credit = 0;
  #window = 0;
  #wentAtOnce = false;
  #maybeEnded = false;
  #interrupts = 0;

  constructor(source: Uint8Array, options: RawExecOptions) {
    this.#source = source;
    this.#options = options;
    this.#consumer = options.consumer ?? null;
    this.streamOver = this.#consumer === null;
  }

  /** The traceback, empty where the source ran to its end. */
  get errorText(): string {
    return new TextDecoder().decode(joinBytes(this.#errors));
  }

  /** What comes now is the stream's. */
  get isStreaming(): boolean {
    return !this.streamOver && this.#stage === 'stdout';
  }

  start(): readonly ReplAction[] {
    const { mode } = this.#options;
    if (mode === 'ask') return [{ kind: 'send', bytes: ASK }, { kind: 'wait', ms: NEGOTIATE_MS }];
    return mode === 'paste' ? this.#startPaste() : this.#sendPlain(mode === 'at-once');
  }

  step(input: ReplInput): readonly ReplAction[] {
    switch (input.kind) {
      case 'bytes':
        return this.#take(input.bytes);
      case 'sent':
        if (this.#stage !== 'pacing') return [];
        this.#stage = 'accepted';
        this.handedOver = true;
        // The answer may have come while the last piece was being handed on.
        return [{ kind: 'wait', ms: ACCEPT_MS }, ...this.#take(new Uint8Array(0))];
      case 'interrupt':
        return this.#stage === 'over' ? [] : this.#interrupt();
      case 'timeout':
        return this.#timeout();
    }
  }

  #take(bytes: Uint8Array): readonly ReplAction[] {
    this.#tail.push(bytes);
    const isBefore = this.#stage === 'ask' || this.#stage === 'negotiate';
    if (bytes.length > 0 && !isBefore) this.heardSinceSource = true;
    let rest = this.#pending.length === 0 ? bytes : joinBytes([this.#pending, bytes]);
    this.#pending = new Uint8Array(0);
    const actions: ReplAction[] = [];
    for (;;) {
      const before = this.#stage;
      const left = this.#advance(rest, actions);
      if (this.#stage === before || this.#stage === 'over') {
        this.#pending = left.slice();
        break;
      }
      rest = left;
    }
    this.#pump(actions);
    return actions;
  }

  /** Handles bytes in the present stage; returns what is left (for the next stage, or for later). */
  #advance(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    switch (this.#stage) {
      case 'ask':
        return this.#asked(bytes, actions);
      case 'negotiate':
        return this.#negotiated(bytes, actions);
      case 'paste':
      case 'paste-end':
        return this.#pasteAnswer(bytes, actions);
      case 'pacing':
      case 'accepted':
        return this.#accepted(bytes, actions);
      case 'stdout':
        return this.streamOver ? this.#stdout(bytes, actions) : this.#streamed(bytes, actions);
      case 'stderr':
        return this.#stderr(bytes, actions);
      case 'prompt':
        return this.#prompt(bytes, actions);
      case 'interrupting':
        return this.#interrupting(actions);
      case 'over':
        return bytes;
    }
  }

  #asked(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const answer = ASK_ANSWER.exec(textOfBytes(bytes));
    if (answer === null) return bytes.subarray(Math.max(0, bytes.length - 256));
    this.rawPaste = answer[0].startsWith('R\x01');
    const byPaste = this.rawPaste && this.#source.length > this.#options.pasteAboveBytes;
    actions.push(...(byPaste ? this.#startPaste() : this.#sendPlain(this.rawPaste)));
    return bytes.subarray(answer.index + answer[0].length);
  }

  #startPaste(): readonly ReplAction[] {
    this.#stage = 'negotiate';
    return [send(CTRL_E, 0x41, CTRL_A), { kind: 'wait', ms: NEGOTIATE_MS }];
  }

  #negotiated(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const answer = /R\x01([^]{2})/.exec(textOfBytes(bytes));
    if (answer === null) return bytes.subarray(Math.max(0, bytes.length - 64));
    const at = answer.index + 2;
    this.#window = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    this.#credit = this.#window;
    this.#stage = 'paste';
    actions.push({ kind: 'wait', ms: CREDIT_MS });
    return bytes.subarray(at + 2);
  }

  #sendPlain(atOnce: boolean): readonly ReplAction[] {
    const bytes = joinBytes([this.#source, new Uint8Array([CTRL_D])]);
    this.#stage = 'pacing';
    this.#wentAtOnce = atOnce;
    const stepBytes = atOnce ? bytes.length : PACE_BYTES;
    return [{ kind: 'wait', ms: null }, { kind: 'send-paced', bytes, stepBytes, stepMs: PACE_MS }];
  }

  #pasteAnswer(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (byte === 0x01 && this.#stage === 'paste') this.#credit += this.#window;
      if (byte !== CTRL_D) continue; // anything else is a user's callback that prints
      // The board has taken the source; before our own end this means that it cannot compile it,
      // and it now waits for that end.
      if (this.#stage === 'paste') actions.push(send(CTRL_D));
      this.#enterStdout(actions);
      return bytes.subarray(at + 1);
    }
    return bytes.subarray(bytes.length);
  }

  #pump(actions: ReplAction[]): void {
    if (this.#stage !== 'paste' || this.#credit <= 0) return;
    const end = Math.min(this.#source.length, this.#sentBytes + this.#credit);
    const piece = this.#source.subarray(this.#sentBytes, end);
    this.#credit -= piece.length;
    this.#sentBytes = end;
    if (end < this.#source.length) {
      actions.push({ kind: 'send', bytes: piece }, { kind: 'wait', ms: CREDIT_MS });
      return;
    }
    this.#stage = 'paste-end';
    this.handedOver = true;
    actions.push(
      { kind: 'send', bytes: joinBytes([piece, new Uint8Array([CTRL_D])]) },
      { kind: 'wait', ms: COMPILE_MS },
    );
  }

  #accepted(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    // Before the last piece has gone out an "OK" can only be a user's callback that prints.
    if (this.#stage === 'pacing' && !this.#wentAtOnce) return bytes.subarray(Math.max(0, bytes.length - 64));
    const at = textOfBytes(bytes).indexOf('OK');
    if (at < 0) return bytes.subarray(Math.max(0, bytes.length - 1));
    this.#enterStdout(actions);
    return bytes.subarray(at + 2);
  }

  #enterStdout(actions: ReplAction[]): void {
    this.#stage = 'stdout';
    this.handedOver = true;
    actions.push({ kind: 'wait', ms: this.#consumer?.silenceMsMax() ?? null });
  }

  #stdout(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const end = bytes.indexOf(CTRL_D);
    const output = end < 0 ? bytes : bytes.subarray(0, end);
    if (output.length > 0) actions.push({ kind: 'output', bytes: output });
    if (end < 0) return bytes.subarray(bytes.length);
    this.#stage = 'stderr';
    actions.push({ kind: 'wait', ms: COMPILE_MS });
    return bytes.subarray(end + 1);
  }

  #streamed(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const consumer = this.#consumer as StreamConsumer;
    const { consumed, done } = consumer.push(bytes);
    const rest = bytes.subarray(consumed);
    if (done) {
      this.streamOver = true;
      return this.#stdout(rest, actions.length > 0 ? actions : pushWait(actions, COMPILE_MS));
    }
    this.#maybeEnded = this.#endsAtPrompt() && EXEC_END.test(textOfBytes(this.#tail.bytes));
    const silenceMs = consumer.silenceMsMax();
    const ms = this.#maybeEnded ? Math.min(ENDED_QUIET_MS, silenceMs) : silenceMs;
    actions.push({ kind: 'wait', ms });
    return rest;
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
    if (part.length === 0 || this.#errorBytes > STDERR_BYTES_MAX) return;
    this.#errors.push(part.slice());
    this.#errorBytes += part.length;
  }

  #prompt(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const at = bytes.indexOf(0x3e);
    if (at < 0) return bytes.subarray(bytes.length);
    this.#finish(actions);
    return bytes.subarray(at + 1);
  }

  #finish(actions: ReplAction[]): void {
    this.#stage = 'over';
    actions.push({ kind: 'wait', ms: null }, { kind: 'finished' });
  }

  #interrupt(): readonly ReplAction[] {
    const ms = INTERRUPT_WAITS_MS[this.#interrupts];
    this.#stage = 'interrupting';
    if (ms === undefined) {
      return [this.#failed('repl/timeout', 'interrupting what runs', 'Reset the board and try again')];
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
        // Both ends were there; a lost `>` costs nothing, the next exec does not need it.
        this.#finish(actions);
        return actions;
      case 'interrupting':
        if (!this.#maybeEnded) return this.#interrupt();
        this.#finish(actions);
        return actions;
      case 'stdout': {
        const end = this.#maybeEnded ? EXEC_END.exec(textOfBytes(this.#tail.bytes)) : null;
        if (end === null) {
          return [this.#failed('repl/timeout', 'waiting for the board to send', 'Try again; reset the board if it happens again')];
        }
        this.#keepError(bytesOfText(end[1] ?? ''));
        this.#finish(actions);
        return actions;
      }
      case 'ask':
      case 'negotiate':
        return [this.#failed('repl/timeout', 'asking for raw paste', 'Try again')];
      case 'paste':
        return [this.#failed('repl/timeout', 'handing over the program', 'Try again')];
      case 'paste-end':
      case 'pacing':
      case 'accepted':
        return [this.#failed('repl/timeout', 'waiting for the program to start', 'Try again')];
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

function send(...bytes: number[]): ReplAction {
  return { kind: 'send', bytes: new Uint8Array(bytes) };
}
