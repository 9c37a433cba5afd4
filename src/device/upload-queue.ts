/**
 * The frames of one upload: what goes out next, how much of it the board has taken, and what it may
 * still ask for again. Pure.
 */
import { type NumberedFrame, UPLOAD_NUMBER_MODULO } from './upload-frames.js';

const KEPT_FRAMES = 64;

interface KeptFrame {
  readonly number: number;
  readonly wire: Uint8Array;
  /** Place of its first byte among all bytes that go up. */
  readonly start: number;
  /** Bytes of the content in all frames before it. */
  readonly contentBefore: number;
}

export class UploadQueue {
  #kept: KeptFrame[] = [];
  /** The frame that goes out now, by its place in `kept`, and how much of it has gone. */
  #next = 0;
  #nextAt = 0;
  /** Where the board is, and where the last frame ends. */
  #takenTo = 0;
  #madeTo = 0;
  #contentTaken = 0;
  #contentMade = 0;

  add({ number, wire, contentBytes }: NumberedFrame): void {
    this.#kept.push({
      number: number % UPLOAD_NUMBER_MODULO,
      wire,
      start: this.#madeTo,
      contentBefore: this.#contentMade,
    });
    this.#madeTo += wire.length;
    this.#contentMade += contentBytes;
  }

  /** Bytes of the content in the frames that the board has taken whole. */
  get contentTakenBytes(): number {
    return this.#contentTaken;
  }

  /** Frames that have not gone out, or not whole. */
  get waiting(): number {
    return this.#kept.length - this.#next;
  }

  /** Bytes on the way, or in the ring; after a frame was asked for again the board may be ahead. */
  get outstandingBytes(): number {
    const frame = this.#kept[this.#next];
    const sentTo = frame === undefined ? this.#madeTo : frame.start + this.#nextAt;
    return Math.max(0, sentTo - this.#takenTo);
  }

  /** The next bytes to send, at most so many; null where there are none. */
  nextPart(roomBytes: number): Uint8Array | null {
    const frame = this.#kept[this.#next];
    if (frame === undefined || roomBytes <= 0) return null;
    const part = frame.wire.subarray(this.#nextAt, this.#nextAt + roomBytes);
    this.#nextAt += part.length;
    if (this.#nextAt === frame.wire.length) {
      this.#next += 1;
      this.#nextAt = 0;
      this.#forget();
    }
    return part;
  }

  /** Frames that the board can no longer ask for. */
  #forget(): void {
    const spare = this.#next - KEPT_FRAMES;
    if (spare <= 0) return;
    this.#kept = this.#kept.slice(spare);
    this.#next -= spare;
  }

  /** The board passes over everything up to the head of this frame. False where it is not kept. */
  resendFrom(number: number): boolean {
    const from = this.#kept.findIndex((frame) => frame.number === number);
    if (from < 0) return false;
    this.#next = from;
    this.#nextAt = 0;
    this.#takenTo = (this.#kept[from] as KeptFrame).start;
    return true;
  }

  /** The board has taken so many bytes of this frame. True when that is news. */
  taken(number: number, bytes: number): boolean {
    const frame = this.#kept.find((each) => each.number === number);
    // The frame after the last one made so far: all of it was taken.
    const takenTo = frame === undefined ? this.#madeTo : frame.start + bytes;
    if (takenTo <= this.#takenTo) return false;
    this.#takenTo = takenTo;
    this.#contentTaken = frame?.contentBefore ?? this.#contentMade;
    return true;
  }
}
