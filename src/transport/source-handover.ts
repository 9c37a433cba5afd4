/**
 * A source's way to the board: the question for raw paste, raw paste with its windows, or plain raw
 * mode at once or paced. Part of the machine in raw-exec.ts; over when the board has taken the
 * source and its output begins.
 */
import {
  CTRL_A,
  CTRL_D,
  CTRL_E,
  joinBytes,
  type ReplAction,
  send,
  textOfBytes,
} from './raw-repl.js';

/**
 * How the source gets to the board. 'ask' finds out first whether it knows raw paste, which also
 * tells boards whose ring a source fits through at the wire's own speed from older ones;
 * 'ask-behind' sends that question right behind the source, a short one that fits any board's ring
 * with it and may run twice where answers get lost: one turn for both.
 * 'at-once' and 'paced' are plain raw mode: the board keeps the source in memory until it has
 * compiled it, but there is one turn to an exec. 'paste' is raw paste: compiled as it comes, with
 * a turn for every window of 128 bytes.
 */
export type SourceMode = 'ask' | 'ask-behind' | 'at-once' | 'paced' | 'paste';

export interface HandoverOptions {
  readonly mode: SourceMode;
  /** Longer sources go by raw paste where 'ask' finds that the board has it. */
  readonly pasteAboveBytes: number;
}

const NEGOTIATE_MS = 1500;
const CREDIT_MS = 3000;
/** From the end of a source to the board's word that it has it. */
const ACCEPT_MS = 2500;
const COMPILE_MS = 5000;
/** 60 bytes fit the smallest ring there is (micro:bit v1: 64) and make 12 kB/s, a UART's own pace. */
const PACE_BYTES = 60;
const PACE_MS = 5;
const EARLY_BYTES_MAX = 64 * 1024;

/**
 * Asks for raw paste and closes it again with a source of one empty line. That line keeps the
 * Ctrl-D from being a soft reset where raw paste is refused (`R` 0x00) or unknown (Ctrl-A greets).
 */
const ASK = new Uint8Array([CTRL_E, 0x41, CTRL_A, 0x0a, CTRL_D]);
/** With the question behind it, a source of this length is read as it comes by the smallest board. */
export const ASK_BEHIND_BYTES_MAX = 100;
const NOTHING = new Uint8Array(0);
/** Between the ends may stand what a timer prints, and the traceback of a Ctrl-C that came late. */
const ASK_ANSWER =
  /R\x01[\s\S]{2}[\s\S]*?\x04[^\x04]*\x04[^\x04]*\x04>|(?:R\x00|raw REPL; CTRL-B to exit)[\s\S]*?OK[^\x04]*\x04[^\x04]*\x04>/;

type Stage = 'ask' | 'negotiate' | 'paste' | 'paste-end' | 'pacing' | 'accepted' | 'over';

const STAGE_NAMES: Readonly<Record<Stage, string>> = {
  ask: 'asking for raw paste',
  negotiate: 'asking for raw paste',
  paste: 'handing over the program',
  'paste-end': 'waiting for the program to start',
  pacing: 'waiting for the program to start',
  accepted: 'waiting for the program to start',
  over: '',
};

export class SourceHandover {
  /** What was learned of raw paste; null where it was not asked for. */
  rawPaste: boolean | null = null;
  /** The source has gone out whole: the board may have run it. */
  isOut = false;
  /** Something came back after the source had begun to go out. */
  heardSince = false;
  readonly #source: Uint8Array;
  readonly #options: HandoverOptions;
  #stage: Stage = 'ask';
  #sentBytes = 0;
  #credit = 0;
  #window = 0;
  #wentAtOnce = false;

  constructor(source: Uint8Array, options: HandoverOptions) {
    this.#source = source;
    this.#options = options;
  }

  get isOver(): boolean {
    return this.#stage === 'over';
  }

