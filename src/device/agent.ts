/**
 * The agent on a board: sends the parts that a job needs (each once), runs framed jobs, and asks
 * again for what was lost. What a job means is its owner's business (scan.ts, read-files.ts).
 */
import { type BelayError, cancelled, isBelayError, throwIfAborted } from '../core/errors.js';
import { LONG_CALL_SILENCE_MS_MAX } from '../core/limits.js';
import type { ReplSession } from '../transport/repl-session.js';
import { isAgentGone, isOutOfMemory, noProgress, outOfMemory, wasReset } from './agent-failure.js';
import { type AgentPart, AgentParts } from './agent-parts.js';
import type { FrameCheck } from './frame-check.js';
import { FrameIntake } from './frame-intake.js';
import { FrameRound } from './frame-round.js';
import { FRAME_PAYLOAD_BYTES } from './frames.js';
import { farewell, shortName } from './helper-source.js';
import { isLoud, isTorn, type RoundFigures, smallerPayload } from './line-noise.js';
import type { PackShape } from './pack-shape.js';
import { firstExec, type SourceForm } from './source-form.js';
import type { OutputRung } from './text-frames.js';

/** What the probe chose, rung by rung. */
export interface AgentRungs {
  readonly output: OutputRung;
  readonly check: FrameCheck;
  readonly hash: 'sha256' | 'new' | 'crc32' | 'none';
  readonly listing: 'ilistdir' | 'listdir';
}

export interface FramedJob {
  /** Parts of firmware-helpers beyond the stream itself, e.g. `['list']`. */
  readonly parts: readonly AgentPart[];
  /** `function,(arguments)` of the agent's job, in its short names. */
  readonly call: string;
  /** Contents as they are, nothing compressed: frames may be long. */
  readonly isPlain?: boolean;
  /** Paths (with a leading slash, as Python literals) that the walk leaves out. */
  readonly skipped: readonly string[];
  /** Payloads in order. */
  take(payload: Uint8Array): void;
  /** Stream offset from which the board can begin again, and the call that does so. */
  restart(): { readonly offset: number; readonly call: string };
}

/** A source of 2 kB arrives damaged one time in five where one byte in 10,000 is. */
const WITHOUT_PROGRESS_MAX = 5;
/** So often without progress, frames of this size do not come through. */
const IDLE_ROUNDS_AS_THEY_ARE = 2;
const WANTED_AT_ONCE_MAX = 150;

export class Agent {
  readonly #session: ReplSession;
  readonly #random: (bytes: number) => string;
  readonly #parts = new AgentParts();
  readonly rungs: AgentRungs;
  /** Bytes of payload in a frame; small where the check is weak or the line noisy. */
  payloadBytes: number;
  /** And in a frame of plain contents, where the board has room for more. */
  plainPayloadBytes: number;
  /** The port is the board's own USB: it makes the host wait instead of losing bytes. */
  backPressure = false;
  /** How the board may compress what it sends; null where it has no room, or was found too slow. */
  packShape: PackShape | null = null;
  /** Slower than this for a kilobyte, the board sends plain frames; null: half of what the wire takes for it. */
  packLimitUs: number | null = null;
  /** How long the board takes to compress a kilobyte; null until it has. */
  kilobyteUs: number | null = null;
  /** Little memory: parts come one by one, as they are, and frames are small. */
  isTight = false;
  /** A soft reset is still to be had, and no watchdog would bite without its program. */
  mayReset = false;
  #strayBytes = 0;
  #repairs = 0;
  /** The user's program prints between our frames: it is silenced with the next exec. */
  #isLoud = false;

