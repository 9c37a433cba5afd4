/** .zip, for and from others. */
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { Entry, ZipFile as ZipReader } from 'yauzl';
import { open } from 'yauzl';
import { ZipFile } from 'yazl';
import { diskCodeOf, diskError } from '../archive/disk.js';
import { BelayError, throwIfAborted } from '../core/errors.js';
import type { ExchangeOptions } from './exchange-output.js';
import { exchangeNameOf, writeWhole } from './exchange-output.js';
import { damagedArchive, ForeignFiles } from './foreign-files.js';
import type { HostTree, ImportOptions } from './host-import.js';
import type { ExtractEntry } from './host-tree.js';

/** The earliest time that a zip can hold; for what has no time of its own. */
const DOS_EPOCH = new Date(1980, 0, 1);
const FILE_MODE = 0o100644;
const FOLDER_MODE = 0o040755;
const TYPE_MASK = 0o170000;
const LINK_TYPE = 0o120000;

/** Throws store/exists, store/full, store/permission, and what the entries' content throws. */
export async function writeZipTree(
  path: string,
  entries: readonly ExtractEntry[],
  options: ExchangeOptions,
): Promise<void> {
  await writeWhole(path, options, async (append) => {
    const zip = new ZipFile();
    const output = zip.outputStream as unknown as Readable;
    zip.on('error', (error) => output.destroy(error as Error));
    for (const entry of entries) addEntry(zip, entry, options, (error) => output.destroy(error));
    zip.end();
    for await (const bytes of output) {
      throwIfAborted(options.signal);
      await append(bytes as Uint8Array);
    }
  });
}

function addEntry(
  zip: ZipFile,
  entry: ExtractEntry,
  options: ExchangeOptions,
  fail: (error: Error) => void,
): void {
  const name = exchangeNameOf(entry);
  if (entry.kind === 'folder') {
    zip.addEmptyDirectory(name, { mtime: DOS_EPOCH, mode: FOLDER_MODE });
    return;
  }
  const settings = { mtime: dosTimeOf(entry.modifiedS), mode: FILE_MODE, compressionLevel: 9 };
  // Opened when its turn comes: thousands of files never stand open at once.
  zip.addReadStreamLazy(name, settings, (give) => {
    const stream = Readable.from(entry.content(), { objectMode: false });
    stream.on('error', fail);
    stream.on('end', () => options.onDone?.(entry.path, entry.sizeBytes));
    give(null, stream);
  });
}

function dosTimeOf(modifiedS: number | null): Date {
  const date = new Date((modifiedS ?? 0) * 1000);
  return date.getFullYear() >= 1980 && date.getFullYear() < 2108 ? date : DOS_EPOCH;
}

/**
 * Throws archive/damaged, archive/path, archive/limit and archive/unsupported (encrypted) for what is
 * wrong with the archive, and the disk's errors. Close the tree after use.
 */
export async function readZipTree(path: string, options: ImportOptions): Promise<HostTree> {
  const files = await ForeignFiles.create(path, options);
  let zip: ZipReader | null = null;
  try {
    zip = await openZip(path);
    for await (const entry of entriesOf(zip)) await addFrom(zip, entry, files, path);
    return files.tree();
  } catch (error) {
    await files.close();
    const code = diskCodeOf(error);
    if (code.startsWith('E') && !code.startsWith('ERR')) throw diskError('read', path, error);
    throw damagedArchive(path, error);
  } finally {
    zip?.close();
  }
}

function openZip(path: string): Promise<ZipReader> {
  return new Promise((resolve, reject) => {
    open(path, { lazyEntries: true, autoClose: false, strictFileNames: false }, (error, zip) => {
      if (error) reject(error);
      else resolve(zip);
    });
  });
}

/** One at a time, as yauzl gives them when it is asked. */
async function* entriesOf(zip: ZipReader): AsyncGenerator<Entry> {
  for (;;) {
    const next = await new Promise<Entry | null>((resolve, reject) => {
      zip.removeAllListeners();
      zip.once('entry', resolve);
      zip.once('end', () => resolve(null));
      zip.once('error', reject);
      zip.readEntry();
    });
    if (next === null) return;
    yield next;
  }
}

async function addFrom(
  zip: ZipReader,
  entry: Entry,
  files: ForeignFiles,
  zipName: string,
): Promise<void> {
  const isFolder = entry.fileName.endsWith('/');
  const path = files.pathOf(entry.fileName, isFolder ? 'folder' : 'file');
  if (path === null) return;
  const mode = entry.externalFileAttributes >>> 16;
  if ((mode & TYPE_MASK) === LINK_TYPE) files.skip(path, 'a symbolic link');
  else if (isFolder) files.addFolder(path);
  else {
    if ((entry.generalPurposeBitFlag & 1) !== 0) {
      throw new BelayError('archive/unsupported', `${zipName}: it is encrypted`, {
        hint: 'Unpack it with its password, then import the folder.',
      });
    }
    const modifiedS = Math.floor(entry.getLastModDate().getTime() / 1000);
    await files.addFile(path, modifiedS, contentOf(zip, entry));
  }
}

/** yauzl checks sizes; the CRC-32 is left to its users. */
async function* contentOf(zip: ZipReader, entry: Entry): AsyncGenerator<Uint8Array> {
  const stream = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  let crc = 0;
  for await (const bytes of stream) {
    crc = crc32(bytes as Uint8Array, crc);
    yield bytes as Uint8Array;
  }
  if (crc >>> 0 !== entry.crc32 >>> 0)
    throw new Error(`${entry.fileName}: its CRC-32 does not fit`);
}
