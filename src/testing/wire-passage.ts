/**
 * What happens to bytes between the two ends of a wire: they are counted, come out as garbage where
 * the ends disagree on the speed, and meet the accidents that were ordered.
 */
import type { TrafficCounters } from './wire-counters.js';
import { TrafficCount } from './wire-counters.js';
import type { FaultEvent, FaultPlan, WireDirection } from './wire-faults.js';
import { LaneFaults } from './wire-faults.js';

/** Every board's UART starts at this speed. */
export const DEFAULT_BAUD = 115_200;
/** A receiver samples each bit in its middle: ten bits may drift by half a bit. */
const BAUD_TOLERANCE = 0.03;
/** What a byte looks like to a receiver at another speed; any pattern that hits every byte will do. */
const GARBAGE = 0xb4;

export class WirePassage {
  readonly #traffic = new TrafficCount();
  readonly #isUart: boolean;
  #faults = lanes({});
  #hostBaud = DEFAULT_BAUD;
  #boardBaud = DEFAULT_BAUD;

  /** USB has no speed to disagree on. */
  constructor(isUart: boolean) {
    this.#isUart = isUart;
  }

  get counters(): TrafficCounters {
    const { bytesIn, bytesOut, turns } = this.#traffic;
    return { bytesIn, bytesOut, turns };
  }

  setFaults(plan: FaultPlan): void {
    this.#faults = lanes(plan);
  }

  setHostBaud(baud: number): void {
    this.#hostBaud = baud;
  }

  /** True when the speed is another than before. */
  setBoardBaud(baud: number): boolean {
    const changed = this.#isUart && baud !== this.#boardBaud;
    this.#boardBaud = baud;
    return changed;
  }

  /** How much faster than at its usual speed the wire is. */
  get speedFactor(): number {
    return this.#isUart ? this.#boardBaud / DEFAULT_BAUD : 1;
  }

  /** Bytes are sent: they pass later. */
  begin(direction: WireDirection, sent: Uint8Array): void {
    this.#traffic.begin(direction === 'toHost' ? 'in' : 'out', sent.length);
  }

  pass(
    direction: WireDirection,
    part: Uint8Array,
  ): { bytes: Uint8Array; event: FaultEvent | null } {
    this.#traffic.add(direction === 'toHost' ? 'in' : 'out', part.length);
    return this.#faults[direction].apply(
      this.#disagree() ? part.map((byte) => byte ^ GARBAGE) : part,
    );
  }

  #disagree(): boolean {
    return this.#isUart && Math.abs(this.#hostBaud / this.#boardBaud - 1) > BAUD_TOLERANCE;
  }
}

function lanes(plan: FaultPlan) {
  return { toBoard: new LaneFaults(plan, 'toBoard'), toHost: new LaneFaults(plan, 'toHost') };
}
