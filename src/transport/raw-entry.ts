/**
 * From whatever the board does to its raw prompt: Ctrl-C and Ctrl-A in one write (an idle board
 * answers both in one turn), again with growing pauses while a program resists, and a check by
 * a line of our own when it took more than one try, since late answers may still be on their way.
 */
import {
  bytesOfText,
  CTRL_A,
  CTRL_B,
  CTRL_C,
  CTRL_D,
  RAW_BANNER,
  type ReplAction,
  type ReplFailure,
  type ReplInput,
  type ReplMachine,
  send,
  textOfBytes,
} from './raw-repl.js';

/**
 * Pauses before each new try: about six seconds in all. A program that catches the first Ctrl-C is
 * met again after 100 ms; one inside a long call (a network connect) has seconds to come back.
 */
const TRY_WAITS_MS = [100, 150, 200, 300, 400, 400, 500, 500, 600, 600, 700, 700, 800] as const;
/** After a prompt that should be followed by the raw banner: its own answer needs a moment. */
const GRACE_MS = 30;
const GRACES_MAX = 40;
const SYNC_WAITS_MS = [400, 1000, 2000, 3000] as const;
/** While bytes come, the answer may be on its way (a slow board, a busy computer): wait on, so often. */
const SYNC_PATIENCE = 3;
/** Enough for boot messages and a traceback; a program that prints for ever must not grow it. */
const TEXT_CHARS_MAX = 16 * 1024;

const FRIENDLY_TAIL = /(?:^|[\r\n])>>> $/;
const AIOREPL_TAIL = /(?:^|[\r\n])--> $/;
const AIOREPL_BEFORE_BANNER = /--> (?:\r?\n)?$/;
/** CircuitPython after code.py has ended. */
const ANY_KEY_TAIL = /Press any key to enter the REPL[^\n]*(?:\r?\n)*$/;

/**
 * The words of shared/runtime/pyexec.c, and CircuitPython's, with nothing before them. MicroPython's
 * prompt answers Ctrl-C with a second one; where it is missing, Ctrl-C has ended a program.
 */
const GREETING =
  /^\s*(?:MicroPython [^\n]*\nType "help\(\)"[^\n]*\n>>> \r?\n|Adafruit CircuitPython [^\n]*\n)>>> \r?\n$/;

export interface Arrival {
  readonly programInterrupted: boolean;
  readonly wasRaw: boolean;
  /** What an idle prompt would not have said. */
  readonly noiseText: string;
}

/** Judges what came before the raw banner: an idle prompt's answer is known to the byte. */
export function judgeArrival(before: string): Arrival {
  // CircuitPython keeps the terminal's title up to date in between: ESC ] … ESC \
  const text = before.replace(/\x1b\][^\x1b\x07]*(?:\x1b\\|\x07)/g, '');
  const wasRaw = !/(?:^|[\r\n])(?:>>>|-->) /.test(text);
  if (text === '' || text === '\r\n>>> \r\n') {
    return { programInterrupted: false, wasRaw, noiseText: '' };
  }
  // A board that has just come to its prompt, or that greets whoever presses a key: nothing runs.
  if (GREETING.test(text)) return { programInterrupted: false, wasRaw, noiseText: '' };
  const interrupted = text.includes('KeyboardInterrupt');
  // Opening the port may have reset the board (ESP32 boot log): that is no program either, unless
  // Ctrl-C stopped one.
  const booted = /rst:0x|ets [A-Z][a-z]{2} |soft reboot/.test(text);
  return { programInterrupted: interrupted || !booted, wasRaw, noiseText: text };
}

export class RawEntry implements ReplMachine {
  /** Set once the machine has finished. */
  arrival: Arrival | null = null;
  #text = '';
  #tries = 0;
  #askedRaw = 0;
  #graces = 0;
  #inGrace = false;
  #aiorepl = false;
  #sync = 0;
  #token = '';
  #heardSinceSync = false;
  #patience = SYNC_PATIENCE;

  readonly #entryNumber: number;

  /** Numbers the entries of a session: an answer to an earlier one must not pass for this one's. */
  constructor(entryNumber: number) {
    this.#entryNumber = entryNumber;
  }

  start(): readonly ReplAction[] {
    return this.#try();
  }

  step(input: ReplInput): readonly ReplAction[] {
    if (input.kind === 'bytes') return this.#take(textOfBytes(input.bytes));
    if (input.kind === 'timeout') return this.#timeout();
    return [];
  }

