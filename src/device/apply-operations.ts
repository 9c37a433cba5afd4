/** Carries a restore's operations out through the agent, and survives its death half-way. */
import { BelayError, throwIfAborted } from '../core/errors.js';
import type { SessionClock } from '../transport/repl-session.js';
import type { Agent } from './agent.js';
import { isOutOfMemory, outOfMemory } from './agent-failure.js';
import { TIME_PARTS, withTimes } from './agent-times.js';
import type { ApplyEvent, ApplyOptions, BoardInfo, BoardOperation } from './device-fs.js';
import { codeOfErrno, errnoText } from './errno.js';
import { EventQueue } from './event-queue.js';
import { shortName } from './helper-source.js';
import type { UploadRungs } from './identity.js';
import { type PutOperation, UploadDigests } from './upload-digests.js';
import { uploadRoomBytes } from './upload-frames.js';
import { UploadLink } from './upload-link.js';
import { UploadMeter } from './upload-meter.js';
import { type UploadPace, uploadPace } from './upload-pace.js';
import { bytesSaved, packed, packingFor } from './upload-packing.js';
import { isTemporary, temporaryRoot } from './upload-staging.js';
import { encodeStep, type UploadStep, uploadSteps, verifySteps } from './upload-steps.js';
import { wipe } from './wipe.js';

const WITHOUT_PROGRESS_MAX = 3;
const WIPE_MS_MAX = 15_000;
/** upload.py: what the flash holds differs from what was sent. */
const HASH_DIFFERS = 251;
/** A round that ended without progress may have had too large a window for the board's memory. */
const WINDOW_BITS_LESS = 3;

export interface ApplyParts {
  readonly agent: Agent;
  readonly clock: SessionClock;
  readonly rungs: UploadRungs;
  readonly info: BoardInfo;
}

export async function* applyOperations(
  parts: ApplyParts,
  operations: readonly BoardOperation[],
  options: ApplyOptions,
): AsyncGenerator<ApplyEvent> {
  const queue = new EventQueue<ApplyEvent>();
  const applying = new Applying(parts, operations, options, queue);
  applying.run().then(
    () => queue.end(),
    (error: unknown) => queue.fail(error),
  );
  yield* queue;
}

class Applying {
  readonly #agent: Agent;
  readonly #clock: SessionClock;
  readonly #rungs: UploadRungs;
  readonly #options: ApplyOptions;
  readonly #queue: EventQueue<ApplyEvent>;
  readonly #pace: UploadPace;
  readonly #digests: UploadDigests;
  /** Those not over yet may change: a check that fails is followed by its files one by one. */
  #steps: UploadStep[];
  readonly #failed = new Set<BoardOperation>();
  /** Temporary names that the board may hold. */
  readonly #staged = new Set<string>();
  #settled = 0;
  #stopped = false;

