/** The port as a session uses it: counted, listened in on, with the last bytes kept for messages. */
import { BelayError } from '../core/errors.js';
import type { BytePort } from './byte-port.js';
import type { SessionClock, Wire } from './conversation.js';
import { ByteTail } from './raw-repl.js';

export interface SessionCounters {
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Changes of direction. */
  readonly turns: number;
}

/** `content`: the bytes belong to a stream or an upload, and so may be what files hold. */
export type TrafficListener = (
  direction: 'in' | 'out',
  bytes: Uint8Array,
  content: boolean,
) => void;

/** Shorter exchanges tell more about the board than about the wire. */
const MEASURED_BYTES_MIN = 512;

export interface WireListener {
  data(bytes: Uint8Array): void;
  lost(error: BelayError): void;
  /** What comes now may be what files hold. */
  isContent(): boolean;
}

export class SessionWire implements Wire {
  onTraffic: TrafficListener | null = null;
  readonly clock: SessionClock;
  readonly #port: BytePort;
  readonly #listener: WireListener;
  readonly #lastIn = new ByteTail(1024);
  #closed: BelayError | null = null;
  #bytesIn = 0;
  #bytesOut = 0;
  #turns = 0;
  #direction: 'in' | 'out' | null = null;
  #turnStartMs = 0;
  #turnBytes = 0;
  #bytesPerSecondMin: number | null = null;

  constructor(port: BytePort, clock: SessionClock, listener: WireListener) {
    this.#port = port;
    this.clock = clock;
    this.#listener = listener;
    port.setReceiver({
      data: (bytes) => this.#data(bytes),
      closed: (error) => this.#portClosed(error),
    });
  }

  get portName(): string {
    return this.#port.name;
  }

  /** Why nothing more can be sent; null while the port is open. */
  get closed(): BelayError | null {
    return this.#closed;
  }

  counters(): SessionCounters {
    return { bytesIn: this.#bytesIn, bytesOut: this.#bytesOut, turns: this.#turns };
  }

  /** The wire is at least this fast, as whole questions and answers took; null before the first of some length. */
  get bytesPerSecondMin(): number | null {
    return this.#bytesPerSecondMin;
  }

  lastBytes(): Uint8Array {
    return this.#lastIn.bytes;
  }

  async write(bytes: Uint8Array, content = false): Promise<void> {
    if (this.#closed !== null) throw this.#closed;
    this.#bytesOut += bytes.length;
    if (this.#direction !== 'out') {
      this.#turnStartMs = this.clock.monotonicMs();
      this.#turnBytes = 0;
    }
    this.#turnBytes += bytes.length;
    this.#turn('out');
    this.onTraffic?.('out', bytes, content);
    await this.#port.write(bytes);
  }

  #data(bytes: Uint8Array): void {
    this.#bytesIn += bytes.length;
    this.#turn('in');
    this.#measure(bytes.length);
    this.onTraffic?.('in', bytes, this.#listener.isContent());
    this.#lastIn.push(bytes);
    this.#listener.data(bytes);
  }

  #measure(length: number): void {
    this.#turnBytes += length;
    if (this.#turnBytes < MEASURED_BYTES_MIN) return;
    const elapsedMs = Math.max(1, this.clock.monotonicMs() - this.#turnStartMs);
    this.#bytesPerSecondMin = Math.max(
      this.#bytesPerSecondMin ?? 0,
      (1000 * this.#turnBytes) / elapsedMs,
    );
  }

  #turn(direction: 'in' | 'out'): void {
    if (this.#direction !== direction) this.#turns += 1;
    this.#direction = direction;
  }

  #portClosed(error: BelayError | null): void {
    this.#closed =
      error ??
      new BelayError('port/lost', `${this.portName}: the port has been closed`, {
        retryable: true,
      });
    this.#listener.lost(this.#closed);
  }
}
