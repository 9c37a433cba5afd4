/** The cheapest way through bytes, by literals and matches whose prices are known. */
import {
  DISTANCES,
  FIRST_LENGTH,
  LENGTHS,
  MATCH_BYTES_MAX,
  MATCH_BYTES_MIN,
  SYMBOL_OF_LENGTH,
  SymbolCounts,
  symbolOfDistance,
} from './alphabet.js';
import { NICE_BYTES } from './match-finder.js';
import type { MatchList } from './match-list.js';

/** A symbol that did not come yet is as dear as one that came half a time. */
const UNSEEN = 0.5;

/** What each step takes, in bits and fractions, if symbols come as often as before. */
class Prices {
  readonly literals: Float64Array;
  readonly lengths = new Float64Array(MATCH_BYTES_MAX + 1);
  readonly distances: Float64Array;

  constructor(counts: SymbolCounts) {
    this.literals = entropies(counts.literals);
    for (let bytes = MATCH_BYTES_MIN; bytes <= MATCH_BYTES_MAX; bytes += 1) {
      const symbol = SYMBOL_OF_LENGTH[bytes]!;
      this.lengths[bytes] = this.literals[FIRST_LENGTH + symbol]! + LENGTHS.extraBits[symbol]!;
    }
    this.distances = entropies(counts.distances).map(
      (bits, symbol) => bits + DISTANCES.extraBits[symbol]!,
    );
  }
}

function entropies(counts: Uint32Array): Float64Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const all = Math.log2(Math.max(1, total));
  return Float64Array.from(counts, (count) => all - Math.log2(Math.max(count, UNSEEN)));
}

export class CheapestPath {
  /** For each place the step that is best there: its bytes, and its distance if it is a match. */
  readonly lengths: Uint16Array;
  readonly distances: Uint16Array;
  readonly #costs: Float64Array;

  constructor(placesMax: number) {
    this.lengths = new Uint16Array(placesMax);
    this.distances = new Uint16Array(placesMax);
    this.#costs = new Float64Array(placesMax + 1);
  }

  /** Finds the steps from place `from` to `to` of `plain`, priced as `expected` says. */
  find(
    plain: Uint8Array,
    matches: MatchList,
    [from, to]: readonly [number, number],
    expected: SymbolCounts,
  ): void {
    const prices = new Prices(expected);
    const costs = this.#costs;
    const { starts, lengths, distances } = matches;
    costs[to] = 0;
    for (let at = to - 1; at >= from; at -= 1) {
      let cheapest = costs[at + 1]! + prices.literals[plain[at]!]!;
      let bestLength = 1;
      let bestDistance = 0;
      let length = MATCH_BYTES_MIN;
      for (let match = starts[at]!; match < starts[at + 1]!; match += 1) {
        const distance = distances[match]!;
        const distanceCost = prices.distances[symbolOfDistance(distance)]!;
        const end = Math.min(lengths[match]!, to - at);
        // A long match is taken whole or not at all: runs would take a look at 256 steps a place.
        if (end >= NICE_BYTES) length = end;
        for (; length <= end; length += 1) {
          const cost = costs[at + length]! + prices.lengths[length]! + distanceCost;
          if (cost >= cheapest) continue;
          cheapest = cost;
          bestLength = length;
          bestDistance = distance;
        }
      }
      costs[at] = cheapest;
      this.lengths[at] = bestLength;
      this.distances[at] = bestDistance;
    }
  }

  /** The symbols of the steps from `from` to `to`, for each `stretch` of places on its own. */
  counts(plain: Uint8Array, from: number, to: number, stretch: number): SymbolCounts[] {
    const all = Array.from({ length: Math.ceil((to - from) / stretch) }, () => new SymbolCounts());
    for (let at = from; at < to; at += this.lengths[at]!) {
      const counts = all[Math.floor((at - from) / stretch)]!;
      if (this.lengths[at] === 1) counts.literals[plain[at]!]! += 1;
      else counts.addMatch(this.lengths[at]!, this.distances[at]!);
    }
    return all;
  }
}
