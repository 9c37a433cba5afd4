/**
 * Leaving the raw prompt: by a soft reset that comes back to it (boot.py runs, main.py does not),
 * or to the friendly prompt, from where Ctrl-D starts the program again.
 */
import {
  bytesOfText,
  CTRL_A,
  CTRL_B,
  CTRL_C,
  CTRL_D,
  RAW_BANNER,
  type ReplAction,
  type ReplInput,
  type ReplMachine,
  send,
  textOfBytes,
} from './raw-repl.js';

const REBOOT_MS = 2500;
const REBOOT_TRIES_MAX = 3;
/** A boot.py that joins a network may take this long; after it, it counts as looping. */
const BOOT_PATIENCE_MS = 2500;
const BOOT_INTERRUPT_MS = 300;
const BOOT_INTERRUPTS_MAX = 25;
const TEXT_CHARS_MAX = 8192;

/** MicroPython says `MPY: soft reboot`, CircuitPython and old firmware `soft reboot`. */
const REBOOT_LINE = /soft reboot\r?\n/;
/** aiorepl's imitation of raw mode does not reset (micropython-lib aiorepl.py). */
const REBOOT_IGNORED = /Ignored: soft reboot/;

/** From the raw prompt back to the raw prompt. */
export class RawSoftReset implements ReplMachine {
  /** aiorepl answered: there was no reset, its event loop is being ended. */
  ignored = false;
  #text = '';
  #booting = false;
  #tries = 1;
  #interrupts = 0;

  start(): readonly ReplAction[] {
    return [send(CTRL_D), { kind: 'wait', ms: REBOOT_MS }];
  }

  step(input: ReplInput): readonly ReplAction[] {
    if (input.kind === 'bytes') return this.#take(textOfBytes(input.bytes));
    return input.kind === 'timeout' ? this.#timeout() : [];
  }

  #take(text: string): readonly ReplAction[] {
    this.#text += text;
    const actions: ReplAction[] = [];
    if (!this.#booting) {
      const line = REBOOT_LINE.exec(this.#text);
      if (line === null) return [];
      if (REBOOT_IGNORED.test(this.#text)) {
        this.ignored = true;
        return [send(CTRL_B, CTRL_D), { kind: 'wait', ms: null }, { kind: 'finished' }];
      }
      this.#booting = true;
      this.#text = this.#text.slice(line.index + line[0].length);
      actions.push({ kind: 'wait', ms: BOOT_PATIENCE_MS });
    }
    if (RAW_BANNER.test(this.#text))
      return [...actions, { kind: 'wait', ms: null }, { kind: 'finished' }];
    if (this.#text.length > 2 * TEXT_CHARS_MAX) this.#text = this.#text.slice(-TEXT_CHARS_MAX);
    return actions;
  }

  #timeout(): readonly ReplAction[] {
    if (!this.#booting) {
      if (this.#tries === REBOOT_TRIES_MAX) {
        return [failed('asking for a soft reset', 'Press the reset button and try again')];
      }
      this.#tries += 1;
      return [send(CTRL_C, CTRL_D), { kind: 'wait', ms: REBOOT_MS }];
    }
    if (this.#interrupts === BOOT_INTERRUPTS_MAX) {
      return [
        failed(
          'interrupting boot.py',
          'boot.py does not stop at Ctrl-C: press reset and try again at once',
        ),
      ];
    }
    this.#interrupts += 1;
    // A board that came back to the friendly prompt after all is asked for raw mode.
    const keys = /(?:^|[\r\n])>>> $/.test(this.#text) ? [CTRL_A] : [CTRL_C];
    return [send(...keys), { kind: 'wait', ms: BOOT_INTERRUPT_MS }];
  }
}

const FRIENDLY_MS = 2000;
const FRIENDLY_TRIES_MAX = 3;

/** To the friendly prompt; with `restart` on from there by Ctrl-D, so that the program runs again. */
export class FriendlyReturn implements ReplMachine {
  readonly #restart: boolean;
  readonly #source: string | null;
  #text = '';
  #tries = 1;

  constructor(restart: boolean, source: string | null = null) {
    this.#restart = restart;
    this.#source = source;
  }

  /** A source was given and ran without a word, or none was. */
  get sourceRan(): boolean {
    return this.#source === null || /(?:^|>)OK\x04\x04>/.test(this.#text);
  }

  start(): readonly ReplAction[] {
    // At the prompt no interrupt is armed, so all keys can travel together.
    const source = this.#source === null ? [] : [...bytesOfText(this.#source), CTRL_D];
    const keys = this.#restart ? [CTRL_B, CTRL_D] : [CTRL_B];
    return [send(...source, ...keys), { kind: 'wait', ms: FRIENDLY_MS }];
  }

  step(input: ReplInput): readonly ReplAction[] {
    if (input.kind === 'timeout') {
      if (this.#tries === FRIENDLY_TRIES_MAX) {
        return [failed('leaving raw mode', 'Press the reset button to start the program')];
      }
      this.#tries += 1;
      const keys = this.#restart ? [CTRL_C, CTRL_B, CTRL_D] : [CTRL_C, CTRL_B];
      return [send(...keys), { kind: 'wait', ms: FRIENDLY_MS }];
    }
    if (input.kind !== 'bytes') return [];
    this.#text = (this.#text + textOfBytes(input.bytes)).slice(-TEXT_CHARS_MAX);
    const prompt = /(?:^|[\r\n])>>> /.exec(this.#text);
    if (prompt === null) return [];
    // A reboot without a friendly prompt before it was one in raw mode: main.py would not run.
    const over = !this.#restart || REBOOT_LINE.test(this.#text.slice(prompt.index));
    return over ? [{ kind: 'wait', ms: null }, { kind: 'finished' }] : [];
  }
}

function failed(stage: string, hint: string): ReplAction {
  return { kind: 'failed', failure: { code: 'repl/no-prompt', stage, hint } };
}