  /** For messages: what was being waited for. */
  get stageName(): string {
    return STAGE_NAMES[this.#stage];
  }

  start(): readonly ReplAction[] {
    const { mode } = this.#options;
    if (mode === 'paste') return this.#startPaste();
    if (mode === 'ask-behind') return this.#sendPlain(true, ASK);
    if (mode !== 'ask') return this.#sendPlain(mode === 'at-once');
    return [
      { kind: 'send', bytes: ASK },
      { kind: 'wait', ms: NEGOTIATE_MS },
    ];
  }

  /** Takes what it can; returns the rest, which is kept for later or, when over, the output's. */
  take(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    let rest = bytes;
    for (;;) {
      const before = this.#stage;
      rest = this.#advance(rest, actions);
      if (this.#stage === before || this.isOver) break;
    }
    this.#pump(actions);
    return rest;
  }

  /** The last piece of a plain source has gone out. */
  sent(): readonly ReplAction[] {
    if (this.#stage !== 'pacing') return [];
    this.#stage = 'accepted';
    this.isOut = true;
    return [{ kind: 'wait', ms: ACCEPT_MS }];
  }

  #advance(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const isBefore = this.#stage === 'ask' || this.#stage === 'negotiate';
    if (bytes.length > 0 && !isBefore) this.heardSince = true;
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
        return this.#accepted(bytes);
      case 'over':
        return bytes;
    }
  }

  #asked(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const rest = this.answered(bytes);
    if (this.rawPaste === null) return rest;
    const byPaste = this.rawPaste && this.#source.length > this.#options.pasteAboveBytes;
    actions.push(...(byPaste ? this.#startPaste() : this.#sendPlain(this.rawPaste)));
    return rest;
  }

  /** How long to wait behind the exec for what `answered` wants; null where nothing was asked. */
  get answerDueMs(): number | null {
    return this.#options.mode === 'ask-behind' && this.rawPaste === null ? NEGOTIATE_MS : null;
  }

  /** Looks for the answer to the question for raw paste, which sets `rawPaste`; returns the rest. */
  answered(bytes: Uint8Array): Uint8Array {
    const answer = ASK_ANSWER.exec(textOfBytes(bytes));
    if (answer === null) return bytes.subarray(Math.max(0, bytes.length - 256));
    this.rawPaste = answer[0].startsWith('R\x01');
    return bytes.subarray(answer.index + answer[0].length);
  }

  #startPaste(): readonly ReplAction[] {
    this.#stage = 'negotiate';
    return [send(CTRL_E, 0x41, CTRL_A), { kind: 'wait', ms: NEGOTIATE_MS }];
  }

  #negotiated(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    const answer = /R\x01([\s\S]{2})/.exec(textOfBytes(bytes));
    if (answer === null) return bytes.subarray(Math.max(0, bytes.length - 64));
    const at = answer.index + 2;
    this.#window = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    this.#credit = this.#window;
    this.#stage = 'paste';
    actions.push({ kind: 'wait', ms: CREDIT_MS });
    return bytes.subarray(at + 2);
  }

  #sendPlain(atOnce: boolean, behind: Uint8Array = NOTHING): readonly ReplAction[] {
    const bytes = joinBytes([this.#source, new Uint8Array([CTRL_D]), behind]);
    this.#stage = 'pacing';
    this.#wentAtOnce = atOnce;
    const stepBytes = atOnce ? bytes.length : PACE_BYTES;
    return [
      { kind: 'wait', ms: null },
      { kind: 'send-paced', bytes, stepBytes, stepMs: PACE_MS },
    ];
  }

  #pasteAnswer(bytes: Uint8Array, actions: ReplAction[]): Uint8Array {
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (byte === 0x01 && this.#stage === 'paste') this.#credit += this.#window;
      if (byte !== CTRL_D) continue; // anything else is a user's callback that prints
      // The board has taken the source; before our own end this means that it cannot compile it,
      // and it now waits for that end.
      if (this.#stage === 'paste') actions.push(send(CTRL_D));
      this.#finish();
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
    this.isOut = true;
    actions.push(
      { kind: 'send', bytes: joinBytes([piece, new Uint8Array([CTRL_D])]) },
      { kind: 'wait', ms: COMPILE_MS },
    );
  }

  #accepted(bytes: Uint8Array): Uint8Array {
    // Before the last piece has gone out an "OK" can only be a user's callback that prints. But the
    // news that it has gone out may come after the board's whole answer: all of that is kept.
    if (this.#stage === 'pacing' && !this.#wentAtOnce)
      return bytes.subarray(Math.max(0, bytes.length - EARLY_BYTES_MAX));
    const at = textOfBytes(bytes).indexOf('OK');
    if (at < 0) return bytes.subarray(Math.max(0, bytes.length - 1));
    this.#finish();
    return bytes.subarray(at + 2);
  }

  #finish(): void {
    this.#stage = 'over';
    this.isOut = true;
  }
}
