/** Makes the bytes of a `.blb`: data members go to a spool as they come, the head is made last. */
import type { BlbHead } from './blb-reader.js';
import type { ByteSource } from './byte-source.js';
import type { CheckedBy, Manifest } from './manifest.js';

/** Where data members wait until the head is known. */
export interface Spool {
  readonly sizeBytes: number;
  append(bytes: Uint8Array): Promise<void>;
  /** Drops everything from `toBytes` on. */
  truncate(toBytes: number): Promise<void>;
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface NewFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedS: number | null;
  readonly sha256: string;
  readonly checkedBy: CheckedBy;
  /** 8 lower-case hex digits, where the board has no sha256. */
  readonly crc32?: string;
}

/** What the caller knows of a manifest; the writer derives the rest. */
export type ManifestDraft = Omit<
  Manifest,
  'stateHash' | 'integrityChecksum' | 'statistics' | 'members' | 'files'
> & { readonly statistics: { readonly backupDurationMs: number } };

/** A big file on its way into a member of its own. */
export interface BigFile {
  /** In order. Waits until the bytes were handed on. */
  write(bytes: Uint8Array): Promise<void>;
  /** The content is verified: it becomes part of the archive. Throws archive/damaged where sha256 or size differ. */
  end(meta: NewFile): Promise<void>;
  /** What came is dropped; the file may be begun again. Idempotent. */
  abort(): Promise<void>;
}

/** Everything of an archive but the data members, which lie in the spool. */
export interface BlbParts {
  readonly manifest: Manifest;
  readonly head: Uint8Array;
  /** Live pieces of the spool, in order. */
  readonly pieces: readonly { readonly offset: number; readonly length: number }[];
  readonly checksums: Uint8Array;
  /** The last bytes, once the sha256 of all bytes before them is known. */
  endMember(sha256OfRest: string): Uint8Array;
}

export class BlbWriter {
  constructor(_spool: Spool, _options: { readonly compress: boolean }) {}

  addFolder(_path: string): void {
    throw new Error('being written');
  }

  addFailure(_path: string, _isDirectory: boolean, _code: string, _message: string): void {
    throw new Error('being written');
  }

  async addFile(_meta: NewFile, _bytes: Uint8Array): Promise<void> {
    throw new Error('being written');
  }

  beginFile(_meta: {
    readonly path: string;
    readonly sizeBytes: number;
    readonly modifiedS: number | null;
  }): BigFile {
    throw new Error('being written');
  }

  addReference(_meta: NewFile, _dataIn: string): void {
    throw new Error('being written');
  }

  /** `metas` by path: every file of the member, as the new manifest shall have it. */
  async copyMember(
    _source: ByteSource,
    _head: BlbHead,
    _member: number,
    _metas: ReadonlyMap<string, NewFile>,
  ): Promise<void> {
    throw new Error('being written');
  }

  async finish(_draft: ManifestDraft): Promise<BlbParts> {
    throw new Error('being written');
  }
}
