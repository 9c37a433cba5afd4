/**
 * Reads files through the agent: one exec streams them all, in the order in which the board walks
 * its folders; what was lost, changed or did not match comes again. Verified in groups, by the
 * digest that the board makes of what it read.
 */
import { bytesOfPath } from '../core/device-path.js';
import { isBelayError } from '../core/errors.js';
import type { TreeFile } from '../core/tree.js';
import type { Agent } from './agent.js';
import { contentFormat } from './content-format.js';
import { ContentParser, type PackState } from './content-parser.js';
import type { CheckedBy, ReadEvent, ReadOptions } from './device-fs.js';
import { codeOfErrno, errnoText } from './errno.js';
import { EventQueue } from './event-queue.js';
import { frameCheck } from './frame-check.js';
import { bytesLiteralOfPath } from './helper-source.js';
import type { PackShape } from './pack-shape.js';
import {
  isWorthPacking,
  PackedStream,
  packedCall,
  packLimitUs,
  packPart,
} from './packed-stream.js';
import { callByPath, callByPlace } from './read-call.js';
import type { Walk } from './scan.js';

const PASSES_MAX = 4;
/** Source of one exec that names files by path; longer lists are read in several. */
const PATHS_SOURCE_BYTES_MAX = 1000;
/** From here on, asking by place in the walk is shorter than naming paths. */
const BY_PLACE_FILES_MIN = 8;

interface Pending {
  readonly file: TreeFile;
  /** Times that its content did not match the board's digest. */
  mismatches: number;
  state: 'waiting' | 'ended' | 'settled';
  sizeBytes: number;
  sha256: string;
  /** Bytes were handed on that are not verified yet. */
  dirty: boolean;
  /** What an earlier reading gave, where the board cannot hash and content is read twice. */
  firstSha256: string | null;
}

export async function* readFiles(
  agent: Agent,
  walk: Walk | null,
  files: readonly TreeFile[],
  options: ReadOptions,
): AsyncGenerator<ReadEvent> {
  const queue = new EventQueue<ReadEvent>();
  const backlog = { bytes: 0 };
  const reading = new Reading(agent, walk, files, { queue, backlog }, options);
  reading.run().then(
    () => queue.end(),
    (error: unknown) => queue.fail(error),
  );
  for await (const event of queue) {
    if (event.kind !== 'data') yield event;
    else {
      backlog.bytes -= event.bytes.length;
      yield { ...event, waitingBytes: backlog.bytes };
    }
  }
}

class Reading {
  readonly #agent: Agent;
  readonly #walk: Walk | null;
  readonly #queue: EventQueue<ReadEvent>;
  /** Content that waits in the queue. */
  readonly #backlog: { bytes: number };
  readonly #signal: AbortSignal;
  readonly #pending: readonly Pending[];
  readonly #twice: boolean;
  readonly #compress: boolean;

