/** .tar and .tgz, for and from others. */
import { createReadStream } from 'node:fs';
import { createGunzip, createGzip } from 'node:zlib';
import { EntryPacker, entriesOfTar, packEntries } from '../archive/container.js';
import { diskCodeOf, diskError } from '../archive/disk.js';
import type { TarEntry } from '../archive/tar-header.js';
import { tarMtimeOf } from '../archive/tar-header.js';
import { throwIfAborted } from '../core/errors.js';
import type { ExchangeOptions } from './exchange-output.js';
import { exchangeNameOf, writeWhole } from './exchange-output.js';
import { damagedArchive, ForeignFiles } from './foreign-files.js';
import type { HostTree, ImportOptions } from './host-import.js';
import type { ExtractEntry } from './host-tree.js';

const END_BLOCKS = new Uint8Array(1024);

/** Throws store/exists, store/full, store/permission, and what the entries' content throws. */
export async function writeTarTree(
  path: string,
  entries: readonly ExtractEntry[],
  options: ExchangeOptions & { readonly gzip: boolean },
): Promise<void> {
  await writeWhole(path, options, async (append) => {
    const tar = tarOf(entries, options);
    if (!options.gzip) {
      for await (const bytes of tar) await append(bytes);
      return;
    }
    const gzip = createGzip({ level: 9 });
    const packing = feed(gzip, tar);
    packing.catch(() => {});
    for await (const bytes of gzip) await append(bytes as Uint8Array);
    await packing;
  });
}

async function feed(
  gzip: ReturnType<typeof createGzip>,
  tar: AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    for await (const bytes of tar) {
      await new Promise<void>((resolve, reject) => {
        gzip.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
    }
    gzip.end();
  } catch (error) {
    gzip.destroy(error as Error);
    throw error;
  }
}

async function* tarOf(
  entries: readonly ExtractEntry[],
  options: ExchangeOptions,
): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    throwIfAborted(options.signal);
    if (entry.kind === 'folder') {
      const tar = { name: exchangeNameOf(entry), isFolder: true, sizeBytes: 0, mtimeS: 0 };
      yield await packEntries([{ tar, bytes: new Uint8Array(0) }]);
      continue;
    }
    yield* fileOf(entry);
    options.onDone?.(entry.path, entry.sizeBytes);
  }
  yield END_BLOCKS;
}

async function* fileOf(entry: Extract<ExtractEntry, { kind: 'file' }>): AsyncGenerator<Uint8Array> {
  const tar: TarEntry = {
    name: exchangeNameOf(entry),
    isFolder: false,
    sizeBytes: entry.sizeBytes,
    mtimeS: tarMtimeOf(entry.modifiedS),
  };
  if (entry.sizeBytes === 0) {
    yield await packEntries([{ tar, bytes: new Uint8Array(0) }]);
    return;
  }
  const packer = new EntryPacker(tar);
  try {
    for await (const bytes of entry.content()) yield* await packer.write(bytes);
    yield* await packer.end();
  } catch (error) {
    packer.abort();
    throw error;
  }
}

/**
 * Throws archive/damaged, archive/path and archive/limit for what is wrong with the archive, and the
 * disk's errors. Close the tree after use.
 */
export async function readTarTree(
  path: string,
  options: ImportOptions & { readonly gzip: boolean },
): Promise<HostTree> {
  const files = await ForeignFiles.create(path, options);
  const file = createReadStream(path);
  const source = options.gzip ? file.pipe(createGunzip()) : file;
  if (options.gzip) file.on('error', (error) => source.destroy(error));
  try {
    for await (const entry of entriesOfTar(source)) {
      const kind = entry.type === 'directory' ? 'folder' : 'file';
      const name = files.pathOf(entry.name, kind);
      if (name === null) continue;
      if (kind === 'folder') files.addFolder(name);
      else if (entry.type === 'file' || entry.type === 'contiguous-file') {
        await files.addFile(name, entry.modifiedS, entry.content);
      } else files.skip(name, `neither a file nor a folder (${entry.type})`);
    }
    return files.tree();
  } catch (error) {
    await files.close();
    if (diskCodeOf(error).startsWith('E') && !diskCodeOf(error).startsWith('ERR')) {
      throw diskError('read', path, error);
    }
    throw damagedArchive(path, error);
  } finally {
    source.destroy();
    file.destroy();
  }
}
