/**
 * A board's files in memory: the double of src/device/agent-fs.ts. It keeps what the seam promises
 * (test/contract/device-fs.contract.ts runs against both) and can be told to misbehave.
 */
import { createHash } from 'node:crypto';
import { comparePaths, isWithin, nameOfPath, parentOfPath } from '../../src/core/device-path.js';
import { throwIfAborted } from '../../src/core/errors.js';
import type { Tree, TreeEntry, TreeFailure, TreeFile } from '../../src/core/tree.js';
import type {
  AfterMode,
  ApplyEvent,
  ApplyOptions,
  BoardConnection,
  BoardFs,
  BoardInfo,
  BoardOperation,
  BoardTimes,
  ReadEvent,
  ReadOptions,
  ScanOptions,
  ScanResult,
  TimesRung,
} from '../../src/device/device-fs.js';

/** Folders end in '/', e.g. `{ 'lib/': null, 'main.py': 'print(1)' }`. Parents are made. */
export type MemoryContent = Readonly<Record<string, string | Uint8Array | null>>;

export interface MemoryFaults {
  /** Reading this path fails each time with board/file. */
  readonly unreadable?: ReadonlySet<string>;
  /** Listing this folder fails. */
  readonly unlistable?: ReadonlySet<string>;
  /** Content changes under the reader: that many times, three or more give up. */
  readonly changesWhileRead?: ReadonlyMap<string, number>;
  /** Vanishes between scan and read. */
  readonly vanishes?: ReadonlySet<string>;
  /** Writing this path fails with board/file. */
  readonly unwritable?: ReadonlySet<string>;
  /** Thrown (a lost board) before the n-th event of read or apply, counted from 0. */
  readonly lostAtEvent?: { readonly at: number; readonly error: Error };
}

export interface MemoryBoardOptions {
  readonly info?: Partial<BoardInfo>;
  /** Bytes of content that fit; none = no limit. */
  readonly capacityBytes?: number;
  readonly readOnly?: boolean;
  readonly faults?: MemoryFaults;
  readonly modifiedS?: number | null;
  /** How files get their times. Default `clock`. */
  readonly times?: TimesRung;
  /** The board's own clock, in seconds since 1970. */
  readonly clockS?: number;
  readonly programInterrupted?: boolean;
}

interface StoredFile {
  readonly bytes: Uint8Array;
  readonly modifiedS: number | null;
}

const CHUNK_BYTES = 1024;
const VERIFY_EVERY_BYTES = 32 * 1024;

export class MemoryBoard implements BoardFs {
  readonly info: BoardInfo;
  readonly files = new Map<string, StoredFile>();
  readonly folders = new Set<string>();
  faults: MemoryFaults;
  /** How the board was left, once each time. */
  readonly left: AfterMode[] = [];
  /** What the clock says; moves only when it is set. */
  clockS: number;
  readonly times: { -readonly [Name in keyof BoardTimes]: BoardTimes[Name] };
  readonly #options: MemoryBoardOptions;
  #events = 0;

  constructor(content: MemoryContent = {}, options: MemoryBoardOptions = {}) {
    this.#options = options;
    this.faults = options.faults ?? {};
    this.clockS = options.clockS ?? 1_609_459_200;
    this.times = {
      rung: async () => options.times ?? 'clock',
      clockMs: async (signal) => {
        throwIfAborted(signal);
        return this.clockS * 1000;
      },
      setClock: async (nowMs, signal) => {
        throwIfAborted(signal);
        this.#maybeLose();
        this.clockS = Math.round(nowMs() / 1000);
      },
    };
    for (const [path, bytes] of Object.entries(content)) this.set(path, bytes);
    this.info = {
      firmware: 'micropython',
      version: '1.27.0',
      machine: 'memory board',
      platform: 'memory',
      uniqueId: 'feedc0de00000001',
      mounts: [
        {
          path: '',
          skipped: false,
          readOnly: options.readOnly ?? false,
          totalBytes: options.capacityBytes ?? 2 ** 20,
          freeBytes: options.capacityBytes ?? 2 ** 20,
          blockBytes: 4096,
        },
      ],
      epochYear: 2000,
      hasFolders: true,
      atomicRename: true,
      nameBytesMax: 255,
      mpy: 0x2206,
      probe: {},
      ...options.info,
    };
  }

  /** Puts a file (or, with a path ending in '/', a folder) as the user would. */
  set(
    path: string,
    content: string | Uint8Array | null,
    modifiedS = this.#options.modifiedS ?? null,
  ): void {
    const isFolder = path.endsWith('/');
    const clean = isFolder ? path.slice(0, -1) : path;
    for (let at = isFolder ? clean : parentOfPath(clean); at !== ''; at = parentOfPath(at))
      this.folders.add(at);
    if (isFolder) return;
    const bytes =
      typeof content === 'string'
        ? new TextEncoder().encode(content)
        : (content ?? new Uint8Array());
    this.files.set(clean, { bytes: Uint8Array.from(bytes), modifiedS });
  }

