/** A whole board: real MicroPython in a thread, a flash, and a wire to reach it by. */
import type { BytePort } from '../transport/byte-port.js';
import type { BoardBinding } from './board-binding.js';
import { boardBinding } from './board-binding.js';
import type { Settings, VirtualBoardOptions } from './board-options.js';
import { settle } from './board-options.js';
import { openBoardPort } from './board-port.js';
import { CELL } from './control-block.js';
import type { BoardPty } from './pty.js';
import { openPty } from './pty.js';
import { MOUNT_MARK } from './vm-bridge.js';
import type { FlashContent } from './vm-thread.js';
import { initialContent, VmThread } from './vm-thread.js';
import { Wire } from './wire.js';
import type { WireCounters } from './wire-counters.js';
import type { FaultPlan } from './wire-faults.js';

/** Bytes of a file, or null for a folder, by path below the board's `/`, sorted. */
export type VirtualTree = Map<string, Uint8Array | null>;

const START_MS_MAX = 20_000;
const WATCHDOG_TICK_MS = 20;

export class VirtualBoard {
  readonly #settings: Settings;
  readonly #content: FlashContent;
  readonly #wire: Wire;
  #thread: VmThread | null = null;
  #unplugged = false;
  #failure: Error | null = null;
  #onStarted: (() => void) | null = null;
  #watchdog: NodeJS.Timeout | null = null;
  #restarts: Promise<void> = Promise.resolve();
  #stopped = false;
  #pty: BoardPty | null = null;
  readonly #stopActions: (() => Promise<void>)[] = [];

