/**
 * A connection's life-cycle: interrupt what runs, identify the board, hand out its files, leave it
 * as it was found. Manners: an idle board is not reset; one whose program was interrupted, or that
 * keeps printing, is reset softly first (boot.py runs, main.py does not) and has its program
 * started again at the end. Leaving is bounded, and silent when the board is gone.
 */
import { BelayError, isBelayError } from '../core/errors.js';
import type { BytePort } from '../transport/byte-port.js';
import {
  type EnterRawResult,
  ReplSession,
  type SessionClock,
  type TrafficListener,
} from '../transport/repl-session.js';
import { Agent } from './agent.js';
import { boardFsOf } from './agent-fs.js';
import type {
  AfterMode,
  BoardConnection,
  BoardFs,
  BoardInfo,
  BoardPurpose,
  WireCounters,
} from './device-fs.js';
import { changeBaud } from './fast-baud.js';
import { LONG_FRAME_PAYLOAD_BYTES } from './frames.js';
import { farewell } from './helper-source.js';
import { identifyBoard, prepareFirst } from './identify.js';
import type { Identity } from './identity.js';
import { packShape } from './pack-shape.js';
import { hasBackPressure } from './upload-pace.js';

/** Where connecting stands, for `doctor` and for verbose output. */
export type ConnectStep = 'interrupting' | 'resetting' | 'identifying' | 'connected';

export interface ConnectOptions {
  readonly clock: SessionClock;
  /** Random bytes as lower-case hex. */
  readonly random: (bytes: number) => string;
  readonly signal: AbortSignal;
  /** How the board is left when connecting fails half-way. Default 'auto'. */
  readonly after?: AfterMode;
  /** Speed of the port, as it was opened. */
  readonly baud?: number;
  /** Try this speed for the length of the job; the board stays at `baud` where it can't. */
  readonly fastBaud?: number;
  /** What the first exec brings besides the questions. Default: what a comparison takes. */
  readonly purpose?: BoardPurpose;
  readonly onTraffic?: TrafficListener;
  readonly onStep?: (step: ConnectStep) => void;
}

/** All of leaving: removing the agent, the prompt, the restart. Closing the port has its own limit. */
const LEAVE_MS_MAX = 7000;
/** Below this the board should not hold an agent's source besides compiling it (ESP8266: 30 kB). */
const TIGHT_MEMORY_BYTES = 48 * 1024;
/** Below this it gets the agent in small pieces, and small frames. */
const SMALLEST_MEMORY_BYTES = 24 * 1024;
const SMALL_PAYLOAD_BYTES = 240;
/** From here on frames of plain contents may be long: half a percent less on the wire. */
const ROOMY_MEMORY_BYTES = 64 * 1024;
const WATCHDOG_MS_MAX = 3000;
const WATCHDOG_HELD = `print('~',any('WDT'in str(type(o))for m in[globals()]+[x.__dict__ for x in __import__('sys').modules.values()]for o in m.values()))`;
const HARD_RESET_MS = 500;
const BAUD_DEFAULT = 115_200;
const HARD_RESET =
  'try:\n import machine\n machine.reset()\nexcept ImportError:\n import microcontroller\n microcontroller.reset()';

/**
 * Takes over an open port: it is closed by `leave`, or here when connecting fails. Throws
 * `repl/no-prompt`, `board/not-micropython`, `port/lost`, `job/cancelled` and what identify.ts throws.
 */
export async function connectBoard(
  port: BytePort,
  options: ConnectOptions,
): Promise<BoardConnection> {
  const board = new LiveBoard(port, options);
  try {
    await board.connect(options);
    return board;
  } catch (error) {
    // What stopped us is the news; how leaving went is not.
    await board.leave(options.after ?? 'auto').catch(() => {});
    throw error;
  }
}

/**
 * A soft reset would take away the program's last hold on its watchdog, and the watchdog itself
 * would run on (rp2, esp32: it cannot be stopped): then nothing could feed it.
 */