  /** The state for comparisons: path -> sha256 of a file, 'folder' for a folder, in order. */
  state(): Record<string, string> {
    const pairs: [string, string][] = [...this.folders].map((path) => [path, 'folder']);
    for (const [path, file] of this.files) pairs.push([path, sha256(file.bytes)]);
    return Object.fromEntries(pairs.sort((a, b) => comparePaths(a[0], b[0])));
  }

  connection(): BoardConnection {
    return {
      fs: this,
      info: this.info,
      portName: 'memory',
      usbSerial: null,
      programInterrupted: this.#options.programInterrupted ?? false,
      counters: () => ({ bytesIn: 0, bytesOut: 0, turns: 0 }),
      leave: async (after) => void this.left.push(after),
    };
  }

  async scan(options: ScanOptions): Promise<ScanResult> {
    throwIfAborted(options.signal);
    const unlistable = [...(this.faults.unlistable ?? [])];
    const hidden = (path: string) =>
      unlistable.some((folder) => path !== folder && isWithin(path, folder));
    const wanted = (path: string) =>
      options.roots.some((root) => isWithin(path, root)) && !isTemporary(path);
    const entries: TreeEntry[] = [];
    for (const path of this.folders) {
      if (!wanted(path) || hidden(path)) continue;
      if (unlistable.includes(path))
        entries.push(failureOf(path, 'board/listing', 'listing failed (EIO)'));
      else entries.push({ kind: 'folder', path });
    }
    for (const [path, file] of this.files) {
      if (!wanted(path) || hidden(path)) continue;
      const hash = options.hashes === 'content' ? sha256(file.bytes) : null;
      entries.push({
        kind: 'file',
        path,
        sizeBytes: file.bytes.length,
        modifiedS: file.modifiedS,
        sha256: hash,
      });
    }
    entries.sort((a, b) => comparePaths(a.path, b.path));
    options.onEntry?.(entries.length);
    return {
      tree: entries,
      warnings: [],
      matchedKnown: options.known !== undefined && sameTree(entries, options.known),
    };
  }

  async *read(files: readonly TreeFile[], options: ReadOptions): AsyncIterable<ReadEvent> {
    let waiting: ReadEvent[] = [];
    let waitingBytes = 0;
    for (const file of files) {
      for (const event of this.#readOne(file)) {
        throwIfAborted(options.signal);
        this.#maybeLose();
        if (event.kind === 'verified') waiting.push(event);
        else yield event;
        if (event.kind === 'data') waitingBytes += event.bytes.length;
      }
      if (waitingBytes >= VERIFY_EVERY_BYTES) {
        yield* waiting;
        waiting = [];
        waitingBytes = 0;
      }
    }
    yield* waiting;
  }

