/** How a dynamic deflate block tells its codes (RFC 1951, 3.2.7). */

import { FIRST_LENGTH } from './alphabet.js';
import type { BitSink } from './bit-sink.js';
import { codeWords, limitedCodeLengths } from './prefix-code.js';

const CODE_BITS_MAX = 7;
/** In which order the lengths of the header's own code come. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** Symbols for what comes again, with their extra bits: the last length, or zeros. */
const REPEAT = { symbol: 16, from: 3, to: 6, extraBits: 2 } as const;
const ZEROS = { symbol: 17, from: 3, to: 10, extraBits: 3 } as const;
const MORE_ZEROS = { symbol: 18, from: 11, to: 138, extraBits: 7 } as const;

interface Item {
  readonly symbol: number;
  readonly extra: number;
  readonly extraBits: number;
}

export class BlockHeader {
  readonly sizeBits: number;
  readonly #literals: number;
  readonly #distances: number;
  readonly #items: readonly Item[];
  readonly #lengths: readonly number[];
  /** How many of #lengths are told. */
  readonly #told: number;

  constructor(literalLengths: readonly number[], distanceLengths: readonly number[]) {
    this.#literals = Math.max(FIRST_LENGTH, usedSymbols(literalLengths));
    this.#distances = Math.max(1, usedSymbols(distanceLengths));
    this.#items = itemsOf([
      ...literalLengths.slice(0, this.#literals),
      ...distanceLengths.slice(0, this.#distances),
    ]);
    const counts = new Array<number>(ORDER.length).fill(0);
    for (const { symbol } of this.#items) counts[symbol]! += 1;
    this.#lengths = limitedCodeLengths(counts, CODE_BITS_MAX);
    this.#told = Math.max(4, usedSymbols(ORDER.map((symbol) => this.#lengths[symbol]!)));
    this.sizeBits = this.#items.reduce(
      (sum, { symbol, extraBits }) => sum + this.#lengths[symbol]! + extraBits,
      14 + 3 * this.#told,
    );
  }

  write(sink: BitSink): void {
    sink.add(this.#literals - FIRST_LENGTH, 5);
    sink.add(this.#distances - 1, 5);
    sink.add(this.#told - 4, 4);
    for (const symbol of ORDER.slice(0, this.#told)) sink.add(this.#lengths[symbol]!, 3);
    const words = codeWords(this.#lengths);
    for (const { symbol, extra, extraBits } of this.#items) {
      sink.add(words[symbol]!, this.#lengths[symbol]!);
      sink.add(extra, extraBits);
    }
  }
}

function usedSymbols(lengths: readonly number[]): number {
  return lengths.findLastIndex((length) => length > 0) + 1;
}

function itemsOf(lengths: readonly number[]): Item[] {
  const items: Item[] = [];
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at]!;
    let left = 1;
    while (lengths[at + left] === length) left += 1;
    at += left;
    const plain = { symbol: length, extra: 0, extraBits: 0 };
    if (length > 0) {
      items.push(plain);
      left -= 1;
    }
    while (left >= REPEAT.from) {
      const zeros = left < MORE_ZEROS.from ? ZEROS : MORE_ZEROS;
      const { symbol, from, to, extraBits } = length > 0 ? REPEAT : zeros;
      const count = Math.min(left, to);
      items.push({ symbol, extra: count - from, extraBits });
      left -= count;
    }
    for (; left > 0; left -= 1) items.push(plain);
  }
  return items;
}
