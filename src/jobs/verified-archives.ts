/** Full passes over archives, each once a job: what a restore reads from and what a backup extends. */

import type { BlbHead } from '../archive/blb-reader.js';
import { verifyBlb } from '../archive/blb-reader.js';
import { BelayError, isBelayError } from '../core/errors.js';
import type { BackupFolder } from '../store/backup-folder.js';

export class VerifiedArchives {
  readonly #store: BackupFolder;
  readonly #signal: AbortSignal;
  readonly #onBytes: (count: number) => void;
  readonly #results = new Map<string, BlbHead | BelayError>();

  constructor(
    store: BackupFolder,
    signal: AbortSignal,
    onBytes: (count: number) => void = () => {},
  ) {
    this.#store = store;
    this.#signal = signal;
    this.#onBytes = onBytes;
  }

  /** Its head after every byte was checked; throws the first finding, the same each time it is asked. */
  async verify(path: string): Promise<BlbHead> {
    const known = this.#results.get(path) ?? (await this.#pass(path));
    this.#results.set(path, known);
    if (known instanceof BelayError) throw known;
    return known;
  }

  async #pass(path: string): Promise<BlbHead | BelayError> {
    const source = await this.#store.open(path);
    try {
      return await verifyBlb(source, {
        signal: this.#signal,
        onBytes: this.#onBytes,
      });
    } catch (error) {
      if (isBelayError(error) && error.code !== 'job/cancelled') return error;
      throw error;
    } finally {
      await source.close();
    }
  }

  /** The first of these that is damaged, or null. */
  async firstDamaged(
    paths: readonly string[],
  ): Promise<{ readonly path: string; readonly error: BelayError } | null> {
    for (const path of paths) {
      try {
        await this.verify(path);
      } catch (error) {
        if (isBelayError(error) && error.code !== 'job/cancelled') return { path, error };
        throw error;
      }
    }
    return null;
  }
}
