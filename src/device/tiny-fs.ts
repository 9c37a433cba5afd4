/**
 * A BoardFs for boards without an agent's needs: a micro:bit has 8 kB of heap, one flat folder, no
 * hashes, no binary output, and hangs on long sources. Every exec stays under 1,000 bytes; answers
 * are text with sums; what is read is summed a second time by the board and compared.
 */
import { createHash } from 'node:crypto';
import { bytesOfPath, comparePaths } from '../core/device-path.js';
import { BelayError, isBelayError, throwIfAborted } from '../core/errors.js';
import type { TreeEntry, TreeFailure, TreeFile } from '../core/tree.js';
import type { ReplSession } from '../transport/repl-session.js';
import { NO_TIMES } from './agent-times.js';
import type {
  ApplyEvent,
  ApplyOptions,
  BoardFs,
  BoardInfo,
  BoardMount,
  BoardOperation,
  ReadEvent,
  ReadOptions,
  ScanOptions,
  ScanResult,
} from './device-fs.js';
import { bytesLiteral, helperPart } from './helper-source.js';
import { missingOf, parseLine, parseNames, sumsOf } from './tiny-answers.js';
import { errnoOf, failureOf, type Problem, problemOf } from './tiny-failure.js';
import { ATTEMPTS, nameLiteral, TinySession } from './tiny-session.js';
import { tinyFreeBytes } from './tiny-space.js';
import { isTemporary } from './upload-staging.js';

/** Four characters a byte at worst, and the call around it, stay well under 1,000. */
const PIECE_BYTES = 160;
const WANTED_AT_ONCE = 40;

export class TinyFs implements BoardFs {
  readonly info: BoardInfo;
  readonly times = NO_TIMES;
  readonly #session: TinySession;
  readonly #mount: { -readonly [Fact in keyof BoardMount]: BoardMount[Fact] };