  constructor(session: ReplSession, rungs: AgentRungs, random: (bytes: number) => string) {
    this.#session = session;
    this.#random = random;
    this.rungs = rungs;
    this.payloadBytes = rungs.check === 'fletcher' ? 48 : FRAME_PAYLOAD_BYTES;
    this.plainPayloadBytes = this.payloadBytes;
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

  /** How sources go to this board. */
  get form(): SourceForm {
    return this.#parts.form;
  }

  set form(form: SourceForm) {
    this.#parts.form = form;
  }

  /** Parts that the board has got already. */
  holds(parts: readonly string[]): void {
    this.#parts.add(parts);
  }

  /** Frames get no longer than this. */
  limitPayload(bytes: number): void {
    this.payloadBytes = Math.min(this.payloadBytes, bytes);
    this.plainPayloadBytes = Math.min(this.plainPayloadBytes, bytes);
  }

  /** With what a frame's number adds to it, still a small int of the board. */
  newNonce(): number {
    return Number.parseInt(this.#random(4), 16) & 0x1fffffff;
  }

  /** Parts not yet on the board, with `source` behind them, as one exec. */
  withParts(parts: readonly AgentPart[], source: string): ReturnType<AgentParts['before']> {
    return this.#parts.before(parts, source);
  }

  streamParts(): readonly string[] {
    const { output, check, hash, listing } = this.rungs;
    const quiet = this.#isLoud ? ['quiet'] : [];
    const own = [`list-${listing}`, `put-${output}`, `hash-${hash}`, `check-${check}`, 'stream'];
    return [...quiet, ...own];
  }

  /** What takes the agent off the board, and gives the user's program its voice back. */
  get farewell(): string {
    return farewell(this.#parts.has('quiet') ? `${shortName('speak')}()` : null);
  }

  /** Runs the job until every frame has come. Throws board/integrity, board/silent, or what the wire threw. */
  async run(job: FramedJob, signal: AbortSignal): Promise<void> {
    const intake = new FrameIntake((payload) => job.take(payload));
    let start = { offset: 0, call: job.call };
    // Where something was lost before, a long frame would be lost too often.
    const isLong = job.isPlain && this.#repairs === 0;
    let payloadBytes = isLong ? this.plainPayloadBytes : this.payloadBytes;
    let idleRounds = 0;
    for (;;) {
      throwIfAborted(signal);
      const { news } = intake;
      const { problem, figures } = await this.#round(
        job,
        intake,
        { ...start, payloadBytes },
        signal,
      );
      if (intake.order.complete) return;
      const progressed = intake.news > news;
      // Memory may be in pieces, or full of what a program left behind.
      if (isOutOfMemory(problem) && !progressed && !(await this.#resetSoftly(signal)))
        throw outOfMemory(problem);
      idleRounds = progressed ? 0 : idleRounds + 1;
      if (idleRounds >= WITHOUT_PROGRESS_MAX) throw problem ?? noProgress(intake.order);
      this.#repairs += 1;
      start = job.restart();
      if (isTorn(figures) || idleRounds >= IDLE_ROUNDS_AS_THEY_ARE) {
        await this.#calm(signal);
        payloadBytes = smallerPayload(payloadBytes);
        this.limitPayload(payloadBytes);
        intake.resize(start.offset, payloadBytes);
      }
    }
  }

  /** The program is silenced with the next exec; where that did not help, a soft reset ends it. */
  async #calm(signal: AbortSignal): Promise<void> {
    const isQuiet = this.#isLoud && this.#parts.has('quiet');
    this.#isLoud = true;
    if (isQuiet) await this.#resetSoftly(signal);
  }

  /** Once, where nothing is lost by it; false where that is over or not to be done. */
  async #resetSoftly(signal: AbortSignal): Promise<boolean> {
    if (!this.mayReset) return false;
    this.mayReset = false;
    await this.#session.softReset({ signal });
    this.#parts.forget();
    const options = { timeoutMs: LONG_CALL_SILENCE_MS_MAX, signal };
    await this.#session.exec(firstExec(this.form), options);
    return true;
  }

  async #round(
    job: FramedJob,
    intake: FrameIntake,
    start: { readonly offset: number; readonly call: string; readonly payloadBytes: number },
    signal: AbortSignal,
  ): Promise<{ readonly problem: BelayError | null; readonly figures: RoundFigures }> {
    const { payloadBytes } = start;
    const { order } = intake;
    const nonce = this.newNonce();
    const sequence = Math.floor(start.offset / payloadBytes);
    const position = 6 + (start.offset % payloadBytes);
    const wanted = order.missing(WANTED_AT_ONCE_MAX);
    const skipped = job.skipped.map((path) => `${path},`).join('');
    const parts = [...this.streamParts(), ...job.parts];
    const early = this.isTight ? await this.#loadOneByOne(parts, signal) : null;
    const exec = this.withParts(
      parts,
      `${shortName('job')}(${start.call},${nonce},${payloadBytes + 6},(${skipped}),${sequence},${position},(${wanted.map((each) => `${each},`).join('')}))`,
    );
    order.begin(sequence);
    const before = order.accepted;
    const stop = new AbortController();
    const round = new FrameRound({
      ...this.rungs,
      nonce,
      payloadBytes,
      order,
      take: intake.deliver,
      begun: exec.loaded,
      stop: () => stop.abort(),
    });
    const problem = early ?? (await this.#stream(exec.source, round, signal, stop.signal));
    const whole = order.accepted - before;
    const expected = wanted.length > 0 ? wanted.length : whole + order.gaps;
    const lost = round.hasBegun ? expected - whole : 0;
    const figures = { payloadBytes, strayBytes: round.strayBytes, whole, lost };
    this.#strayBytes += round.strayBytes;
    this.#isLoud ||= isLoud(figures);
    return { problem, figures };
  }

  /** Null, or why they could not be loaded. */
  async #loadOneByOne(
    parts: readonly AgentPart[],
    signal: AbortSignal,
  ): Promise<BelayError | null> {
    try {
      await this.#parts.loadOneByOne(this.#session, parts, signal);
      return null;
    } catch (error) {
      return this.#retryable(error, signal);
    }
  }

  /** Null, or what ended the stream early and may be tried again. */
  async #stream(
    source: string | Uint8Array,
    round: FrameRound,
    signal: AbortSignal,
    stopped: AbortSignal,
  ): Promise<BelayError | null> {
    try {
      await this.#session.stream(source, round, { signal: AbortSignal.any([signal, stopped]) });
      return null;
    } catch (error) {
      round.flush();
      const problem = this.#retryable(error, signal);
      if (round.failure !== null) throw round.failure;
      return problem;
    }
  }

  /** What can be tried again; all else is thrown. */
  #retryable(error: unknown, signal: AbortSignal): BelayError {
    if (signal.aborted) throw isBelayError(error, 'job/cancelled') ? error : cancelled();
    if (!isBelayError(error) || error.code.startsWith('port/')) throw error;
    if (!this.#parts.isEmpty && isAgentGone(error)) throw wasReset(error);
    return error;
  }
}
