/** One direction of a wire: bytes leave it at its speed and arrive after its latency. Pure. */
import type { Arrivals } from './pump-clock.js';

interface Chunk {
  bytes: Uint8Array;
  readyMs: number;
}

export interface LaneSpeed {
  /** Null for a wire without a limit. */
  readonly bytesPerSecond: number | null;
  readonly latencyMs: number;
}

/**
 * Time is accounted, not slept: byte n leaves at the moment its bits would be over, whenever the
 * lane is asked, so late timers delay bytes but never slow the wire.
 */
export class WireLane {
  readonly #chunks: Chunk[] = [];
  #bytesPerMs: number | null;
  #latencyMs: number;
  /** When the byte before the next one was over. */
  #freeMs = Number.NEGATIVE_INFINITY;
  #waiting = 0;

  constructor(speed: LaneSpeed) {
    this.#bytesPerMs = speed.bytesPerSecond === null ? null : speed.bytesPerSecond / 1000;
    this.#latencyMs = speed.latencyMs;
  }

  setSpeed(speed: LaneSpeed): void {
    this.#bytesPerMs = speed.bytesPerSecond === null ? null : speed.bytesPerSecond / 1000;
    this.#latencyMs = speed.latencyMs;
  }

  /** Bytes that have not arrived yet. */
  get waitingBytes(): number {
    return this.#waiting;
  }

  enqueue(bytes: Uint8Array, nowMs: number): void {
    if (bytes.length === 0) return;
    this.#chunks.push({ bytes, readyMs: nowMs });
    this.#waiting += bytes.length;
  }

  /** What has arrived by now, at most `limit` bytes. */
  arrived(nowMs: number, limit = Number.POSITIVE_INFINITY): Uint8Array[] {
    const parts: Uint8Array[] = [];
    const over = nowMs - this.#latencyMs;
    let room = limit;
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk === undefined || room <= 0) return parts;
      const startMs = Math.max(this.#freeMs, chunk.readyMs);
      const count = Math.min(this.#passed(startMs, over, chunk.bytes.length), room);
      if (count <= 0) return parts;
      this.#freeMs = this.#bytesPerMs === null ? startMs : startMs + count / this.#bytesPerMs;
      parts.push(chunk.bytes.subarray(0, count));
      room -= count;
      this.#waiting -= count;
      if (count < chunk.bytes.length) chunk.bytes = chunk.bytes.subarray(count);
      else this.#chunks.shift();
    }
  }

  #passed(startMs: number, overMs: number, length: number): number {
    if (this.#bytesPerMs === null) return startMs <= overMs ? length : 0;
    return Math.min(length, Math.floor((overMs - startMs) * this.#bytesPerMs + 1e-6));
  }

  /** When what was sent first and what was sent last will have arrived, or null when nothing waits. */
  arrivals(): Arrivals | null {
    if (this.#chunks.length === 0) return null;
    let firstMs: number | null = null;
    let endMs = this.#freeMs;
    for (const chunk of this.#chunks) {
      const bytesMs = this.#bytesPerMs === null ? 0 : chunk.bytes.length / this.#bytesPerMs;
      endMs = Math.max(endMs, chunk.readyMs) + bytesMs;
      firstMs ??= endMs + this.#latencyMs;
    }
    return firstMs === null ? null : { firstMs, allMs: endMs + this.#latencyMs };
  }

  /** When the last byte that waits will have left the sender, or null when all have. */
  sentAtMs(): number | null {
    const arrivals = this.arrivals();
    return arrivals === null ? null : arrivals.allMs - this.#latencyMs;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#waiting = 0;
  }
}
