/**
 * Frames towards the board (firmware-helpers/upload.py). No byte of one is 0x03 or 0x04: the prompt
 * would take the first as Ctrl-C, and after the death of an agent the second would run what is there.
 * A board that has only the text side of its stdin makes LF of CR there
 * (micropython shared/runtime/sys_stdio_mphal.c: stdio_read), so CR is hidden from it as well.
 *
 *   length 2 | places 1 | number 1 | check 4 | sum 1 | 80     each seven bits, high bit set
 *   places: two bytes each, seven bits, high bit set          where bit 6 of the payload was turned
 *   payload
 */
import { type FrameCheck, frameCheck } from './frame-check.js';

export const UPLOAD_NUMBER_MODULO = 128;
const PLACES_MAX = 127;
const CARRIAGE_RETURN = 13;

export interface UploadFormat {
  readonly check: FrameCheck;
  readonly nonce: number;
  /** Bytes of content in a frame, at most 16,383. */
  readonly payloadBytes: number;
  /** The board reads text: CR must not be in a frame. */
  readonly asText: boolean;
}

/** What the board must hold of one frame besides its head. */
export function uploadRoomBytes(payloadBytes: number): number {
  return payloadBytes + 2 * Math.min(PLACES_MAX, payloadBytes);
}

export interface UploadFrame {
  readonly wire: Uint8Array;
  /** Bytes of `content` that it carries. */
  readonly contentBytes: number;
}

const seven = (value: number, shift: number) => ((value >>> shift) & 127) | 128;

/** The next frame of `content` from `at` on. */
export function uploadFrame(content: Uint8Array, at: number, number: number, format: UploadFormat): UploadFrame {
  const { check, nonce, payloadBytes, asText } = format;
  const isHidden = (byte: number) => byte === 3 || byte === 4 || (asText && byte === CARRIAGE_RETURN);
  const places: number[] = [];
  let end = at;
  while (end < content.length && end - at < payloadBytes) {
    if (isHidden(content[end] as number)) {
      if (places.length === PLACES_MAX) break;
      places.push(end - at);
    }
    end += 1;
  }
  const body = new Uint8Array(2 * places.length + end - at);
  body.set(content.subarray(at, end), 2 * places.length);
  for (const [index, place] of places.entries()) {
    body[2 * index] = seven(place, 7);
    body[2 * index + 1] = seven(place, 0);
    const spot = 2 * places.length + place;
    body[spot] = (body[spot] as number) ^ 0x40;
  }
  const sum = frameCheck(check, body, nonce + (number % UPLOAD_NUMBER_MODULO)) & 0xfffffff;
  const length = end - at;
  const head = [seven(length, 7), seven(length, 0), seven(places.length, 0), seven(number, 0), seven(sum, 21), seven(sum, 14), seven(sum, 7), seven(sum, 0)];
  const headSum = head.reduce((total, byte) => total + (byte & 127), 0) & 127;
  const wire = new Uint8Array(10 + body.length);
  wire.set([...head, headSum | 128, 128]);
  wire.set(body, 10);
  return { wire, contentBytes: length };
}
