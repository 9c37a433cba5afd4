/** The board on a port of this process, without a serial stack in between. */
import { BelayError } from '../core/errors.js';
import type { BytePort, PortReceiver } from '../transport/byte-port.js';
import type { Wire, WireEnd } from './wire.js';

/** How long a write may take before the port counts as stalled. */
const STALL_MS = 10_000;

/** A `BytePort` whose other end is the wire. It is open from the start. */
export function openBoardPort(wire: Wire, unplugged: () => boolean): BytePort {
  let receiver: PortReceiver | null = null;
  let early: Uint8Array[] = [];
  let state = 'open' as 'open' | 'closed' | 'lost';
  const isLost = () => state === 'lost';
  const lostError = () =>
    new BelayError('port/lost', 'virtual: the port went away', { retryable: true });
  const end: WireEnd = {
    data(bytes) {
      if (receiver === null) early.push(bytes);
      else receiver.data(bytes);
      return true;
    },
    lost() {
      if (state !== 'open') return;
      state = 'lost';
      wire.detach(end);
      receiver?.closed(lostError());
    },
  };
  if (unplugged()) throw new BelayError('port/not-found', 'virtual: no such port');
  wire.attach(end);
  return {
    name: 'virtual',
    usb: null,
    setReceiver(next) {
      receiver = next;
      const waiting = early;
      early = [];
      for (const bytes of waiting) next.data(bytes);
      if (state === 'lost') next.closed(lostError());
    },
    async write(bytes) {
      if (state !== 'open') throw lostError();
      wire.send(bytes);
      await bounded(wire.drained(), bytes.length);
      if (isLost()) throw lostError();
    },
    async setBaud(baud) {
      wire.setHostBaud(baud);
    },
    async setSignals() {},
    async close() {
      if (state !== 'open') return;
      state = 'closed';
      wire.detach(end);
      receiver?.closed(null);
    },
  };
}

async function bounded(drained: Promise<void>, sizeBytes: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limitMs = STALL_MS + sizeBytes;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new BelayError('port/stalled', 'virtual: the board takes no bytes')),
      limitMs,
    );
  });
  try {
    await Promise.race([drained, stalled]);
  } finally {
    clearTimeout(timer);
  }
}
