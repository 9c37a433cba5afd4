/** A `.blb` on this computer's disk: made whole or not at all. */
import type { BlbWriter, ManifestDraft } from './blb-writer.js';
import type { ByteSource } from './byte-source.js';
import type { Disk } from './disk.js';
import type { Manifest } from './manifest.js';

export interface BlbFileOptions {
  readonly compress: boolean;
  /** Of this process: stands in temporary names, so that a sweep can tell the living. */
  readonly pid: number;
  readonly randomHex: (bytes: number) => string;
  /** Default: node:fs. */
  readonly disk?: Disk;
}

export interface CommitOptions {
  readonly signal?: AbortSignal;
  /** Called when everything is on the disk and verified, just before the name appears. */
  readonly beforeRename?: () => Promise<void>;
}

/** Throws store/not-found, store/permission, store/io. */
export async function openBlb(_path: string, _disk?: Disk): Promise<ByteSource> {
  throw new Error('being written');
}

export class BlbFileWriter {
  static async create(_folder: string, _options: BlbFileOptions): Promise<BlbFileWriter> {
    throw new Error('being written');
  }

  get writer(): BlbWriter {
    throw new Error('being written');
  }

  /** Throws store/exists where the name is taken (abort or commit again under another name). */
  async commit(
    _draft: ManifestDraft,
    _fileName: (manifest: Manifest) => string,
    _options?: CommitOptions,
  ): Promise<{ path: string; manifest: Manifest; archiveBytes: number }> {
    throw new Error('being written');
  }

  async abort(): Promise<void> {}
}
