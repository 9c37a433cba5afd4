/**
 * A raw deflate stream (RFC 1951) that is shorter than zlib's: instead of the next good match the
 * cheapest way through each block, and a new block where its codes pay. The same bytes always give
 * the same stream, however they are pushed. It promises no byte before a block is decided: up to
 * BLOCK_BYTES_MAX of input are held.
 */

import { END_OF_BLOCK, MATCH_BYTES_MAX, SymbolCounts } from './alphabet.js';
import { BitSink } from './bit-sink.js';
import { blockSplit } from './block-split.js';
import { writeBlock } from './block-writer.js';
import { CheapestPath } from './cheapest-path.js';
import { MatchFinder } from './match-finder.js';
import { MatchList } from './match-list.js';

/** Where blocks may begin: a multiple of this from the stream's beginning. */
const STRETCH_BYTES = 512;
/** What is looked at together, in a millisecond or two; whole stretches. */
const SLICE_BYTES = 4096;
/**
 * Whole slices. With 32 kB programs become 0.5 % shorter, but a push takes 9 ms instead of 4, and the
 * wire waits for the first one. More than 65,535 cannot be stored.
 */
const BLOCK_BYTES_MAX = 16_384;
/** How often a block's way is looked for again with the prices that the last one makes. */
const ROUNDS = 2;

export class Deflater {
  readonly #reach: number;
  readonly #finder: MatchFinder;
  /** What is held: the reach of matches, the block, and what was pushed and not looked at yet. */
  readonly #held: Uint8Array;
  /** Where #held begins in the stream; the others are places in #held. */
  #base = 0;
  #blockStart = 0;
  #at = 0;
  #end = 0;
  /** Of the block, from #blockStart to #at. */
  readonly #matches = new MatchList(BLOCK_BYTES_MAX);
  readonly #path = new CheapestPath(BLOCK_BYTES_MAX);
  #stretches: SymbolCounts[] = [];
  #expected = SymbolCounts.ofText();
  readonly #sink = new BitSink();

  /** No distance reaches 2^windowBits, 9 to 15. */
  constructor(windowBits: number) {
    this.#reach = 1 << windowBits;
    this.#finder = new MatchFinder(this.#reach);
    this.#held = new Uint8Array(this.#reach + 2 * BLOCK_BYTES_MAX);
  }

  /** What is complete after these bytes: zero or more whole bytes of the stream. */
  push(bytes: Uint8Array): Uint8Array {
    for (let from = 0; from < bytes.length; ) {
      if (this.#end === this.#held.length) this.#slide();
      const part = bytes.subarray(from, from + this.#held.length - this.#end);
      this.#held.set(part, this.#end);
      this.#end += part.length;
      from += part.length;
      while (this.#end - this.#at >= SLICE_BYTES + MATCH_BYTES_MAX) this.#look(SLICE_BYTES);
    }
    return this.#sink.take();
  }

  /** The rest, with the final block. */
  end(): Uint8Array {
    while (this.#end > this.#at) this.#look(Math.min(SLICE_BYTES, this.#end - this.#at));
    const sizes = this.#split();
    for (const size of sizes.slice(0, -1)) this.#write(size, false);
    this.#write(this.#stretches.length, true);
    this.#sink.fillByte();
    return this.#sink.take();
  }

  #slide(): void {
    const gone = Math.max(0, Math.min(this.#blockStart, this.#at - this.#reach));
    this.#held.copyWithin(0, gone, this.#end);
    this.#base += gone;
    this.#blockStart -= gone;
    this.#at -= gone;
    this.#end -= gone;
  }

  /** Takes the next bytes into the block, for a first guess at their symbols. */
  #look(sizeBytes: number): void {
    while (this.#at + sizeBytes - this.#blockStart > BLOCK_BYTES_MAX) this.#writeDecided();
    const from = this.#at - this.#blockStart;
    const to = from + sizeBytes;
    for (const end = this.#at + sizeBytes; this.#at < end; this.#at += 1) {
      this.#finder.search(this.#held, this.#at, this.#end, this.#base + this.#at, this.#matches);
      this.#matches.endPlace();
    }
    const plain = this.#held.subarray(this.#blockStart, this.#at);
    this.#path.find(plain, this.#matches, [from, to], this.#expected);
    this.#stretches.push(...this.#path.counts(plain, from, to, STRETCH_BYTES));
    this.#expected = SymbolCounts.sum(this.#stretches);
  }

  /** All blocks but the last, which may go on, unless it is the only one. */
  #writeDecided(): void {
    const sizes = this.#split();
    for (const size of sizes.slice(0, Math.max(1, sizes.length - 1))) this.#write(size, false);
  }

  #split(): readonly number[] {
    return blockSplit(this.#stretches, STRETCH_BYTES, this.#at - this.#blockStart);
  }

  #write(stretches: number, isLast: boolean): void {
    let counts = SymbolCounts.sum(this.#stretches.splice(0, stretches));
    const end = Math.min(this.#at, this.#blockStart + stretches * STRETCH_BYTES);
    const plain = this.#held.subarray(this.#blockStart, end);
    for (let round = 0; round < ROUNDS; round += 1) {
      this.#path.find(plain, this.#matches, [0, plain.length], counts);
      counts = SymbolCounts.sum(this.#path.counts(plain, 0, plain.length, BLOCK_BYTES_MAX));
      counts.literals[END_OF_BLOCK] = 1;
    }
    writeBlock(this.#sink, plain, this.#path, counts, isLast);
    this.#blockStart = end;
    this.#matches.drop(plain.length);
  }
}
