/**
 * The prompt's life around the interpreter's own REPL code: boot.py, main.py, raw paste (which the
 * WebAssembly port cannot do, since it cannot wait inside the compiler) and soft resets.
 */
import type { Uart } from './uart.js';
import type { MicroPython } from './vm-instance.js';

const CTRL_A = 1;
const CTRL_B = 2;
const CTRL_C = 3;
const CTRL_D = 4;
const CTRL_E = 5;
const FORCED_EXIT = 0x100;

export type RawPasteMode = 'on' | 'refused' | 'unknown';

export interface ConsoleParts {
  readonly python: MicroPython;
  readonly uart: Uart;
  /** What runs at a start, and what only in friendly mode. */
  readonly programs: readonly [string, string];
  readonly rawPaste: RawPasteMode;
  readonly windowBytes: number;
  readonly machine: string;
  readonly hasFile: (name: string) => boolean;
}

/** Runs a file in `__main__`; `_boot` reports an exception without the frame of these lines. */
function runFileSource(name: string): string {
  return [
    'try:',
    ' _boot.hush(False)',
    ` execfile("${name}")`,
    'except SystemExit:',
    ' _boot.hush(True)',
    ' raise',
    'except BaseException as e:',
    ' _boot.report(e)',
    '_boot.hush(True)',
  ].join('\n');
}

export class BoardConsole {
  readonly #parts: ConsoleParts;
  #raw = false;
  #lineLength = 0;

  constructor(parts: ConsoleParts) {
    this.#parts = parts;
  }

  get raw(): boolean {
    return this.#raw;
  }

  /** Boots and serves the prompt until a soft reset; returns whether raw mode was on. */
  run(raw: boolean): boolean {
    const { uart, python } = this.#parts;
    uart.capture(() => {
      python.replInit();
      python.replProcessChar(CTRL_A);
    });
    for (const name of this.#parts.programs.slice(0, raw ? 1 : 2)) {
      if (this.#parts.hasFile(name) && this.#runFile(name)) return raw;
    }
    this.#raw = raw;
    if (raw) this.#write(this.#answerTo(CTRL_A).trimStart());
    else this.#friendlyBanner();
    this.#raw = raw;
    for (;;) {
      if (this.#feed(uart.readByte())) return this.#raw;
    }
  }

  #friendlyBanner(): void {
    this.#raw = false;
    this.#lineLength = 0;
    this.#write(this.#answerTo(CTRL_B).replace('JS with Emscripten', this.#parts.machine));
  }

  /** What the interpreter's own prompt answers to one byte. */
  #answerTo(byte: number): string {
    const { uart, python } = this.#parts;
    return Buffer.from(uart.capture(() => python.replProcessChar(byte))).toString('latin1');
  }

  #write(text: string): void {
    this.#parts.uart.writeRaw(Buffer.from(text, 'latin1'));
  }

  /** True when the program asked for a reset. */
  #runFile(name: string): boolean {
    const { uart } = this.#parts;
    uart.hushed = true;
    const result = this.#feedSource(Buffer.from(runFileSource(name)));
    uart.hushed = false;
    return (result & FORCED_EXIT) !== 0;
  }

  #feedSource(source: Uint8Array): number {
    const { python } = this.#parts;
    for (const byte of source) python.replProcessChar(byte);
    return python.replProcessChar(CTRL_D);
  }

  /** True when the board is to be reset. */
  #feed(byte: number): boolean {
    const { python } = this.#parts;
    if (!this.#raw && byte === CTRL_A) {
      const answer = this.#answerTo(byte);
      this.#raw = answer.includes('raw REPL');
      this.#write(answer);
    } else if (byte === CTRL_B) {
      this.#friendlyBanner();
    } else if (this.#raw && byte === CTRL_E && this.#lineLength === 0) {
      return this.#special();
    } else {
      this.#lineLength = byte <= CTRL_D ? 0 : this.#lineLength + 1;
      return (python.replProcessChar(byte) & FORCED_EXIT) !== 0;
    }
    this.#lineLength = 0;
    return false;
  }

  /** After Ctrl-E at the start of a raw line: `A` and Ctrl-A ask for raw paste. */
  #special(): boolean {
    const { uart } = this.#parts;
    const command = uart.readByte();
    if (command < 32) return this.#feedHeldBack([CTRL_E, command]);
    const end = uart.readByte();
    if (end !== CTRL_A) return this.#feedHeldBack([CTRL_E, command, end]);
    if (this.#parts.rawPaste === 'unknown') return this.#feed(CTRL_A);
    if (this.#parts.rawPaste === 'refused' || command !== 0x41) {
      this.#write('R\x00>');
      return false;
    }
    return this.#rawPaste();
  }

  #feedHeldBack(bytes: readonly number[]): boolean {
    this.#parts.python.replProcessChar(bytes[0] as number);
    this.#lineLength = 1;
    return bytes.slice(1).some((byte) => this.#feed(byte));
  }

  /** The reader of py/../shared/runtime/pyexec.c: a window size, a mark for each window consumed. */
  #rawPaste(): boolean {
    const { uart, windowBytes } = this.#parts;
    this.#write(`R\x01${String.fromCharCode(windowBytes & 255, windowBytes >> 8)}\x01`);
    const source: number[] = [];
    let windowLeft = windowBytes;
    for (;;) {
      const byte = uart.readByte();
      if (byte === CTRL_C || byte === CTRL_D) {
        this.#write('\x04');
        if (byte === CTRL_D) break;
        this.#write('\x04Traceback (most recent call last):\r\nKeyboardInterrupt: \r\n\x04>');
        return false;
      }
      source.push(byte);
      windowLeft -= 1;
      if (windowLeft === 0) {
        this.#write('\x01');
        windowLeft = windowBytes;
      }
    }
    return this.#runPasted(source);
  }

  /** Runs it by the plain raw prompt, whose `OK` has no place here. */
  #runPasted(source: readonly number[]): boolean {
    const { uart } = this.#parts;
    const clean = source.every((byte) => byte > CTRL_E);
    const code = clean ? Uint8Array.from(source) : execOf(source);
    uart.skipNext(2);
    const result = this.#feedSource(code.length === 0 ? Uint8Array.of(10) : code);
    return (result & FORCED_EXIT) !== 0;
  }
}

/** Control bytes inside the source would mean something to the plain prompt: quote them. */
function execOf(source: readonly number[]): Uint8Array {
  const hex = Buffer.from(source).toString('hex').replace(/../g, '\\x$&');
  return Buffer.from(`exec(b"${hex}")`);
}