async function holdsWatchdog(session: ReplSession, signal: AbortSignal): Promise<boolean> {
  try {
    const output = await session.exec(WATCHDOG_HELD, { timeoutMs: WATCHDOG_MS_MAX, signal });
    return Buffer.from(output).includes('~ True');
  } catch (error) {
    // Boards without sys.modules or generators have no watchdog that could be found.
    if (isBelayError(error, 'repl/exec-failed') || isBelayError(error, 'repl/timeout'))
      return false;
    throw error;
  }
}

class LiveBoard implements BoardConnection {
  readonly portName: string;
  readonly usbSerial: string | null;
  readonly #port: BytePort;
  readonly #session: ReplSession;
  readonly #clock: SessionClock;
  #arrival: EnterRawResult | null = null;
  #agent: Agent | null = null;
  #fs: BoardFs | null = null;
  #left: Promise<void> | null = null;
  readonly #baud: number;
  #fastBaud: number | null = null;

  constructor(port: BytePort, options: ConnectOptions) {
    this.#port = port;
    this.#clock = options.clock;
    this.#baud = options.baud ?? BAUD_DEFAULT;
    this.portName = port.name;
    this.usbSerial = port.usb?.serialNumber ?? null;
    this.#session = new ReplSession(port, options.clock);
    this.#session.onTraffic = options.onTraffic ?? null;
  }

  async connect(options: ConnectOptions): Promise<void> {
    const { signal } = options;
    options.onStep?.('interrupting');
    const entering = this.#session.enterRaw({ signal });
    // While the board answers.
    prepareFirst(options.purpose);
    this.#arrival = await entering;
    const { noise, wasRaw } = this.#arrival;
    // Raw mode that somebody left behind may be aiorepl's imitation, which only a reset tells apart.
    const disturbed = this.programInterrupted || wasRaw || noise.length > 0;
    if (disturbed) await this.#resetSoftly(options);
    if (options.fastBaud !== undefined) await this.#raiseBaud(options.fastBaud, signal);
    const identity = await this.#identified(options);
    const freeBytes = identity.upload.freeMemoryBytes ?? Number.POSITIVE_INFINITY;
    this.#session.byRawPaste ||= freeBytes < TIGHT_MEMORY_BYTES;
    this.#agent = this.#agentFor(identity, freeBytes, options);
    this.#fs = boardFsOf(this.#agent, identity, options.clock);
    options.onStep?.('connected');
  }

