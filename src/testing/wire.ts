/**
 * The wire between a host and the board's thread: pacing, latency, accidents, the receive ring and
 * the interrupt that a UART's handler raises. Counts what passes.
 */
import { boardTime } from './board-time.js';
import type { BoardTime } from './board-time.js';
import { CELL } from './control-block.js';
import type { ByteRing } from './control-block.js';
import { raiseInterrupt } from './interrupt.js';
import type { InterruptCells } from './interrupt.js';
import type { WasmMemory } from './webassembly.js';
import { LaneFaults } from './wire-faults.js';
import type { FaultEvent, FaultPlan } from './wire-faults.js';
import { WireLane } from './wire-lane.js';

/** The host's end. */
export interface WireEnd {
  /** False when it wants no more until `resume()` is called. */
  data(bytes: Uint8Array): boolean;
  /** The wire went away by itself. */
  lost(): void;
}

export interface WireOptions {
  readonly bytesPerSecondToBoard: number | null;
  readonly bytesPerSecondToHost: number | null;
  readonly latencyMs: number;
  /** 'drop' as a UART, 'hold' as USB with its back-pressure. */
  readonly overrun: 'drop' | 'hold';
  /** Bytes of the UART's own FIFO, all there is while interrupts are off. */
  readonly fifoBytes: number;
}

/** What passed the wire since it was made, seen from the host. */
export interface WireCounters {
  /** From the board to the host. */
  readonly bytesIn: number;
  /** From the host to the board. */
  readonly bytesOut: number;
  /** Changes of direction. */
  readonly turns: number;
  /** Bytes lost because the receive ring was full. */
  readonly overrunBytes: number;
}

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

/** After a late timer the bytes for the board come at this many times their speed, no burst. */
const CATCH_UP = 2;
const STEP_MS_MAX = 1.5;
/** How long the wire sleeps while bytes flow: finer towards the board, where they fill a ring. */
const TICK_TO_BOARD_MS = 1;
const TICK_TO_HOST_MS = 3;
/** The rest of a turn too short for a timer. */
const SPIN_MS_MAX = 0.7;
const CTRL_C = 3;

export class Wire {
  readonly #options: WireOptions;
  readonly #toBoard: WireLane;
  readonly #toHost: WireLane;
  readonly #onEvent: (event: FaultEvent) => void;
  #faults: { toBoard: LaneFaults; toHost: LaneFaults };
  #board: BoardMemory | null = null;
  #vm: Interpreter | null = null;
  /** Since the board last had nothing to read: the time it had, and the bytes that came. */
  #backlog = { boardMs: 0, bytes: 0 };
  #time: BoardTime | null = null;
  #end: WireEnd | null = null;
  #paused = false;
  /** A receiver may send from within `data`: that must not overtake what is being delivered. */
  #pumping = false;
  #again = false;
  #timer: NodeJS.Timeout | null = null;
  #timerEndMs = 0;
  #immediate: NodeJS.Immediate | null = null;
  #laneClockMs = 0;
  #movedMs = 0;
  #held: Uint8Array = new Uint8Array(0);
  #fifo: number[] = [];
  #swallowInterrupts = 0;
  #deaf = false;
  #drainWaiters: { readonly resolve: () => void }[] = [];
  #lastDirection: 'in' | 'out' | null = null;
  #counters = { bytesIn: 0, bytesOut: 0, turns: 0, overrunBytes: 0 };
  #seenHead = 0;
  #seenHeadMs = 0;

  constructor(options: WireOptions, onEvent: (event: FaultEvent) => void) {
    this.#options = options;
    this.#onEvent = onEvent;
    const { latencyMs } = options;
    this.#toBoard = new WireLane({ bytesPerSecond: options.bytesPerSecondToBoard, latencyMs });
    this.#toHost = new WireLane({ bytesPerSecond: options.bytesPerSecondToHost, latencyMs });
    this.#faults = lanes({});
  }

