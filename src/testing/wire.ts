/**
 * The wire between a host and the board's thread: pacing, latency, accidents, the receive ring and
 * the interrupt that a UART's handler raises. Counts what passes.
 */
import type { BoardMemory, Interpreter } from './board-receiver.js';
import { BoardReceiver } from './board-receiver.js';
import { CELL } from './control-block.js';
import { PumpClock } from './pump-clock.js';
import type { WireCounters } from './wire-counters.js';
import type { FaultEvent, FaultPlan } from './wire-faults.js';
import { WireLane } from './wire-lane.js';
import { DEFAULT_BAUD, WirePassage } from './wire-passage.js';

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

/** After a late timer the board's bytes come at this many times their speed, no burst. */
const CATCH_UP = 2;
const STEP_MS_MAX = 4;

export class Wire {
  readonly #options: WireOptions;
  readonly #toBoard: WireLane;
  readonly #toHost: WireLane;
  readonly #onEvent: (event: FaultEvent) => void;
  #board: BoardMemory | null = null;
  #receiver: BoardReceiver | null = null;
  #end: WireEnd | null = null;
  /** From power-up to the first host nothing is lost. */
  #paused = true;
  /** A receiver may send from within `data`: that must not overtake what is being delivered. */
  #pumping = false;
  #again = false;
  readonly #clock = new PumpClock(() => this.pump());
  #laneClockMs = 0;
  #movedMs = 0;
  #deaf = false;
  #drainWaiters: { readonly resolve: () => void }[] = [];
  readonly #passage: WirePassage;
  #lostBefore = 0;
  #seenHead = 0;
  #seenHeadMs = 0;

  constructor(options: WireOptions, onEvent: (event: FaultEvent) => void) {
    this.#options = options;
    this.#onEvent = onEvent;
    const { latencyMs } = options;
    this.#toBoard = new WireLane({ bytesPerSecond: options.bytesPerSecondToBoard, latencyMs });
    this.#toHost = new WireLane({ bytesPerSecond: options.bytesPerSecondToHost, latencyMs });
    this.#passage = new WirePassage(options.overrun === 'drop');
  }

