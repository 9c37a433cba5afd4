/** What deflate's symbols stand for (RFC 1951, 3.2.5), and how often each comes. */

export const END_OF_BLOCK = 256;
/** What symbols for lengths are counted from. */
export const FIRST_LENGTH = 257;
const LITERAL_SYMBOLS = 286;
const DISTANCE_SYMBOLS = 30;
const LENGTH_SYMBOLS = LITERAL_SYMBOLS - FIRST_LENGTH;
export const MATCH_BYTES_MIN = 3;
export const MATCH_BYTES_MAX = 258;

/** Of each symbol its extra bits, and the first value that it stands for. */
interface Symbols {
  readonly extraBits: Uint8Array;
  readonly bases: Uint16Array;
}

/** 258 has a symbol of its own. */
export const LENGTHS: Symbols = {
  extraBits: Uint8Array.from({ length: LENGTH_SYMBOLS }, (_, symbol) =>
    symbol < 8 || symbol === LENGTH_SYMBOLS - 1 ? 0 : (symbol >> 2) - 1,
  ),
  bases: Uint16Array.from({ length: LENGTH_SYMBOLS }, (_, symbol) => {
    if (symbol === LENGTH_SYMBOLS - 1) return MATCH_BYTES_MAX;
    return MATCH_BYTES_MIN + (symbol < 8 ? symbol : (4 + (symbol & 3)) << ((symbol >> 2) - 1));
  }),
};

export const DISTANCES: Symbols = {
  extraBits: Uint8Array.from({ length: DISTANCE_SYMBOLS }, (_, symbol) =>
    symbol < 4 ? 0 : (symbol >> 1) - 1,
  ),
  bases: Uint16Array.from(
    { length: DISTANCE_SYMBOLS },
    (_, symbol) => 1 + (symbol < 4 ? symbol : (2 + (symbol & 1)) << ((symbol >> 1) - 1)),
  ),
};

/** For each number of bytes its symbol, counted from FIRST_LENGTH. */
export const SYMBOL_OF_LENGTH = new Uint8Array(MATCH_BYTES_MAX + 1);
for (const [symbol, base] of LENGTHS.bases.entries()) SYMBOL_OF_LENGTH.fill(symbol, base);

export function symbolOfDistance(distance: number): number {
  const before = distance - 1;
  if (before < 4) return before;
  const bits = 31 - Math.clz32(before);
  return 2 * bits + ((before >> (bits - 1)) & 1);
}

/** How often each symbol comes in some bytes. */
export class SymbolCounts {
  /** Literals, END_OF_BLOCK, and lengths from FIRST_LENGTH on. */
  readonly literals = new Uint32Array(LITERAL_SYMBOLS);
  readonly distances = new Uint32Array(DISTANCE_SYMBOLS);

  /** Of an English text or program, roughly: for a beginning. */
  static ofText(): SymbolCounts {
    const counts = new SymbolCounts();
    counts.literals.fill(1).fill(4, 0x20, 0x7f).fill(12, FIRST_LENGTH);
    counts.distances.fill(1);
    return counts;
  }

  static sum(all: readonly SymbolCounts[]): SymbolCounts {
    const sum = new SymbolCounts();
    for (const counts of all) sum.add(counts);
    return sum;
  }

  add({ literals, distances }: SymbolCounts): void {
    for (let at = 0; at < literals.length; at += 1) this.literals[at]! += literals[at]!;
    for (let at = 0; at < distances.length; at += 1) this.distances[at]! += distances[at]!;
  }

  addMatch(bytes: number, distance: number): void {
    this.literals[FIRST_LENGTH + SYMBOL_OF_LENGTH[bytes]!]! += 1;
    this.distances[symbolOfDistance(distance)]! += 1;
  }

  get extraBits(): number {
    let bits = 0;
    for (let at = 0; at < LENGTH_SYMBOLS; at += 1) {
      bits += LENGTHS.extraBits[at]! * this.literals[FIRST_LENGTH + at]!;
    }
    for (let at = 0; at < DISTANCE_SYMBOLS; at += 1) {
      bits += DISTANCES.extraBits[at]! * this.distances[at]!;
    }
    return bits;
  }
}
