/** Where a new deflate block, with codes that fit better, is worth its header. */
import { SymbolCounts } from './alphabet.js';

/** A dynamic block's header is about so long; a little off moves few borders. */
const HEADER_BITS = 60;
const HEADER_BITS_A_SYMBOL = 4;
const STORED_HEADER_BITS = 40;

/**
 * How many stretches of a text one block should hold, then the next, and so on, from the symbols of
 * each stretch, of which only the last may be shorter.
 */
export function blockSplit(
  counts: readonly SymbolCounts[],
  stretchBytes: number,
  plainBytes: number,
): readonly number[] {
  const count = counts.length;
  /** From each of them to the end: the fewest bits, and where the first block ends. */
  const fewest = new Float64Array(count + 1);
  const ends = new Uint32Array(count);
  for (let from = count - 1; from >= 0; from -= 1) {
    const sum = new SymbolCounts();
    fewest[from] = Number.POSITIVE_INFINITY;
    for (let to = from + 1; to <= count; to += 1) {
      sum.add(counts[to - 1]!);
      const bits =
        fewest[to]! + blockBits(sum, Math.min(to * stretchBytes, plainBytes) - from * stretchBytes);
      if (bits >= fewest[from]!) continue;
      fewest[from] = bits;
      ends[from] = to;
    }
  }
  const sizes: number[] = [];
  for (let at = 0; at < count; at = ends[at]!) sizes.push(ends[at]! - at);
  return sizes;
}

function blockBits(counts: SymbolCounts, plainBytes: number): number {
  const bits = HEADER_BITS + codeBits(counts.literals) + codeBits(counts.distances);
  return Math.min(bits + counts.extraBits, STORED_HEADER_BITS + 8 * plainBytes);
}

/** What the symbols take, and their codes in the header. */
function codeBits(counts: Uint32Array): number {
  let bits = 0;
  let total = 0;
  for (let symbol = 0; symbol < counts.length; symbol += 1) {
    const count = counts[symbol]!;
    if (count === 0) continue;
    total += count;
    bits += HEADER_BITS_A_SYMBOL - nLogN(count);
  }
  return bits + nLogN(total);
}

const known = Float64Array.from({ length: 1 << 12 }, (_, n) => (n === 0 ? 0 : n * Math.log2(n)));

function nLogN(n: number): number {
  return n < known.length ? known[n]! : n * Math.log2(n);
}
