/**
 * A folder that is held open, so that what is done in it is done in that very folder and not where a
 * symbolic link put in its place would lead. On Linux names are resolved against the open folder
 * (/proc/self/fd); elsewhere each step looks before it goes, which a race could still pass.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, mkdir, open } from 'node:fs/promises';
import { platform } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { diskCodeOf, diskError } from '../archive/disk.js';
import { BelayError } from '../core/errors.js';
import { removeEmptyFolder } from './make-folder.js';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const HAS_FD_PATHS = platform() === 'linux';

export class SafeFolder {
  /** For messages. */
  readonly path: string;
  readonly #handle: FileHandle | null;
  /** The uppermost folder that was made for it. */
  readonly #made: string | null;

  private constructor(path: string, handle: FileHandle | null, made: string | null = null) {
    this.path = path;
    this.#handle = handle;
    this.#made = made;
  }

  /** The folder that the user named (made where missing); it may itself be a symbolic link. */
  static async openTarget(path: string): Promise<SafeFolder> {
    try {
      const made = await mkdir(path, { recursive: true });
      const handle = HAS_FD_PATHS ? await open(path, O_RDONLY | O_DIRECTORY) : null;
      return new SafeFolder(path, handle, made ?? null);
    } catch (error) {
      throw diskError('write to the folder', path, error);
    }
  }

  /** Where `name` is reached through this open folder. */
  at(name: string): string {
    return this.#handle === null
      ? join(this.path, name)
      : `/proc/self/fd/${this.#handle.fd}/${name}`;
  }

  /**
   * A folder in this one, made where missing. Throws store/unsafe-path where something else has its
   * name: a symbolic link is never followed.
   */
  async enter(name: string): Promise<SafeFolder> {
    const shown = join(this.path, name);
    try {
      await mkdir(this.at(name)).catch((error: unknown) => {
        if (diskCodeOf(error) !== 'EEXIST') throw error;
      });
      if (this.#handle === null) {
        if (!(await lstat(this.at(name))).isDirectory()) throw notAFolder(shown);
        return new SafeFolder(shown, null);
      }
      const handle = await open(this.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      return new SafeFolder(shown, handle);
    } catch (error) {
      const code = diskCodeOf(error);
      if (code === 'ELOOP' || code === 'ENOTDIR') throw notAFolder(shown);
      throw diskError('write to the folder', shown, error);
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }

  /** Takes away the folders that were made for it, as far as they are empty. */
  async unmake(): Promise<void> {
    if (this.#made === null) return;
    const top = resolve(this.#made);
    for (let folder = resolve(this.path); folder.startsWith(top); folder = dirname(folder)) {
      if (!(await removeEmptyFolder(folder))) return;
    }
  }
}

function notAFolder(path: string): BelayError {
  return new BelayError(
    'store/unsafe-path',
    `${path} is not a folder (a symbolic link or a file)`,
    {
      hint: 'Remove it, or extract into another folder.',
      details: { path },
    },
  );
}
