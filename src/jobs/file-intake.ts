/**
 * From a board's stream into an archive. A small file waits in memory until the board's own hash
 * has confirmed it, a big one goes straight into a member of its own that is cut off when it has to
 * start again; so nothing unverified is ever part of the archive.
 */
import type { BigFile, BlbWriter, NewFile } from '../archive/blb-writer.js';
import type { TreeFailure, TreeFile } from '../core/tree.js';
import type { ReadEvent } from '../device/device-fs.js';

/** Up to here a file is kept in memory until it is verified. */
const SMALL_BYTES_MAX = 128 * 1024;

type Verified = ReadEvent & { readonly kind: 'verified' };

export interface IntakeOptions {
  /** The archive that holds this content already, or null: asked once a file's true hash is known. */
  readonly holder: (content: { readonly checksum: string; readonly originalSize: number }) => string | null;
  /** Files that have the content of a file that is read. */
  readonly copies: ReadonlyMap<string, readonly TreeFile[]>;
  /** Bytes that came (negative: came in vain), and of which file. */
  readonly onBytes: (count: number, path: string) => void;
  readonly onFile: (path: string) => void;
}

/** A file on its way: its bytes in memory, and beside them in a member where it is big. */
interface Arriving {
  chunks: Uint8Array[];
  bytes: number;
  member: BigFile | null;
  /** Bytes of `chunks` that the member has. */
  written: number;
}

export class FileIntake {
  /** Paths that are in the archive. */
  readonly done = new Map<string, NewFile>();
  readonly failed = new Map<string, TreeFailure>();
  readonly #writer: BlbWriter;
  readonly #options: IntakeOptions;
  readonly #arriving = new Map<string, Arriving>();
  #openMember: string | null = null;

  constructor(writer: BlbWriter, options: IntakeOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  async take(event: ReadEvent): Promise<void> {
    switch (event.kind) {
      case 'data':
        return this.#data(event.file, event.bytes);
      case 'restart':
        return this.#drop(event.file.path);
      case 'end':
        return;
      case 'verified':
        return this.#verified(event);
      case 'failed':
        await this.#drop(event.file.path);
        this.failed.set(event.file.path, event.failure);
        this.#options.onFile(event.file.path);
        return;
    }
  }

  /** After a loss: what was not verified comes again from its beginning. */
  async dropUnverified(): Promise<void> {
    for (const path of [...this.#arriving.keys()]) await this.#drop(path);
  }

  async #data(file: TreeFile, bytes: Uint8Array): Promise<void> {
    const state = this.#stateOf(file.path);
    state.chunks.push(bytes);
    state.bytes += bytes.length;
    this.#options.onBytes(bytes.length, file.path);
    if (state.member === null && this.#openMember === null && Math.max(state.bytes, file.sizeBytes) > SMALL_BYTES_MAX) {
      const { path, sizeBytes, modifiedS } = file;
      state.member = this.#writer.beginFile({ path, sizeBytes, modifiedS });
      this.#openMember = path;
    }
    if (state.member !== null) await this.#pour(file.path, state);
  }

  #stateOf(path: string): Arriving {
    let state = this.#arriving.get(path);
    if (state === undefined) {
      state = { chunks: [], bytes: 0, member: null, written: 0 };
      this.#arriving.set(path, state);
    }
    return state;
  }

  /** Hands the bytes on; they stay in memory only where copies of the file will want them. */
  async #pour(path: string, state: Arriving): Promise<void> {
    const keep = this.#options.copies.has(path);
    for (const chunk of state.chunks.slice(keep ? state.written : 0)) {
      await state.member?.write(chunk);
      state.written += 1;
    }
    if (!keep) state.chunks = [];
  }

  async #drop(path: string): Promise<void> {
    const state = this.#arriving.get(path);
    if (state === undefined) return;
    this.#arriving.delete(path);
    if (this.#openMember === path) this.#openMember = null;
    await state.member?.abort();
    if (state.bytes > 0) this.#options.onBytes(-state.bytes, path);
  }

  async #verified(event: Verified): Promise<void> {
    const { file, sha256, sizeBytes, modifiedS, checkedBy } = event;
    const state = this.#stateOf(file.path);
    const meta: NewFile = { path: file.path, sizeBytes, modifiedS, sha256, checkedBy };
    const dataIn = this.#options.holder({ checksum: sha256, originalSize: sizeBytes });
    this.#arriving.delete(file.path);
    if (this.#openMember === file.path) this.#openMember = null;
    if (dataIn !== null) {
      await state.member?.abort();
      this.#writer.addReference(meta, dataIn);
    } else if (state.member !== null) await state.member.end(meta);
    else await this.#writer.addFile(meta, joined(state.chunks, state.bytes));
    this.#enter(meta);
    await this.#addCopies(file, meta, dataIn, state);
  }

  async #addCopies(file: TreeFile, meta: NewFile, dataIn: string | null, state: Arriving): Promise<void> {
    for (const copy of this.#options.copies.get(file.path) ?? []) {
      // The file was another one when it was read than when it was listed: the copy is read itself.
      if (copy.sha256 !== meta.sha256) continue;
      const own = { ...meta, path: copy.path, modifiedS: copy.modifiedS };
      if (dataIn !== null) this.#writer.addReference(own, dataIn);
      else await this.#writer.addFile(own, joined(state.chunks, state.bytes));
      this.#enter(own);
    }
  }

  #enter(meta: NewFile): void {
    this.done.set(meta.path, meta);
    this.#options.onFile(meta.path);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