  private constructor(settings: Settings) {
    this.#settings = settings;
    this.#content = initialContent(settings);
    this.#wire = new Wire(
      {
        bytesPerSecondToBoard: settings.toBoard,
        bytesPerSecondToHost: settings.toHost,
        latencyMs: settings.latencyMs,
        overrun: settings.overrun,
        fifoBytes: 32,
      },
      (event) => (event === 'disconnect' ? this.unplug() : void this.hardReset()),
    );
    this.#wire.setFaults(settings.faults);
  }

  /** Resolves when the interpreter runs: boot.py may still be at work. */
  static async start(options: VirtualBoardOptions = {}): Promise<VirtualBoard> {
    const board = new VirtualBoard(settle(options));
    await board.#powerUp();
    return board;
  }

  async #powerUp(resetCause?: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const started = new Promise<void>((resolve, reject) => {
      const fail = () => reject(this.#failure ?? new Error('the virtual board did not start'));
      timer = setTimeout(fail, START_MS_MAX);
      this.#onStarted = () => (this.#failure === null ? resolve() : fail());
    });
    const thread = new VmThread(
      this.#settings,
      this.#content,
      {
        bell: () => this.#wire.pump(),
        started: (vm) => {
          this.#wire.setInterpreter(vm);
          this.#onStarted?.();
        },
        watchdog: (timeoutMs) => this.#watch(timeoutMs),
        failed: (error) => {
          this.#failure = error;
          this.#onStarted?.();
        },
      },
      resetCause,
    );
    this.#thread = thread;
    this.#wire.connectBoard(thread.memory);
    try {
      await started;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A port of this process, open: for sessions that need no serial stack. */
  port(): BytePort {
    return openBoardPort(this.#wire, () => this.#unplugged);
  }

  /** For `new SerialPortStream({ binding, path: 'virtual', baudRate: 115200 })`. */
  binding(): BoardBinding {
    return boardBinding(this.#wire, () => this.#unplugged);
  }

  /**
   * Opens a pseudo-terminal for the board; the path goes to the native serial binding or another
   * program. Throws where neither `script` (util-linux) nor `socat` is installed. A board has one
   * wire: this ends what another way of access had.
   */
  async pty(): Promise<BoardPty> {
    if (this.#unplugged) throw new Error('the cable is unplugged');
    this.#wire.lose();
    await this.#pty?.close();
    const pty = await openPty(this.#wire, () => {
      this.#pty = null;
    });
    this.#pty = pty;
    return pty;
  }

  /** Files and folders as the flash has them now: what a power cut would leave. */
  async dump(): Promise<VirtualTree> {
    this.#thread?.catchUp();
    const tree: [string, Uint8Array | null][] = [];
    for (const [path, file] of this.#content)
      tree.push([this.#shown(path), file === null ? null : Uint8Array.from(file.bytes)]);
    return withFolders(tree);
  }

  /** A path of the flash as the board's programs name it, without the first slash. */
  #shown(path: string): string {
    const { mountPoint } = this.#settings.dialect;
    const prefix = mountPoint === '/' ? '' : `${mountPoint.slice(1)}/`;
    return path.startsWith(MOUNT_MARK) ? path.slice(1) : prefix + path;
  }

  /** Seconds since 1970 at which each file was written, by its path as `dump()` gives it. */
  async times(): Promise<ReadonlyMap<string, number>> {
    this.#thread?.catchUp();
    return new Map(
      [...this.#content].flatMap(([path, file]): [string, number][] =>
        file === null ? [] : [[this.#shown(path), file.modifiedS]],
      ),
    );
  }

  counters(): WireCounters {
    return this.#wire.counters;
  }

  /** Replaces the accidents; positions count from now on. */
  setFaults(plan: FaultPlan): void {
    this.#wire.setFaults(plan);
  }

  /** The next `count` Ctrl-C never arrive. */
  swallowInterrupts(count: number): void {
    this.#wire.swallowInterrupts(count);
  }

  /** While set, Ctrl-C is a byte like any other. */
  ignoreInterrupts(on: boolean): void {
    this.#wire.setDeaf(on);
  }

  /** While set, the board takes nothing out of its receive buffer. */
  stallReads(on: boolean): void {
    const cells = this.#thread?.memory.cells;
    if (cells === undefined) return;
    Atomics.store(cells, CELL.readsStalled, on ? 1 : 0);
    Atomics.add(cells, CELL.wake, 1);
    Atomics.notify(cells, CELL.wake);
  }

  /** Pulls the cable; the board goes on. */
  unplug(): void {
    this.#unplugged = true;
    this.#wire.lose();
  }

  plug(): void {
    this.#unplugged = false;
  }

  /** The reset button: whatever runs ends here, only the flash stays. The cable stays as well. */
  hardReset(): Promise<void> {
    this.#restarts = this.#restarts.then(async () => {
      if (this.#stopped) return;
      await this.#powerDown();
      await this.#powerUp(2);
    });
    return this.#restarts;
  }

  async #powerDown(): Promise<void> {
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
    this.#watchdog = null;
    this.#wire.connectBoard(null);
    await this.#thread?.end();
    this.#thread = null;
  }

  #watch(timeoutMs: number): void {
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
    let fed = -1;
    let leftMs = timeoutMs;
    let lastMs = performance.now();
    this.#watchdog = setInterval(() => {
      const cells = this.#thread?.memory.cells;
      if (cells === undefined) return;
      const now = performance.now();
      // On a busy computer the board has had no more time than this timer.
      leftMs -= Math.min(now - lastMs, 2 * WATCHDOG_TICK_MS);
      lastMs = now;
      const feeds = Atomics.load(cells, CELL.watchdogFed);
      if (feeds !== fed) leftMs = timeoutMs;
      fed = feeds;
      if (leftMs < 0) void this.hardReset();
    }, WATCHDOG_TICK_MS);
  }

  /** `action` is part of stopping, after the interpreter has ended. */
  onStopped(action: () => Promise<void>): void {
    this.#stopActions.push(action);
  }

  /** Ends the board; its flash can still be dumped. Only the first call does anything. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#restarts;
    await this.#pty?.close();
    await this.#powerDown();
    this.#wire.stop();
    for (const action of this.#stopActions) await action();
  }
}

/** Adds the folders that only file paths imply, and sorts. */
function withFolders(entries: readonly [string, Uint8Array | null][]): VirtualTree {
  const tree: VirtualTree = new Map();
  for (const [path, bytes] of entries) {
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth += 1) {
      tree.set(parts.slice(0, depth).join('/'), null);
    }
    tree.set(path, bytes);
  }
  return new Map([...tree].sort(([a], [b]) => (a < b ? -1 : 1)));
}
