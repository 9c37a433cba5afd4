/**
 * The seam to a wire: bytes out, bytes in, and the news that it is gone. The real one is
 * serial-port.ts; the virtual board and the scripted port of the tests are doubles. Whoever
 * implements it never stops reading: an ESP32-S3 drops output that nobody takes for 200 ms
 * (micropython ports/esp32/usb_serial_jtag.c), TinyUSB boards after 500 ms.
 */
import type { BelayError } from '../core/errors.js';

/** What the system knows of a port; null where it knows nothing. */
export interface PortDescription {
  readonly path: string;
  /** Four lower-case hex digits. */
  readonly vendorId: string | null;
  readonly productId: string | null;
  readonly serialNumber: string | null;
  readonly manufacturer: string | null;
  readonly product: string | null;
}

export interface PortReceiver {
  data(bytes: Uint8Array): void;
  /** Called once. null after `close()`; a `port/lost` error when the wire went away by itself. */
  closed(error: BelayError | null): void;
}

export interface BytePort {
  /** Path of the port, or 'virtual'. */
  readonly name: string;
  readonly usb: PortDescription | null;
  /** One receiver at a time; bytes that came before it was set are delivered first. */
  setReceiver(receiver: PortReceiver): void;
  /**
   * Resolves when the bytes were handed on (drained). Writes keep their order. Throws `port/lost`
   * when the port is gone, `port/stalled` when nothing was taken for the port's own limit.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Throws `port/failed` where the adapter refuses the speed. */
  setBaud(baud: number): Promise<void>;
  /** Not fatal where the port has no such lines (a pseudo-terminal). */
  setSignals(signals: { readonly dtr?: boolean; readonly rts?: boolean }): Promise<void>;
  /** Idempotent, bounded, never throws. */
  close(): Promise<void>;
}