  constructor(
    agent: Agent,
    walk: Walk | null,
    files: readonly TreeFile[],
    { queue, backlog }: { queue: EventQueue<ReadEvent>; backlog: { bytes: number } },
    { compress, signal }: ReadOptions,
  ) {
    this.#agent = agent;
    this.#walk = walk;
    this.#queue = queue;
    this.#backlog = backlog;
    this.#signal = signal;
    this.#twice = agent.rungs.hash === 'none';
    this.#compress = compress;
    this.#pending = files.map((file) => ({
      file,
      mismatches: 0,
      state: 'waiting',
      sizeBytes: 0,
      sha256: '',
      dirty: false,
      firstSha256: null,
    }));
  }

  async run(): Promise<void> {
    for (let pass = 1; pass <= PASSES_MAX; pass += 1) {
      const waiting = this.#pending.filter((each) => each.state === 'waiting');
      if (waiting.length === 0) return;
      const places = this.#walk?.places;
      const byPlace =
        pass === 1 &&
        waiting.length >= BY_PLACE_FILES_MIN &&
        places !== undefined &&
        waiting.every((each) => places.has(each.file.path));
      for (const batch of byPlace
        ? [distinctMarks(this.#agent, waiting)]
        : batchesByPath(this.#agent, waiting)) {
        await this.#readBatch(batch, byPlace ? this.#walk : null);
      }
    }
    for (const each of this.#pending) if (each.state === 'waiting') this.#fail(each, 1);
  }

  async #readBatch(batch: readonly Pending[], walk: Walk | null): Promise<void> {
    const byMark = new Map(batch.map((each) => [markOf(this.#agent, each.file.path), each]));
    const ended: Pending[] = [];
    /** Files of this exec that came before the last digest, and since then. */
    const passed = new Set<Pending>();
    const seen = new Set<Pending>();
    const parser = new ContentParser<Pending>(contentFormat(this.#agent.rungs), {
      fileOf: (mark) => {
        const each = byMark.get(mark);
        if (each?.state !== 'waiting') return null;
        seen.add(each);
        return each;
      },
      data: (each, bytes) => this.#data(each, bytes),
      restart: (each, errorNumber) =>
        this.#restart(
          each,
          errorNumber === 1 ? 'changed while it was read' : errnoText(errorNumber),
        ),
      end: (each, sizeBytes, sha256) => {
        each.state = 'ended';
        each.sizeBytes = sizeBytes;
        each.sha256 = sha256;
        if (each.firstSha256 === null)
          this.#queue.push({ kind: 'end', file: each.file, sizeBytes });
        ended.push(each);
      },
      failed: (each, errorNumber) => this.#fail(each, errorNumber),
      checked: (matches) => {
        this.#checked(ended.splice(0), matches);
      },
      restartable: () => {
        for (const each of seen) passed.add(each);
        seen.clear();
      },
    });
    const rest = () => batch.filter((each) => !passed.has(each)).map((each) => each.file);
    const plainCall = () => (walk === null ? callByPath(rest()) : callByPlace(rest(), walk));
    const shape = this.#shapeFor(batch);
    const stream = shape === null ? null : new PackedStream(parser);
    const call = (state?: PackState) =>
      stream === null || stream.isPacked === false ? plainCall() : packedCall(plainCall(), state);
    const job = {
      parts:
        shape === null
          ? ['read']
          : [
              'read',
              packPart(
                shape,
                this.#agent.packLimitUs ?? packLimitUs(this.#agent.session.bytesPerSecondMin),
              ),
            ],
      call: call(),
      isPlain: stream === null,
      skipped: walk === null ? [] : walk.plan.skipped.map(bytesLiteralOfPath),
      take: (payload: Uint8Array) => (stream ?? parser).take(payload),
      restart: () => ({ offset: parser.restart.offset, call: call(parser.restart.state) }),
    };
    try {
      await this.#agent.run(job, this.#signal);
    } catch (error) {
      // Damage is asked for again; a wire or a board that is gone is the caller's to find again.
      if (!isBelayError(error, 'board/integrity') || !error.retryable) throw error;
    }
    if (stream?.isPacked === false) this.#agent.packShape = null;
    if (stream?.isPacked === true) this.#agent.kilobyteUs = parser.kilobyteUs;
    for (const each of batch) {
      if (each.state !== 'settled') this.#restart(each, 'not all of it came');
    }
  }

  #shapeFor(batch: readonly Pending[]): PackShape | null {
    const files = batch.map((each) => each.file);
    const { packShape, session } = this.#agent;
    return this.#compress && isWorthPacking(files, session.bytesPerSecondMin) ? packShape : null;
  }

  #restart(each: Pending, reason: string): void {
    each.state = 'waiting';
    if (each.dirty) this.#queue.push({ kind: 'restart', file: each.file, reason });
    each.dirty = false;
  }

  #data(each: Pending, bytes: Uint8Array): void {
    if (each.firstSha256 !== null) return;
    each.dirty = true;
    this.#backlog.bytes += bytes.length;
    // A frame's payload and what the inflater gives are nobody else's: no copy is needed.
    this.#queue.push({ kind: 'data', file: each.file, bytes });
  }

  #checked(group: readonly Pending[], matches: boolean): void {
    for (const each of group) {
      if (this.#twice && each.firstSha256 === null) {
        each.firstSha256 = each.sha256;
        each.state = 'waiting';
        each.dirty = false;
      } else if (matches && (each.firstSha256 ?? each.sha256) === each.sha256) {
        each.state = 'settled';
        const { file, sha256, sizeBytes } = each;
        this.#queue.push({
          kind: 'verified',
          file,
          sha256,
          sizeBytes,
          modifiedS: file.modifiedS,
          checkedBy: checkedBy(this.#agent),
        });
      } else {
        each.mismatches += 1;
        each.firstSha256 = null;
        if (each.mismatches >= 3) this.#fail(each, 0);
        else this.#restart(each, "the board's own hash differs");
      }
    }
  }

  #fail(each: Pending, errorNumber: number): void {
    each.state = 'settled';
    const { file } = each;
    const reason =
      errorNumber === 0
        ? 'what came differs from what the board hashed, three times'
        : errorNumber === 1
          ? 'changed while it was read, three times'
          : `could not be read (${errnoText(errorNumber)})`;
    const code = errorNumber === 0 ? 'board/integrity' : codeOfErrno(errorNumber);
    this.#queue.push({
      kind: 'failed',
      file,
      failure: { kind: 'failed', path: file.path, code, message: `/${file.path}: ${reason}` },
    });
  }
}

function checkedBy(agent: Agent): CheckedBy {
  const { hash } = agent.rungs;
  return hash === 'crc32' ? 'crc32' : hash === 'none' ? 'read' : 'sha256';
}

export function markOf(agent: Agent, path: string): number {
  return (
    frameCheck(agent.rungs.check, Buffer.concat([Buffer.from('/'), bytesOfPath(path)]), 0) &
    0xffffff
  );
}

/** Two files with one mark are never read in one exec; the later one waits for the next pass. */
function distinctMarks(agent: Agent, waiting: readonly Pending[]): readonly Pending[] {
  return [
    ...new Map(
      [...waiting].reverse().map((each) => [markOf(agent, each.file.path), each]),
    ).values(),
  ].reverse();
}

function batchesByPath(agent: Agent, waiting: readonly Pending[]): readonly (readonly Pending[])[] {
  const batches: Pending[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const each of distinctMarks(agent, waiting)) {
    const length = bytesLiteralOfPath(each.file.path).length + 1;
    if (bytes + length > PATHS_SOURCE_BYTES_MAX) {
      batches.push([]);
      bytes = 0;
    }
    bytes += length;
    batches.at(-1)?.push(each);
  }
  return batches;
}
