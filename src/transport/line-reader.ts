/**
 * Lines out of the wire's bytes, by the serialport project's Readline parser. It is written to by
 * whoever knows that lines are due, never piped from the port: frames of raw bytes pass on the
 * same wire. Lines are bytes in Latin-1, so that nothing is lost; their length is bounded.
 */
import { ReadlineParser } from '@serialport/parser-readline';

/** A text frame of 1 KiB in hex, with room to spare. */
export const LINE_BYTES_MAX = 8192;

export interface Line {
  /** Without its line end; one character a byte. */
  readonly text: string;
  /** It was longer than the limit and has been cut. */
  readonly cut: boolean;
}

export class LineReader {
  readonly #lineBytesMax: number;
  #parser: ReadlineParser;
  /** Bytes since the last line end. */
  #openBytes = 0;
  /** The rest of a cut line is skipped. */
  #skipping = false;

  constructor(options: { readonly lineBytesMax?: number } = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
    this.#parser = newParser();
  }

  /** The lines that these bytes complete, in order. Ends of line are CR LF or LF. */
  push(bytes: Uint8Array): readonly Line[] {
    const lines: Line[] = [];
    let at = 0;
    while (at < bytes.length) {
      const end = bytes.indexOf(0x0a, at);
      const stop = end < 0 ? bytes.length : end + 1;
      this.#take(bytes.subarray(at, stop), end >= 0, lines);
      at = stop;
    }
    return lines;
  }

  /** What stands after the last line end so far. */
  takeRest(): string {
    if (this.#openBytes === 0 || this.#skipping) return '';
    const rest = this.#write(new Uint8Array([0x0a]));
    this.#openBytes = 0;
    return rest ?? '';
  }

  #take(piece: Uint8Array, ends: boolean, lines: Line[]): void {
    if (this.#skipping) {
      this.#skipping = !ends;
      return;
    }
    if (this.#openBytes + piece.length > this.#lineBytesMax + 2) {
      const head = piece.subarray(0, Math.max(0, this.#lineBytesMax - this.#openBytes));
      this.#write(head);
      const text = this.#write(new Uint8Array([0x0a])) ?? '';
      lines.push({ text, cut: true });
      this.#openBytes = 0;
      this.#skipping = !ends;
      return;
    }
    const text = this.#write(piece);
    this.#openBytes = ends ? 0 : this.#openBytes + piece.length;
    if (text !== null) lines.push({ text, cut: false });
  }

  /** A piece holds at most one line end, so at most one line comes of it. */
  #write(piece: Uint8Array): string | null {
    if (piece.length === 0) return null;
    this.#parser.write(Buffer.from(piece));
    const line: unknown = this.#parser.read();
    return line === null ? null : String(line).replace(/\r$/, '');
  }
}

function newParser(): ReadlineParser {
  // Object mode on the reading side keeps one line one item, empty ones included.
  return new ReadlineParser({ delimiter: '\n', encoding: 'latin1', readableObjectMode: true });
}

/** The lines of a piece of text that has come whole: a traceback, a greeting. */
export function linesOf(bytes: Uint8Array): readonly string[] {
  const reader = new LineReader();
  const lines = reader.push(bytes).map((line) => line.text);
  return [...lines, reader.takeRest()].map(fromLatin1).filter((line) => line !== '');
}

/** Boards write UTF-8; a line was kept one character a byte so that nothing could get lost. */
function fromLatin1(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0)));
}
