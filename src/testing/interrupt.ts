/** Raising a KeyboardInterrupt in an interpreter that runs in another thread. */
import type { WasmMemory } from './webassembly.js';

/** Places are indices of 32-bit words. */
export interface InterruptCells {
  /** The character that interrupts, -1 where none does. */
  readonly characterAt: number;
  /** Word that forgets the traceback of the last interrupt (`mp_kbd_exception.traceback_data`). */
  readonly tracebackAt: number;
  /** What `mp_sched_keyboard_interrupt` changes: first the pending exception, then the scheduler. */
  readonly words: readonly { readonly at: number; readonly value: number; readonly when: number }[];
}

const AGAIN_MS = 2;
const TRIES_MAX = 250;

/**
 * Writes what `mp_sched_keyboard_interrupt()` would. The interpreter is not stopped meanwhile, as
 * it is in a real interrupt, so it may overwrite the scheduler's state with "nothing to do" in the
 * same instant: that is looked at again until the exception has been taken.
 */
export function raiseInterrupt(
  memory: WasmMemory,
  interrupt: InterruptCells,
  wake: () => void,
): void {
  const words = () => new Int32Array(memory.buffer);
  const pending = interrupt.words[0];
  if (pending === undefined) return;
  Atomics.store(words(), interrupt.tracebackAt, 0);
  Atomics.compareExchange(words(), pending.at, pending.when, pending.value);
  let tries = 0;
  const announce = () => {
    const now = words();
    if (Atomics.load(now, pending.at) !== pending.value) return;
    for (const { at, value, when } of interrupt.words.slice(1)) announceWord(now, at, when, value);
    wake();
    tries += 1;
    if (tries < TRIES_MAX) setTimeout(announce, AGAIN_MS).unref();
  };
  announce();
}

/** The scheduler's state is the lower half of a word whose other half counts tasks. */
function announceWord(words: Int32Array, at: number, when: number, value: number): void {
  const seen = Atomics.load(words, at);
  if (((seen ^ when) & 0xffff) !== 0) return;
  Atomics.compareExchange(words, at, seen, (seen & ~0xffff) | (value & 0xffff));
}

/** True while an interrupt was asked for and not yet raised. */
export function interruptPending(memory: WasmMemory, interrupt: InterruptCells): boolean {
  const pending = interrupt.words[0];
  const words = new Int32Array(memory.buffer);
  return pending !== undefined && Atomics.load(words, pending.at) === pending.value;
}
