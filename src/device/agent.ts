/**
 * The agent on a board: sends the parts that a job needs (each once), runs framed jobs, and asks
 * again for what was lost. What a job means is its owner's business (scan.ts, read-files.ts).
 */
import { BelayError, cancelled, isBelayError, throwIfAborted } from '../core/errors.js';
import { LONG_CALL_SILENCE_MS_MAX, SILENCE_MS_MAX } from '../core/limits.js';
import type { ReplSession, StreamConsumer } from '../transport/repl-session.js';
import type { FrameCheck } from './frame-check.js';
import { FrameOrder } from './frame-order.js';
import { FRAME_PAYLOAD_BYTES_MAX } from './frames.js';
import {
  bytesLiteralOfPath,
  checkedExec,
  deflatedExec,
  helperPart,
  shortName,
} from './helper-source.js';
import type { PackShape } from './pack-shape.js';
import { frameSource, type OutputRung } from './text-frames.js';

/** What the probe chose, rung by rung. */
export interface AgentRungs {
  readonly output: OutputRung;
  readonly check: FrameCheck;
  readonly hash: 'sha256' | 'new' | 'crc32' | 'none';
  readonly listing: 'ilistdir' | 'listdir';
}

/** A file of firmware-helpers, or text made for this job that is sent once under its name. */
export type AgentPart = string | { readonly name: string; readonly source: string };

export interface FramedJob {
  /** Parts of firmware-helpers beyond the stream itself, e.g. `['list']`. */
  readonly parts: readonly AgentPart[];
  /** `function,(arguments)` of the agent's job, in its short names. */
  readonly call: string;
  /** Paths (with a leading slash, as Python literals) that the walk leaves out. */
  readonly skipped: readonly string[];
  /** Payloads in order. */
  take(payload: Uint8Array): void;
  /** Stream offset from which the board can begin again, and the call that does so. */
  restart(): { readonly offset: number; readonly call: string };
}

/** Shorter sources gain nothing by being deflated. */
const DEFLATED_BYTES_MIN = 200;
const REMOVED_AT_ONCE = 20;
/** A source of 2 kB arrives damaged one time in five where one byte in 10,000 is. */
const WITHOUT_PROGRESS_MAX = 5;
const WANTED_AT_ONCE_MAX = 150;
/** Frames that wait behind a gap: beyond this the stream is stopped and begun again at the gap. */
const HELD_BYTES_MAX = 8 * 1024 * 1024;

export class Agent {
  readonly #session: ReplSession;
  readonly #random: (bytes: number) => string;
  readonly #loaded = new Set<string>();
  readonly rungs: AgentRungs;
  /** Bytes of payload in a frame; small where the check is weak or the line noisy. */
  payloadBytes: number;
  /** The board can inflate: sources go deflated. */
  inflates = false;
  /** The port is the board's own USB: it makes the host wait instead of losing bytes. */
  backPressure = false;
  /** How the board may compress what it sends; null where it has no room, or was found too slow. */
  packShape: PackShape | null = null;
  /** Slower than this for a kilobyte, the board sends plain frames; null: half of what the wire takes for it. */
  packLimitUs: number | null = null;
  /** How long the board takes to compress a kilobyte; null until it has. */
  kilobyteUs: number | null = null;
  #strayBytes = 0;
  #repairs = 0;

  constructor(session: ReplSession, rungs: AgentRungs, random: (bytes: number) => string) {
    this.#session = session;
    this.#random = random;
    this.rungs = rungs;
    this.payloadBytes = rungs.check === 'fletcher' ? 48 : FRAME_PAYLOAD_BYTES_MAX;
  }

  get session(): ReplSession {
    return this.#session;
  }

  /** Bytes between frames so far: the user's program, or damage. */
  get strayBytes(): number {
    return this.#strayBytes;
  }

  /** Rounds that asked for lost frames. */
  get repairs(): number {
    return this.#repairs;
  }

  /** The board was reset: nothing of the agent is there any more. */
  forget(): void {
    this.#loaded.clear();
  }

  newNonce(): number {
    return Number.parseInt(this.#random(4), 16) & 0x3fffffff;
  }

  /** Parts not yet on the board, with `source` behind them, as one exec. */
  withParts(
    parts: readonly AgentPart[],
    source: string,
  ): { readonly source: string | Uint8Array; loaded(): void } {
    const absent = parts.filter((part) => !this.#loaded.has(nameOfPart(part)));
    const text = [
      ...absent.map((part) => (typeof part === 'string' ? helperPart(part) : part.source)),
      source,
    ].join('\n');
    return {
      source:
        this.inflates && text.length > DEFLATED_BYTES_MIN ? deflatedExec(text) : checkedExec(text),
      loaded: () => {
        for (const part of absent) this.#loaded.add(nameOfPart(part));
      },
    };
  }

  streamParts(): readonly string[] {
    const { output, check, hash, listing } = this.rungs;
    return [`list-${listing}`, `put-${output}`, `hash-${hash}`, `check-${check}`, 'stream'];
  }

  /** Deletes files, those that are not there left aside. */
  async removeFiles(paths: readonly string[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < paths.length; at += REMOVED_AT_ONCE) {
      const tuple = paths
        .slice(at, at + REMOVED_AT_ONCE)
        .map((path) => `${bytesLiteralOfPath(path)},`)
        .join('');
      const source = `for x in(${tuple}):\n try:os.remove(x)\n except OSError:pass`;
      await this.#session.exec(checkedExec(source), {
        timeoutMs: LONG_CALL_SILENCE_MS_MAX,
        signal,
      });
    }
  }

