/** A port with something of it changed, for tests that listen in or disturb. */
import type { BytePort } from '../../src/transport/byte-port.js';

export function portAround(port: BytePort, changed: Partial<BytePort>): BytePort {
  return {
    name: port.name,
    usb: port.usb,
    setReceiver: (receiver) => port.setReceiver(receiver),
    write: (bytes) => port.write(bytes),
    setBaud: (baud) => port.setBaud(baud),
    setSignals: (signals) => port.setSignals(signals),
    close: () => port.close(),
    ...changed,
  };
}
