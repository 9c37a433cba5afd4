/**
 * What a round of frames tells about the line: text of the user's program between them, and frames
 * that do not come whole because it lands inside them. Pure.
 */
import { FRAME_PAYLOAD_BYTES } from './frames.js';

/** Where even small frames do not come whole, the next size. */
const PAYLOADS = [FRAME_PAYLOAD_BYTES, 240, 48] as const;
/** Less text between frames than this costs nothing worth a word. */
const TEXT_BYTES_MIN = 64;
/** Of what came: as much text is worth silencing. */
const TEXT_PART = 1 / 20;
const FRAME_COST_BYTES = 10;
const TORN_FRAMES_MIN = 4;

export interface RoundFigures {
  readonly payloadBytes: number;
  readonly strayBytes: number;
  /** Frames that came whole, and frames that did not. */
  readonly whole: number;
  readonly lost: number;
}

/** There is more between the frames than the lost ones explain. */
export function isLoud({ payloadBytes, strayBytes, whole, lost }: RoundFigures): boolean {
  const text = strayBytes - lost * (payloadBytes + FRAME_COST_BYTES);
  return text > Math.max(TEXT_BYTES_MIN, whole * payloadBytes * TEXT_PART);
}

/** Half of the frames or more are lost, not by chance: on damaged lines one in ten is. */
export function isTorn({ whole, lost }: RoundFigures): boolean {
  return lost >= TORN_FRAMES_MIN && lost >= whole;
}

export function smallerPayload(payloadBytes: number): number {
  return PAYLOADS.find((each) => each < payloadBytes) ?? payloadBytes;
}
