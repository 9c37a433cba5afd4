/**
 * The full pass over an archive: every bit of it, and every file against its hash. Bounded memory,
 * whatever the sizes.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { displayPath } from '../core/device-path.js';
import { BelayError, throwIfAborted } from '../core/errors.js';
import { lengthOfMember } from './blb-diagnosis.js';
import type { BlbHead } from './blb-head.js';
import { checksumsPlaceOf, readBlbEnds } from './blb-head.js';
import type { ByteSource } from './byte-source.js';
import { checksumsText } from './checksums.js';
import type { Finding } from './entry-check.js';
import { EntryCheck } from './entry-check.js';
import { inflateMember, readFully } from './member-reader.js';
import { tarHeader } from './tar-header.js';
import type { PlacedEntry } from './tar-layout.js';
import { layoutOfManifest } from './tar-layout.js';
import { CHECKSUMS_NAME } from './tar-name.js';

export interface VerifyOptions {
  readonly signal: AbortSignal;
  /** Called with the number of bytes of the archive that were read since the last call. */
  readonly onBytes?: (count: number) => void;
}

/** Takes one finding; may throw to end the pass. */
export type Report = (finding: Finding) => void;

/** Larger ones are mapped from the system one by one and cost more memory than they save time. */
const CHUNK_BYTES = 64 * 1024;

/** Throws what keeps head or end from being read at all; reports the rest. */
export async function scanBlb(
  source: ByteSource,
  options: VerifyOptions,
  report: Report,
): Promise<BlbHead> {
  const { head, end } = await readBlbEnds(source);
  const hash = createHash('sha256');
  const onInput = (bytes: Uint8Array) => {
    throwIfAborted(options.signal);
    hash.update(bytes);
    options.onBytes?.(bytes.length);
  };
  for (let at = 0; at < head.headBytes; at += CHUNK_BYTES) {
    onInput(await readFully(source, at, Math.min(CHUNK_BYTES, head.headBytes - at)));
  }
  let isWhole = true;
  for (const member of head.manifest.members.keys()) {
    isWhole = (await scanMember(source, head, member, onInput, report)) && isWhole;
  }
  isWhole = (await scanChecksums(source, head, onInput, report)) && isWhole;
  // After a member that could not be read the hash says nothing new.
  if (isWhole && hash.digest('hex') !== end.restSha256) {
    report(inArchive('the bytes of the archive do not have the sha256 that its end names'));
  }
  return head;
}

/** One data member alone: throws archive/damaged for the first thing wrong. */
export async function checkMember(
  source: ByteSource,
  head: BlbHead,
  member: number,
  options: VerifyOptions,
): Promise<void> {
  const onInput = (bytes: Uint8Array) => {
    throwIfAborted(options.signal);
    options.onBytes?.(bytes.length);
  };
  await scanMember(source, head, member, onInput, (finding) => {
    throw errorOf(source, finding);
  });
}

/** A finding as the error that verifyBlb throws. */
export function errorOf(source: ByteSource, finding: Finding): BelayError {
  return new BelayError(finding.code, `${source.name}: ${finding.message}`, {
    hint: 'Run verify to see which backups still restore.',
    details: { archive: source.name, path: finding.path },
  });
}

type MemberPlace = BlbHead['manifest']['members'][number];

/** The inflated bytes of a data member. */
export function memberBytes(
  source: ByteSource,
  head: BlbHead,
  member: number,
  onInput: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  const { offset, compressedSize, tarSize } = head.manifest.members[member] as MemberPlace;
  const place = {
    name: `member ${member}`,
    offset: head.headBytes + offset,
    compressedSize,
    tarSize,
  };
  return inflateMember(source, place, onInput);
}

