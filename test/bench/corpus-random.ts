/** Numbers that look random and are the same in every run and on every machine. */
export interface Random {
  /** 0 to just below 1. */
  unit(): number;
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
  pick<T>(from: readonly T[]): T;
  /** Like `pick`, with the first ones more often, as names come in programs. */
  favour<T>(from: readonly T[]): T;
  bytes(count: number): Uint8Array;
}

/** sfc32 (Chris Doty-Humphrey, PractRand), seeded as recommended: twelve rounds thrown away. */
export function seededRandom(seed: number): Random {
  let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, seed >>> 0, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round += 1) next();
  const unit = () => next() / 0x1_0000_0000;
  const below = (limit: number) => Math.floor(unit() * limit);
  return {
    unit,
    below,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
    favour: (from) => from[Math.floor(from.length * unit() ** 2)] as (typeof from)[number],
    bytes: (count) => Uint8Array.from({ length: count }, () => next() >>> 24),
  };
}
