/**
 * The last 184 bytes of every archive: the tar's two end blocks as a gzip member whose comment names
 * the length of member 1 and two hashes. It is rebuilt and compared bit for bit, so together with
 * the hash of all bytes before it every bit of the file is covered.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { gzipTrailer, joinBytes } from './gzip-member.js';

export interface EndRecord {
  /** Length of member 1 in the file. */
  readonly headBytes: number;
  readonly manifestSha256: string;
  /** sha256 of all bytes before the end member. */
  readonly restSha256: string;
}

const COMMENT_START = 'belay-blb 1 ';
const LENGTH_DIGITS = 12;
/** 1024 zero bytes as raw deflate: a constant, so that no version of zlib has a say in it. */
const END_BLOCKS_DEFLATED = Uint8Array.from(Buffer.from('63601805a360148c540000', 'hex'));
const END_BLOCKS = new Uint8Array(1024);
/** FLG 0x10: a comment follows. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 255);
const START = joinBytes([HEADER, new TextEncoder().encode(COMMENT_START)]);
const COMMENT_BYTES = COMMENT_START.length + LENGTH_DIGITS + 1 + 64 + 1 + 64;

export const END_MEMBER_BYTES = HEADER.length + COMMENT_BYTES + 1 + END_BLOCKS_DEFLATED.length + 8;

export function endMember(record: EndRecord): Uint8Array {
  const length = String(record.headBytes).padStart(LENGTH_DIGITS, '0');
  const comment = `${COMMENT_START}${length} ${record.manifestSha256} ${record.restSha256}\0`;
  return joinBytes([
    HEADER,
    new TextEncoder().encode(comment),
    END_BLOCKS_DEFLATED,
    gzipTrailer(crc32(END_BLOCKS), END_BLOCKS.length),
  ]);
}

/** True where an end member begins somewhere in the bytes: what follows it is another archive. */
export function holdsEnd(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(START) >= 0;
}

/** null for anything but the exact bytes of an end member. */
export function parseEndMember(bytes: Uint8Array): EndRecord | null {
  if (bytes.length !== END_MEMBER_BYTES) return null;
  const comment = Buffer.from(bytes.buffer, bytes.byteOffset + HEADER.length, COMMENT_BYTES);
  const match = /^belay-blb 1 (\d{12}) ([0-9a-f]{64}) ([0-9a-f]{64})$/.exec(
    comment.toString('latin1'),
  );
  if (match === null) return null;
  const [, length, manifestSha256, restSha256] = match as unknown as [
    string,
    string,
    string,
    string,
  ];
  const record = { headBytes: Number(length), manifestSha256, restSha256 };
  return Buffer.compare(endMember(record), bytes) === 0 ? record : null;
}
