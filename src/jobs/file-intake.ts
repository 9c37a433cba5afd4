/**
 * From a board's stream into an archive. A small file waits in memory until the board's own hash
 * has confirmed it, a big one goes straight into a member of its own that is cut off when it has to
 * start again; so nothing unverified is ever part of the archive.
 */
import type { BigFile, BlbWriter, NewFile } from '../archive/blb-writer.js';
import type { TreeFailure, TreeFile } from '../core/tree.js';
import type { ReadEvent } from '../device/device-fs.js';

/** Up to here a file is kept in memory until it is verified; below what a shared member takes. */
const SMALL_BYTES_MAX = 100 * 1024;
/** A wire faster than deflate: from here on big files are deflated lightly, to keep memory small. */
const BACKLOG_BYTES_MAX = 2 << 20;

type Verified = ReadEvent & { readonly kind: 'verified' };

export interface IntakeOptions {
  /** The archive that holds this content already, or null: asked once a file's true hash is known. */
  readonly holder: (content: {
    readonly checksum: string;
    readonly originalSize: number;
  }) => string | null;
  /** Files that have the content of a file that is read. */
  readonly copies: ReadonlyMap<string, readonly TreeFile[]>;
  /** Bytes that came (negative: came in vain), and of which file. */
  readonly onBytes: (count: number, path: string) => void;
  readonly onFile: (path: string) => void;
}

/** A file on its way: its bytes in memory, or in a member where it is big. */
interface Arriving {
  readonly file: TreeFile;
  chunks: Uint8Array[];
  bytes: number;
  member: BigFile | null;
  /** Chunks that the member has. */
  written: number;
  /** It is not the file that was listed: what comes of it is dropped, it is read again. */
  isVoid: boolean;
}

export class FileIntake {
  /** Paths that are in the archive. */
  readonly done = new Map<string, NewFile>();
  readonly failed = new Map<string, TreeFailure>();
  readonly #writer: BlbWriter;
  readonly #options: IntakeOptions;
  readonly #arriving = new Map<string, Arriving>();
  /** Files whose size changed since they were listed: a member's header could not be right. */
  readonly #unsteady = new Set<string>();
  /** Whose bytes are going into a member of their own now: only one at a time. */
  #openMember: string | null = null;
  /** Big files from memory, waiting until no member is open. */
  #deferred: { readonly meta: NewFile; readonly bytes: Uint8Array }[] = [];

  constructor(writer: BlbWriter, options: IntakeOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  async take(event: ReadEvent): Promise<void> {
    switch (event.kind) {
      case 'data':
        return this.#data(event.file, event.bytes, (event.waitingBytes ?? 0) > BACKLOG_BYTES_MAX);
      case 'restart':
        this.#unsteady.add(event.file.path);
        return this.#drop(event.file.path);
      case 'end':
        return this.#ended(event.file.path);
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

  async #data(file: TreeFile, bytes: Uint8Array, hurry: boolean): Promise<void> {
    const state = this.#stateOf(file);
    state.bytes += bytes.length;
    this.#options.onBytes(bytes.length, file.path);
    if (state.isVoid) return;
    if (state.member !== null && state.bytes > file.sizeBytes) return this.#makeVoid(state);
    state.chunks.push(bytes);
    const isBig = file.sizeBytes > SMALL_BYTES_MAX && !this.#unsteady.has(file.path);
    if (
      isBig &&
      state.member === null &&
      this.#openMember === null &&
      state.bytes <= file.sizeBytes
    ) {
      const { path, sizeBytes, modifiedS } = file;
      state.member = this.#writer.beginFile({ path, sizeBytes, modifiedS });
      this.#openMember = path;
    }
    if (state.member !== null) await this.#pour(state, hurry);
  }

  #stateOf(file: TreeFile): Arriving {
    let state = this.#arriving.get(file.path);
    if (state === undefined) {
      state = {
        file,
        chunks: [],
        bytes: 0,
        member: null,
        written: 0,
        isVoid: false,
      };
      this.#arriving.set(file.path, state);
    }
    return state;
  }

  async #makeVoid(state: Arriving): Promise<void> {
    this.#unsteady.add(state.file.path);
    state.isVoid = true;
    state.chunks = [];
    await this.#release(state);
  }

  /** The member is given up, and another may be opened. */
  async #release(state: Arriving): Promise<void> {
    await state.member?.abort();
    state.member = null;
    if (this.#openMember === state.file.path) await this.#closeMember();
  }

  async #closeMember(): Promise<void> {
    this.#openMember = null;
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const { meta, bytes } of deferred) await this.#add(meta, bytes);
  }

  /** Hands the bytes on; they stay in memory only where copies of the file will want them. */
  async #pour(state: Arriving, hurry: boolean): Promise<void> {
    const keep = this.#options.copies.has(state.file.path);
    for (const chunk of state.chunks.slice(state.written)) {
      await state.member?.write(chunk, hurry);
      state.written += 1;
    }
    if (keep) return;
    state.chunks = [];
    state.written = 0;
  }

  async #drop(path: string): Promise<void> {
    const state = this.#arriving.get(path);
    if (state === undefined) return;
    this.#arriving.delete(path);
    await this.#release(state);
    if (state.bytes > 0) this.#options.onBytes(-state.bytes, path);
  }

  async #ended(path: string): Promise<void> {
    const state = this.#arriving.get(path);
    if (state === undefined || this.#openMember !== path) return;
    if (state.bytes === state.file.sizeBytes) await this.#closeMember();
    else await this.#makeVoid(state);
  }

  async #verified(event: Verified): Promise<void> {
    const { file, sha256, sizeBytes, checkedBy } = event;
    const state = this.#stateOf(file);
    if (state.isVoid || state.bytes !== sizeBytes) return this.#drop(file.path);
    this.#arriving.delete(file.path);
    // A member's header was written with the listed time; for the others the newer one is right.
    const modifiedS = state.member === null ? event.modifiedS : file.modifiedS;
    const meta: NewFile = {
      path: file.path,
      sizeBytes,
      modifiedS,
      sha256,
      checkedBy,
    };
    const dataIn = this.#options.holder({
      checksum: sha256,
      originalSize: sizeBytes,
    });
    if (dataIn !== null) {
      await this.#release(state);
      this.#writer.addReference(meta, dataIn);
      this.#enter(meta);
    } else if (state.member !== null) {
      await state.member.end(meta);
      this.#enter(meta);
      if (this.#openMember === file.path) await this.#closeMember();
    } else await this.#add(meta, joined(state.chunks, state.bytes));
    await this.#addCopies(meta, dataIn, state);
  }

  async #addCopies(meta: NewFile, dataIn: string | null, state: Arriving): Promise<void> {
    for (const copy of this.#options.copies.get(meta.path) ?? []) {
      // The file was another one when it was read than when it was listed: the copy is read itself.
      if (copy.sha256 !== meta.sha256) continue;
      const own = { ...meta, path: copy.path, modifiedS: copy.modifiedS };
      if (dataIn === null) await this.#add(own, joined(state.chunks, state.bytes));
      else {
        this.#writer.addReference(own, dataIn);
        this.#enter(own);
      }
    }
  }

  async #add(meta: NewFile, bytes: Uint8Array): Promise<void> {
    if (bytes.length > SMALL_BYTES_MAX && this.#openMember !== null) {
      this.#deferred.push({ meta, bytes });
      return;
    }
    await this.#writer.addFile(meta, bytes);
    this.#enter(meta);
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