  #try(): readonly ReplAction[] {
    const ms = TRY_WAITS_MS[this.#tries];
    if (ms === undefined) return [failed(this.#failure())];
    this.#tries += 1;
    this.#askedRaw += 1;
    return [send(CTRL_C, CTRL_A), { kind: 'wait', ms }];
  }

  #take(text: string): readonly ReplAction[] {
    this.#text += text;
    if (this.#sync > 0) return this.#takeSync();
    const actions: ReplAction[] = [];
    for (;;) {
      const banner = RAW_BANNER.exec(this.#text);
      if (banner === null) break;
      const before = this.#text.slice(0, banner.index);
      if (!AIOREPL_BEFORE_BANNER.test(before)) return [...actions, ...this.#arrive(before, banner)];
      // aiorepl's imitation of raw mode: other tasks run on, and Ctrl-D never resets. Ctrl-B goes
      // back to its prompt, Ctrl-D ends its event loop (micropython-lib aiorepl.py).
      this.#text =
        before.replace(AIOREPL_BEFORE_BANNER, '') +
        this.#text.slice(banner.index + banner[0].length);
      this.#aiorepl = true;
      actions.push(send(CTRL_B, CTRL_D), { kind: 'wait', ms: 500 });
    }
    if (this.#text.length > 2 * TEXT_CHARS_MAX) this.#text = this.#text.slice(-TEXT_CHARS_MAX);
    return [...actions, ...this.#watchPrompt()];
  }

  /** A prompt at the end may be all that comes: Ctrl-A was lost with the interrupted program. */
  #watchPrompt(): readonly ReplAction[] {
    const atPrompt = this.#promptTail() !== null;
    if (atPrompt && this.#graces < GRACES_MAX) {
      this.#graces += 1;
      this.#inGrace = true;
      return [{ kind: 'wait', ms: GRACE_MS }];
    }
    if (!this.#inGrace) return [];
    this.#inGrace = false;
    return [{ kind: 'wait', ms: TRY_WAITS_MS[this.#tries - 1] ?? GRACE_MS }];
  }

  #promptTail(): 'friendly' | 'aiorepl' | 'any-key' | null {
    const tail = this.#text.slice(-200);
    if (FRIENDLY_TAIL.test(tail)) return 'friendly';
    if (AIOREPL_TAIL.test(tail)) return 'aiorepl';
    return ANY_KEY_TAIL.test(tail) ? 'any-key' : null;
  }

  #arrive(before: string, banner: RegExpExecArray): readonly ReplAction[] {
    const judged = judgeArrival(before);
    this.arrival = this.#aiorepl ? { ...judged, programInterrupted: true, wasRaw: false } : judged;
    if (this.#askedRaw === 1 && !this.#aiorepl)
      return [{ kind: 'wait', ms: null }, { kind: 'finished' }];
    this.#text = this.#text.slice(banner.index + banner[0].length);
    return this.#askSync();
  }

  /** A line of our own: whatever answers to it is the prompt of now, not of an earlier try. */
  #askSync(): readonly ReplAction[] {
    const ms = SYNC_WAITS_MS[this.#sync];
    if (ms === undefined) return [failed(this.#failure())];
    this.#sync += 1;
    this.#heardSinceSync = false;
    this.#patience = SYNC_PATIENCE;
    const number = `${this.#entryNumber}-${this.#sync}`;
    this.#token = `blb-sync-${number}`;
    const line = bytesOfText(`print('blb-'+'sync-${number}')`);
    const bytes = new Uint8Array([CTRL_C, ...line, CTRL_D]);
    return [
      { kind: 'send', bytes },
      { kind: 'wait', ms },
    ];
  }

  #takeSync(): readonly ReplAction[] {
    this.#heardSinceSync = true;
    if (this.#text.length > 2 * TEXT_CHARS_MAX) this.#text = this.#text.slice(-TEXT_CHARS_MAX);
    const at = this.#text.indexOf(this.#token);
    // What a user's timer prints may stand before the end.
    if (at < 0 || !/^\D[^\x04]*\x04\x04>/.test(this.#text.slice(at + this.#token.length)))
      return [];
    return [{ kind: 'wait', ms: null }, { kind: 'finished' }];
  }

  #timeout(): readonly ReplAction[] {
    if (this.#sync > 0 && this.#heardSinceSync && this.#patience > 0) {
      this.#heardSinceSync = false;
      this.#patience -= 1;
      return [{ kind: 'wait', ms: SYNC_WAITS_MS[this.#sync - 1] ?? 0 }];
    }
    if (this.#sync > 0) {
      // Not even raw mode any more? Ctrl-A repeats its banner where it is, and enters it elsewhere.
      return [send(CTRL_C, CTRL_A), ...this.#askSync()];
    }
    if (!this.#inGrace) return this.#try();
    this.#inGrace = false;
    const tail = this.#promptTail();
    if (tail === 'friendly') {
      this.#askedRaw += 1;
      return [send(CTRL_A), { kind: 'wait', ms: 200 }];
    }
    if (tail === 'aiorepl') {
      this.#aiorepl = true;
      return [send(CTRL_D), { kind: 'wait', ms: 500 }];
    }
    return this.#try();
  }

  #failure(): ReplFailure {
    const code = 'repl/no-prompt';
    if (this.#sync > 0) {
      return {
        code,
        stage: 'checking the raw prompt',
        hint: 'Something on the board keeps printing; reset the board and try again',
      };
    }
    if (this.#text === '') {
      return {
        code,
        stage: 'interrupting the program',
        hint: 'Press the reset button and try again at once (a program may not let itself be interrupted); check the speed (--baud) and that this port belongs to a board with MicroPython',
      };
    }
    if (FRIENDLY_TAIL.test(this.#text) || AIOREPL_TAIL.test(this.#text)) {
      return { code, stage: 'entering raw mode', hint: 'Reset the board and try again' };
    }
    // Mostly bytes outside ASCII: the port listens at another speed than the board sends.
    const odd = [...this.#text].filter((char) => char > '\x7f' || char < '\x07').length;
    if (odd > this.#text.length / 4) {
      return {
        code,
        stage: 'interrupting the program',
        hint: 'What came is not text: the board may use another speed, see --baud',
      };
    }
    return {
      code,
      stage: 'interrupting the program',
      hint: 'The program does not stop at Ctrl-C: press reset and try again at once, or rename main.py from another tool',
    };
  }
}

function failed(failure: ReplFailure): ReplAction {
  return { kind: 'failed', failure };
}
