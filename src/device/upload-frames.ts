/**
 * Frames towards the board (firmware-helpers/upload.py). No byte of one is 0x03 or 0x04: the prompt
 * would take the first as Ctrl-C, and after the death of an agent the second would run what is there.
 *
 *   length 2 | places 1 | number 1 | check 4 | sum 1 | 80     each seven bits, high bit set
 *   places: two bytes each, seven bits, high bit set          where bit 6 of the payload was turned
 *   payload
 */
import { type FrameCheck, frameCheck } from './frame-check.js';

export const UPLOAD_PAYLOAD_BYTES_MAX = 1000;
const PLACES_MAX = 127;
/** What the board must hold of one frame besides its head. */
export const UPLOAD_ROOM_BYTES = UPLOAD_PAYLOAD_BYTES_MAX + 2 * PLACES_MAX;
export const UPLOAD_NUMBER_MODULO = 128;

export interface UploadFrame {
  readonly wire: Uint8Array;
  /** Bytes of `content` that it carries. */
  readonly contentBytes: number;
}

const isControl = (byte: number) => byte === 3 || byte === 4;
const seven = (value: number, shift: number) => ((value >>> shift) & 127) | 128;

/** The next frame of `content` from `at` on. */
export function uploadFrame(content: Uint8Array, at: number, number: number, check: FrameCheck, nonce: number): UploadFrame {
  const places: number[] = [];
  let end = at;
  while (end < content.length && end - at < UPLOAD_PAYLOAD_BYTES_MAX) {
    if (isControl(content[end] as number)) {
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
