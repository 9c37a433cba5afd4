/**
 * Frames of the agent in a stream of bytes that may also hold the user's text and damage. Pure: it
 * is given bytes and gives back frames. The layout is specified in firmware-helpers/README.md:
 *
 *   f:4 sequence:4 | payload | check (4)                                       full data frames
 *   c1 be | kind:2 length:11 sequence:11 | header sum | payload | check (4)    all others
 *
 * A full frame's whole number is in its check alone: it is one of the next 128 with these low bits.
 * After a bad check it goes on at the next byte, never over a length that was not verified; and
 * what may be the beginning of a full frame never holds back a whole frame behind it.
 */
import { type FrameCheck, frameCheck } from './frame-check.js';

export type FrameKind = 'data' | 'busy' | 'hello' | 'end';

export interface Frame {
  readonly kind: FrameKind;
  /** Eleven bits: modulo 2048. */
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export interface FrameFormat {
  readonly check: FrameCheck;
  /** 0..2^29-1, new for every exec: what an earlier one left behind is no frame of this one. */
  readonly nonce: number;
  /** Of a data frame that is not the last. From 1,018 bytes on these have the short header. */
  readonly payloadBytes: number;
}

/** What most jobs put into a frame: with all around it 1,023 bytes, never a multiple of 64. */
export const FRAME_PAYLOAD_BYTES = 1018;
/** The most: 2,047 bytes in all. */
export const LONG_FRAME_PAYLOAD_BYTES = 2042;
export const SEQUENCE_MODULO = 2048;
/** So far ahead of the last frame a full one may be; the agent says where it stands as often. */
export const SEQUENCES_AHEAD = 128;
const MARK_0 = 0xc1;
const MARK_1 = 0xbe;
const HEADER_BYTES = 6;
const FULL_MARK = 0xf0;
/** What a full frame's first byte tells of its number. */
const FULL_SEQUENCE_MODULO = 16;
const FULL_HEADER_BYTES = 1;
const KINDS: readonly FrameKind[] = ['data', 'busy', 'hello', 'end'];

/** A frame's bytes; the agent's write_frame, for tests. */
export function encodeFrame(
  format: FrameFormat,
  kind: FrameKind,
  sequence: number,
  payload: Uint8Array,
): Uint8Array {
  const isFull = kind === 'data' && payload.length === fullPayloadBytes(format);
  const header = isFull
    ? Uint8Array.of(FULL_MARK | (sequence % FULL_SEQUENCE_MODULO))
    : longHeader(format, kind, sequence, payload.length);
  const end = header.length + payload.length;
  const bytes = new Uint8Array(end + 4);
  bytes.set(header);
  bytes.set(payload, header.length);
  const start = isFull ? fullStart(format, sequence) : format.nonce;
  const check = frameCheck(format.check, bytes.subarray(isFull ? 0 : 2, end), start);
  new DataView(bytes.buffer).setUint32(end, check);
  return bytes;
}

function longHeader(
  format: FrameFormat,
  kind: FrameKind,
  sequence: number,
  length: number,
): Uint8Array {
  const value = (KINDS.indexOf(kind) << 22) | (length << 11) | (sequence % SEQUENCE_MODULO);
  const header = Uint8Array.of(MARK_0, MARK_1, value >>> 16, (value >>> 8) & 255, value & 255, 0);
  header[5] = headerSum(header, 0, format.nonce);
  return header;
}

/** No small frame is a full one: where the check is weak, its header's sum helps. */
function fullPayloadBytes({ payloadBytes }: FrameFormat): number {
  return payloadBytes < FRAME_PAYLOAD_BYTES ? Number.POSITIVE_INFINITY : payloadBytes;
}

/**
 * What the check of a full frame begins with: its number in all four bytes. In the lowest alone it
 * would cancel out against the same damage to the frame's first byte (CRC-32 is linear).
 */
function fullStart({ nonce }: FrameFormat, sequence: number): number {
  return nonce + (sequence % SEQUENCE_MODULO) * 40_503;
}

function headerSum(bytes: Uint8Array, at: number, nonce: number): number {
  const [a, b, c] = [bytes[at + 2] as number, bytes[at + 3] as number, bytes[at + 4] as number];
  return (a + 3 * b + 5 * c + nonce) & 255;
}

interface Found {
  readonly frame: Frame;
  readonly begin: number;
  readonly end: number;
}

export class FrameDecoder {
  readonly #format: FrameFormat;
  #bytes = new Uint8Array(8192);
  #start = 0;
  #end = 0;
  #strayBytes = 0;
  #badFrames = 0;
  /** Up to here nothing whole is behind a full frame that is still coming. */
  #searched = 0;
  /** Where the stream stands: no later full frame has a lower number. */
  #sequence: number;

  constructor(format: FrameFormat, firstSequence = 0) {
    this.#format = format;
    this.#sequence = firstSequence;
  }

  /** Bytes that belong to no frame: the user's text, or damage. */
  get strayBytes(): number {
    return this.#strayBytes;
  }

