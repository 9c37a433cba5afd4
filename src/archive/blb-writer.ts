/**
 * Makes the bytes of a `.blb`. Data members go to a spool as their files are verified; head and end
 * are made last, when everything is known. It knows no disk: the spool is handed in.
 *
 * Calls are awaited one at a time. Only the `end` or `abort` of a big file may come later than the
 * calls for other files.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { comparePaths, displayPath, pathProblem } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import type { BigFile, FileStart, NewFile } from './big-file.js';
import { BigFileBytes, contentError, differenceOf } from './big-file.js';
import type { BlbHead } from './blb-head.js';
import type { BlbParts, ManifestDraft } from './blb-parts.js';
import { buildParts } from './blb-parts.js';
import { checkMember } from './blb-verify.js';
import type { ByteSource } from './byte-source.js';
import { packEntries } from './container.js';
import type { DeflateSettings } from './gzip-member.js';
import { DEFLATE, DEFLATE_HARD, gzipMember, STORE } from './gzip-member.js';
import type { FailedEntry, FolderEntry } from './manifest.js';
import { entryNameOf, pathOfEntry } from './manifest.js';
import { copyMemberBytes, isMemberUnchanged, methodOf } from './member-copy.js';
import type { PendingEntry, Spool, SpooledMember } from './spool.js';
import type { TarEntry } from './tar-header.js';
import { FILE_BYTES_MAX, tarMtimeOf, tarSizeOf } from './tar-header.js';
import type { PlacedEntry } from './tar-layout.js';
import { layoutOfManifest } from './tar-layout.js';
import { tarNameOf } from './tar-name.js';

export type { BigFile, BlbParts, FileStart, ManifestDraft, NewFile, Spool };

/** A shared member holds at most this much tar; a file that needs more stands alone. */
export const SHARED_MEMBER_TAR_BYTES_MAX = 128 * 1024;

interface GroupedFile {
  readonly meta: NewFile;
  readonly tar: TarEntry;
  readonly bytes: Uint8Array;
}

/** A big file and where its member begins in the spool. */
type Receiving = { readonly file: BigFileBytes; readonly offset: number };

export class BlbWriter {
  readonly #spool: Spool;
  /** Of files that stand alone. */
  readonly #settings: DeflateSettings;
  readonly #sharedSettings: DeflateSettings;
  readonly #method: 'deflate' | 'none';
  readonly #entries = new Map<string, PendingEntry>();
  /** In the order of the spool. Dead ones were cut off where others already followed. */
  readonly #members: SpooledMember[] = [];
  #group: GroupedFile[] = [];
  #groupTarBytes = 0;
  /** The big file whose bytes are coming: it owns the end of the spool. */
  #receiving: Receiving | null = null;
  /** Complete, not yet ended. */
  readonly #waiting = new Map<BigFileBytes, SpooledMember>();
  /** Shared members that were closed while a big file owned the spool. */
  #held: { readonly member: SpooledMember; readonly bytes: Uint8Array }[] = [];

  constructor(spool: Spool, options: { readonly compress: boolean }) {
    this.#spool = spool;
    this.#settings = options.compress ? DEFLATE : STORE;
    this.#sharedSettings = options.compress ? DEFLATE_HARD : STORE;
    this.#method = options.compress ? 'deflate' : 'none';
  }

  /** Bytes of data members so far. */
  get spooledBytes(): number {
    return this.#spool.sizeBytes;
  }

  addFolder(path: string): void {
    this.addListed({ ...entryNameOf(path), isDirectory: true });
  }

  /** What could not be read: the archive is partial. */
  addFailure(path: string, isDirectory: boolean, code: string, message: string): void {
    this.addListed({ ...entryNameOf(path), isDirectory, error: { code, message } });
  }

  /** The same as another archive lists it: fields that this version does not know are kept. */
  addListed(entry: FolderEntry | FailedEntry): void {
    const path = pathOfEntry(entry);
    this.#claim(path);
    this.#entries.set(path, { kind: 'listed', entry });
  }

