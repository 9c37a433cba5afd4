/** What passed the wire since it was made, seen from the host. */
export interface TrafficCounters {
  /** From the board to the host. */
  readonly bytesIn: number;
  /** From the host to the board. */
  readonly bytesOut: number;
  /** So often somebody began to speak after the other had. */
  readonly turns: number;
}

export interface WireCounters extends TrafficCounters {
  /** Bytes lost because the receive ring was full. */
  readonly overrunBytes: number;
}

export class TrafficCount {
  bytesIn = 0;
  bytesOut = 0;
  turns = 0;
  #last: 'in' | 'out' | null = null;

  add(direction: 'in' | 'out', bytes: number): void {
    if (direction === 'in') this.bytesIn += bytes;
    else this.bytesOut += bytes;
  }

  /** One of the two speaks, whatever of the other's words is still on its way. */
  begin(direction: 'in' | 'out', bytes: number): void {
    if (bytes === 0) return;
    if (this.#last !== null && this.#last !== direction) this.turns += 1;
    this.#last = direction;
  }
}
