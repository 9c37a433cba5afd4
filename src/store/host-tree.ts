/**
 * Files of a backup onto this computer. They are looked up from the manifest, never by what a tar
 * says; nothing is written outside of the target folder, through a symbolic link or into a hard
 * link; what cannot be written safely is refused and the rest goes on.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, rename, unlink } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { diskError } from '../archive/disk.js';
import { comparePaths, displayPath } from '../core/device-path.js';
import { BelayError, throwIfAborted } from '../core/errors.js';
import { checkSpace } from './extract-space.js';
import type { HostName, HostPlatform } from './host-name.js';
import { caseTwins, hostNameOf } from './host-name.js';
import { SafeFolder } from './safe-folder.js';

/** One file or folder to write; `path` is a DevicePath. */
export type ExtractEntry =
  | { readonly kind: 'folder'; readonly path: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly sizeBytes: number;
      readonly sha256: string;
      readonly modifiedS: number | null;
      readonly content: () => AsyncIterable<Uint8Array>;
    };

type ExtractFile = Extract<ExtractEntry, { kind: 'file' }>;

export interface ExtractOptions {
  readonly overwrite: 'if-changed' | 'always' | 'never';
  /** What is done with names that this computer cannot hold as they are. */
  readonly names: 'encode' | 'refuse';
  /** Of this process, for temporary names. */
  readonly pid: number;
  readonly randomHex: (bytes: number) => string;
  readonly signal: AbortSignal;
  readonly onDone?: (path: string, bytes: number) => void;
  /** Default: this computer's. */
  readonly platform?: HostPlatform;
}

export interface ExtractResult {
  /** DevicePaths. */
  readonly written: readonly string[];
  /** There already, with the same content or under `never`. */
  readonly skipped: readonly string[];
  readonly encoded: readonly { readonly path: string; readonly hostPath: string }[];
  /** With store/unsafe-path or the disk's own error: the job ends with 3. */
  readonly refused: readonly { readonly path: string; readonly error: BelayError }[];
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/**
 * Throws before anything is written: store/unsafe-path where names differ only in case and the target
 * knows no case, store/full where the lack can be foreseen. Later: store/full, and what `content`
 * throws. Temporary files never stay.
 */
export async function extractTree(
  target: string,
  entries: readonly ExtractEntry[],
  options: ExtractOptions,
): Promise<ExtractResult> {
  const root = await SafeFolder.openTarget(target);
  try {
    const extraction = new Extraction(root, options);
    const sorted = [...entries].sort((a, b) => comparePaths(a.path, b.path));
    await extraction.checkSpace(sorted);
    if (await extraction.ignoresCase()) refuseTwins(sorted, target);
    for (const entry of sorted) {
      throwIfAborted(options.signal);
      await extraction.put(entry);
    }
    return extraction.result;
  } catch (error) {
    await root.unmake();
    throw error;
  } finally {
    await root.close();
  }
}

function refuseTwins(entries: readonly ExtractEntry[], target: string): void {
  const twins = caseTwins(entries.map((entry) => entry.path));
  if (twins.length === 0) return;
  const pairs = twins.map((twin) => twin.map(displayPath).join(' and '));
  throw new BelayError(
    'store/unsafe-path',
    `${target} cannot hold names that differ only in case: ${pairs.join('; ')}`,
    { hint: 'Extract them one at a time, or onto a file system with case.', details: { twins } },
  );
}

class Extraction {
  readonly result = {
    written: [] as string[],
    skipped: [] as string[],
    encoded: [] as { path: string; hostPath: string }[],
    refused: [] as { path: string; error: BelayError }[],
  };
  readonly #root: SafeFolder;
  readonly #options: ExtractOptions;
  readonly #platform: HostPlatform;

  constructor(root: SafeFolder, options: ExtractOptions) {
    this.#root = root;
    this.#options = options;
    this.#platform = options.platform ?? (platform() === 'win32' ? 'windows' : 'posix');
  }

  #temporaryName(): string {
    return `.belay-${this.#options.pid}-${this.#options.randomHex(8)}.tmp`;
  }

