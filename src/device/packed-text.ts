/**
 * Shortens text for boards that cannot inflate: characters stand for themselves, and what came before
 * is named by two bytes, which plain Python reads with slice copies (firmware-helpers/boot-packed.py):
 *
 *   0ccccccc             a character
 *   1nnndddd dddddddd    n + 3 characters from d back
 *
 * A match never reaches into what it makes itself. Pure and deterministic: the cheapest tokens.
 */

const MATCH_MIN = 3;
const MATCH_MAX = 10;
const DISTANCE_MAX = 4095;

/** `cost`: bytes that a byte takes on the wire. Throws where the text is not ASCII. */
export function packText(text: string, cost: (byte: number) => number = () => 1): Uint8Array {
  const bytes = Buffer.from(text, 'latin1');
  const foreign = bytes.findIndex((byte) => byte > 127);
  if (foreign >= 0) throw new Error(`a source may hold ASCII only, not ${text[foreign]}`);
  const before = placesBefore(bytes);
  const prices = Array.from({ length: 256 }, (_, byte) => cost(byte));
  const price = (byte: number) => prices[byte] as number;
  // From the end on: what the rest costs at least, and the first step of that way.
  const costs = new Float64Array(bytes.length + 1);
  const lengths = new Uint8Array(bytes.length).fill(1);
  const distances = new Uint16Array(bytes.length);
  for (let at = bytes.length - 1; at >= 0; at -= 1) {
    costs[at] = price(bytes[at] as number) + (costs[at + 1] as number);
    for (let place = before[at] as number; place >= 0; place = before[place] as number) {
      const distance = at - place;
      if (distance > DISTANCE_MAX) break;
      const limit = Math.min(MATCH_MAX, distance, bytes.length - at);
      const second = price(distance & 255);
      for (let length = MATCH_MIN; length <= limit; length += 1) {
        const sum = price(firstOf(length, distance)) + second + (costs[at + length] as number);
        if (sum < (costs[at] as number)) {
          costs[at] = sum;
          lengths[at] = length;
          distances[at] = distance;
        }
        if (bytes[place + length] !== bytes[at + length]) break;
      }
    }
  }
  const packed: number[] = [];
  for (let at = 0; at < bytes.length; at += lengths[at] as number) {
    const distance = distances[at] as number;
    if (distance === 0) packed.push(bytes[at] as number);
    else packed.push(firstOf(lengths[at] as number, distance), distance & 255);
  }
  return Uint8Array.from(packed);
}

function firstOf(length: number, distance: number): number {
  return 0x80 | ((length - MATCH_MIN) << 4) | (distance >> 8);
}

/** For every place the last one before it with the same three characters; -1 where there is none. */
function placesBefore(bytes: Uint8Array): Int32Array {
  const before = new Int32Array(bytes.length).fill(-1);
  const last = new Map<number, number>();
  for (let at = 0; at + MATCH_MIN <= bytes.length; at += 1) {
    const byte = (offset: number) => bytes[at + offset] as number;
    const three = (byte(0) << 14) | (byte(1) << 7) | byte(2);
    before[at] = last.get(three) ?? -1;
    last.set(three, at);
  }
  return before;
}