  /** Whole and verified. Throws archive/damaged where the bytes are not what `meta` says. */
  async addFile(meta: NewFile, bytes: Uint8Array): Promise<void> {
    const tar = this.#tarEntryOf(meta);
    if (tarSizeOf(tar) > SHARED_MEMBER_TAR_BYTES_MAX) {
      const file = this.beginFile(meta);
      await file.write(bytes);
      await file.end(meta);
      return;
    }
    this.#claim(meta.path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const start = { path: meta.path, sizeBytes: bytes.length, modifiedS: meta.modifiedS };
    const problem = differenceOf(meta, start, sha256, crc32(bytes));
    if (problem !== null) throw contentError(meta.path, problem);
    if (this.#groupTarBytes + tarSizeOf(tar) > SHARED_MEMBER_TAR_BYTES_MAX)
      await this.#closeGroup();
    this.#entries.set(meta.path, { kind: 'stored', meta });
    this.#group.push({ meta, tar, bytes: bytes.slice() });
    this.#groupTarBytes += tarSizeOf(tar);
  }

  /**
   * A file in a member of its own. Only one at a time may be receiving; once all its bytes have
   * come, the next may begin although this one has not been ended.
   */
  beginFile(start: FileStart): BigFile {
    if (this.#receiving !== null) throw new Error('BlbWriter: another file is being received');
    this.#claim(start.path);
    const offset = this.#spool.sizeBytes;
    const file = new BigFileBytes(start, this.#tarEntryOf(start), this.#settings, {
      append: (bytes) => this.#spool.append(bytes),
      complete: (each) => this.#completed(each),
      accept: (each, meta) => this.#accepted(each, meta),
      drop: (each) => this.#dropped(each),
    });
    this.#receiving = { file, offset };
    return file;
  }

  /** A file whose content is in the archive `dataIn` (a backupId), as the parent's list says. */
  addReference(meta: NewFile, dataIn: string): void {
    this.#claim(meta.path);
    this.#entries.set(meta.path, { kind: 'reference', meta, dataIn });
  }

  /**
   * Takes a file member of another archive as it is, checked while it is copied. `metas`: its files
   * as the new manifest shall have them, by path; all must be there with the same content and time
   * (`isMemberUnchanged`). Throws archive/damaged; then nothing was added.
   */
  async copyMember(
    source: ByteSource,
    head: BlbHead,
    member: number,
    metas: ReadonlyMap<string, NewFile>,
    options: { readonly signal: AbortSignal },
  ): Promise<void> {
    if (!isMemberUnchanged(head.manifest, member, metas)) {
      throw new Error(`BlbWriter: member ${member} does not hold these files as they are wanted`);
    }
    const placed = layoutOfManifest(head.manifest)[member] as readonly PlacedEntry[];
    const files = placed.map(({ path, tarOffset }) => ({
      meta: metas.get(path) as NewFile,
      tarOffset,
    }));
    for (const { meta } of files) this.#claim(meta.path);
    if (this.#receiving !== null) throw new Error('BlbWriter: a file is being received');
    await checkMember(source, head, member, options);
    const spoolOffset = this.#spool.sizeBytes;
    const { compressedSize, tarSize } = await copyMemberBytes(source, head, member, this.#spool);
    const kind = { compressedSize, tarSize, compressionMethod: methodOf(placed) };
    this.#members.push({ ...kind, spoolOffset, files, isLive: true });
    for (const { meta } of files) this.#entries.set(meta.path, { kind: 'stored', meta });
  }

  /**
   * Everything of the archive but what lies in the spool. May be called again with another draft.
   * Throws archive/path, archive/limit, archive/manifest for what no reader would accept.
   */
  async finish(draft: ManifestDraft): Promise<BlbParts> {
    if (this.#receiving !== null || this.#waiting.size > 0) {
      throw new Error('BlbWriter: a file was begun and neither ended nor aborted');
    }
    await this.#closeGroup();
    const entries = [...this.#entries]
      .sort(([a], [b]) => comparePaths(a, b))
      .map(([, each]) => each);
    const members = this.#members.filter(({ isLive }) => isLive);
    return buildParts(draft, entries, members, this.#sharedSettings);
  }

  #tarEntryOf(start: FileStart): TarEntry {
    if (start.sizeBytes > FILE_BYTES_MAX) {
      throw new BelayError(
        'archive/limit',
        `${displayPath(start.path)}: larger than ${FILE_BYTES_MAX} bytes`,
      );
    }
    return {
      name: tarNameOf(start.path, false),
      isFolder: false,
      sizeBytes: start.sizeBytes,
      mtimeS: tarMtimeOf(start.modifiedS),
    };
  }

  #claim(path: string): void {
    const problem = pathProblem(path);
    if (problem !== null) {
      throw new BelayError(
        'archive/path',
        `not a path on a board: "${displayPath(path)}" (${problem})`,
      );
    }
    const isBegun =
      this.#receiving?.file.start.path === path ||
      [...this.#waiting.keys()].some(({ start }) => start.path === path);
    if (isBegun || this.#entries.has(path)) {
      throw new BelayError('archive/path', `${displayPath(path)}: listed twice`, {
        details: { path },
      });
    }
  }

  async #closeGroup(): Promise<void> {
    if (this.#group.length === 0) return;
    const group = this.#group;
    const tar = await packEntries(group);
    const bytes = await gzipMember(tar, this.#sharedSettings);
    let tarOffset = 0;
    const files = group.map((file) => {
      const placed = { meta: file.meta, tarOffset };
      tarOffset += tarSizeOf(file.tar);
      return placed;
    });
    const member: SpooledMember = {
      spoolOffset: this.#spool.sizeBytes,
      compressedSize: bytes.length,
      tarSize: tar.length,
      compressionMethod: this.#method,
      files,
      isLive: true,
    };
    if (this.#receiving === null) await this.#place(member, bytes);
    else this.#held.push({ member, bytes });
    this.#group = [];
    this.#groupTarBytes = 0;
  }

  async #place(member: SpooledMember, bytes: Uint8Array): Promise<void> {
    const spoolOffset = this.#spool.sizeBytes;
    await this.#spool.append(bytes);
    this.#members.push({ ...member, spoolOffset });
  }

  async #completed(file: BigFileBytes): Promise<void> {
    const { offset: spoolOffset } = this.#receiving as Receiving;
    const member: SpooledMember = {
      spoolOffset,
      compressedSize: this.#spool.sizeBytes - spoolOffset,
      tarSize: tarSizeOf(this.#tarEntryOf(file.start)),
      compressionMethod: this.#method,
      files: [],
      isLive: false,
    };
    this.#members.push(member);
    this.#waiting.set(file, member);
    this.#receiving = null;
    await this.#placeHeld();
  }

  #accepted(file: BigFileBytes, meta: NewFile): void {
    const member = this.#waiting.get(file) as SpooledMember;
    this.#waiting.delete(file);
    this.#members[this.#members.indexOf(member)] = {
      ...member,
      files: [{ meta, tarOffset: 0 }],
      isLive: true,
    };
    this.#entries.set(meta.path, { kind: 'stored', meta });
  }

  async #dropped(file: BigFileBytes): Promise<void> {
    const member = this.#waiting.get(file);
    this.#waiting.delete(file);
    if (member !== undefined) {
      const isLast = member.spoolOffset + member.compressedSize === this.#spool.sizeBytes;
      if (isLast && this.#receiving === null) {
        this.#members.pop();
        await this.#spool.truncate(member.spoolOffset);
      }
      return;
    }
    const { offset } = this.#receiving as Receiving;
    this.#receiving = null;
    await this.#spool.truncate(offset);
    await this.#placeHeld();
  }

  async #placeHeld(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    for (const { member, bytes } of held) await this.#place(member, bytes);
  }
}
