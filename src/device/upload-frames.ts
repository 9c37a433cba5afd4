/**
 * Frames towards the board (firmware-helpers/upload.py). No byte of one is 0x02, 0x03, 0x04 or CR: the
 * prompt takes 0x03 as Ctrl-C, and after the death of an agent 0x02 would lead to the friendly
 * prompt, which runs lines, and 0x04 would run what is there.
 * CR is hidden too: after a reset it would run lines at the friendly prompt, and the text side of
 * stdin, all that some boards have, makes LF of it (micropython shared/runtime/sys_stdio_mphal.c).
 *
 *   length 2 | places 1 | number 1 | check 4 | sum 1 | turned 1     each seven bits, high bit set
 *   places: bytes between one hidden byte and the next, + 14; ff: 241 without one
 *   payload: the bits of `turned` turned in every byte, then bit 6 of the hidden bytes
 */
import { type FrameCheck, frameCheck } from './frame-check.js';

export const UPLOAD_NUMBER_MODULO = 128;
const PLACES_MAX = 127;
const PLACE_MIN = 14;
const NO_PLACE = 255;
const CARRIAGE_RETURN = 13;

export interface UploadFormat {
  readonly check: FrameCheck;
  readonly nonce: number;
  /** Bytes of content in a frame, at most 16,383. */
  readonly payloadBytes: number;
  /** Turn the bits that leave the fewest bytes to hide: of random bytes four in 1,000 instead of 16. */
  readonly turnsBits: boolean;
}

/** What the board must hold of one frame besides its head. */
export function uploadRoomBytes(payloadBytes: number): number {
  return payloadBytes + PLACES_MAX;
}

export interface UploadFrame {
  readonly wire: Uint8Array;
  /** Bytes of the content that it carries. */
  readonly contentBytes: number;
}

const seven = (value: number, shift: number) => ((value >>> shift) & 127) | 128;

const HIDDEN: readonly number[] = [2, 3, 4, CARRIAGE_RETURN];

/** The seven bits to turn in every byte so that the fewest must be hidden; 0 where it gains nothing. */
function bitsToTurn(content: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const byte of content) counts[byte] = (counts[byte] as number) + 1;
  const hiddenBy = (bits: number) =>
    HIDDEN.reduce((sum, byte) => sum + (counts[byte ^ bits] as number), 0);
  let best = 0;
  for (let bits = 1; bits < 128; bits += 1) if (hiddenBy(bits) < hiddenBy(best)) best = bits;
  return best;
}

/** The next frame of `given`, with at most `payloadBytes` of it. */
export function uploadFrame(given: Uint8Array, number: number, format: UploadFormat): UploadFrame {
  const { check, nonce, payloadBytes } = format;
  const slice = given.subarray(0, payloadBytes);
  const turned = format.turnsBits ? bitsToTurn(slice) : 0;
  const content = turned === 0 ? slice : slice.map((byte) => byte ^ turned);
  const places: number[] = [];
  const hidden: number[] = [];
  let end = 0;
  for (let gap = 0; end < content.length && places.length < PLACES_MAX - 1; end += 1) {
    if (gap === NO_PLACE - PLACE_MIN) {
      places.push(NO_PLACE);
      gap = 0;
    }
    if (HIDDEN.includes(content[end] as number)) {
      places.push(gap + PLACE_MIN);
      hidden.push(end);
      gap = 0;
    } else gap += 1;
  }
  const body = new Uint8Array(places.length + end);
  body.set(places);
  body.set(content.subarray(0, end), places.length);
  for (const place of hidden) {
    const spot = places.length + place;
    body[spot] = (body[spot] as number) ^ 0x40;
  }
  const sum = frameCheck(check, body, nonce + (number % UPLOAD_NUMBER_MODULO)) & 0xfffffff;
  const head = [
    seven(end, 7),
    seven(end, 0),
    seven(places.length, 0),
    seven(number, 0),
    seven(sum, 21),
    seven(sum, 14),
    seven(sum, 7),
    seven(sum, 0),
  ];
  const headSum = head.reduce((total, byte) => total + (byte & 127), turned) & 127;
  const wire = new Uint8Array(10 + body.length);
  wire.set([...head, headSum | 128, turned | 128]);
  wire.set(body, 10);
  return { wire, contentBytes: end };
}

/** Of the first and the last frames: the flash has work early, and not much when all has come. */
const EDGE_BYTES = 240;

/** The frames of a whole stream, numbered from 0; all but those at its ends are full. */
export async function* uploadFrames(
  stream: AsyncIterable<Uint8Array>,
  format: UploadFormat,
): AsyncGenerator<{ readonly number: number; readonly wire: Uint8Array }> {
  const { payloadBytes } = format;
  const short = { ...format, payloadBytes: Math.min(EDGE_BYTES, payloadBytes) };
  let number = 0;
  let held: Uint8Array = new Uint8Array(0);
  const next = (shape: UploadFormat) => {
    const { wire, contentBytes } = uploadFrame(held, number, shape);
    held = held.subarray(contentBytes);
    number += 1;
    return { number: number - 1, wire };
  };
  for await (const content of stream) {
    held = Buffer.concat([held, content]);
    while (held.length >= payloadBytes) yield next(number === 0 ? short : format);
  }
  while (held.length > 0) yield next(short);
}