  /** What looked like a frame until its check. */
  get badFrames(): number {
    return this.#badFrames;
  }

  /** Bytes held back because they may begin a frame. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** The last bytes that came and are no part of a frame yet (at most 16). */
  get tail(): Uint8Array {
    return this.#bytes.subarray(Math.max(this.#start, this.#end - 16), this.#end);
  }

  /** Gives every frame that is whole now to `take`, which returns false to stop right behind it. */
  push(bytes: Uint8Array, take: (frame: Frame) => boolean): void {
    this.#append(bytes);
    this.#scan(take, false);
  }

  /** Nothing more will come: what was held back as an unfinished frame is searched too. */
  flush(take: (frame: Frame) => boolean): void {
    this.#scan(take, true);
  }

  #scan(take: (frame: Frame) => boolean, atEnd: boolean): void {
    while (this.#start < this.#end) {
      let found = this.#frameAt(this.#start);
      if (found === 'short' && !atEnd) {
        found = this.#wholeFrameBehind();
        if (found === null) return;
      }
      if (found === 'short' || found === null) {
        this.#skipTo(this.#start + 1);
        continue;
      }
      this.#skipTo(found.begin);
      this.#start = found.end;
      this.#searched = 0;
      if (!take(found.frame)) return;
    }
  }

  #skipTo(at: number): void {
    this.#strayBytes += at - this.#start;
    this.#start = at;
    this.#searched = 0;
  }

  /**
   * The full frame that may begin here is not whole: after damage it may never be one, with the
   * stream's end behind it. Each byte is looked at once.
   */
  #wholeFrameBehind(): Found | null {
    let at = Math.max(this.#searched, this.#start + 1);
    for (; ; at += 1) {
      const next = this.#bytes.indexOf(MARK_0, at);
      at = next < 0 || next >= this.#end ? this.#end : next;
      const found = at === this.#end ? 'short' : this.#longFrameAt(at);
      if (found !== null && found !== 'short') return found;
      if (found === 'short') break;
    }
    this.#searched = at;
    return null;
  }

  #frameAt(at: number): Found | 'short' | null {
    const first = this.#bytes[at] as number;
    if (first === MARK_0) return this.#longFrameAt(at);
    return first >= FULL_MARK ? this.#fullFrameAt(at) : null;
  }

  #fullFrameAt(at: number): Found | 'short' | null {
    const payload = at + FULL_HEADER_BYTES;
    const end = payload + fullPayloadBytes(this.#format);
    if (this.#end < end + 4) return 'short';
    const first = ((this.#bytes[at] as number) - this.#sequence) & (FULL_SEQUENCE_MODULO - 1);
    for (let ahead = first; ahead < SEQUENCES_AHEAD; ahead += FULL_SEQUENCE_MODULO) {
      const sequence = (this.#sequence + ahead) % SEQUENCE_MODULO;
      if (this.#isRight(at, end, fullStart(this.#format, sequence)))
        return this.#found('data', sequence, at, payload, end);
    }
    this.#badFrames += 1;
    return null;
  }

  #longFrameAt(at: number): Found | 'short' | null {
    const available = this.#end - at;
    if (available > 1 && this.#bytes[at + 1] !== MARK_1) return null;
    if (available < HEADER_BYTES) return 'short';
    if (this.#bytes[at + 5] !== headerSum(this.#bytes, at, this.#format.nonce)) return null;
    const value =
      ((this.#bytes[at + 2] as number) << 16) |
      ((this.#bytes[at + 3] as number) << 8) |
      (this.#bytes[at + 4] as number);
    const length = (value >>> 11) & 2047;
    if (length > this.#format.payloadBytes) return null;
    if (available < HEADER_BYTES + length + 4) return 'short';
    const payload = at + HEADER_BYTES;
    const end = payload + length;
    if (this.#isRight(at + 2, end, this.#format.nonce)) {
      const kind = KINDS[value >>> 22] as FrameKind;
      return this.#found(kind, value % SEQUENCE_MODULO, at, payload, end);
    }
    this.#badFrames += 1;
    return null;
  }

  /** Whether the check that stands at `end` is that of what is before it. */
  #isRight(from: number, end: number, start: number): boolean {
    const expected = new DataView(this.#bytes.buffer).getUint32(end);
    return frameCheck(this.#format.check, this.#bytes.subarray(from, end), start) === expected;
  }

  #found(kind: FrameKind, sequence: number, begin: number, payload: number, end: number): Found {
    this.#sequence = kind === 'data' ? sequence + 1 : sequence;
    const frame = { kind, sequence, payload: this.#bytes.slice(payload, end) };
    return { frame, begin, end: end + 4 };
  }

  #append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) {
      const held = this.#bytes.subarray(this.#start, this.#end);
      const size = Math.max(8192, 2 * (held.length + bytes.length));
      const room = size > this.#bytes.length ? new Uint8Array(size) : this.#bytes;
      room.set(held, 0);
      this.#bytes = room;
      this.#searched -= Math.min(this.#searched, this.#start);
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }
}
