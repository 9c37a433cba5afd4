/**
 * Reads a raw-deflate stream for what it is made of, to count codes (training) and to see which
 * were used (tests). Not an inflater: text is not rebuilt, and streams are trusted.
 */
export interface DeflateTokens {
  /** How often each of the 286 literal and length codes came, and each of the 30 distance codes. */
  readonly literalCounts: number[];
  readonly distanceCounts: number[];
  /** Bits that followed codes. */
  extraBits: number;
  readonly blocks: ('stored' | 'fixed' | 'dynamic')[];
  longestDistance: number;
}

interface Codes {
  readonly symbols: Map<number, number>;
}

export function readDeflateTokens(stream: Uint8Array): DeflateTokens {
  const tokens: DeflateTokens = {
    literalCounts: new Array<number>(286).fill(0),
    distanceCounts: new Array<number>(30).fill(0),
    extraBits: 0,
    blocks: [],
    longestDistance: 0,
  };
  const bits = new BitReader(stream);
  let last = 0;
  while (last === 0) {
    last = bits.take(1);
    const kind = (['stored', 'fixed', 'dynamic'] as const)[bits.take(2)];
    if (kind === undefined) throw new Error('not a deflate stream');
    tokens.blocks.push(kind);
    if (kind === 'stored') bits.skipStored();
    else readBlock(bits, kind === 'fixed' ? fixedCodes() : dynamicCodes(bits), tokens);
  }
  return tokens;
}

function readBlock(bits: BitReader, [literals, distances]: [Codes, Codes], tokens: DeflateTokens) {
  for (;;) {
    const symbol = bits.symbol(literals);
    tokens.literalCounts[symbol] = (tokens.literalCounts[symbol] as number) + 1;
    if (symbol === 256) return;
    if (symbol < 256) continue;
    const lengthBits = symbol < 265 || symbol === 285 ? 0 : (symbol - 261) >> 2;
    bits.take(lengthBits);
    const distance = bits.symbol(distances);
    const distanceBits = distance < 4 ? 0 : (distance - 2) >> 1;
    const base = distance < 4 ? distance : (2 + (distance & 1)) << distanceBits;
    tokens.longestDistance = Math.max(tokens.longestDistance, base + bits.take(distanceBits) + 1);
    tokens.distanceCounts[distance] = (tokens.distanceCounts[distance] as number) + 1;
    tokens.extraBits += lengthBits + distanceBits;
  }
}

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function dynamicCodes(bits: BitReader): [Codes, Codes] {
  const literalCount = bits.take(5) + 257;
  const distanceCount = bits.take(5) + 1;
  const lengthLengths = new Array<number>(19).fill(0);
  for (const symbol of ORDER.slice(0, bits.take(4) + 4)) lengthLengths[symbol] = bits.take(3);
  const lengthCodes = codesOf(lengthLengths);
  const lengths: number[] = [];
  while (lengths.length < literalCount + distanceCount) {
    const symbol = bits.symbol(lengthCodes);
    if (symbol < 16) lengths.push(symbol);
    else {
      const repeated = symbol === 16 ? (lengths.at(-1) as number) : 0;
      const count =
        symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7);
      for (let index = 0; index < count; index += 1) lengths.push(repeated);
    }
  }
  return [codesOf(lengths.slice(0, literalCount)), codesOf(lengths.slice(literalCount))];
}

function fixedCodes(): [Codes, Codes] {
  const lengths = Array.from({ length: 288 }, (_, symbol) =>
    symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  );
  return [codesOf(lengths), codesOf(new Array<number>(30).fill(5))];
}

/** Canonical codes (RFC 1951 3.2.2); the key of a code is itself with a 1 in front. */
function codesOf(lengths: readonly number[]): Codes {
  const symbols = new Map<number, number>();
  let code = 0;
  for (let length = 1; length < 16; length += 1) {
    for (const [symbol, own] of lengths.entries()) {
      if (own === length) symbols.set((1 << length) | code++, symbol);
    }
    code <<= 1;
  }
  return { symbols };
}

class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit += 1, this.#at += 1) {
      const byte = this.#bytes[this.#at >> 3];
      if (byte === undefined) throw new Error('the stream is cut off');
      value |= ((byte >> (this.#at & 7)) & 1) << bit;
    }
    return value;
  }

  symbol(codes: Codes): number {
    for (let key = 1; key < 1 << 15; ) {
      key = (key << 1) | this.take(1);
      const symbol = codes.symbols.get(key);
      if (symbol !== undefined) return symbol;
    }
    throw new Error('no such code');
  }

  skipStored(): void {
    this.#at = (this.#at + 7) & ~7;
    const length = this.take(16);
    this.#at += 16 + length * 8;
  }
}
