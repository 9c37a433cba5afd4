/** One deflate block (RFC 1951, 3.2.3): stored, or with the codes that make it shortest. */

import {
  DISTANCES,
  END_OF_BLOCK,
  FIRST_LENGTH,
  LENGTHS,
  SYMBOL_OF_LENGTH,
  type SymbolCounts,
  symbolOfDistance,
} from './alphabet.js';
import type { BitSink } from './bit-sink.js';
import { BlockHeader } from './block-header.js';
import type { CheapestPath } from './cheapest-path.js';
import { codeWords, limitedCodeLengths } from './prefix-code.js';

const CODE_BITS_MAX = 15;
const KIND = { stored: 0, fixed: 1, dynamic: 2 } as const;

interface Codes {
  readonly literals: readonly number[];
  readonly distances: readonly number[];
}

const FIXED: Codes = {
  literals: Array.from({ length: 288 }, (_, symbol) => {
    if (symbol < 144) return 8;
    if (symbol < 256) return 9;
    return symbol < 280 ? 7 : 8;
  }),
  distances: new Array<number>(30).fill(5),
};

/** Writes all of `plain`, at most 65,535 bytes, by the steps of `path`, whose symbols `counts` has. */
export function writeBlock(
  sink: BitSink,
  plain: Uint8Array,
  path: CheapestPath,
  counts: SymbolCounts,
  isLast: boolean,
): void {
  const codes: Codes = {
    literals: limitedCodeLengths(atLeastTwo(counts.literals), CODE_BITS_MAX),
    distances: limitedCodeLengths(atLeastTwo(counts.distances), CODE_BITS_MAX),
  };
  const header = new BlockHeader(codes.literals, codes.distances);
  const extraBits = counts.extraBits;
  const dynamic = header.sizeBits + bitsWith(codes, counts) + extraBits;
  const fixed = bitsWith(FIXED, counts) + extraBits;
  const stored = 8 * (plain.length + 4) + sink.bitsToByte(3);
  const begin = (kind: keyof typeof KIND) => sink.add((isLast ? 1 : 0) | (KIND[kind] << 1), 3);
  if (stored <= Math.min(dynamic, fixed)) {
    begin('stored');
    writeStored(sink, plain);
  } else if (fixed <= dynamic) {
    begin('fixed');
    writeSteps(sink, plain, path, FIXED);
  } else {
    begin('dynamic');
    header.write(sink);
    writeSteps(sink, plain, path, codes);
  }
}

/** A code of a single symbol is not complete, and some decoders refuse it. */
function atLeastTwo(counts: Uint32Array): Uint32Array {
  const more = counts.slice();
  for (let missing = 2 - counts.filter((count) => count > 0).length; missing > 0; missing -= 1) {
    more[more.indexOf(0)] = 1;
  }
  return more;
}

function bitsWith(codes: Codes, { literals, distances }: SymbolCounts): number {
  let bits = 0;
  for (const [symbol, count] of literals.entries()) bits += count * codes.literals[symbol]!;
  for (const [symbol, count] of distances.entries()) bits += count * codes.distances[symbol]!;
  return bits;
}

function writeStored(sink: BitSink, plain: Uint8Array): void {
  sink.fillByte();
  sink.add(plain.length, 16);
  sink.add(~plain.length & 0xffff, 16);
  sink.addBytes(plain);
}

function writeSteps(sink: BitSink, plain: Uint8Array, path: CheapestPath, codes: Codes): void {
  const words = { literals: codeWords(codes.literals), distances: codeWords(codes.distances) };
  const literal = (symbol: number) => sink.add(words.literals[symbol]!, codes.literals[symbol]!);
  for (let at = 0; at < plain.length; at += path.lengths[at]!) {
    const length = path.lengths[at]!;
    if (length === 1) {
      literal(plain[at]!);
      continue;
    }
    const lengthSymbol = SYMBOL_OF_LENGTH[length]!;
    literal(FIRST_LENGTH + lengthSymbol);
    sink.add(length - LENGTHS.bases[lengthSymbol]!, LENGTHS.extraBits[lengthSymbol]!);
    const distance = path.distances[at]!;
    const symbol = symbolOfDistance(distance);
    sink.add(words.distances[symbol]!, codes.distances[symbol]!);
    sink.add(distance - DISTANCES.bases[symbol]!, DISTANCES.extraBits[symbol]!);
  }
  literal(END_OF_BLOCK);
}
