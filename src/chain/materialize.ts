/**
 * Where the bytes of each file are: one look-up a file, no replay. `dataIn` is a hint: that archive
 * first, then what supersedes it, then any archive of this board that holds this sha256 and size.
 * Whoever reads the bytes verifies them.
 */
import type { FileEntry, Manifest } from '../archive/manifest.js';
import { pathOfEntry } from '../archive/manifest.js';
import { boardKeyOf } from '../core/board-key.js';
import { BelayError } from '../core/errors.js';
import type { ChainArchive, KnownArchive } from './archive.js';
import { bySequence } from './lineage.js';

export interface ContentSource {
  readonly archive: KnownArchive;
  /** The entry of that archive's own manifest: it has `member` and `tarOffset`. */
  readonly entry: FileEntry;
}

export interface ContentMap {
  /** DevicePath to source, for every file of the tip. */
  readonly sources: ReadonlyMap<string, ContentSource>;
  /** Archives that are read from, the tip first, then by sequence: verify these before a restore. */
  readonly archives: readonly KnownArchive[];
  /** Files whose content no archive holds. */
  readonly missing: readonly FileEntry[];
}

/** Files of an archive, without folders and without what could not be read. */
export function filesOf(manifest: Manifest): readonly FileEntry[] {
  return manifest.files.filter(
    (entry): entry is FileEntry => !('error' in entry) && !entry.isDirectory,
  );
}

export function holdsContent(entry: FileEntry): boolean {
  return entry.member !== undefined;
}

export function contentKeyOf(content: { checksum: string; originalSize: number }): string {
  return `${content.checksum}:${content.originalSize}`;
}

/**
 * Locates the content of every file of `tip` in O(files of the archives touched). `all` may hold
 * archives of other boards; they are never read from, nor are those with a problem or in `unfit`
 * (paths of archives that failed a verification since they were listed).
 */
export function locateContent(
  tip: KnownArchive,
  all: readonly ChainArchive[],
  options: { readonly unfit?: ReadonlySet<string> } = {},
): ContentMap {
  const locator = new ContentLocator(tip, all, options.unfit ?? new Set());
  const sources = new Map<string, ContentSource>();
  const missing: FileEntry[] = [];
  const touched = new Set<KnownArchive>();
  for (const entry of filesOf(tip.manifest)) {
    const source = locator.find(entry);
    if (source === null) missing.push(entry);
    else {
      sources.set(pathOfEntry(entry), source);
      touched.add(source.archive);
    }
  }
  touched.delete(tip);
  return { sources, archives: [tip, ...[...touched].sort(bySequence)], missing };
}

/** Throws chain/missing-content, naming the first file, where something has no source. */
export function requireContent(tip: KnownArchive, map: ContentMap): void {
  const first = map.missing[0];
  if (first === undefined) return;
  const others = map.missing.length === 1 ? '' : ` (and ${map.missing.length - 1} more)`;
  throw new BelayError(
    'chain/missing-content',
    `${tip.path}: no archive holds the content of ${first.relativePath}${others}`,
    {
      hint: 'Put the missing archives back, or restore what is left with --keep-going.',
      details: {
        backupId: tip.manifest.backupId,
        paths: map.missing.map((entry) => entry.relativePath),
        dataIn: [...new Set(map.missing.map((entry) => entry.dataIn))],
      },
    },
  );
}

/** Look-ups over the archives of one board. */
export class ContentLocator {
  readonly #tip: KnownArchive;
  readonly #fit: readonly KnownArchive[];
  readonly #byId = new Map<string, KnownArchive[]>();
  readonly #superseding = new Map<string, KnownArchive[]>();
  readonly #held = new Map<KnownArchive, ReadonlyMap<string, FileEntry>>();
  #anywhere: ReadonlyMap<string, ContentSource> | null = null;

  constructor(tip: KnownArchive, all: readonly ChainArchive[], unfit: ReadonlySet<string>) {
    const board = boardKeyOf(tip.manifest.deviceInfo);
    this.#tip = tip;
    this.#fit = all.filter(
      (archive): archive is KnownArchive =>
        archive.manifest !== null &&
        archive.problem === null &&
        !unfit.has(archive.path) &&
        boardKeyOf(archive.manifest.deviceInfo) === board,
    );
    for (const archive of this.#fit) {
      push(this.#byId, archive.manifest.backupId, archive);
      for (const old of archive.manifest.supersedes) push(this.#superseding, old.backupId, archive);
    }
  }

  find(entry: FileEntry): ContentSource | null {
    if (holdsContent(entry)) return { archive: this.#tip, entry };
    const key = contentKeyOf(entry);
    for (const archive of this.#hinted(entry.dataIn as string)) {
      const found = this.#contentOf(archive).get(key);
      if (found !== undefined) return { archive, entry: found };
    }
    this.#anywhere ??= this.#indexAll();
    return this.#anywhere.get(key) ?? null;
  }

  #hinted(id: string): readonly KnownArchive[] {
    return [...(this.#byId.get(id) ?? []), ...(this.#superseding.get(id) ?? [])];
  }

  #contentOf(archive: KnownArchive): ReadonlyMap<string, FileEntry> {
    let held = this.#held.get(archive);
    if (held === undefined) {
      const own = filesOf(archive.manifest).filter(holdsContent);
      held = new Map(own.map((entry) => [contentKeyOf(entry), entry]));
      this.#held.set(archive, held);
    }
    return held;
  }

  #indexAll(): ReadonlyMap<string, ContentSource> {
    const index = new Map<string, ContentSource>();
    for (const archive of this.#fit) {
      for (const [key, entry] of this.#contentOf(archive)) {
        if (!index.has(key)) index.set(key, { archive, entry });
      }
    }
    return index;
  }
}

function push(map: Map<string, KnownArchive[]>, key: string, archive: KnownArchive): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [archive]);
  else list.push(archive);
}

/**
 * What a child of `parent` may leave out: content that the parent's own file list has, mapped to
 * the archive to name as `dataIn`; null for everything else, content known only from older
 * ancestors included. Without this rule merging loses data.
 */
export function omittableContent(
  parent: Manifest,
): (content: { readonly checksum: string; readonly originalSize: number }) => string | null {
  const holder = new Map<string, string>();
  for (const entry of filesOf(parent)) {
    holder.set(
      contentKeyOf(entry),
      holdsContent(entry) ? parent.backupId : (entry.dataIn as string),
    );
  }
  return (content) => holder.get(contentKeyOf(content)) ?? null;
}