/** False where the member could not be read to its end. */
async function scanMember(
  source: ByteSource,
  head: BlbHead,
  member: number,
  onInput: (bytes: Uint8Array) => void,
  report: Report,
): Promise<boolean> {
  const placed = layoutOfManifest(head.manifest)[member] as readonly PlacedEntry[];
  const checks = new MemberChecks(placed, report);
  const stream = memberBytes(source, head, member, onInput);
  return whole(
    report,
    () => checks.unread(),
    async () => {
      for await (const chunk of stream) checks.push(chunk);
    },
  );
}

/** Runs a read; what is wrong with the archive's bytes is reported, anything else is thrown. */
async function whole(
  report: Report,
  affected: () => readonly PlacedEntry[],
  read: () => Promise<void>,
): Promise<boolean> {
  try {
    await read();
    return true;
  } catch (error) {
    if (!(error instanceof BelayError) || error.details['archive'] !== undefined) throw error;
    if (!error.code.startsWith('archive/')) throw error;
    report({ code: error.code, message: error.message, path: null });
    for (const { path } of affected()) {
      report({ code: error.code, message: `${displayPath(path)}: cannot be read`, path });
    }
    return false;
  }
}

/** The entries of one member, one after the other. */
class MemberChecks {
  readonly #placed: readonly PlacedEntry[];
  readonly #report: Report;
  #next = 0;
  #check: EntryCheck | null = null;

  constructor(placed: readonly PlacedEntry[], report: Report) {
    this.#placed = placed;
    this.#report = report;
  }

  push(chunk: Uint8Array): void {
    for (let rest = chunk; rest.length > 0; ) {
      // What is inflated has the length declared, and that is the length of all entries together.
      this.#check ??= new EntryCheck(this.#placed[this.#next] as PlacedEntry);
      rest = rest.subarray(this.#check.push(rest).used);
      if (!this.#check.isOver) continue;
      for (const finding of this.#check.findings) this.#report(finding);
      this.#check = null;
      this.#next += 1;
    }
  }

  /** Entries that were not read to their end. */
  unread(): readonly PlacedEntry[] {
    return this.#placed.slice(this.#next);
  }
}

async function scanChecksums(
  source: ByteSource,
  head: BlbHead,
  onInput: (bytes: Uint8Array) => void,
  report: Report,
): Promise<boolean> {
  const expected = checksumsText(head.manifestSha256, layoutOfManifest(head.manifest));
  const tar = { name: CHECKSUMS_NAME, isFolder: false, sizeBytes: expected.length, mtimeS: 0 };
  const header = tarHeader(tar);
  const place = { name: `member of ${CHECKSUMS_NAME}`, ...checksumsPlaceOf(head) };
  const found = await lengthOfMember(source, place.offset, place.tarSize);
  if (found !== null && found < place.compressedSize) {
    const message = `trailing data: ${place.compressedSize - found} bytes between the members and the end`;
    report({ code: 'archive/trailing', message, path: null });
    return false;
  }
  let at = 0;
  let differs = false;
  const isWhole = await whole(
    report,
    () => [],
    async () => {
      for await (const chunk of inflateMember(source, place, onInput)) {
        differs ||= !isExpected(chunk, at, header, expected);
        at += chunk.length;
      }
    },
  );
  if (differs) report(inArchive(`${CHECKSUMS_NAME} is not what manifest.json says`));
  return isWhole;
}

/** Compares a chunk at `at` with header, text, and zero padding. */
function isExpected(chunk: Uint8Array, at: number, header: Uint8Array, text: Uint8Array): boolean {
  const wanted = new Uint8Array(chunk.length);
  for (const [start, part] of [
    [0, header],
    [header.length, text],
  ] as const) {
    const from = Math.max(at, start);
    const to = Math.min(at + chunk.length, start + part.length);
    if (from < to) wanted.set(part.subarray(from - start, to - start), from - at);
  }
  return Buffer.compare(chunk, wanted) === 0;
}

function inArchive(message: string): Finding {
  return { code: 'archive/damaged', message, path: null };
}
