/** What the agent's list.py and fold.py send, read back. Pure; the format is in their comments. */
import { createHash } from 'node:crypto';
import { bytesOfPath, joinPath, pathFromBytes } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';

export interface ListedFile {
  readonly kind: 'file';
  readonly path: string;
  /** null where the board could not say: `errorNumber` tells why. */
  readonly sizeBytes: number | null;
  /** In the board's own epoch. */
  readonly modified: number;
  readonly sha256: string | null;
  readonly errorNumber: number;
}

export interface ListedFolder {
  readonly kind: 'folder';
  readonly path: string;
  /** 0: listed to its end. */
  readonly errorNumber: number;
}

/** In the order of the walk: what index a file has there is its place among the files here. */
export type Listed = ListedFile | ListedFolder;

export class StreamReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw malformed(this.#at);
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.take(1)[0] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      if (scale > 2 ** 42) throw malformed(this.#at);
    }
  }
}

function malformed(at: number): BelayError {
  return new BelayError('board/integrity', `the board's listing makes no sense at byte ${at}`, {
    retryable: true,
  });
}

export interface ListingFormat {
  readonly roots: readonly string[];
  /** Bytes of the hash behind each file: 0, 4 (crc32, not used as one) or 32. */
  readonly hashBytes: number;
}

export function parseListing(bytes: Uint8Array, format: ListingFormat): readonly Listed[] {
  const reader = new StreamReader(bytes);
  const entries: Listed[] = [];
  let modified = 0;
  const content = (path: string): void => {
    const value = reader.number();
    if (value > 1) {
      const step = reader.number();
      modified += step % 2 === 0 ? step / 2 : -(step + 1) / 2;
      const hash = Buffer.from(reader.take(format.hashBytes)).toString('hex');
      entries.push({
        kind: 'file',
        path,
        sizeBytes: value - 2,
        modified,
        sha256: format.hashBytes === 32 ? hash : null,
        errorNumber: 0,
      });
    } else if (value === 1) {
      entries.push({
        kind: 'file',
        path,
        sizeBytes: null,
        modified: 0,
        sha256: null,
        errorNumber: reader.number(),
      });
    } else {
      const at = entries.length;
      entries.push({ kind: 'folder', path, errorNumber: 0 });
      for (let name = nameOf(reader); name !== null; name = nameOf(reader))
        content(joinPath(path, name));
      entries[at] = { kind: 'folder', path, errorNumber: reader.number() };
    }
  };
  // A root's name is empty.
  for (const root of format.roots) {
    reader.number();
    content(root);
  }
  return entries;
}

function nameOf(reader: StreamReader): string | null {
  const length = reader.number();
  return length === 0 ? null : pathFromBytes(reader.take(length));
}

export interface FoldedFolder {
  readonly path: string;
  readonly digest: string;
  readonly errorNumber: number;
}

export function parseFolds(bytes: Uint8Array, roots: readonly string[]): readonly FoldedFolder[] {
  const reader = new StreamReader(bytes);
  const folders: FoldedFolder[] = [];
  const fold = (path: string): void => {
    for (let name = nameOf(reader); name !== null; name = nameOf(reader))
      fold(joinPath(path, name));
    const errorNumber = reader.number();
    folders.push({
      path,
      digest: Buffer.from(reader.take(FOLD_BYTES)).toString('hex'),
      errorNumber,
    });
  };
  for (const root of roots) fold(root);
  return folders;
}

export const FOLD_BYTES = 16;

/** The fold of a folder's entries: exclusive-or of sha256 over path, NUL and a file's sha256. */
export function foldOf(
  entries: readonly { readonly path: string; readonly sha256: string | null }[],
): string {
  const fold = new Uint8Array(FOLD_BYTES);
  for (const entry of entries) {
    const hash = createHash('sha256').update('/').update(bytesOfPath(entry.path)).update('\0');
    if (entry.sha256 !== null) hash.update(Buffer.from(entry.sha256, 'hex'));
    const digest = hash.digest();
    for (let at = 0; at < FOLD_BYTES; at += 1)
      fold[at] = (fold[at] as number) ^ (digest[at] as number);
  }
  return Buffer.from(fold).toString('hex');
}
