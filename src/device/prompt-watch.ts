/**
 * Notices in an agent's output that the agent is gone: the board was reset, or its prompt is back.
 * Pure. Frames are binary, so that what looks like it may be chance; it costs one more exec then.
 */

const TAIL_BYTES = 64;
/** `MPY: soft reboot` (ports/*), CircuitPython's `soft reboot`, the friendly prompt, its banner. */
const RESET = /soft reboot\r?\n|\n>>> $|(?:Micro|Circuit)Python v?\d[^\n]* on \d{4}-\d\d-\d\d/;
/** A Ctrl-A of a file's content makes the raw prompt print its banner. */
const TRACEBACK =
  /raw REPL; CTRL-B to exit|\x04Traceback \(most recent call last\)|\x04\r?\n?[A-Za-z]*(?:Error|Interrupt):[^\n]*\r?\n\x04>/;

const OUT_OF_MEMORY = /\r?\nMemoryError(?::|\r?\n\x04)|\x04\r?\n?MemoryError/;

export class PromptWatch {
  #tail = '';
  #isOutOfMemory = false;

  /** The last line of a traceback that came by now says so. */
  get isOutOfMemory(): boolean {
    return this.#isOutOfMemory;
  }

  /** 'ended': the exec died with a traceback, and its prompt follows. */
  push(bytes: Uint8Array): 'reset' | 'ended' | null {
    const text = this.#tail + Buffer.from(bytes).toString('latin1');
    this.#tail = text.slice(-TAIL_BYTES);
    this.#isOutOfMemory ||= OUT_OF_MEMORY.test(text);
    if (RESET.test(text)) return 'reset';
    return TRACEBACK.test(text) ? 'ended' : null;
  }
}
