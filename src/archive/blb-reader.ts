/**
 * Reads `.blb` archives, whoever made them. What is promised: nothing of an archive is believed
 * before it was checked, every allocation is bounded by what was checked before, and no content is
 * handed out whole unless it has the hash that the manifest names. It knows no folder and no board.
 */
import { displayPath } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import type { BlbHead } from './blb-head.js';
import { naming, readBlbHead } from './blb-head.js';
import type { VerifyOptions } from './blb-verify.js';
import { errorOf, memberBytes, scanBlb } from './blb-verify.js';
import type { ByteSource } from './byte-source.js';
import type { Finding } from './entry-check.js';
import { EntryCheck } from './entry-check.js';
import type { FileEntry } from './manifest.js';
import { pathOfEntry } from './manifest.js';
import { isStoredFile, layoutOfManifest } from './tar-layout.js';

export type { BlbHead, Finding, VerifyOptions };
export { readBlbHead };

/** A validation stops collecting here; a hostile archive could yield one finding a file. */
const FINDINGS_MAX = 10_000;
/**
 * The last member that was small enough to be inflated in one go, by archive: extracting reads
 * neighbours one by one.
 */
const keptMembers = new WeakMap<BlbHead, { readonly member: number; readonly bytes: Uint8Array }>();

/**
 * The full pass: every bit and every file. Throws the first thing wrong, with the codes of
 * readBlbHead; job/cancelled.
 */
export async function verifyBlb(source: ByteSource, options: VerifyOptions): Promise<BlbHead> {
  return naming(source, () =>
    scanBlb(source, options, (finding) => {
      throw errorOf(source, finding);
    }),
  );
}

/**
 * The full pass, with everything that is wrong as data; `head` is null where head or end cannot be
 * read. Throws only for what is not the archive's fault (store/io, job/cancelled).
 */
export async function validateBlb(
  source: ByteSource,
  options: VerifyOptions,
): Promise<{ head: BlbHead | null; findings: Finding[] }> {
  const findings: Finding[] = [];
  const report = (finding: Finding) => {
    if (findings.length < FINDINGS_MAX) findings.push(finding);
  };
  try {
    return { head: await scanBlb(source, options, report), findings };
  } catch (error) {
    if (!(error instanceof BelayError) || !error.code.startsWith('archive/')) throw error;
    const { path } = error.details;
    report({
      code: error.code,
      message: error.message,
      path: typeof path === 'string' ? path : null,
    });
    return { head: null, findings };
  }
}

/**
 * The content of a file that this archive holds. What was yielded is the whole content with the
 * right hash once the iteration has ended; the last piece is held back until that is known. Throws
 * archive/damaged.
 */
export async function* readBlbFile(
  source: ByteSource,
  head: BlbHead,
  entry: FileEntry,
): AsyncGenerator<Uint8Array> {
  const path = displayPath(pathOfEntry(entry));
  const placed = isStoredFile(entry)
    ? layoutOfManifest(head.manifest)[entry.member]?.find(
        (each) => each.tarOffset === entry.tarOffset,
      )
    : undefined;
  if (placed === undefined)
    throw new TypeError(`readBlbFile: ${path} is not stored in this archive`);
  const check = new EntryCheck(placed);
  let held: Uint8Array | null = null;
  let at = 0;
  for await (const chunk of tarBytesOf(source, head, entry.member as number)) {
    const start = Math.max(placed.tarOffset - at, 0);
    at += chunk.length;
    if (start >= chunk.length || check.isOver) continue;
    const { content } = check.push(chunk.subarray(start));
    const finding = check.findings[0];
    if (finding !== undefined) throw errorOf(source, finding);
    if (content.length === 0) continue;
    if (held !== null) yield held;
    held = content;
  }
  if (held !== null) yield held;
}

/** The member's tar bytes: the kept ones, or inflated from the archive to their end. */
async function* tarBytesOf(
  source: ByteSource,
  head: BlbHead,
  member: number,
): AsyncGenerator<Uint8Array> {
  const kept = keptMembers.get(head);
  if (kept?.member === member) {
    yield kept.bytes;
    return;
  }
  let chunks = 0;
  let bytes = new Uint8Array(0);
  try {
    for await (const chunk of memberBytes(source, head, member, () => {})) {
      chunks += 1;
      bytes = chunk as typeof bytes;
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof BelayError) || !error.code.startsWith('archive/')) throw error;
    throw errorOf(source, { code: error.code, message: error.message, path: null });
  }
  if (chunks === 1) keptMembers.set(head, { member, bytes });
}