  async checkSpace(entries: readonly ExtractEntry[]): Promise<void> {
    const wishes = entries.flatMap((entry) => {
      if (entry.kind !== 'file') return [];
      const name = hostNameOf(entry.path, this.#platform);
      if ('refused' in name) return [];
      return [{ hostPath: join(this.#root.path, ...name.parts), sizeBytes: entry.sizeBytes }];
    });
    await checkSpace(this.#root.path, wishes);
  }

  /** Asked of the target itself: the same file under a name in capitals? */
  async ignoresCase(): Promise<boolean> {
    const name = this.#temporaryName();
    const handle = await open(this.#root.at(name), 'wx').catch((error: unknown) => {
      throw diskError('write to the folder', this.#root.path, error);
    });
    await handle.close();
    const found = await lstat(this.#root.at(name.toUpperCase())).catch(() => null);
    await unlink(this.#root.at(name));
    return found !== null;
  }

  async put(entry: ExtractEntry): Promise<void> {
    const name = hostNameOf(entry.path, this.#platform);
    const shown = displayPath(entry.path);
    if ('refused' in name) return this.#refuse(entry, unsafe(`${shown}: ${name.refused}`));
    if (name.encoded && this.#options.names === 'refuse') {
      return this.#refuse(entry, unsafe(`${shown}: not a safe name on this computer`));
    }
    try {
      await this.#putAt(entry, name);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return this.#refuse(entry, error);
    }
    if (name.encoded) {
      this.result.encoded.push({ path: entry.path, hostPath: name.parts.join('/') });
    }
  }

  #refuse(entry: ExtractEntry, error: BelayError): void {
    this.result.refused.push({ path: entry.path, error });
  }

  async #putAt(entry: ExtractEntry, name: HostName): Promise<void> {
    const folders = entry.kind === 'folder' ? name.parts : name.parts.slice(0, -1);
    let folder = this.#root;
    try {
      for (const part of folders) {
        const next = await folder.enter(part);
        if (folder !== this.#root) await folder.close();
        folder = next;
      }
      if (entry.kind === 'folder') this.result.written.push(entry.path);
      else await this.#putFile(folder, name.parts.at(-1) as string, entry);
    } finally {
      if (folder !== this.#root) await folder.close();
    }
  }

  async #putFile(folder: SafeFolder, name: string, file: ExtractFile): Promise<void> {
    const shown = join(folder.path, name);
    const { overwrite } = this.#options;
    const found = await lstat(folder.at(name)).catch(() => null);
    if (found?.isDirectory()) throw unsafe(`${shown} is a folder; a file should be there`);
    const same = overwrite === 'if-changed' && (await holds(folder.at(name), file));
    if (found !== null && (overwrite === 'never' || same)) {
      this.result.skipped.push(file.path);
      return;
    }
    const temporary = folder.at(this.#temporaryName());
    try {
      await this.#writeNew(temporary, file);
      await rename(temporary, folder.at(name));
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error instanceof BelayError ? error : diskError('write', shown, error);
    }
    this.result.written.push(file.path);
    this.#options.onDone?.(file.path, file.sizeBytes);
  }

  /** A new file each time: what shares an inode with the old one keeps its content. */
  async #writeNew(path: string, file: ExtractFile): Promise<void> {
    const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
    try {
      const hash = createHash('sha256');
      for await (const bytes of file.content()) {
        throwIfAborted(this.#options.signal);
        hash.update(bytes);
        await writeAll(handle, bytes);
      }
      if (hash.digest('hex') !== file.sha256) {
        throw new BelayError(
          'archive/damaged',
          `${displayPath(file.path)}: its content is not what the manifest says`,
        );
      }
      if (file.modifiedS !== null) await handle.utimes(file.modifiedS, file.modifiedS);
    } finally {
      await handle.close();
    }
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
  }
}

/** True for a regular file with this content; links are not followed. */
async function holds(path: string, file: ExtractFile): Promise<boolean> {
  let handle: FileHandle;
  try {
    handle = await open(path, O_RDONLY | O_NOFOLLOW);
  } catch {
    return false;
  }
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size !== file.sizeBytes || found.nlink > 1) return false;
    const hash = createHash('sha256');
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk);
    return hash.digest('hex') === file.sha256;
  } finally {
    await handle.close();
  }
}

function unsafe(message: string): BelayError {
  return new BelayError('store/unsafe-path', message);
}

/** What concerns one file alone; a full disk or a damaged archive ends the whole extraction. */
function isRefusal(error: unknown): error is BelayError {
  if (!(error instanceof BelayError)) return false;
  if (error.code === 'store/unsafe-path' || error.code === 'store/permission') return true;
  return (
    error.code === 'store/io' &&
    ['ENAMETOOLONG', 'ELOOP', 'EISDIR', 'EINVAL', 'EILSEQ'].includes(
      String(error.details.systemCode),
    )
  );
}
