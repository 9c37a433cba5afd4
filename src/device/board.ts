/** A connection's life-cycle: interrupt what runs, identify, hand out the files, leave as found. */
import type { AfterMode, BoardConnection } from './device-fs.js';
import type { BytePort } from '../transport/byte-port.js';
import type { SessionClock } from '../transport/repl-session.js';

export interface ConnectOptions {
  readonly clock: SessionClock;
  /** Random bytes as lower-case hex. */
  readonly random: (bytes: number) => string;
  readonly signal: AbortSignal;
  readonly after?: AfterMode;
  readonly baud?: number;
}

export function connectBoard(_port: BytePort, _options: ConnectOptions): Promise<BoardConnection> {
  throw new Error('soon');
}