  constructor(
    parts: ApplyParts,
    operations: readonly BoardOperation[],
    options: ApplyOptions,
    queue: EventQueue<ApplyEvent>,
  ) {
    this.#agent = parts.agent;
    this.#clock = parts.clock;
    this.#rungs = parts.rungs;
    this.#options = options;
    this.#queue = queue;
    this.#pace = uploadPace({
      backPressure: parts.agent.backPressure,
      freeMemoryBytes: parts.rungs.freeMemoryBytes,
    });
    this.#digests = new UploadDigests(parts.agent.rungs.hash);
    this.#steps = [...withTimes(uploadSteps(operations, options), options.times, parts.info)];
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    let idleRounds = 0;
    try {
      while (this.#settled < this.#steps.length && !this.#stopped) {
        throwIfAborted(signal);
        const before = this.#settled;
        this.#plan();
        const problem = await this.#round(idleRounds, signal);
        if (this.#settled >= this.#steps.length || this.#stopped) break;
        await this.#askResults(before, signal);
        idleRounds = this.#settled > before ? 0 : idleRounds + 1;
        if (idleRounds >= WITHOUT_PROGRESS_MAX) throw whyNot(problem);
      }
    } finally {
      await this.#wipeStaged();
    }
  }

  /** What is still to be done: nothing for what has failed; a check covers the files of one exec only. */
  #plan(): void {
    const over = new Set(this.#steps.slice(0, this.#settled));
    const hasFailed = (step: UploadStep) =>
      step.operation !== null && this.#failed.has(step.operation);
    const due = this.#steps.slice(this.#settled).flatMap((step): UploadStep[] => {
      if (hasFailed(step)) return [];
      if (step.kind !== 'check') return [step];
      const files = (step.files ?? []).filter((file) => !hasFailed(file));
      const earlier = verifySteps({ ...step, files: files.filter((file) => over.has(file)) });
      const fresh = files.filter((file) => !over.has(file));
      return fresh.length === 0 ? [...earlier] : [...earlier, { ...step, files: fresh }];
    });
    this.#steps = [...this.#steps.slice(0, this.#settled), ...due];
  }

  async #round(idleRounds: number, signal: AbortSignal): Promise<BelayError | null> {
    const base = this.#settled;
    if (base === this.#steps.length) return null;
    const savedBytes = await bytesSaved(this.#putsFrom(base));
    const packing = packingFor(this.#rungs, idleRounds * WINDOW_BITS_LESS, savedBytes);
    const { pieceBytes, payloadBytes, frames } = this.#pace;
    const { times } = this.#options;
    const meter = new UploadMeter();
    const timing = times === undefined ? [] : [TIME_PARTS[times.rung]];
    const onTaken = (contentBytes: number) => {
      for (const sent of meter.taken(contentBytes)) this.#queue.push({ kind: 'sent', ...sent });
    };
    const link = new UploadLink(this.#agent, this.#clock, {
      parts: ['hash-file', `inflate-${packing.kind}`, 'upload', ...timing],
      call: `${shortName('apply_job')},(${packing.windowBits},${uploadRoomBytes(payloadBytes)},${this.#options.keepGoing ? 0 : 1},${pieceBytes},${base},${frames})`,
      skipped: [],
      pace: this.#pace,
      content: meter.packed(packed(this.#plain(base, meter), packing)),
      onTaken,
      onResults: (count, errorNumber) => {
        // Results come in order; those that were lost are asked for afterwards.
        while (this.#settled < base + count - 1) this.#settle(0);
        if (this.#settled === base + count - 1) this.#settle(errorNumber);
      },
    });
    const problem = await link.run(signal);
    if (problem === null) onTaken(Number.POSITIVE_INFINITY);
    return problem;
  }

  #putsFrom(base: number): readonly PutOperation[] {
    const puts = this.#steps.slice(base).filter((step) => step.kind === 'put');
    return puts.map((step) => step.operation as PutOperation);
  }

  async *#plain(base: number, meter: UploadMeter): AsyncGenerator<Uint8Array> {
    for (const step of this.#steps.slice(base)) {
      let isHead = true;
      const temporary = temporaryRoot(step.path);
      if (temporary !== null) this.#staged.add(temporary);
      for await (const bytes of encodeStep(step, this.#digests)) {
        const isContent = !isHead && step.kind === 'put';
        meter.read(isContent ? step.operation : null, bytes.length);
        isHead = false;
        yield bytes;
      }
    }
    yield Uint8Array.of(0);
  }

  #settle(errorNumber: number): void {
    const step = this.#steps[this.#settled];
    if (step === undefined) return;
    this.#settled += 1;
    if (step.kind === 'check') {
      this.#settleCheck(step, errorNumber);
      return;
    }
    const { operation } = step;
    if (operation === null) return;
    if (step.kind === 'rename' && errorNumber === 0) this.#staged.delete(step.path);
    if (this.#failed.has(operation)) return;
    if (errorNumber === 0) {
      this.#achieved(step, operation);
      return;
    }
    // A folder that gets its name later must not bring it.
    if (step.kind === 'verify' && isTemporary(step.path))
      this.#steps.splice(this.#settled, 0, removalOf(step.path));
    this.#fail([operation, ...(step.brings ?? [])], errorNumber);
  }

  #fail(operations: readonly BoardOperation[], errorNumber: number): void {
    const [code, reason] =
      errorNumber === HASH_DIFFERS
        ? (['board/integrity', 'what the board holds differs from what was sent'] as const)
        : ([codeOfErrno(errorNumber), errnoText(errorNumber)] as const);
    for (const operation of operations) {
      if (this.#failed.has(operation)) continue;
      this.#failed.add(operation);
      const message = `/${operation.path}: ${reason}`;
      this.#queue.push({ kind: 'failed', operation, code, message });
    }
    if (!this.#options.keepGoing) this.#stopped = true;
  }

  #achieved(step: UploadStep, operation: BoardOperation): void {
    if (step.meaning === 'staged') this.#queue.push({ kind: 'staged', operation });
    if (step.meaning !== 'done') return;
    for (const each of [operation, ...(step.brings ?? [])])
      if (!this.#failed.has(each)) this.#queue.push({ kind: 'done', operation: each });
  }

  /** The agent stops at a check that fails: which file it is comes out one by one. */
  #settleCheck(check: UploadStep, errorNumber: number): void {
    const files = (check.files ?? []).filter(
      (file) => file.operation !== null && !this.#failed.has(file.operation),
    );
    const single = verifySteps({ ...check, files });
    if (errorNumber !== 0) this.#steps.splice(this.#settled, 0, ...single);
    else for (const step of single) this.#achieved(step, step.operation as BoardOperation);
  }

  /** The results that the agent keeps, for what was lost on the way or an agent that died. */
  async #askResults(base: number, signal: AbortSignal): Promise<void> {
    const bytes: number[] = [];
    const call = `${shortName('results_job')},(${base},)`;
    await this.#agent.run(
      {
        parts: ['hash-file', 'upload', 'results'],
        call,
        skipped: [],
        take: (payload) => bytes.push(...payload),
        restart: () => ({ offset: 0, call }),
      },
      signal,
    );
    for (const errorNumber of bytes.slice(this.#settled - base)) this.#settle(errorNumber);
  }

  /** What no rename used: after a failure, or when the user stopped. */
  async #wipeStaged(): Promise<void> {
    if (this.#staged.size === 0) return;
    try {
      await wipe(this.#agent, [...this.#staged], AbortSignal.timeout(WIPE_MS_MAX));
    } catch {
      // A board that is gone keeps them; the next run sweeps.
    }
  }
}

function removalOf(path: string): UploadStep {
  return { operation: null, meaning: 'none', kind: 'delete-file', path };
}

/** What a board has died of that does not get on with its steps. */
function whyNot(problem: BelayError | null): BelayError {
  if (isOutOfMemory(problem)) return outOfMemory(problem);
  return (
    problem ??
    new BelayError('board/integrity', 'the board did not carry out a step and did not say why')
  );
}
