/** A file for others, whole or not at all; and the names that it carries. */
import type { FileHandle } from 'node:fs/promises';
import { access, link, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { diskCodeOf, diskError } from '../archive/disk.js';
import { BelayError } from '../core/errors.js';
import { encodeHostName } from './host-name.js';
import type { ExtractEntry } from './host-tree.js';

export interface ExchangeOptions {
  /** Of this process, for temporary names. */
  readonly pid: number;
  readonly randomHex: (bytes: number) => string;
  readonly signal: AbortSignal;
  readonly onDone?: (path: string, bytes: number) => void;
}

/**
 * Writes to a temporary file beside `path`, flushes it, and gives it its name. Throws store/exists
 * where there is such a file already, before anything is written; nothing is left behind.
 */
export async function writeWhole(
  path: string,
  options: ExchangeOptions,
  write: (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const full = resolve(path);
  if (await exists(full)) throw existsError(path);
  const name = `.belay-${options.pid}-${options.randomHex(8)}.tmp`;
  const temporary = join(dirname(full), name);
  let handle: FileHandle | null = null;
  try {
    handle = await open(temporary, 'wx');
    await write(appender(handle));
    await handle.sync();
    await handle.close();
    await giveName(temporary, full, path);
  } catch (error) {
    await handle?.close().catch(() => {});
    throw error instanceof BelayError || diskCodeOf(error) === ''
      ? error
      : diskError('write', path, error);
  } finally {
    await unlink(temporary).catch(() => {});
  }
}

function appender(handle: FileHandle): (bytes: Uint8Array) => Promise<void> {
  return async (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
    }
  };
}

/** A link never replaces what is there; where there are no links, a look before must do. */
async function giveName(temporary: string, full: string, shown: string): Promise<void> {
  try {
    await link(temporary, full);
  } catch (error) {
    if (diskCodeOf(error) === 'EEXIST' || (await exists(full))) throw existsError(shown);
    await rename(temporary, full);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function existsError(path: string): BelayError {
  return new BelayError('store/exists', `${path} exists already`, {
    hint: 'Remove it, or choose another name.',
    details: { name: basename(path) },
  });
}

/** The entry's name for others: bytes that are no text stand as %XX, as in an extracted folder. */
export function exchangeNameOf(entry: ExtractEntry): string {
  const name = entry.path
    .split('/')
    .map((part) => encodeHostName(part, 'posix'))
    .join('/');
  return entry.kind === 'folder' ? `${name}/` : name;
}
