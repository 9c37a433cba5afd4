/** A conversation with a board's prompt over a byte port. */
import type { BytePort } from './byte-port.js';

export interface SessionClock {
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when the signal is aborted (it never rejects). */
  delay(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Takes a running exec's output, byte for byte. Synchronous. */
export interface StreamConsumer {
  /** Returns how many bytes were taken and whether the stream is over; what is not taken comes again with the next bytes, or goes to the prompt when `done`. */
  push(bytes: Uint8Array): { readonly consumed: number; readonly done: boolean };
  /** How long the board may be silent from now on; asked whenever bytes came. */
  silenceMsMax(): number;
}

export interface SessionCounters {
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Changes of direction. */
  readonly turns: number;
}

export interface EnterRawResult {
  /** Something ran (or printed) when we came. */
  readonly programInterrupted: boolean;
  /** The board was in raw mode already. */
  readonly wasRaw: boolean;
  /** What came besides the answer of an idle prompt. */
  readonly noise: Uint8Array;
}

export type TrafficListener = (direction: 'in' | 'out', bytes: Uint8Array) => void;

export class ReplSession {
  onTraffic: TrafficListener | null = null;
  constructor(_port: BytePort, _clock: SessionClock) {}
  enterRaw(_options: { readonly signal: AbortSignal }): Promise<EnterRawResult> {
    throw new Error('soon');
  }
  exec(_source: string | Uint8Array, _options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<Uint8Array> {
    throw new Error('soon');
  }
  stream(_source: string | Uint8Array, _consumer: StreamConsumer, _options: { readonly signal: AbortSignal }): Promise<void> {
    throw new Error('soon');
  }
  send(_bytes: Uint8Array): Promise<void> {
    throw new Error('soon');
  }
  softReset(_options: { readonly signal: AbortSignal }): Promise<void> {
    throw new Error('soon');
  }
  exitRaw(): Promise<void> {
    throw new Error('soon');
  }
  counters(): SessionCounters {
    throw new Error('soon');
  }
}
