/** A virtual board with a connection on it, for tests of the device room. */
import { randomBytes } from 'node:crypto';
// The board's worker runs from the build, so the build is what plays it here.
import { VirtualBoard, type VirtualBoardOptions } from '../../dist/testing/index.js';
import { connectBoard } from '../../src/device/board.js';
import type { BoardConnection } from '../../src/device/device-fs.js';
import type { BytePort } from '../../src/transport/byte-port.js';
import type { SessionClock } from '../../src/transport/repl-session.js';

export const realClock: SessionClock = {
  monotonicMs: () => performance.now(),
  delay: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = setTimeout(done, ms);
      function done() {
        signal?.removeEventListener('abort', done);
        clearTimeout(timer);
        resolve();
      }
      signal?.addEventListener('abort', done, { once: true });
    }),
};

export interface ConnectedBoard {
  readonly virtual: VirtualBoard;
  readonly connection: BoardConnection;
  dump(): Promise<ReadonlyMap<string, Uint8Array | null>>;
  close(): Promise<void>;
}

export async function connectedBoard(options: VirtualBoardOptions): Promise<ConnectedBoard> {
  const virtual = await VirtualBoard.start(options);
  try {
    const connection = await connectTo(virtual);
    return {
      virtual,
      connection,
      dump: async () => (await virtual.dump()) as ReadonlyMap<string, Uint8Array | null>,
      close: async () => {
        await connection.leave('leave').finally(() => virtual.stop());
      },
    };
  } catch (error) {
    await virtual.stop();
    throw error;
  }
}

export function connectTo(virtual: VirtualBoard): Promise<BoardConnection> {
  return connectOver(virtual.port());
}

export function connectOver(port: BytePort): Promise<BoardConnection> {
  return connectBoard(port, {
    clock: realClock,
    random: (bytes) => randomBytes(bytes).toString('hex'),
    signal: new AbortController().signal,
  });
}
