/**
 * The content of a backup's files, wherever the chain keeps it. Archives are opened when they are
 * first needed and closed together; every file's hash is checked while it flows.
 */

import type { BlbHead } from '../archive/blb-reader.js';
import { readBlbFile, readBlbHead } from '../archive/blb-reader.js';
import type { ByteSource } from '../archive/byte-source.js';
import type { FileEntry } from '../archive/manifest.js';
import { pathOfEntry } from '../archive/manifest.js';
import type { ChainArchive, KnownArchive } from '../chain/archive.js';
import type { ContentMap } from '../chain/materialize.js';
import { filesOf, holdsContent, locateContent } from '../chain/materialize.js';
import { displayPath } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import type { BackupFolder } from '../store/backup-folder.js';

interface OpenArchive {
  readonly source: ByteSource;
  readonly head: BlbHead;
  readonly files: ReadonlyMap<string, FileEntry>;
}

/** Archives held open at a time: a chain may be longer than a process may have files open. */
const OPEN_MAX = 32;

export class ContentReader {
  readonly content: ContentMap;
  readonly #store: BackupFolder;
  readonly #open = new Map<string, Promise<OpenArchive>>();

  constructor(store: BackupFolder, content: ContentMap) {
    this.#store = store;
    this.content = content;
  }

  /** Of any backup: its own content and what it takes from its ancestors. */
  static of(
    store: BackupFolder,
    tip: KnownArchive,
    all: readonly ChainArchive[],
    unfit: ReadonlySet<string> = new Set(),
  ): ContentReader {
    return new ContentReader(store, locateContent(tip, all, { unfit }));
  }

  /** Of one archive alone, whatever chain it may be part of: safety archives, files given by path. */
  static alone(store: BackupFolder, archive: KnownArchive): ContentReader {
    const files = filesOf(archive.manifest);
    const own = files.filter(holdsContent);
    return new ContentReader(store, {
      sources: new Map(own.map((entry) => [pathOfEntry(entry), { archive, entry }])),
      archives: [archive],
      missing: files.filter((entry) => !holdsContent(entry)),
    });
  }

  has(path: string): boolean {
    return this.content.sources.has(path);
  }

  /** The archives that these files (default: all) are read from. */
  archivesFor(paths: Iterable<string> = this.content.sources.keys()): readonly KnownArchive[] {
    const used = new Set<KnownArchive>();
    for (const path of paths) {
      const source = this.content.sources.get(path);
      if (source !== undefined) used.add(source.archive);
    }
    return [...used];
  }

  /** Throws `chain/missing-content` where no archive has it, `archive/damaged` where it is not what it should be. */
  async *read(path: string): AsyncIterable<Uint8Array> {
    const { archive, entry } = this.#sourceOf(path);
    const open = await this.#archive(archive.path);
    yield* readBlbFile(open.source, open.head, sameEntry(open, entry));
  }

  /** The whole content; for files known to be small. */
  async bytes(path: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.read(path)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  #sourceOf(path: string): {
    readonly archive: KnownArchive;
    readonly entry: FileEntry;
  } {
    const source = this.content.sources.get(path);
    if (source !== undefined) return source;
    throw new BelayError(
      'chain/missing-content',
      `no archive holds the content of /${displayPath(path)}`,
      {
        hint: 'put the missing archives back, or restore what is left with --keep-going',
        details: { path },
      },
    );
  }

  /** The one used last stays; the one unused longest is closed. */
  async #archive(path: string): Promise<OpenArchive> {
    const known = this.#open.get(path);
    if (known !== undefined) this.#open.delete(path);
    else if (this.#open.size >= OPEN_MAX) await this.#closeOne();
    const open = known ?? this.#openArchive(path);
    this.#open.set(path, open);
    return open;
  }

  async #closeOne(): Promise<void> {
    const [path, oldest] = [...this.#open][0] as [string, Promise<OpenArchive>];
    this.#open.delete(path);
    await (await oldest).source.close();
  }

  async #openArchive(path: string): Promise<OpenArchive> {
    const source = await this.#store.open(path);
    try {
      const head = await readBlbHead(source);
      const files = new Map(filesOf(head.manifest).map((entry) => [pathOfEntry(entry), entry]));
      return { source, head, files };
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const opened = [...this.#open.values()];
    this.#open.clear();
    for (const each of opened) {
      const { source } = await each.catch(() => ({ source: null }));
      await source?.close();
    }
  }
}

/** The archive was opened anew: its own entry is used, and must be the one that was planned with. */
function sameEntry(open: OpenArchive, wanted: FileEntry): FileEntry {
  const path = pathOfEntry(wanted);
  const entry = open.files.get(path);
  if (entry !== undefined && entry.checksum === wanted.checksum && entry.member === wanted.member)
    return entry;
  throw new BelayError(
    'archive/damaged',
    `/${displayPath(path)} is no longer in ${open.source.name}`,
    {
      hint: 'somebody replaced the archive meanwhile: run the command again',
    },
  );
}