  get counters(): WireCounters {
    return { ...this.#counters };
  }

  get attached(): boolean {
    return this.#end !== null;
  }

  /** Replaces all accidents; positions count from the next byte on. */
  setFaults(plan: FaultPlan): void {
    this.#faults = lanes(plan);
  }

  /** The next `count` interrupt characters never reach the board. */
  swallowInterrupts(count: number): void {
    this.#swallowInterrupts = count;
  }

  /** A board that takes no interrupt: the character is a byte like any other. */
  setDeaf(deaf: boolean): void {
    this.#deaf = deaf;
  }

  connectBoard(board: BoardMemory | null): void {
    this.#board = board;
    this.#vm = null;
    this.#fifo = [];
    this.#held = new Uint8Array(0);
    this.#toHost.clear();
    this.pump();
  }

  /** A new interpreter has started: this is where its interrupt lives. */
  setInterpreter(vm: Interpreter): void {
    this.#time = null;
    this.#vm = vm;
  }

  attach(end: WireEnd): void {
    this.#end = end;
    this.#paused = false;
    this.pump();
  }

  detach(end: WireEnd): void {
    if (this.#end === end) this.#end = null;
    this.#paused = false;
    this.#settleDrains();
  }

  /** The cable is pulled: the end hears of it, what was under way is gone. */
  lose(): void {
    const end = this.#end;
    this.#end = null;
    this.#toBoard.clear();
    this.#settleDrains();
    end?.lost();
  }

  /** The end wants data again. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.pump();
  }

  /** Bytes of the host. */
  send(bytes: Uint8Array): void {
    this.#toBoard.enqueue(Uint8Array.from(bytes), performance.now());
    this.pump();
  }

  /** Resolves when everything sent so far has left the host. */
  drained(): Promise<void> {
    if (this.#toBoard.waitingBytes === 0 && this.#held.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drainWaiters.push({ resolve });
      this.pump();
    });
  }

  /** Drops what the host has sent and not yet put on the wire. */
  flush(): void {
    this.#toBoard.clear();
    this.#settleDrains();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#board = null;
    this.#end = null;
    this.#settleDrains();
  }

  /** Moves what is due, then sleeps until the next byte is. */
  pump(): void {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    try {
      do {
        this.#again = false;
        this.#move();
      } while (this.#again);
    } finally {
      this.#pumping = false;
    }
    if (this.#board !== null) this.#schedule(this.#board);
  }

  #move(): void {
    const board = this.#board;
    if (board === null) return;
    const nowMs = performance.now();
    this.#moveToBoard(board, nowMs);
    this.#moveToHost(board, nowMs);
    const sentAtMs = this.#toBoard.sentAtMs();
    if (this.#held.length === 0 && (sentAtMs === null || sentAtMs <= nowMs)) this.#settleDrains();
  }

  #settleDrains(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const waiter of waiters) waiter.resolve();
  }

  #moveToBoard(board: BoardMemory, nowMs: number): void {
    if (this.#paced() && this.#toBoard.waitingBytes + this.#held.length > 0) this.#watchBoard(board);
    if (this.#fifo.length > 0 && Atomics.load(board.cells, CELL.interruptsOff) === 0) {
      const fifo = Uint8Array.from(this.#fifo);
      this.#fifo = [];
      this.#receive(board, fifo);
    }
    if (this.#held.length > 0) {
      const held = this.#held;
      this.#held = new Uint8Array(0);
      this.#receive(board, held);
      if (this.#held.length > 0) return;
    }
    // After a late timer the board gets time to read, as it would have had on a real wire.
    const idle = this.#toBoard.waitingBytes === 0;
    const stepMs = CATCH_UP * Math.min(nowMs - this.#movedMs, STEP_MS_MAX);
    this.#laneClockMs = idle ? nowMs : Math.min(nowMs, this.#laneClockMs + stepMs);
    this.#movedMs = nowMs;
    for (const part of this.#toBoard.arrived(this.#paced() ? this.#laneClockMs : nowMs)) {
      this.#count('out', part.length);
      const { bytes, event } = this.#faults.toBoard.apply(part);
      this.#receive(board, bytes);
      if (event !== null) return this.#onEvent(event);
    }
  }

  #paced(): boolean {
    return this.#options.bytesPerSecondToBoard !== null && this.#options.overrun === 'drop';
  }

  /** What the receive interrupt does: watch for the interrupt character, else store. */
  #receive(board: BoardMemory, bytes: Uint8Array): void {
    let rest = this.#swallowInterrupts > 0 ? this.#swallow(bytes) : bytes;
    while (rest.length > 0) {
      const character = this.#interruptCharacter();
      const at = character < 0 ? -1 : rest.indexOf(character);
      const plain = at < 0 ? rest : rest.subarray(0, at);
      this.#store(board, plain);
      if (at < 0) return;
      this.#interrupt(board);
      rest = rest.subarray(at + 1);
    }
  }

  #interruptCharacter(): number {
    if (this.#vm === null || this.#deaf) return -1;
    const words = new Int32Array(this.#vm.memory.buffer);
    return Atomics.load(words, this.#vm.interrupt.characterAt);
  }

  #swallow(bytes: Uint8Array): Uint8Array {
    return bytes.filter((byte) => {
      if (byte !== CTRL_C || this.#swallowInterrupts === 0) return true;
      this.#swallowInterrupts -= 1;
      return false;
    });
  }

  #interrupt(board: BoardMemory): void {
    if (this.#vm === null) return;
    const { memory, interrupt } = this.#vm;
    raiseInterrupt(memory, interrupt, () => wake(board));
    if (this.#options.overrun === 'hold') {
      // TinyUSB ports empty their buffer as well (shared/tinyusb/mp_usbd_cdc.c).
      Atomics.store(board.cells, CELL.flushTo, board.receive.head);
      Atomics.store(board.cells, CELL.flushAsked, 1);
    }
    wake(board);
  }

  #store(board: BoardMemory, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (Atomics.load(board.cells, CELL.interruptsOff) === 1) {
      const room = Math.max(0, this.#options.fifoBytes - this.#fifo.length);
      this.#fifo.push(...bytes.subarray(0, room));
      this.#counters.overrunBytes += Math.max(0, bytes.length - room);
      return;
    }
    const stored = board.receive.push(bytes);
    if (stored > 0) wake(board);
    this.#backlog.bytes += stored;
    if (stored === bytes.length) return;
    const rest = bytes.subarray(stored);
    const lost = this.#options.overrun === 'drop' ? this.#lostBytes(rest.length) : 0;
    this.#counters.overrunBytes += lost;
    if (lost === rest.length) return;
    this.#held = concat(this.#held, rest.subarray(lost));
    Atomics.store(board.cells, CELL.roomBell, 1);
    // The board may have read in between, and then it waits for us.
    if (board.receive.free > 0) this.#again = true;
  }

  /** Keeps the time that the board has had since it last had nothing to read. */
  #watchBoard(board: BoardMemory): void {
    this.#time ??= boardTime(this.#vm?.threadPath ?? null);
    const passedMs = this.#time.passedMs(Atomics.load(board.cells, CELL.asleep) === 1);
    if (board.receive.length > 0) this.#backlog.boardMs += passedMs;
    else this.#backlog = { boardMs: 0, bytes: 0 };
  }

  /**
   * How many of `bytes` a full ring loses: no more can have arrived since it was empty than the
   * board itself had time for. When its thread is not given the processor the wire waits for it.
   */
  #lostBytes(bytes: number): number {
    const { bytesPerSecondToBoard } = this.#options;
    if (bytesPerSecondToBoard === null) return bytes;
    const possible = Math.floor((this.#backlog.boardMs * bytesPerSecondToBoard) / 1000);
    const lost = Math.min(bytes, Math.max(0, possible - this.#backlog.bytes));
    this.#backlog.bytes += lost;
    return lost;
  }

  #moveToHost(board: BoardMemory, nowMs: number): void {
    if (this.#paused) return;
    const limited = this.#options.bytesPerSecondToHost;
    const roof = limited === null ? 1 << 20 : Math.max(64, Math.ceil(limited / 50));
    const room = () => Math.max(0, roof - this.#toHost.waitingBytes);
    for (;;) {
      // What was in the ring at the last look has been waiting since then: a late timer costs the
      // wire nothing as long as the ring had something to send.
      const tail = board.transmit.head - board.transmit.length;
      const old = board.transmit.take(Math.min(Math.max(0, (this.#seenHead - tail) | 0), room()));
      this.#toHost.enqueue(old, this.#seenHeadMs);
      this.#toHost.enqueue(board.transmit.take(old.length > 0 ? 0 : room()), nowMs);
      const arrived = this.#toHost.arrived(nowMs);
      for (const part of arrived) {
        this.#count('in', part.length);
        const { bytes, event } = this.#faults.toHost.apply(part);
        if (bytes.length > 0 && this.#end?.data(bytes) === false) this.#paused = true;
        if (event !== null) return this.#onEvent(event);
      }
      if (this.#paused || (old.length === 0 && arrived.length === 0)) break;
    }
    this.#seenHead = board.transmit.head;
    this.#seenHeadMs = nowMs;
  }

  #count(direction: 'in' | 'out', bytes: number): void {
    if (bytes === 0) return;
    if (direction === 'in') this.#counters.bytesIn += bytes;
    else this.#counters.bytesOut += bytes;
    if (this.#lastDirection !== direction) {
      if (this.#lastDirection !== null) this.#counters.turns += 1;
      this.#lastDirection = direction;
    }
  }

  #schedule(board: BoardMemory): void {
    const toHostAt = this.#paused ? null : this.#toHost.emptyAtMs();
    const toBoardAt = this.#held.length > 0 ? null : this.#toBoard.emptyAtMs();
    // Held bytes of a dropping wire are looked at again by the clock, others when there is room.
    const dropping = this.#held.length > 0 && this.#options.overrun === 'drop';
    const inFifo = this.#fifo.length > 0 || dropping;
    if (!this.#paused) Atomics.store(board.cells, CELL.doorbell, 1);
    if (toHostAt === null && toBoardAt === null && !inFifo) {
      // Output that came before the bell was set would not ring it.
      if (!this.#paused && board.transmit.length > 0) this.#soon();
      return;
    }
    const endMs = Math.min(toHostAt ?? Number.POSITIVE_INFINITY, toBoardAt ?? Number.POSITIVE_INFINITY);
    const leftMs = endMs - performance.now();
    if (leftMs < SPIN_MS_MAX && !inFifo) return this.#soon();
    const tickMs = toBoardAt === null && !inFifo ? TICK_TO_HOST_MS : TICK_TO_BOARD_MS;
    this.#later(Math.max(1, Math.min(tickMs, Math.floor(leftMs))));
  }

  #soon(): void {
    if (this.#immediate !== null) return;
    this.#immediate = setImmediate(() => {
      this.#immediate = null;
      this.pump();
    });
  }

  #later(ms: number): void {
    if (this.#timer !== null) {
      if (this.#timerEndMs <= performance.now() + ms + 0.5) return;
      clearTimeout(this.#timer);
    }
    this.#timerEndMs = performance.now() + ms;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.pump();
    }, ms);
  }
}

function lanes(plan: FaultPlan) {
  return { toBoard: new LaneFaults(plan, 'toBoard'), toHost: new LaneFaults(plan, 'toHost') };
}

function wake(board: BoardMemory): void {
  Atomics.add(board.cells, CELL.wake, 1);
  Atomics.notify(board.cells, CELL.wake);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