  /** A program that has ended may have left the memory full of what it made. */
  async #identified(options: ConnectOptions): Promise<Identity> {
    options.onStep?.('identifying');
    try {
      return await identifyBoard(this.#session, options);
    } catch (error) {
      if (!isBelayError(error, 'board/memory') || this.#session.softResets > 0) throw error;
      if (!(await this.#resetSoftly(options))) throw error;
    }
    options.onStep?.('identifying');
    return identifyBoard(this.#session, options);
  }

  /** False where a watchdog would bite without the program that holds it. */
  async #resetSoftly({ signal, onStep }: ConnectOptions): Promise<boolean> {
    if (await holdsWatchdog(this.#session, signal)) return false;
    onStep?.('resetting');
    await this.#session.softReset({ signal });
    return true;
  }

  #agentFor(identity: Identity, freeBytes: number, { random }: ConnectOptions): Agent {
    const agent = new Agent(this.#session, identity.rungs, random);
    agent.isTight = freeBytes < SMALLEST_MEMORY_BYTES;
    // Inflating takes a window of 2 kB and a kilobyte besides.
    agent.form = agent.isTight ? 'plain' : identity.form;
    agent.holds(identity.parts);
    if (agent.isTight) agent.limitPayload(SMALL_PAYLOAD_BYTES);
    agent.mayReset = identity.info.probe['watchdogs'] === 0;
    agent.backPressure = hasBackPressure(this.#port.usb?.vendorId);
    if (identity.rungs.output === 'raw') {
      const { freeMemoryBytes } = identity.upload;
      agent.packShape = packShape(freeMemoryBytes);
      if (identity.rungs.check === 'crc32' && (freeMemoryBytes ?? 0) >= ROOMY_MEMORY_BYTES)
        agent.plainPayloadBytes = LONG_FRAME_PAYLOAD_BYTES;
    }
    return agent;
  }

  get fs(): BoardFs {
    if (this.#fs === null) throw new Error('the board is not connected yet');
    return this.#fs;
  }

  get info(): BoardInfo {
    const { info } = this.fs;
    return this.#fastBaud === null
      ? info
      : { ...info, probe: { ...info.probe, fastBaud: this.#fastBaud } };
  }

  get programInterrupted(): boolean {
    return this.#arrival?.programInterrupted ?? false;
  }

  counters(): WireCounters {
    return this.#session.counters();
  }

  /** Throws `board/silent` where a board that is still there does not answer any more. */
  leave(after: AfterMode): Promise<void> {
    this.#left ??= this.#leave(after);
    return this.#left;
  }

  async #leave(after: AfterMode): Promise<void> {
    const limit = new AbortController();
    const settled = new AbortController();
    void this.#clock
      .delay(LEAVE_MS_MAX, settled.signal)
      .catch(() => {})
      .then(() => limit.abort());
    try {
      // Nothing was entered: the board is as it was, or does not talk at all.
      if (this.#arrival !== null && !this.#session.isClosed)
        await this.#tidyUp(after, limit.signal);
    } catch (error) {
      if (!this.#session.isClosed && !isBelayError(error, 'port/lost')) throw this.#silent(error);
    } finally {
      settled.abort();
      await this.#port.close();
    }
  }

  async #tidyUp(after: AfterMode, signal: AbortSignal): Promise<void> {
    await this.#session.settled();
    await this.#lowerBaud(signal);
    if (after === 'hard-reset') return this.#hardReset(signal);
    if (this.#restarts(after)) {
      await this.#session.exitRaw({ restart: true, signal });
      return;
    }
    const source = this.#agent?.farewell ?? farewell(null);
    if (await this.#session.exitRawAfter(source, { signal })) return;
    await this.#session.exec(source, { timeoutMs: LEAVE_MS_MAX, signal });
    await this.#session.exitRaw({ signal });
  }

  /** A board that was in raw mode had lost its program to another tool: it gets it back as well. */
  #restarts(after: AfterMode): boolean {
    if (after !== 'auto') return after === 'soft-reset';
    return (
      this.programInterrupted || (this.#arrival?.wasRaw ?? false) || this.#session.softResets > 0
    );
  }

  async #raiseBaud(fastBaud: number, signal: AbortSignal): Promise<void> {
    const parts = { session: this.#session, port: this.#port, clock: this.#clock, signal };
    if (await changeBaud(parts, this.#baud, fastBaud)) this.#fastBaud = fastBaud;
  }

  /** Whatever comes next, the board's next host finds it at the speed that it had. */
  async #lowerBaud(signal: AbortSignal): Promise<void> {
    if (this.#fastBaud === null) return;
    const parts = { session: this.#session, port: this.#port, clock: this.#clock, signal };
    await changeBaud(parts, this.#fastBaud, this.#baud);
    this.#fastBaud = null;
  }

  /** The board goes away in the middle of the answer, and its port often with it. */
  async #hardReset(signal: AbortSignal): Promise<void> {
    const reset = this.#session.exec(HARD_RESET, { timeoutMs: HARD_RESET_MS, signal });
    await reset.catch((error: unknown) => {
      if (isBelayError(error, 'repl/exec-failed')) throw error;
    });
  }

  #silent(cause: unknown): BelayError {
    return new BelayError(
      'board/silent',
      `${this.portName}: the board did not answer when it was to be left`,
      {
        cause,
        hint: 'Press its reset button, or unplug it and plug it in again, to start its program',
      },
    );
  }
}
