/**
 * The board's receiving hardware and its interrupt handler: the FIFO, the ring, what happens when it
 * is full, and the character that interrupts the program.
 */

import type { BoardTime } from './board-time.js';
import { boardTime } from './board-time.js';
import type { ByteRing } from './control-block.js';
import { CELL } from './control-block.js';
import type { InterruptCells } from './interrupt.js';
import { raiseInterrupt } from './interrupt.js';
import type { WasmMemory } from './webassembly.js';

/** Where the interpreter's interrupt is, and how long its thread has run. */
export interface Interpreter {
  readonly memory: WasmMemory;
  readonly interrupt: InterruptCells;
  readonly threadPath: string | null;
}

export interface BoardMemory {
  readonly cells: Int32Array;
  readonly receive: ByteRing;
  readonly transmit: ByteRing;
}

export interface ReceiverOptions {
  readonly bytesPerSecond: number | null;
  /** 'drop' as a UART, 'hold' as USB with its back-pressure. */
  readonly overrun: 'drop' | 'hold';
  /** Bytes of the UART's own FIFO, all there is while interrupts are off. */
  readonly fifoBytes: number;
}

const CTRL_C = 3;
const NOTHING: Uint8Array = new Uint8Array(0);

export class BoardReceiver {
  readonly #options: ReceiverOptions;
  readonly #board: BoardMemory;
  #vm: Interpreter | null = null;
  #held = NOTHING;
  #fifo: number[] = [];
  /** Since the board last had nothing to read: the time it had, and the bytes that came. */
  #backlog = { boardMs: 0, bytes: 0 };
  #time: BoardTime | null = null;
  /** The next so many interrupt characters never reach the board. */
  swallowInterrupts = 0;
  /** A deaf board takes no interrupt: the character is a byte like any other. */
  deaf = false;
  /** Bytes lost because there was no room. */
  lostBytes = 0;

  constructor(options: ReceiverOptions, board: BoardMemory) {
    this.#options = options;
    this.#board = board;
  }

  setInterpreter(vm: Interpreter): void {
    this.#vm = vm;
    this.#time = null;
  }

  /** Bytes that have arrived and have no place yet. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** True where only time, not the board's reading, moves things on. */
  get wantsClock(): boolean {
    return this.#fifo.length > 0 || (this.#held.length > 0 && this.#options.overrun === 'drop');
  }

  /** Tries again to place what waits, and watches how much time the board has. */
  tend(): void {
    this.#watchBoard();
    if (this.#fifo.length > 0 && Atomics.load(this.#board.cells, CELL.interruptsOff) === 0) {
      const fifo = Uint8Array.from(this.#fifo);
      this.#fifo = [];
      this.#handle(fifo);
    }
    if (this.#held.length > 0) {
      const held = this.#held;
      this.#held = NOTHING;
      this.#handle(held);
    }
  }

  /** Bytes from the wire. */
  receive(bytes: Uint8Array): void {
    this.#handle(this.swallowInterrupts > 0 ? this.#swallow(bytes) : bytes);
  }

  #swallow(bytes: Uint8Array): Uint8Array {
    return bytes.filter((byte) => {
      if (byte !== CTRL_C || this.swallowInterrupts === 0) return true;
      this.swallowInterrupts -= 1;
      return false;
    });
  }

  /** What the interrupt handler does: watch for the interrupt character, else store. */
  #handle(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const character = this.#interruptCharacter();
      const at = character < 0 ? -1 : rest.indexOf(character);
      this.#store(at < 0 ? rest : rest.subarray(0, at));
      if (at < 0) return;
      this.#interrupt();
      rest = rest.subarray(at + 1);
    }
  }

  #interruptCharacter(): number {
    if (this.#vm === null || this.deaf) return -1;
    const words = new Int32Array(this.#vm.memory.buffer);
    return Atomics.load(words, this.#vm.interrupt.characterAt);
  }

  #interrupt(): void {
    if (this.#vm === null) return;
    raiseInterrupt(this.#vm.memory, this.#vm.interrupt, () => this.#wake());
    if (this.#options.overrun === 'hold') {
      // TinyUSB ports empty their buffer as well (shared/tinyusb/mp_usbd_cdc.c).
      this.#held = NOTHING;
      Atomics.store(this.#board.cells, CELL.flushTo, this.#board.receive.head);
      Atomics.store(this.#board.cells, CELL.flushAsked, 1);
    }
    this.#wake();
  }

  #store(bytes: Uint8Array): void {
    const { cells, receive } = this.#board;
    if (bytes.length === 0) return;
    if (this.#held.length > 0) {
      this.#held = concat(this.#held, bytes);
      return;
    }
    if (Atomics.load(cells, CELL.interruptsOff) === 1) {
      const room = Math.max(0, this.#options.fifoBytes - this.#fifo.length);
      this.#fifo.push(...bytes.subarray(0, room));
      this.lostBytes += Math.max(0, bytes.length - room);
      return;
    }
    const stored = receive.push(bytes);
    if (stored > 0) this.#wake();
    this.#backlog.bytes += stored;
    if (stored === bytes.length) return;
    const rest = bytes.subarray(stored);
    const lost = this.#options.overrun === 'drop' ? this.#lose(rest.length) : 0;
    this.lostBytes += lost;
    if (lost === rest.length) return;
    this.#held = Uint8Array.from(rest.subarray(lost));
    Atomics.store(cells, CELL.roomBell, 1);
  }

  /** True where the board has made room without seeing that the wire waits for it. */
  get hasRoom(): boolean {
    return this.#held.length > 0 && this.#board.receive.free > 0;
  }

  /** Keeps the time that the board has had since it last had nothing to read. */
  #watchBoard(): void {
    if (this.#options.bytesPerSecond === null || this.#options.overrun === 'hold') return;
    this.#time ??= boardTime(this.#vm?.threadPath ?? null);
    const asleep = Atomics.load(this.#board.cells, CELL.asleep) === 1;
    const passedMs = this.#time.passedMs(asleep);
    if (this.#board.receive.length > 0) this.#backlog.boardMs += passedMs;
    else this.#backlog = { boardMs: 0, bytes: 0 };
  }

  /**
   * How many of `bytes` a full ring loses: no more can have arrived since it was empty than the
   * board itself had time for. When its thread is not given the processor the wire waits for it.
   */
  #lose(bytes: number): number {
    const { bytesPerSecond } = this.#options;
    if (bytesPerSecond === null) return bytes;
    const possible = Math.floor((this.#backlog.boardMs * bytesPerSecond) / 1000);
    const lost = Math.min(bytes, Math.max(0, possible - this.#backlog.bytes));
    this.#backlog.bytes += lost;
    return lost;
  }

  #wake(): void {
    Atomics.add(this.#board.cells, CELL.wake, 1);
    Atomics.notify(this.#board.cells, CELL.wake);
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
