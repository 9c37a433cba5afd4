/** One seed for a whole file of tests, printed, so that a run can be had again. */
import { seededRandom } from '../../src/testing/wire-faults.js';

export interface Dice {
  readonly seed: number;
  /** 0 <= x < 1. */
  next(): number;
  /** 0 <= x < n. */
  below(n: number): number;
  pick<T>(list: readonly T[]): T;
}

export function diceOf(seed: number): Dice {
  const next = seededRandom(seed);
  const below = (n: number) => Math.floor(next() * n);
  return { seed, next, below, pick: (list) => list[below(list.length)] as (typeof list)[number] };
}

/** From BELAY_SEED, else a new one; says which. */
export function seedFor(what: string): number {
  const given = Number(process.env.BELAY_SEED ?? Number.NaN);
  const seed = Number.isInteger(given) ? given : Math.floor(Math.random() * 2 ** 31);
  console.log(`${what}: seed ${seed} (BELAY_SEED=${seed} repeats it)`);
  return seed;
}
