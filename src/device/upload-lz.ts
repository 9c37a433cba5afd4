/**
 * What goes up to boards that cannot inflate: bytes and matches in tokens of whole bytes, which
 * plain Python reads with slice copies (firmware-helpers/inflate-lz.py). Blocks of a 2-byte length
 * (with the high bit: bytes as they are) and tokens that make at most 1,024 bytes:
 *
 *   0nnndddd dddddddd            n + 3 bytes from d back
 *   10nnnnnn bytes               n + 1 bytes as they are
 *   11nnnnnn dddddddd dddddddd   n + 4 bytes from d back
 *
 * A match never reaches into what it makes itself. Pure and deterministic: the cheapest tokens
 * among the matches that are found.
 */

export const LZ_BLOCK_BYTES = 1024;
const STORED = 0x8000;
const RUN_BYTES_MAX = 64;
const NEAR = { distanceMax: 4095, bytesMin: 3, bytesMax: 10 } as const;
const FAR = { bytesMin: 4, bytesMax: 67 } as const;
/** Earlier places with the same three bytes that are looked at. */
const PLACES_MAX = 64;

/** A step of the way through the bytes: `distance` 0 is one byte as it is. */
interface Step {
  readonly bytes: number;
  readonly distance: number;
}

/** `bytes` as blocks; matches reach back into `history`, what the board made last, as far as `reach`. */
export function lzBlocks(history: Uint8Array, bytes: Uint8Array, reach: number): Uint8Array {
  const all = Buffer.concat([history, bytes]);
  const blocks: Uint8Array[] = [];
  let at = history.length;
  let start = at;
  let tokens: number[] = [];
  let run = 0;
  const close = () => {
    if (at > start) blocks.push(block(tokens, all.subarray(start, at)));
    [start, tokens, run] = [at, [], 0];
  };
  for (const { bytes: length, distance } of cheapest(all, history.length, reach)) {
    if (at + length - start > LZ_BLOCK_BYTES) close();
    if (distance === 0) {
      if (run === 0 || run === RUN_BYTES_MAX) [run] = [0, tokens.push(0x7f)];
      run += 1;
      tokens[tokens.length - run] = 0x7f + run;
      tokens.push(all[at] as number);
    } else {
      tokens.push(...match(length, distance));
      run = 0;
    }
    at += length;
  }
  close();
  return Buffer.concat(blocks);
}

function match(bytes: number, distance: number): readonly number[] {
  return isNear(bytes, distance)
    ? [((bytes - NEAR.bytesMin) << 4) | (distance >> 8), distance & 255]
    : [0xc0 | (bytes - FAR.bytesMin), distance >> 8, distance & 255];
}

function isNear(bytes: number, distance: number): boolean {
  return bytes <= NEAR.bytesMax && distance <= NEAR.distanceMax;
}

function block(tokens: readonly number[], plain: Uint8Array): Uint8Array {
  const isShorter = tokens.length < plain.length;
  const length = isShorter ? tokens.length : STORED | plain.length;
  return Buffer.concat([
    Uint8Array.of(length >> 8, length & 255),
    isShorter ? Uint8Array.from(tokens) : plain,
  ]);
}

/** The steps from `from` to the end that take the fewest bytes. */
function cheapest(all: Uint8Array, from: number, reach: number): readonly Step[] {
  const count = all.length - from;
  const costs = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY);
  const steps = new Array<Step>(count + 1);
  const runs = new Uint32Array(count + 1);
  const places = new Places(all, from, reach);
  costs[0] = 0;
  const offer = (to: number, cost: number, step: Step, run: number) => {
    if (cost >= (costs[to] as number)) return;
    costs[to] = cost;
    steps[to] = step;
    runs[to] = run;
  };
  for (let at = 0; at < count; at += 1) {
    const cost = costs[at] as number;
    const run = (runs[at] as number) % RUN_BYTES_MAX;
    offer(at + 1, cost + (run === 0 ? 2 : 1), { bytes: 1, distance: 0 }, run + 1);
    let reached = 0;
    for (const { bytes, distance } of places.matches(from + at)) {
      for (let length = Math.max(reached + 1, NEAR.bytesMin); length <= bytes; length += 1) {
        const far = isNear(length, distance) ? 0 : 1;
        if (far === 1 && length < FAR.bytesMin) continue;
        offer(at + length, cost + 2 + far, { bytes: length, distance }, 0);
      }
      reached = bytes;
    }
  }
  return pathTo(steps, count);
}

function pathTo(steps: readonly Step[], end: number): readonly Step[] {
  const path: Step[] = [];
  for (let at = end; at > 0; at -= (steps[at] as Step).bytes) path.push(steps[at] as Step);
  return path.reverse();
}

/** Where the same three bytes stood before. */
class Places {
  readonly #all: Uint8Array;
  readonly #reach: number;
  readonly #last = new Int32Array(1 << 16).fill(-1);
  readonly #before: Int32Array;

  constructor(all: Uint8Array, from: number, reach: number) {
    this.#all = all;
    this.#reach = reach;
    this.#before = new Int32Array(all.length).fill(-1);
    for (let at = 0; at < from; at += 1) this.#add(at);
  }

  /** Matches for the bytes at `at`, each longer than those nearer; asked for place after place. */
  matches(at: number): readonly Step[] {
    const all = this.#all;
    const found: Step[] = [];
    let longest = 0;
    let place = this.#add(at);
    const farthest = Math.max(0, at - this.#reach);
    for (let tries = 0; place >= farthest && tries < PLACES_MAX; tries += 1) {
      const limit = Math.min(FAR.bytesMax, all.length - at, at - place);
      let bytes = 0;
      while (bytes < limit && all[place + bytes] === all[at + bytes]) bytes += 1;
      if (bytes >= NEAR.bytesMin && bytes > longest) {
        found.push({ bytes, distance: at - place });
        longest = bytes;
      }
      if (longest === FAR.bytesMax) break;
      place = this.#before[place] as number;
    }
    return found;
  }

  /** Returns the last place before. */
  #add(at: number): number {
    if (at + NEAR.bytesMin > this.#all.length) return -1;
    const byte = (offset: number) => this.#all[at + offset] as number;
    const three = (byte(0) << 16) | (byte(1) << 8) | byte(2);
    const hash = Math.imul(three, 0x9e3779b1) >>> 16;
    const before = this.#last[hash] as number;
    this.#before[at] = before;
    this.#last[hash] = at;
    return before;
  }
}
