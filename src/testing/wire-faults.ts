/** What goes wrong on a wire: scripted by position, or random from a seed. Pure. */

export type WireDirection = 'toBoard' | 'toHost';

/** One accident: at byte `at` of a direction, counted from 0 when the faults were set. */
export interface ScriptedFault {
  readonly direction: WireDirection;
  readonly at: number;
  readonly kind: 'drop' | 'flip' | 'insert' | 'disconnect' | 'reset';
  /** `flip`: bits to turn over (default 0x01). `insert`: the byte that appears (default 0x55). */
  readonly value?: number;
  /** `drop`: how many bytes (default 1). */
  readonly count?: number;
}

export interface RandomFaults {
  readonly direction: WireDirection | 'both';
  /** Accidents per byte: 0.0001 is one in 10,000. */
  readonly rate: number;
  readonly seed: number;
  readonly kinds?: readonly ('drop' | 'flip' | 'insert')[];
}

export interface FaultPlan {
  readonly scripted?: readonly ScriptedFault[];
  readonly random?: RandomFaults;
}

export type FaultEvent = 'disconnect' | 'reset';

/** A small seeded generator (mulberry32): the same seed gives the same accidents everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

interface Pending {
  readonly at: number;
  readonly fault: ScriptedFault;
}

/** The accidents of one direction. */
export class LaneFaults {
  readonly #scripted: Pending[];
  readonly #random: (() => ScriptedFault) | null;
  #next: ScriptedFault | null = null;
  #position = 0;
  #dropping = 0;

  constructor(plan: FaultPlan, direction: WireDirection) {
    this.#scripted = (plan.scripted ?? [])
      .filter((fault) => fault.direction === direction)
      .map((fault) => ({ at: fault.at, fault }))
      .sort((a, b) => a.at - b.at);
    const random = plan.random;
    const concerned = random !== undefined && [direction, 'both'].includes(random.direction);
    this.#random = concerned && random.rate > 0 ? randomFaults(random, direction) : null;
    this.#next = this.#random?.() ?? null;
  }

  /** What arrives instead of `bytes`, and what else happened: bytes after an event are lost. */
  apply(bytes: Uint8Array): { bytes: Uint8Array; event: FaultEvent | null } {
    const end = this.#position + bytes.length;
    if (this.#dropping === 0 && (this.#first()?.at ?? Number.POSITIVE_INFINITY) >= end) {
      this.#position = end;
      return { bytes, event: null };
    }
    const out: number[] = [];
    for (const byte of bytes) {
      const event = this.#pass(byte, out);
      if (event !== null) return { bytes: Uint8Array.from(out), event };
    }
    return { bytes: Uint8Array.from(out), event: null };
  }

  #pass(byte: number, out: number[]): FaultEvent | null {
    const here = this.#position;
    this.#position += 1;
    let value = byte;
    for (let fault = this.#first(); fault !== null && fault.at <= here; fault = this.#first()) {
      this.#takeFirst();
      if (fault.kind === 'disconnect' || fault.kind === 'reset') return fault.kind;
      if (fault.kind === 'drop') this.#dropping = Math.max(this.#dropping, fault.count ?? 1);
      else if (fault.kind === 'flip') value ^= fault.value ?? 1;
      else out.push(fault.value ?? 0x55);
    }
    if (this.#dropping > 0) this.#dropping -= 1;
    else out.push(value);
    return null;
  }

  #first(): ScriptedFault | null {
    const scripted = this.#scripted[0]?.fault ?? null;
    if (scripted === null) return this.#next;
    return this.#next === null || scripted.at <= this.#next.at ? scripted : this.#next;
  }

  #takeFirst(): void {
    if (this.#first() === this.#next && this.#next !== null) this.#next = this.#random?.() ?? null;
    else this.#scripted.shift();
  }
}

function randomFaults(plan: RandomFaults, direction: WireDirection): () => ScriptedFault {
  const random = seededRandom(plan.seed ^ (direction === 'toBoard' ? 0x5bd1e995 : 0));
  const kinds = plan.kinds ?? ['drop', 'flip', 'insert'];
  let at = -1;
  return () => {
    at += 1 + Math.floor(Math.log(1 - random()) / Math.log(1 - plan.rate));
    const kind = kinds[Math.floor(random() * kinds.length)] as 'drop' | 'flip' | 'insert';
    const value = kind === 'flip' ? 1 << Math.floor(random() * 8) : Math.floor(random() * 256);
    return { direction, at, kind, value };
  };
}
