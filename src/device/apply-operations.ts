/** Carries a restore's operations out through the agent, and survives its death half-way. */
import { crc32, createDeflateRaw } from 'node:zlib';
import { BelayError, throwIfAborted } from '../core/errors.js';
import type { SessionClock } from '../transport/repl-session.js';
import type { Agent } from './agent.js';
import type { ApplyEvent, ApplyOptions, BoardOperation } from './device-fs.js';
import { codeOfErrno, errnoText } from './errno.js';
import { EventQueue } from './event-queue.js';
import { shortName } from './helper-source.js';
import type { UploadRungs } from './identify.js';
import { PIECE_BYTES, UploadLink, UPLOAD_ROOM_BYTES } from './upload-link.js';
import { encodeStep, type PutOperation, type UploadStep, uploadSteps } from './upload-steps.js';

const WITHOUT_PROGRESS_MAX = 3;
/** upload.py: what was written differs from what was sent. */
const SWEEP_MS_MAX = 5000;
const HASH_DIFFERS = 251;

export async function* applyOperations(
  parts: { readonly agent: Agent; readonly clock: SessionClock; readonly rungs: UploadRungs },
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
  readonly #steps: readonly UploadStep[];
  readonly #failed = new Set<BoardOperation>();
  readonly #staged = new Map<string, UploadStep>();
  #settled = 0;
  #stopped = false;

  constructor(
    parts: { readonly agent: Agent; readonly clock: SessionClock; readonly rungs: UploadRungs },
    operations: readonly BoardOperation[],
    options: ApplyOptions,
    queue: EventQueue<ApplyEvent>,
  ) {
    this.#agent = parts.agent;
    this.#clock = parts.clock;
    this.#rungs = parts.rungs;
    this.#options = options;
    this.#queue = queue;
    this.#steps = uploadSteps(operations, options);
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    let idleRounds = 0;
    try {
      while (this.#settled < this.#steps.length && !this.#stopped) {
        throwIfAborted(signal);
        const before = this.#settled;
        const problem = await this.#round(signal);
        if (this.#settled >= this.#steps.length || this.#stopped) break;
        await this.#askResults(before, signal);
        idleRounds = this.#settled > before ? 0 : idleRounds + 1;
        if (idleRounds >= WITHOUT_PROGRESS_MAX) {
          throw problem ?? new BelayError('board/integrity', 'the board did not carry out a step and did not say why');
        }
      }
    } finally {
      await this.#sweepStaged();
    }
  }

  async #round(signal: AbortSignal): Promise<BelayError | null> {
    const base = this.#settled;
    const windowBits = windowBitsFor(this.#rungs);
    const inflate = windowBits === 0 ? 'none' : (this.#rungs.inflate ?? 'none');
    const link = new UploadLink(this.#agent, this.#clock, {
      parts: ['hash-file', `inflate-${inflate}`, 'upload'],
      call: `${shortName('apply_job')},(${windowBits},${UPLOAD_ROOM_BYTES},${this.#options.keepGoing ? 0 : 1},${PIECE_BYTES},${base})`,
      skipped: [],
      content: this.#content(base, windowBits),
      onResult: (count, errorNumber) => {
        // Results come in order; one that was lost is asked for afterwards.
        if (base + count - 1 === this.#settled) this.#settle(errorNumber);
      },
      onSent: () => {},
    });
    return link.run(signal);
  }

  #content(base: number, windowBits: number): AsyncIterable<Uint8Array> {
    const plain = this.#plain(base);
    if (windowBits === 0) return gathered(plain);
    return deflated(plain, windowBits);
  }

  async *#plain(base: number): AsyncGenerator<Uint8Array> {
    for (const step of this.#steps.slice(base)) {
      for await (const bytes of encodeStep(step, (operation) => this.#digest(operation))) {
        if (step.kind === 'put') this.#queue.push({ kind: 'sent', operation: step.operation, bytes: bytes.length });
        yield bytes;
      }
    }
    yield Uint8Array.of(0);
  }

  async #digest(operation: PutOperation): Promise<Uint8Array> {
    const { hash } = this.#agent.rungs;
    if (hash === 'none') return new Uint8Array(0);
    if (hash !== 'crc32') return Buffer.from(operation.sha256, 'hex');
    let value = 0;
    for await (const part of operation.content()) value = crc32(part, value);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  }

  #settle(errorNumber: number): void {
    const step = this.#steps[this.#settled];
    if (step === undefined) return;
    this.#settled += 1;
    const { operation } = step;
    if (step.kind === 'put' && errorNumber === 0 && step.path !== operation.path) this.#staged.set(step.path, step);
    if (step.kind === 'rename' && errorNumber === 0) this.#staged.delete(step.path);
    if (this.#failed.has(operation)) return;
    if (errorNumber === 0) {
      if (step.meaning === 'staged') this.#queue.push({ kind: 'staged', operation });
      if (step.meaning === 'done') this.#queue.push({ kind: 'done', operation });
      return;
    }
    this.#failed.add(operation);
    const code = errorNumber === HASH_DIFFERS ? 'board/integrity' : codeOfErrno(errorNumber);
    const reason = errorNumber === HASH_DIFFERS ? 'what the board holds differs from what was sent' : errnoText(errorNumber);
    this.#queue.push({ kind: 'failed', operation, code, message: `/${operation.path}: ${reason}` });
    if (!this.#options.keepGoing) this.#stopped = true;
  }

  /** The results that the agent keeps, for what was lost on the way or an agent that died. */
  async #askResults(base: number, signal: AbortSignal): Promise<void> {
    const bytes: number[] = [];
    const call = `${shortName('results_job')},(${base},)`;
    await this.#agent.run(
      {
        parts: ['hash-file', 'inflate-none', 'upload'],
        call,
        skipped: [],
        take: (payload) => bytes.push(...payload),
        restart: () => ({ offset: 0, call }),
      },
      signal,
    );
    for (const errorNumber of bytes.slice(this.#settled - base)) this.#settle(errorNumber);
  }

  /** Temporary files that no rename used: after a failure, or when the user stopped. */
  async #sweepStaged(): Promise<void> {
    if (this.#staged.size === 0) return;
    try {
      await this.#agent.removeFiles([...this.#staged.keys()], AbortSignal.timeout(SWEEP_MS_MAX));
    } catch {
      // A board that is gone keeps them; the next run sweeps.
    }
  }
}

/** Window that the board's inflater may take: 2^bits bytes; 0 for none. */
export function windowBitsFor(rungs: UploadRungs): number {
  const free = rungs.freeMemoryBytes ?? 0;
  if (rungs.inflate === null || free < 24 * 1024) return 0;
  return free > 48 * 1024 ? 12 : 10;
}

const GATHER_BYTES = 4000;

/** Many small pieces as few larger ones, so that frames are full. */
async function* gathered(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of parts) {
    held.push(part);
    bytes += part.length;
    if (bytes < GATHER_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

async function* deflated(parts: AsyncIterable<Uint8Array>, windowBits: number): AsyncGenerator<Uint8Array> {
  const deflate = createDeflateRaw({ level: 9, windowBits, memLevel: 9 });
  const out: Uint8Array[] = [];
  deflate.on('data', (chunk: Uint8Array) => out.push(chunk));
  try {
    for await (const part of gathered(parts)) {
      await new Promise<void>((resolve, reject) => deflate.write(part, (error) => (error ? reject(error) : resolve())));
      if (out.length > 0) yield Buffer.concat(out.splice(0));
    }
    await new Promise<void>((resolve, reject) => {
      deflate.once('end', resolve).once('error', reject);
      deflate.end();
    });
    if (out.length > 0) yield Buffer.concat(out.splice(0));
  } finally {
    deflate.destroy();
  }
}

