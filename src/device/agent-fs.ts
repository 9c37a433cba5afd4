/** The real BoardFs: a board's files through the agent. */
import { comparePaths } from '../core/device-path.js';
import { throwIfAborted } from '../core/errors.js';
import type { Tree, TreeEntry, TreeFile } from '../core/tree.js';
import type { SessionClock } from '../transport/repl-session.js';
import type { Agent } from './agent.js';
import { AgentTimes } from './agent-times.js';
import { applyOperations } from './apply-operations.js';
import { mismatchedPuts } from './content-check.js';
import type {
  ApplyEvent,
  ApplyOptions,
  BoardFs,
  BoardInfo,
  BoardOperation,
  BoardProbe,
  BoardTimes,
  ReadEvent,
  ReadOptions,
  ScanOptions,
  ScanResult,
} from './device-fs.js';
import type { Identity } from './identity.js';
import { readFiles } from './read-files.js';
import { hashFiles, scanBoard, type Walk } from './scan.js';
import { TinyFs } from './tiny-fs.js';
import { wipe } from './wipe.js';

/** The files of a board that has been identified. */
export function boardFsOf(agent: Agent, identity: Identity, clock: SessionClock): BoardFs {
  return identity.tiny
    ? new TinyFs(agent.session, identity.info)
    : new AgentFs(agent, identity, clock);
}

export class AgentFs implements BoardFs {
  readonly info: BoardInfo;
  readonly times: BoardTimes;
  readonly agent: Agent;
  readonly #identity: Identity;
  readonly #clock: SessionClock;
  readonly #probe: Record<string, BoardProbe[string]>;
  #walk: Walk | null = null;
  /** What a run that died has left, as the last listing showed; null where none is known. */
  #temporary: readonly string[] | null = null;

  constructor(agent: Agent, identity: Identity, clock: SessionClock) {
    this.agent = agent;
    this.#probe = { ...identity.info.probe };
    this.info = { ...identity.info, probe: this.#probe };
    this.times = new AgentTimes(agent, identity.info);
    this.#identity = identity;
    this.#clock = clock;
  }

  async scan(options: ScanOptions): Promise<ScanResult> {
    const { result, walk, temporary } = await scanBoard(this.agent, this.info, options);
    this.#walk = walk;
    this.#temporary = options.roots.includes('') ? temporary : null;
    if (options.hashes === 'none' || this.#canHash) return result;
    const tree = await this.#hashedHere(result.tree, options.signal);
    return {
      ...result,
      tree,
      matchedKnown: options.known !== undefined && sameTree(tree, options.known),
    };
  }

  async *read(files: readonly TreeFile[], options: ReadOptions): AsyncIterable<ReadEvent> {
    yield* readFiles(this.agent, this.#walk, files, options);
    const { kilobyteUs } = this.agent;
    if (kilobyteUs !== null) this.#probe['compressor'] = `${kilobyteUs} us a kilobyte`;
    // All may have come before the caller's stop was heard: it is a stop all the same.
    throwIfAborted(options.signal);
  }

  async *apply(
    operations: readonly BoardOperation[],
    options: ApplyOptions,
  ): AsyncIterable<ApplyEvent> {
    this.#walk = null;
    this.#temporary = null;
    const { upload } = this.#identity;
    const wrong = this.#canHash ? [] : await mismatchedPuts(operations);
    for (const operation of wrong) {
      yield {
        kind: 'failed',
        operation,
        code: 'board/integrity',
        message: `/${operation.path}: the content does not match its hash`,
      };
    }
    if (wrong.length > 0 && !options.keepGoing) return;
    const right =
      wrong.length === 0
        ? operations
        : operations.filter((operation) => !wrong.includes(operation));
    const events = applyOperations(
      { agent: this.agent, clock: this.#clock, rungs: upload, info: this.info },
      right,
      options,
    );
    yield* this.agent.rungs.hash === 'none' ? this.#readBack(events, options.signal) : events;
  }

  /** A board without any hash compares nothing: what it holds is read again before it counts as done. */
  async *#readBack(
    events: AsyncIterable<ApplyEvent>,
    signal: AbortSignal,
  ): AsyncGenerator<ApplyEvent> {
    const puts: (BoardOperation & { kind: 'put' })[] = [];
    for await (const event of events) {
      if (event.kind === 'done' && event.operation.kind === 'put') puts.push(event.operation);
      else yield event;
    }
    const hashes = await this.hash(
      puts.map((put) => put.path),
      signal,
    );
    for (const operation of puts) {
      if (hashes.get(operation.path) === operation.sha256) yield { kind: 'done', operation };
      else
        yield {
          kind: 'failed',
          operation,
          code: 'board/integrity',
          message: `/${operation.path}: what the board holds differs from what was sent`,
        };
    }
  }

  async hash(
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    if (this.#canHash) return hashFiles(this.agent, paths, signal);
    const files: TreeFile[] = paths.map((path) => ({
      kind: 'file',
      path,
      sizeBytes: 0,
      modifiedS: null,
      sha256: null,
    }));
    const hashes = await this.#readHashes(files, signal);
    return new Map(paths.map((path) => [path, hashes.get(path) ?? null]));
  }

  async sweep(signal: AbortSignal): Promise<number> {
    if (this.#temporary === null)
      await this.scan({ roots: [''], mounts: [], hashes: 'none', signal });
    const stale = this.#temporary ?? [];
    await wipe(this.agent, stale, signal);
    if (stale.length > 0) this.#walk = null;
    this.#temporary = [];
    return stale.length;
  }

  get #canHash(): boolean {
    return this.agent.rungs.hash === 'sha256' || this.agent.rungs.hash === 'new';
  }

  /** Boards without sha256: contents are read and hashed on this side. */
  async #hashedHere(tree: Tree, signal: AbortSignal): Promise<Tree> {
    const files = tree.filter((entry): entry is TreeFile => entry.kind === 'file');
    const hashes = await this.#readHashes(files, signal);
    const entries = tree.map(
      (entry): TreeEntry =>
        entry.kind === 'file' ? { ...entry, sha256: hashes.get(entry.path) ?? null } : entry,
    );
    return entries.sort((a, b) => comparePaths(a.path, b.path));
  }

  async #readHashes(
    files: readonly TreeFile[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const hashes = new Map<string, string>();
    for await (const event of this.read(files, { compress: false, signal })) {
      if (event.kind === 'verified') hashes.set(event.file.path, event.sha256);
    }
    return hashes;
  }
}

function sameTree(a: Tree, b: Tree): boolean {
  const key = (entry: TreeEntry) =>
    entry.kind === 'file'
      ? `f ${entry.sizeBytes} ${entry.sha256} ${entry.path}`
      : `${entry.kind} ${entry.path}`;
  return a.length === b.length && a.every((entry, at) => key(entry) === key(b[at] as TreeEntry));
}
