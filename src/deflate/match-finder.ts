/**
 * Where the bytes at a place stood before: for each hash of three bytes a binary tree of places,
 * in order of the bytes that follow, the newest at its root (as LZMA's and libdeflate's bt3).
 */
import { MATCH_BYTES_MAX, MATCH_BYTES_MIN } from './alphabet.js';
import type { MatchList } from './match-list.js';

const HASH_BITS = 15;
const NONE = -1;
/** Places that are looked at for one. */
const PLACES_MAX = 60;
/** The order of places is decided by so many bytes. A match as long is not worth looking further. */
export const NICE_BYTES = 128;

export class MatchFinder {
  readonly #reach: number;
  readonly #newest = new Int32Array(1 << HASH_BITS).fill(NONE);
  /** Of each place the newest ones whose bytes come before and after its own in order. */
  readonly #children: Int32Array;

  /** Finds distances below `reach`, a power of two. */
  constructor(reach: number) {
    this.#reach = reach;
    this.#children = new Int32Array(2 * reach);
  }

  /**
   * Lists the matches of place `at` of the stream, whose bytes are those from `index` to `end`, and
   * keeps the place; places come one after another, up to 2^31. Less than NICE_BYTES may follow
   * only at the stream's end: a place's order cannot change later.
   */
  search(bytes: Uint8Array, index: number, end: number, at: number, matches: MatchList): void {
    const longest = Math.min(NICE_BYTES, end - index);
    if (longest < MATCH_BYTES_MIN) return;
    const children = this.#children;
    const mask = this.#reach - 1;
    let place = this.#replaceNewest(bytes, index, at);
    let before = 2 * (at & mask);
    let after = before + 1;
    let beforeBytes = 0;
    let afterBytes = 0;
    let best = MATCH_BYTES_MIN - 1;
    // A place gives its own in the ring of children to the one a reach later.
    const oldest = Math.max(0, at - this.#reach + 1);
    for (let tries = PLACES_MAX; place >= oldest && tries > 0; tries -= 1) {
      const other = index - (at - place);
      const child = 2 * (place & mask);
      // All below a place that shares so many bytes on either side shares as many.
      let length = Math.min(beforeBytes, afterBytes);
      while (length < longest && bytes[other + length] === bytes[index + length]) length += 1;
      if (length === longest) {
        matches.add(matchBytes(bytes, other, index, end), at - place);
        children[before] = children[child]!;
        children[after] = children[child + 1]!;
        return;
      }
      if (length > best) {
        best = length;
        matches.add(length, at - place);
      }
      if (bytes[other + length]! < bytes[index + length]!) {
        children[before] = place;
        before = child + 1;
        beforeBytes = length;
        place = children[before]!;
      } else {
        children[after] = place;
        after = child;
        afterBytes = length;
        place = children[after]!;
      }
    }
    children[before] = NONE;
    children[after] = NONE;
  }

  #replaceNewest(bytes: Uint8Array, index: number, at: number): number {
    const three = (bytes[index]! << 16) | (bytes[index + 1]! << 8) | bytes[index + 2]!;
    const hash = Math.imul(three, 0x9e3779b1) >>> (32 - HASH_BITS);
    const place = this.#newest[hash]!;
    this.#newest[hash] = at;
    return place;
  }
}

function matchBytes(bytes: Uint8Array, other: number, index: number, end: number): number {
  const longest = Math.min(MATCH_BYTES_MAX, end - index);
  let length = 0;
  while (length < longest && bytes[other + length] === bytes[index + length]) length += 1;
  return length;
}