  constructor(session: ReplSession, info: BoardInfo) {
    this.#session = new TinySession(session);
    this.#mount = { ...(info.mounts[0] as BoardMount) };
    this.info = { ...info, mounts: [this.#mount] };
  }

  async scan(options: ScanOptions): Promise<ScanResult> {
    const listed = await this.#list(options.signal);
    const entries: TreeEntry[] = [];
    for (const [path, sizeBytes] of listed) {
      if (isTemporary(path) || !options.roots.some((root) => root === '' || root === path))
        continue;
      const file: TreeFile = { kind: 'file', path, sizeBytes, modifiedS: null, sha256: null };
      entries.push(options.hashes === 'none' ? file : await this.#hashed(file, options.signal));
      options.onEntry?.(entries.length);
    }
    entries.sort((a, b) => comparePaths(a.path, b.path));
    const known = options.known;
    const matchedKnown =
      known !== undefined &&
      JSON.stringify(known.map(stateOf)) === JSON.stringify(entries.map(stateOf));
    return { tree: entries, warnings: [], matchedKnown };
  }

  async *read(files: readonly TreeFile[], options: ReadOptions): AsyncIterable<ReadEvent> {
    for (const file of files) {
      throwIfAborted(options.signal);
      const result = await this.#readFile(file.path, options.signal);
      if (!(result instanceof Uint8Array)) {
        yield { kind: 'failed', file, failure: result };
        continue;
      }
      for (let at = 0; at < result.length; at += 1024) {
        yield { kind: 'data', file, bytes: result.subarray(at, at + 1024) };
        throwIfAborted(options.signal);
      }
      yield { kind: 'end', file, sizeBytes: result.length };
      yield {
        kind: 'verified',
        file,
        sha256: sha256(result),
        sizeBytes: result.length,
        modifiedS: null,
        checkedBy: 'read',
      };
    }
  }

  async *apply(
    operations: readonly BoardOperation[],
    options: ApplyOptions,
  ): AsyncIterable<ApplyEvent> {
    for (const operation of operations) {
      throwIfAborted(options.signal);
      const problem =
        operation.kind === 'put'
          ? yield* this.#put(operation, options.signal)
          : await this.#change(operation, options.signal);
      if (problem === null) yield { kind: 'done', operation };
      else yield { kind: 'failed', operation, ...problem };
      if (problem !== null && !options.keepGoing) return;
    }
  }

  async hash(
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | null>> {
    const hashes = new Map<string, string | null>();
    for (const path of paths) {
      const result = await this.#readFile(path, signal);
      hashes.set(path, result instanceof Uint8Array ? sha256(result) : null);
    }
    return hashes;
  }

  async sweep(signal: AbortSignal): Promise<number> {
    const stale = [...(await this.#list(signal)).keys()].filter(isTemporary);
    for (const path of stale) await this.#remove(path, signal);
    return stale.length;
  }

  async #hashed(file: TreeFile, signal: AbortSignal): Promise<TreeEntry> {
    const result = await this.#readFile(file.path, signal);
    return result instanceof Uint8Array
      ? { ...file, sizeBytes: result.length, sha256: sha256(result) }
      : result;
  }

  /** Twice the same answer is the answer: there are no sums over it. */
  async #list(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    let before: string | null = null;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const text = (await this.#session.lines(helperPart('tiny-list'), signal)).join('\n');
      if (text === before && text.endsWith('end')) return this.#measured(parseNames(text));
      before = text;
    }
    throw new BelayError('board/listing', 'the board listed its files differently each time', {
      hint: 'try another cable',
    });
  }

  /** What is free follows from the names and sizes: these boards cannot be asked for it. */
  #measured(listed: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    this.#mount.freeBytes = tinyFreeBytes(this.#mount.totalBytes, listed);
    return listed;
  }

  async #readFile(path: string, signal: AbortSignal): Promise<Uint8Array | TreeFailure> {
    const lines = new Map<number, Uint8Array>();
    let end: { readonly count: number; readonly sums: string } | null = null;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      try {
        await this.#session.load('read', signal);
        const wanted = end === null ? [] : missingOf(lines, end.count).slice(0, WANTED_AT_ONCE);
        const output = await this.#session.lines(
          `_belay(${nameLiteral(path)},(${wanted.map((each) => `${each},`).join('')}))`,
          signal,
        );
        for (const line of output) {
          const parsed = parseLine(line);
          if (parsed === null) continue;
          if (parsed.bytes !== null) lines.set(parsed.index, parsed.bytes);
          else if (end === null || end.sums === parsed.sums)
            end = { count: parsed.index, sums: parsed.sums };
          else {
            // Another end than before: the file changed, or the line was damaged. Begin again.
            lines.clear();
            end = null;
          }
        }
      } catch (error) {
        const errorNumber = errnoOf(error);
        if (errorNumber !== null) return failureOf(path, errorNumber);
        if (!isBelayError(error, 'repl/exec-failed')) throw error;
        this.#session.forget();
      }
      if (end === null || missingOf(lines, end.count).length > 0) continue;
      const bytes = Buffer.concat(
        Array.from({ length: end.count }, (_, index) => lines.get(index) as Uint8Array),
      );
      // The sums of a second reading must agree, with the first ones and with the bytes that came.
      const again = await this.#endSums(path, end.count, signal);
      if (again === end.sums && again === sumsOf(bytes)) return bytes;
      lines.clear();
      end = null;
    }
    return failureOf(path, 1);
  }

  async #endSums(path: string, count: number, signal: AbortSignal): Promise<string | null> {
    try {
      const output = await this.#session.lines(
        `_belay(${nameLiteral(path)},(${count + 1},))`,
        signal,
      );
      return parseLine(output.at(-1) ?? '')?.sums ?? null;
    } catch (error) {
      if (!isBelayError(error, 'repl/exec-failed')) throw error;
      return null;
    }
  }

  async *#put(
    operation: BoardOperation & { kind: 'put' },
    signal: AbortSignal,
  ): AsyncGenerator<ApplyEvent, Problem | null> {
    const { path } = operation;
    if (bytesOfPath(path).length > this.info.nameBytesMax)
      return {
        code: 'board/unfit',
        message: `/${path}: the name is longer than ${this.info.nameBytesMax} bytes`,
      };
    const parts: Uint8Array[] = [];
    for await (const part of operation.content()) parts.push(part);
    const bytes = Buffer.concat(parts);
    // There is no second name to write to: what is wrong must not get as far as the flash.
    if (sha256(bytes) !== operation.sha256)
      return { code: 'board/integrity', message: `/${path}: the content does not match its hash` };
    await this.#session.load('write', signal);
    await this.#session.agreed(
      `_belay_file=open(${nameLiteral(path)},'wb')\n_belay_next=0`,
      signal,
    );
    for (let index = 0; index * PIECE_BYTES < bytes.length; index += 1) {
      throwIfAborted(signal);
      const piece = bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
      const errorNumber = await this.#writePiece(index, piece, signal);
      if (errorNumber !== 0) {
        await this.#session.agreed('_belay_file.close()', signal).catch(() => {});
        await this.#remove(path, signal).catch(() => {});
        return problemOf(path, errorNumber);
      }
      yield { kind: 'sent', operation, bytes: piece.length };
    }
    await this.#session.agreed(
      'try:\n _belay_file.close()\n del _belay_file,_belay_next\nexcept NameError:pass',
      signal,
    );
    const written = await this.#readFile(path, signal);
    if (written instanceof Uint8Array && sha256(written) === operation.sha256) {
      yield { kind: 'staged', operation };
      return null;
    }
    return {
      code: 'board/integrity',
      message: `/${path}: what the board holds differs from what was sent`,
    };
  }

  /** 0, or the board's error number. */
  async #writePiece(index: number, piece: Uint8Array, signal: AbortSignal): Promise<number> {
    let sum = index & 255;
    for (const byte of piece) sum = ((sum * 33) ^ byte) & 0xffff;
    const source = `_belay(${index},${sum},${bytesLiteral(piece)})`;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      try {
        const answer = Number((await this.#session.lines(source, signal)).at(-1));
        if (answer === index + 1) return 0;
        if (answer < 0) return -answer;
      } catch (error) {
        if (!isBelayError(error, 'repl/exec-failed')) throw error;
      }
    }
    return 5;
  }

  async #change(
    operation: Exclude<BoardOperation, { kind: 'put' }>,
    signal: AbortSignal,
  ): Promise<Problem | null> {
    if (operation.kind !== 'delete-file')
      return { code: 'board/unfit', message: `/${operation.path}: this board has no folders` };
    return this.#remove(operation.path, signal);
  }

  async #remove(path: string, signal: AbortSignal): Promise<Problem | null> {
    try {
      await this.#session.agreed(
        `import os\nif ${nameLiteral(path)} in os.listdir():os.remove(${nameLiteral(path)})`,
        signal,
      );
      return null;
    } catch (error) {
      const errorNumber = errnoOf(error);
      if (errorNumber === null) throw error;
      return problemOf(path, errorNumber);
    }
  }
}

function stateOf(entry: TreeEntry): readonly unknown[] {
  return entry.kind === 'file'
    ? [entry.kind, entry.path, entry.sizeBytes, entry.sha256]
    : [entry.kind, entry.path];
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
