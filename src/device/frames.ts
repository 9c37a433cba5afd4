/**
 * Frames of the agent in a stream of bytes that may also hold the user's text and damage. Pure: it
 * is given bytes and gives back frames. The layout is specified in firmware-helpers/README.md:
 *
 *   c1 be | kind:2 length:10 sequence:12 | header sum | payload | check (4)
 *
 * After a bad check it goes on at the next byte, never over a length that was not verified.
 */
import { type FrameCheck, frameCheck } from './frame-check.js';

export type FrameKind = 'data' | 'busy' | 'hello' | 'end';

export interface Frame {
  readonly kind: FrameKind;
  /** Twelve bits: modulo 4096. */
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export interface FrameFormat {
  readonly check: FrameCheck;
  /** 0..2^30-1, new for every exec: what an earlier one left behind is no frame of this one. */
  readonly nonce: number;
}

export const FRAME_OVERHEAD_BYTES = 10;
export const FRAME_PAYLOAD_BYTES_MAX = 1013;
export const SEQUENCE_MODULO = 4096;
const MARK_0 = 0xc1;
const MARK_1 = 0xbe;
const HEADER_BYTES = 6;
const KINDS: readonly FrameKind[] = ['data', 'busy', 'hello', 'end'];

/** A frame's bytes; the agent's write_frame, for tests and for frames towards the board. */
export function encodeFrame(
  format: FrameFormat,
  kind: FrameKind,
  sequence: number,
  payload: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(payload.length + FRAME_OVERHEAD_BYTES);
  const value = (KINDS.indexOf(kind) << 22) | (payload.length << 12) | (sequence % SEQUENCE_MODULO);
  bytes.set([MARK_0, MARK_1, value >>> 16, (value >>> 8) & 255, value & 255]);
  bytes[5] = headerSum(bytes, 0, format.nonce);
  bytes.set(payload, HEADER_BYTES);
  const check = frameCheck(
    format.check,
    bytes.subarray(2, HEADER_BYTES + payload.length),
    format.nonce,
  );
  new DataView(bytes.buffer).setUint32(HEADER_BYTES + payload.length, check);
  return bytes;
}

function headerSum(bytes: Uint8Array, at: number, nonce: number): number {
  const [a, b, c] = [bytes[at + 2] as number, bytes[at + 3] as number, bytes[at + 4] as number];
  return (a + 3 * b + 5 * c + nonce) & 255;
}

export class FrameDecoder {
  readonly #format: FrameFormat;
  #bytes = new Uint8Array(8192);
  #start = 0;
  #end = 0;
  #strayBytes = 0;
  #badFrames = 0;

  constructor(format: FrameFormat) {
    this.#format = format;
  }

  /** Bytes that belong to no frame: the user's text, or damage. */
  get strayBytes(): number {
    return this.#strayBytes;
  }

  /** Headers that were whole while the check behind them was not. */
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
      const begin = this.#bytes.indexOf(MARK_0, this.#start);
      const found = begin < 0 || begin >= this.#end ? this.#end : begin;
      this.#strayBytes += found - this.#start;
      this.#start = found;
      const frame = this.#frameHere();
      if (frame === 'short' && !atEnd) return;
      if (frame === 'short' || frame === null) {
        if (this.#start < this.#end) {
          this.#start += 1;
          this.#strayBytes += 1;
        }
        continue;
      }
      this.#start += frame.payload.length + FRAME_OVERHEAD_BYTES;
      if (!take(frame)) return;
    }
  }

  #frameHere(): Frame | 'short' | null {
    const at = this.#start;
    const available = this.#end - at;
    if (available > 1 && this.#bytes[at + 1] !== MARK_1) return null;
    if (available < HEADER_BYTES) return 'short';
    if (this.#bytes[at + 5] !== headerSum(this.#bytes, at, this.#format.nonce)) return null;
    const value =
      ((this.#bytes[at + 2] as number) << 16) |
      ((this.#bytes[at + 3] as number) << 8) |
      (this.#bytes[at + 4] as number);
    const length = (value >>> 12) & 1023;
    if (length > FRAME_PAYLOAD_BYTES_MAX) return null;
    if (available < length + FRAME_OVERHEAD_BYTES) return 'short';
    const end = at + HEADER_BYTES + length;
    const expected = new DataView(this.#bytes.buffer).getUint32(end);
    if (
      frameCheck(this.#format.check, this.#bytes.subarray(at + 2, end), this.#format.nonce) !==
      expected
    ) {
      this.#badFrames += 1;
      return null;
    }
    return {
      kind: KINDS[value >>> 22] as FrameKind,
      sequence: value & (SEQUENCE_MODULO - 1),
      payload: this.#bytes.slice(at + HEADER_BYTES, end),
    };
  }

  #append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) {
      const held = this.#bytes.subarray(this.#start, this.#end);
      const size = Math.max(8192, 2 * (held.length + bytes.length));
      const room = size > this.#bytes.length ? new Uint8Array(size) : this.#bytes;
      room.set(held, 0);
      this.#bytes = room;
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }
}
