/**
 * Frames towards the board (firmware-helpers/upload.py). No byte of one is 0x02, 0x03, 0x04 or CR: the
 * prompt takes 0x03 as Ctrl-C, and after the death of an agent 0x02 would lead to the friendly
 * prompt, which runs lines, and 0x04 would run what is there.
 * CR is hidden too: after a reset it would run lines at the friendly prompt, and the text side of
 * stdin, all that some boards have, makes LF of it (micropython shared/runtime/sys_stdio_mphal.c).
 *
 *   length 2 | number 1 | check 4 | sum 1     seven bits each, high bit set; length: of all that follows
 *   masks: one for every 240 bytes of payload
 *   payload: byte i turned by mask i modulo their number
 *
 * Of stripes of 240 random bytes all but one in 300 have a mask that hides all that is to be hidden;
 * where there is none, the frame ends before the byte that stays bare.
 */
import { frameCheck } from './frame-check.js';
import type { FrameFormat } from './frames.js';

export const UPLOAD_NUMBER_MODULO = 128;
/** Bytes of payload for one mask. */
const STRIPE_BYTES = 240;
const HEAD_BYTES = 8;
const CARRIAGE_RETURN = 13;
const HIDDEN: readonly number[] = [2, 3, 4, CARRIAGE_RETURN];

export interface UploadFormat extends Pick<FrameFormat, 'check' | 'nonce'> {
  /** Bytes of content in a frame; with head and masks below 2,048, which an answer can tell. */
  readonly payloadBytes: number;
}

/** What the board must hold of one frame besides its head. */
export function uploadRoomBytes(payloadBytes: number): number {
  return payloadBytes + Math.ceil(payloadBytes / STRIPE_BYTES);
}

export interface UploadFrame {
  readonly wire: Uint8Array;
  /** Bytes of the content that it carries. */
  readonly contentBytes: number;
}

/** A frame among others, counted from 0. */
export interface NumberedFrame extends UploadFrame {
  readonly number: number;
}

/** The mask that hides the most of every `step`th byte from `start` on, and how far it does. */
function maskOf(
  content: Uint8Array,
  start: number,
  step: number,
): { readonly mask: number; readonly end: number } {
  const bareAt = new Int32Array(256).fill(-1);
  for (let at = start; at < content.length; at += step) {
    for (const byte of HIDDEN) {
      const mask = (content[at] as number) ^ byte;
      if (bareAt[mask] === -1) bareAt[mask] = at;
    }
  }
  let best = 0;
  for (let mask = 1; mask < 256 && bareAt[best] !== -1; mask += 1) {
    if (HIDDEN.includes(mask)) continue;
    if (bareAt[mask] === -1 || (bareAt[mask] as number) > (bareAt[best] as number)) best = mask;
  }
  const end = bareAt[best] as number;
  return { mask: best, end: end === -1 ? content.length : end };
}

/** As much of `content` as can be hidden, and by what. Of at most 62 bytes it is always all. */
function turned(content: Uint8Array): { readonly masks: readonly number[]; readonly end: number } {
  for (let end = content.length; ; ) {
    const count = Math.ceil(end / STRIPE_BYTES);
    const slice = content.subarray(0, end);
    const stripes = Array.from({ length: count }, (_, start) => maskOf(slice, start, count));
    const hidden = Math.min(end, ...stripes.map((stripe) => stripe.end));
    if (hidden === end) return { masks: stripes.map((stripe) => stripe.mask), end };
    end = hidden;
  }
}

const seven = (value: number, shift: number) => ((value >>> shift) & 127) | 128;

/** The next frame of `given`, with at most `payloadBytes` of it. */
export function uploadFrame(given: Uint8Array, number: number, format: UploadFormat): UploadFrame {
  const { check, nonce, payloadBytes } = format;
  const { masks, end } = turned(given.subarray(0, payloadBytes));
  const wire = new Uint8Array(HEAD_BYTES + masks.length + end);
  const body = wire.subarray(HEAD_BYTES);
  body.set(masks);
  for (let at = 0; at < end; at += 1)
    body[masks.length + at] = (given[at] as number) ^ (masks[at % masks.length] as number);
  const sum = frameCheck(check, body, nonce + (number % UPLOAD_NUMBER_MODULO)) & 0xfffffff;
  const head = [
    seven(body.length, 7),
    seven(body.length, 0),
    seven(number, 0),
    seven(sum, 21),
    seven(sum, 14),
    seven(sum, 7),
    seven(sum, 0),
  ];
  const headSum = head.reduce((total, byte) => total + (byte & 127), 0);
  wire.set([...head, seven(headSum, 0)]);
  return { wire, contentBytes: end };
}

/** Of the first and the last frames: the flash has work early, and not much when all has come. */
const EDGE_BYTES = 200;

/** The frames of a whole stream, numbered from 0, each as full as it may be; those at its ends are short. */
export async function* uploadFrames(
  stream: AsyncIterable<Uint8Array>,
  format: Omit<UploadFormat, 'payloadBytes'>,
  payloadBytes: () => number,
): AsyncGenerator<NumberedFrame> {
  let number = 0;
  let held: Uint8Array = new Uint8Array(0);
  const next = (bytes: number) => {
    const frame = uploadFrame(held, number, { ...format, payloadBytes: bytes });
    held = held.subarray(frame.contentBytes);
    number += 1;
    return { number: number - 1, ...frame };
  };
  const short = () => Math.min(EDGE_BYTES, payloadBytes());
  for await (const content of stream) {
    held = Buffer.concat([held, content]);
    while (held.length >= payloadBytes()) yield next(number === 0 ? short() : payloadBytes());
  }
  while (held.length > 0) yield next(short());
}
