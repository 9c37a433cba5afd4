/** Huffman codes as deflate has them: lengths of at most so many bits, and the codes that follow. */

/**
 * The best code lengths of at most `longest` bits for symbols that come so often (package-merge,
 * Larmore and Hirschberg 1990). One symbol alone gets no bits.
 */
export function limitedCodeLengths(counts: ArrayLike<number>, longest: number): number[] {
  const symbols = Array.from(counts, (_, symbol) => symbol)
    .filter((symbol) => counts[symbol]! > 0)
    .sort((a, b) => counts[a]! - counts[b]!);
  const lengths = new Array<number>(counts.length).fill(0);
  const leaves = symbols.map((symbol) => counts[symbol]!);
  const isLeaf = mergedLists(leaves, longest);
  // What is taken of a list as packages is taken of the list before as pairs; leaves come in order.
  let taken = 2 * leaves.length - 2;
  for (let bit = longest - 1; bit >= 0 && taken > 0; bit -= 1) {
    let own = 0;
    for (let at = 0; at < taken; at += 1) own += isLeaf[bit]![at]!;
    for (let at = 0; at < own; at += 1) lengths[symbols[at]!]! += 1;
    taken = 2 * (taken - own);
  }
  return lengths;
}

/** For each bit the list of leaves and packages by weight: 1 for a leaf. */
function mergedLists(leaves: readonly number[], bits: number): Uint8Array[] {
  const lists: Uint8Array[] = [];
  let packages: number[] = [];
  for (let bit = 0; bit < bits; bit += 1) {
    const isLeaf = new Uint8Array(leaves.length + packages.length);
    const pairs: number[] = [];
    let leaf = 0;
    let odd = 0;
    for (let at = 0; at < isLeaf.length; at += 1) {
      const pair = packages[at - leaf] ?? Number.POSITIVE_INFINITY;
      const weight = Math.min(leaves[leaf] ?? Number.POSITIVE_INFINITY, pair);
      if (leaves[leaf] === weight) {
        isLeaf[at] = 1;
        leaf += 1;
      }
      if (at % 2 === 1) pairs.push(odd + weight);
      odd = weight;
    }
    lists.push(isLeaf);
    packages = pairs;
  }
  return lists;
}

/** The canonical code of such lengths, each word's first bit lowest (RFC 1951, 3.2.2). */
export function codeWords(lengths: readonly number[]): Uint16Array {
  const words = new Uint16Array(lengths.length);
  const longest = Math.max(...lengths);
  let code = 0;
  for (let bits = 1; bits <= longest; bits += 1) {
    for (let symbol = 0; symbol < lengths.length; symbol += 1) {
      if (lengths[symbol] !== bits) continue;
      words[symbol] = mirrored(code, bits);
      code += 1;
    }
    code <<= 1;
  }
  return words;
}

function mirrored(code: number, bits: number): number {
  let result = 0;
  for (let bit = 0; bit < bits; bit += 1) result |= ((code >> bit) & 1) << (bits - 1 - bit);
  return result;
}
