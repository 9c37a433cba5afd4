/**
 * Frames that travel as lines of text, for boards whose output is not binary-safe: base64,
 * hexadecimal digits, or Python's repr of bytes. A line that is no whole frame is the user's text.
 */
import { type Frame, FrameDecoder, type FrameFormat } from './frames.js';
import { parseLiteral } from './python-literal.js';

export type OutputRung = 'raw' | 'base64' | 'hex' | 'repr';

const LINE_BYTES_MAX = 8192;
const NEWLINE = 10;

/** What FrameDecoder and the decoder of lines have in common. */
export interface FrameSource {
  readonly strayBytes: number;
  readonly badFrames: number;
  readonly pendingBytes: number;
  readonly tail: Uint8Array;
  push(bytes: Uint8Array, take: (frame: Frame) => boolean): void;
  flush(take: (frame: Frame) => boolean): void;
}

/** `firstSequence`: of the stream, or of the part of it that comes again. */
export function frameSource(rung: OutputRung, format: FrameFormat, firstSequence = 0): FrameSource {
  const decoder = new FrameDecoder(format, firstSequence);
  return rung === 'raw' ? decoder : new TextFrameDecoder(rung, decoder);
}

export class TextFrameDecoder implements FrameSource {
  readonly #rung: OutputRung;
  readonly #decoder: FrameDecoder;
  #held = new Uint8Array(0);
  #strayBytes = 0;
  #badFrames = 0;

  constructor(rung: OutputRung, decoder: FrameDecoder) {
    this.#rung = rung;
    this.#decoder = decoder;
  }

  get strayBytes(): number {
    return this.#strayBytes;
  }

  get badFrames(): number {
    return this.#badFrames;
  }

  get pendingBytes(): number {
    return this.#held.length;
  }

  get tail(): Uint8Array {
    return this.#held.subarray(Math.max(0, this.#held.length - 16));
  }

  push(bytes: Uint8Array, take: (frame: Frame) => boolean): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    let start = 0;
    for (;;) {
      const end = this.#held.indexOf(NEWLINE, start);
      if (end < 0) break;
      const line = this.#held.subarray(start, end);
      start = end + 1;
      const frame = this.#frameOf(line);
      if (frame === null) this.#strayBytes += line.length + 1;
      else if (!take(frame)) break;
    }
    this.#held = this.#held.slice(start);
    if (this.#held.length > LINE_BYTES_MAX) {
      this.#strayBytes += this.#held.length;
      this.#held = new Uint8Array(0);
    }
  }

  flush(take: (frame: Frame) => boolean): void {
    this.push(Uint8Array.of(NEWLINE), take);
  }

  #frameOf(line: Uint8Array): Frame | null {
    const bytes = bytesOfLine(this.#rung, Buffer.from(line).toString('latin1').trim());
    if (bytes === null) return null;
    let found: Frame | null = null;
    const take = (frame: Frame) => {
      found = frame;
      return true;
    };
    this.#decoder.push(bytes, take);
    this.#decoder.flush(take);
    if (found === null) this.#badFrames += 1;
    return found;
  }
}

function bytesOfLine(rung: OutputRung, line: string): Uint8Array | null {
  if (rung === 'base64')
    return /^[A-Za-z0-9+/]+=*$/.test(line) ? Buffer.from(line, 'base64') : null;
  if (rung === 'hex') return /^(?:[0-9a-f]{2})+$/.test(line) ? Buffer.from(line, 'hex') : null;
  if (!/^b['"]/.test(line)) return null;
  try {
    const value = parseLiteral(line);
    return value instanceof Uint8Array ? value : null;
  } catch {
    return null;
  }
}