  /** Runs the job until every frame has come. Throws board/integrity, board/silent, or what the wire threw. */
  async run(job: FramedJob, signal: AbortSignal): Promise<void> {
    const order = new FrameOrder();
    let start = { offset: 0, call: job.call };
    let idleRounds = 0;
    for (;;) {
      throwIfAborted(signal);
      const before = order.accepted + (order.total === null ? 0 : 1);
      const problem = await this.#round(job, order, start, signal);
      if (order.complete) return;
      idleRounds = order.accepted + (order.total === null ? 0 : 1) > before ? 0 : idleRounds + 1;
      if (idleRounds >= WITHOUT_PROGRESS_MAX) throw problem ?? noProgress(order);
      this.#repairs += 1;
      start = job.restart();
    }
  }

  async #round(
    job: FramedJob,
    order: FrameOrder,
    start: { readonly offset: number; readonly call: string },
    signal: AbortSignal,
  ): Promise<BelayError | null> {
    const nonce = this.newNonce();
    const sequence = Math.floor(start.offset / this.payloadBytes);
    const position = 6 + (start.offset % this.payloadBytes);
    const wanted = order.missing(WANTED_AT_ONCE_MAX);
    const skipped = job.skipped.map((path) => `${path},`).join('');
    const exec = this.withParts(
      [...this.streamParts(), ...job.parts],
      `${shortName('job')}(${start.call},${nonce},${this.payloadBytes + 6},(${skipped}),${sequence},${position},(${wanted.map((each) => `${each},`).join('')}))`,
    );
    order.begin(sequence);
    const stop = new AbortController();
    const consumer = new RoundConsumer(this, order, nonce, job, exec.loaded, () => stop.abort());
    try {
      await this.#session.stream(exec.source, consumer, {
        signal: AbortSignal.any([signal, stop.signal]),
      });
      return null;
    } catch (error) {
      consumer.flush();
      if (signal.aborted) throw isBelayError(error, 'job/cancelled') ? error : cancelled();
      if (!isBelayError(error) || error.code.startsWith('port/')) throw error;
      if (consumer.failure !== null) throw consumer.failure;
      if (this.#loaded.size > 0 && isAgentGone(error)) throw wasReset(error);
      return error;
    } finally {
      this.#strayBytes += consumer.strayBytes;
    }
  }
}

/** Over a UART bridge a reset is not seen as a lost port: the agent is simply not there any more. */
function isAgentGone(error: BelayError): boolean {
  return error.code === 'repl/exec-failed' && /NameError: name '_belay'/.test(error.message);
}

function wasReset(cause: BelayError): BelayError {
  return new BelayError('board/lost', 'the board was reset: the agent is gone from its memory', {
    hint: 'run the command again; a watchdog of the program may be resetting the board',
    cause,
  });
}

function nameOfPart(part: AgentPart): string {
  return typeof part === 'string' ? part : part.name;
}

class RoundConsumer implements StreamConsumer {
  readonly #source;
  readonly #order: FrameOrder;
  readonly #job: FramedJob;
  readonly #loaded: () => void;
  readonly #stop: () => void;
  #over = false;
  hasBegun = false;
  failure: unknown = null;

  constructor(
    agent: Agent,
    order: FrameOrder,
    nonce: number,
    job: FramedJob,
    loaded: () => void,
    stop: () => void,
  ) {
    this.#source = frameSource(agent.rungs.output, { check: agent.rungs.check, nonce });
    this.#order = order;
    this.#job = job;
    this.#loaded = loaded;
    this.#stop = stop;
  }

  get strayBytes(): number {
    return this.#source.strayBytes;
  }

  push(bytes: Uint8Array): { readonly consumed: number; readonly done: boolean } {
    this.#source.push(bytes, this.#take);
    if (!this.#over) return { consumed: bytes.length, done: false };
    return { consumed: Math.max(0, bytes.length - this.#source.pendingBytes), done: true };
  }

  flush(): void {
    if (!this.#over && this.failure === null) this.#source.flush(this.#take);
  }

  silenceMsMax(): number {
    return SILENCE_MS_MAX;
  }

  readonly #take = (frame: { kind: string; sequence: number; payload: Uint8Array }): boolean => {
    this.#loaded();
    this.hasBegun = true;
    if (frame.kind === 'data') {
      try {
        this.#order.accept(frame.sequence, frame.payload, (payload) => this.#job.take(payload));
      } catch (error) {
        this.failure = error;
        this.#stop();
      }
      if (this.#order.heldBytes > HELD_BYTES_MAX) this.#stop();
    } else if (frame.kind === 'end') {
      this.#order.end(frame.sequence);
      this.#over = frame.payload[0] === 0;
    }
    return !this.#over;
  };
}

function noProgress(order: FrameOrder): BelayError {
  return new BelayError(
    'board/integrity',
    `the board sent ${order.next} whole frames and then only damaged ones`,
    {
      hint: 'try another cable or a lower --baud',
      details: { next: order.next, total: order.total },
    },
  );
}