  get counters(): WireCounters {
    const overrunBytes = this.#lostBefore + (this.#receiver?.lostBytes ?? 0);
    return { ...this.#passage.counters, overrunBytes };
  }

  get attached(): boolean {
    return this.#end !== null;
  }

  /** Replaces all accidents; positions count from the next byte on. */
  setFaults(plan: FaultPlan): void {
    this.#passage.setFaults(plan);
  }

  /** The host's port has another speed now: a UART that keeps its own makes garbage of it. */
  setHostBaud(baud: number): void {
    this.#passage.setHostBaud(baud);
  }

  /** The next `count` interrupt characters never reach the board. */
  swallowInterrupts(count: number): void {
    if (this.#receiver !== null) this.#receiver.swallowInterrupts = count;
  }

  /** A board that takes no interrupt: the character is a byte like any other. */
  setDeaf(deaf: boolean): void {
    this.#deaf = deaf;
    if (this.#receiver !== null) this.#receiver.deaf = deaf;
  }

  connectBoard(board: BoardMemory | null): void {
    this.#board = board;
    this.#lostBefore += this.#receiver?.lostBytes ?? 0;
    this.#receiver = board === null ? null : this.#receiverOf(board);
    this.#seenHead = 0;
    this.#toHost.clear();
    this.pump();
  }

  #receiverOf(board: BoardMemory): BoardReceiver {
    const { bytesPerSecondToBoard, overrun, fifoBytes } = this.#options;
    const options = { bytesPerSecond: bytesPerSecondToBoard, overrun, fifoBytes };
    const receiver = new BoardReceiver(options, board);
    receiver.deaf = this.#deaf;
    return receiver;
  }

  /** A new interpreter has started: this is where its interrupt lives. */
  setInterpreter(vm: Interpreter): void {
    this.#receiver?.setInterpreter(vm);
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

  /** The cable is pulled: what was under way is gone. */
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

  /** Bytes of the host. After a silence the board has had all its time to read: none is owed to it. */
  send(bytes: Uint8Array): void {
    if (this.#toBoard.waitingBytes === 0) this.#laneClockMs = performance.now();
    this.#passage.begin('toBoard', bytes);
    this.#toBoard.enqueue(Uint8Array.from(bytes), performance.now());
    this.pump();
  }

  /** Resolves when everything sent so far has left the host. */
  drained(): Promise<void> {
    if (this.#unsentBytes() === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drainWaiters.push({ resolve });
      this.pump();
    });
  }

  #unsentBytes(): number {
    return this.#toBoard.waitingBytes + (this.#receiver?.heldBytes ?? 0);
  }

  /** Drops what has not left the host. */
  flush(): void {
    this.#toBoard.clear();
    this.#settleDrains();
  }

  stop(): void {
    this.#clock.stop();
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
    const receiver = this.#receiver;
    if (board === null || receiver === null) return;
    const nowMs = performance.now();
    this.#followSpeed(board);
    this.#moveToBoard(receiver, nowMs);
    this.#moveToHost(board, nowMs);
    const sentAtMs = this.#toBoard.sentAtMs();
    if (receiver.heldBytes === 0 && (sentAtMs === null || sentAtMs <= nowMs)) this.#settleDrains();
    // The board may have read before it saw that the wire waits for room.
    if (receiver.hasRoom) this.#again = true;
  }

  /** The board may have set its UART to another speed. */
  #followSpeed(board: BoardMemory): void {
    const baud = Atomics.load(board.cells, CELL.baud) || DEFAULT_BAUD;
    if (!this.#passage.setBoardBaud(baud)) return;
    const { latencyMs, bytesPerSecondToBoard, bytesPerSecondToHost } = this.#options;
    const at = (speed: number | null) =>
      speed === null ? null : speed * this.#passage.speedFactor;
    this.#toBoard.setSpeed({ bytesPerSecond: at(bytesPerSecondToBoard), latencyMs });
    this.#toHost.setSpeed({ bytesPerSecond: at(bytesPerSecondToHost), latencyMs });
  }

  #settleDrains(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const waiter of waiters) waiter.resolve();
  }

  #moveToBoard(receiver: BoardReceiver, nowMs: number): void {
    if (this.#unsentBytes() > 0 || receiver.wantsClock) receiver.tend();
    if (receiver.heldBytes > 0) return;
    // After a late timer the board gets time to read, as it would have had on a real wire.
    const stepMs = CATCH_UP * Math.min(nowMs - this.#movedMs, STEP_MS_MAX);
    this.#laneClockMs = Math.min(nowMs, this.#laneClockMs + stepMs);
    this.#movedMs = nowMs;
    for (const part of this.#toBoard.arrived(this.#paced() ? this.#laneClockMs : nowMs)) {
      const { bytes, event } = this.#passage.pass('toBoard', part);
      receiver.receive(bytes);
      if (event !== null) {
        this.#onEvent(event);
        return;
      }
    }
  }

  #paced(): boolean {
    return this.#options.bytesPerSecondToBoard !== null && this.#options.overrun === 'drop';
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
      const said = board.transmit.take(old.length > 0 ? 0 : room());
      this.#passage.begin('toHost', old.length > 0 ? old : said);
      this.#toHost.enqueue(old, this.#seenHeadMs);
      this.#toHost.enqueue(said, nowMs);
      const arrived = this.#toHost.arrived(nowMs);
      for (const part of arrived) {
        const { bytes, event } = this.#passage.pass('toHost', part);
        if (bytes.length > 0 && this.#end?.data(bytes) === false) this.#paused = true;
        if (event !== null) {
          this.#onEvent(event);
          return;
        }
      }
      if (this.#paused || (old.length === 0 && arrived.length === 0)) break;
    }
    this.#seenHead = board.transmit.head;
    this.#seenHeadMs = nowMs;
  }

  #schedule(board: BoardMemory): void {
    const toHost = this.#paused ? null : this.#toHost.arrivals();
    const holding = (this.#receiver?.heldBytes ?? 0) > 0;
    const toBoard = holding ? null : this.#toBoard.arrivals();
    const inFifo = this.#receiver?.wantsClock === true;
    if (!this.#paused) Atomics.store(board.cells, CELL.doorbell, 1);
    if (toHost === null && toBoard === null && !inFifo) {
      // Output that came before the bell was set would not ring it.
      if (!this.#paused && board.transmit.length > 0) this.#clock.soon();
      return;
    }
    if (inFifo) this.#clock.tick();
    else this.#clock.until(toBoard, toHost);
  }
}