  *#readOne(file: TreeFile): Generator<ReadEvent> {
    const { path } = file;
    let changes = this.faults.changesWhileRead?.get(path) ?? 0;
    for (let attempt = 1; ; attempt += 1) {
      const stored = this.faults.vanishes?.has(path) ? undefined : this.files.get(path);
      if (stored === undefined)
        return yield { kind: 'failed', file, failure: failureOf(path, 'board/file', 'vanished') };
      if (this.faults.unreadable?.has(path)) {
        return yield {
          kind: 'failed',
          file,
          failure: failureOf(path, 'board/file', 'cannot be read (EIO)'),
        };
      }
      for (let at = 0; at < stored.bytes.length; at += CHUNK_BYTES) {
        yield { kind: 'data', file, bytes: stored.bytes.slice(at, at + CHUNK_BYTES) };
      }
      if (changes > 0) {
        changes -= 1;
        this.set(path, `${new TextDecoder().decode(stored.bytes)}+`);
        if (attempt === 3) {
          return yield {
            kind: 'failed',
            file,
            failure: failureOf(path, 'board/file', 'changed while it was read, three times'),
          };
        }
        yield { kind: 'restart', file, reason: 'changed while it was read' };
        continue;
      }
      const sizeBytes = stored.bytes.length;
      yield { kind: 'end', file, sizeBytes };
      yield {
        kind: 'verified',
        file,
        sha256: sha256(stored.bytes),
        sizeBytes,
        modifiedS: stored.modifiedS,
        checkedBy: 'sha256',
      };
      return;
    }
  }

  async *apply(
    operations: readonly BoardOperation[],
    options: ApplyOptions,
  ): AsyncIterable<ApplyEvent> {
    const staged = new Map<BoardOperation, Uint8Array>();
    if (options.strategy === 'staged') {
      for (const operation of operations) {
        if (operation.kind !== 'put') continue;
        let failed = false;
        for await (const event of this.#stage(operation, staged, options)) {
          failed ||= event.kind === 'failed';
          yield event;
        }
        if (failed && !options.keepGoing) return;
      }
    }
    for (const operation of operations) {
      throwIfAborted(options.signal);
      this.#maybeLose();
      if (operation.kind === 'put' && options.strategy !== 'staged') {
        for await (const event of this.#stage(operation, staged, options)) {
          yield event;
          if (event.kind === 'failed' && !options.keepGoing) return;
        }
      }
      if (operation.kind === 'put' && !staged.has(operation)) continue;
      const problem = this.#commit(operation, staged.get(operation), options);
      yield problem === null
        ? { kind: 'done', operation }
        : { kind: 'failed', operation, code: problem.code, message: problem.message };
      if (problem !== null && !options.keepGoing) return;
    }
  }

  async *#stage(
    operation: BoardOperation & { kind: 'put' },
    staged: Map<BoardOperation, Uint8Array>,
    options: ApplyOptions,
  ): AsyncGenerator<ApplyEvent> {
    const fail = (code: string, message: string): ApplyEvent => ({
      kind: 'failed',
      operation,
      code,
      message,
    });
    if (this.#options.readOnly)
      return yield fail('board/read-only', 'the file system is read-only (EROFS)');
    if (this.faults.unwritable?.has(operation.path))
      return yield fail('board/file', `${operation.path}: write failed (EIO)`);
    if (options.times?.rung === 'clock') this.clockS = operation.modifiedS ?? options.times.nowS;
    const chunks: Uint8Array[] = [];
    for await (const chunk of operation.content()) {
      throwIfAborted(options.signal);
      this.#maybeLose();
      chunks.push(chunk);
      yield { kind: 'sent', operation, bytes: chunk.length };
    }
    const bytes = Buffer.concat(chunks);
    if (sha256(bytes) !== operation.sha256)
      return yield fail('board/integrity', `${operation.path}: hash differs on the board`);
    const replaced =
      options.strategy === 'in-place' ? (this.files.get(operation.path)?.bytes.length ?? 0) : 0;
    const pending = [...staged].reduce((sum, [, each]) => sum + each.length, 0);
    const capacity = this.#options.capacityBytes ?? Number.POSITIVE_INFINITY;
    if (this.#usedBytes() + pending + bytes.length - replaced > capacity)
      return yield fail('board/full', `${operation.path}: no space left (ENOSPC)`);
    staged.set(operation, bytes);
    yield { kind: 'staged', operation };
  }

  #commit(
    operation: BoardOperation,
    bytes: Uint8Array | undefined,
    { times }: ApplyOptions,
  ): { code: string; message: string } | null {
    const { path } = operation;
    if (this.#options.readOnly)
      return { code: 'board/read-only', message: 'the file system is read-only (EROFS)' };
    const parent = parentOfPath(path);
    const parentExists = parent === '' || this.folders.has(parent);
    switch (operation.kind) {
      case 'put':
        if (!parentExists)
          return { code: 'board/file', message: `${path}: its folder does not exist (ENOENT)` };
        if (this.folders.has(path))
          return { code: 'board/file', message: `${path}: is a folder (EISDIR)` };
        this.files.set(path, {
          bytes: bytes as Uint8Array,
          modifiedS:
            (times === undefined ? null : (operation.modifiedS ?? times.nowS)) ??
            this.#options.modifiedS ??
            null,
        });
        return null;
      case 'make-folder':
        if (!parentExists || this.files.has(path))
          return { code: 'board/file', message: `${path}: cannot be made` };
        this.folders.add(path);
        return null;
      case 'delete-file':
        this.files.delete(path);
        return null;
      case 'delete-folder':
        if (
          [...this.files.keys(), ...this.folders].some(
            (each) => each !== path && isWithin(each, path),
          )
        ) {
          return { code: 'board/file', message: `${path}: not empty` };
        }
        this.folders.delete(path);
        return null;
    }
  }

  async hash(
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    throwIfAborted(signal);
    return new Map(
      paths.map((path) => [
        path,
        this.files.has(path) ? sha256(this.files.get(path)!.bytes) : null,
      ]),
    );
  }

  async sweep(signal: AbortSignal): Promise<number> {
    throwIfAborted(signal);
    const stale = [...this.files.keys()].filter(isTemporary);
    for (const path of stale) this.files.delete(path);
    return stale.length;
  }

  #usedBytes(): number {
    return [...this.files.values()].reduce((sum, file) => sum + file.bytes.length, 0);
  }

  #maybeLose(): void {
    const lost = this.faults.lostAtEvent;
    this.#events += 1;
    if (lost !== undefined && this.#events - 1 >= lost.at) throw lost.error;
  }
}

/** `.blb~7`: what a write in progress is called, in the target's folder. */
function isTemporary(path: string): boolean {
  return nameOfPath(path).startsWith('.blb~');
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function failureOf(path: string, code: string, message: string): TreeFailure {
  return { kind: 'failed', path, code, message: `${path}: ${message}` };
}

function sameTree(a: Tree, b: Tree): boolean {
  const key = (entry: TreeEntry) =>
    `${entry.kind} ${entry.path} ${entry.kind === 'file' ? `${entry.sizeBytes} ${entry.sha256}` : ''}`;
  return (
    a.length === b.length && [...a].every((entry, at) => key(entry) === key(b[at] as TreeEntry))
  );
}
