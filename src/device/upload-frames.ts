/**
 * Frames towards the board (firmware-helpers/upload.py). No byte of one is 0x02, 0x03, 0x04 or CR: the
 * prompt takes 0x03 as Ctrl-C, and after the death of an agent 0x02 would lead to the friendly
 * prompt, which runs lines, and 0x04 would run what is there.
 * CR is hidden too: after a reset it would run lines at the friendly prompt, and the text side of
 * stdin, all that some boards have, makes LF of it (micropython shared/runtime/sys_stdio_mphal.c).
 *
 *   length 2 | places 1 | number 1 | check 4 | sum 1 | 80     each seven bits, high bit set
 *   places: bytes between one hidden byte and the next, high bit set; ff: 127 without one
 *   payload: bit 6 of the hidden bytes turned
 */
import { type FrameCheck, frameCheck } from './frame-check.js';

export const UPLOAD_NUMBER_MODULO = 128;
const PLACES_MAX = 127;
const NO_PLACE = 127;
const CARRIAGE_RETURN = 13;

export interface UploadFormat {
  readonly check: FrameCheck;
  readonly nonce: number;
  /** Bytes of content in a frame, at most 16,383. */
  readonly payloadBytes: number;
}

/** What the board must hold of one frame besides its head. */
export function uploadRoomBytes(payloadBytes: number): number {
  return payloadBytes + PLACES_MAX;
}

export interface UploadFrame {
  readonly wire: Uint8Array;
  /** Bytes of `content` that it carries. */
  readonly contentBytes: number;
}

const seven = (value: number, shift: number) => ((value >>> shift) & 127) | 128;

/** The next frame of `content` from `at` on. */
export function uploadFrame(
  content: Uint8Array,
  at: number,
  number: number,
  format: UploadFormat,
): UploadFrame {
  const { check, nonce, payloadBytes } = format;
  const isHidden = (byte: number) => (byte > 1 && byte < 5) || byte === CARRIAGE_RETURN;
  const places: number[] = [];
  const hidden: number[] = [];
  let end = at;
  for (
    let gap = 0;
    end < content.length && end - at < payloadBytes && places.length < PLACES_MAX - 1;
    end += 1
  ) {
    if (gap === NO_PLACE) {
      places.push(NO_PLACE | 128);
      gap = 0;
    }
    if (isHidden(content[end] as number)) {
      places.push(gap | 128);
      hidden.push(end - at);
      gap = 0;
    } else gap += 1;
  }
  const body = new Uint8Array(places.length + end - at);
  body.set(places);
  body.set(content.subarray(at, end), places.length);
  for (const place of hidden) {
    const spot = places.length + place;
    body[spot] = (body[spot] as number) ^ 0x40;
  }
  const sum = frameCheck(check, body, nonce + (number % UPLOAD_NUMBER_MODULO)) & 0xfffffff;
  const length = end - at;
  const head = [
    seven(length, 7),
    seven(length, 0),
    seven(places.length, 0),
    seven(number, 0),
    seven(sum, 21),
    seven(sum, 14),
    seven(sum, 7),
    seven(sum, 0),
  ];
  const headSum = head.reduce((total, byte) => total + (byte & 127), 0) & 127;
  const wire = new Uint8Array(10 + body.length);
  wire.set([...head, headSum | 128, 128]);
  wire.set(body, 10);
  return { wire, contentBytes: length };
}
