/** What of each file is on the board, by how much of the packed stream the board has taken. Pure. */
import type { BoardOperation } from './device-fs.js';

interface Span {
  /** Null for what belongs to no file's content. */
  readonly operation: BoardOperation | null;
  bytes: number;
}

export class UploadMeter {
  /** What was read and is not on the board, in order. */
  readonly #spans: Span[] = [];
  /** Where in the packed stream what was read so far comes to an end. */
  readonly #marks: { readonly packedEnd: number; readonly plainEnd: number }[] = [];
  #plainRead = 0;
  #packedMade = 0;
  #plainTaken = 0;

  /** So many bytes go into the stream. */
  read(operation: BoardOperation | null, bytes: number): void {
    this.#spans.push({ operation, bytes });
    this.#plainRead += bytes;
  }

  /** The stream as it is, noting how far each piece of it goes. */
  async *packed(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of stream) {
      this.#packedMade += piece.length;
      this.#marks.push({ packedEnd: this.#packedMade, plainEnd: this.#plainRead });
      yield piece;
    }
  }

  /** The bytes of files that came onto the board with the packed stream up to this place. */
  *taken(packedBytes: number): Generator<{ operation: BoardOperation; bytes: number }> {
    let plainEnd = this.#plainTaken;
    while (this.#marks[0] !== undefined && this.#marks[0].packedEnd <= packedBytes)
      plainEnd = (this.#marks.shift() as { plainEnd: number }).plainEnd;
    while (this.#plainTaken < plainEnd) {
      const span = this.#spans[0] as Span;
      const bytes = Math.min(span.bytes, plainEnd - this.#plainTaken);
      this.#plainTaken += bytes;
      span.bytes -= bytes;
      if (span.bytes === 0) this.#spans.shift();
      if (span.operation !== null) yield { operation: span.operation, bytes };
    }
  }
}
