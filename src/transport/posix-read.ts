/**
 * Reading a POSIX port so that a pulled cable is noticed. On a terminal that has been hung up,
 * read() gives 0 bytes for ever (Linux drivers/tty/tty_io.c, hung_up_tty_read); the native
 * binding takes 0 for "try again" and spins without an event when the cable goes while bytes
 * flow (@serialport/bindings-cpp dist/unix-read.js). Ports are opened non-blocking with VMIN 1,
 * where an empty line is EAGAIN, so 0 means gone.
 */
import { read } from 'node:fs';
import type { SerialPortStream } from '@serialport/stream';

/** A binding of the serialport project (its own package of types cannot be imported from ESM). */
export type SerialBinding = ConstructorParameters<typeof SerialPortStream>[0]['binding'];
type BindingPort = Awaited<ReturnType<SerialBinding['open']>>;

interface PosixPort extends BindingPort {
  readonly fd: number | null;
  readonly poller: { once(event: 'readable', callback: (error: Error | null) => void): unknown };
}

/** The same binding, whose POSIX ports fail on a hang-up; other ports are handed on as they are. */
export function noticingHangUps(binding: SerialBinding): SerialBinding {
  return {
    list: () => binding.list(),
    open: async (options) => {
      const port = await binding.open(options);
      if (isPosix(port))
        port.read = (buffer, offset, length) => readPort(port, buffer, offset, length);
      return port;
    },
  };
}

function isPosix(port: BindingPort): port is PosixPort {
  return (
    typeof (port as PosixPort).fd === 'number' &&
    typeof (port as PosixPort).poller?.once === 'function'
  );
}

async function readPort(
  port: PosixPort,
  buffer: Buffer,
  offset: number,
  length: number,
): Promise<{ buffer: Buffer; bytesRead: number }> {
  for (;;) {
    if (!port.isOpen || port.fd === null) throw canceled();
    const outcome = await readOnce(port.fd, buffer, offset, length);
    if (typeof outcome === 'number') {
      if (outcome > 0) return { buffer, bytesRead: outcome };
      throw port.isOpen ? new Error('the port has been hung up') : canceled();
    }
    if (!port.isOpen) throw canceled();
    if (!['EAGAIN', 'EWOULDBLOCK', 'EINTR'].includes(outcome.code ?? '')) throw outcome;
    await new Promise<void>((resolve, reject) => {
      port.poller.once('readable', (error) => (error ? reject(error) : resolve()));
    });
  }
}

function readOnce(
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
): Promise<number | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    read(fd, buffer, offset, length, null, (error, bytesRead) => resolve(error ?? bytesRead));
  });
}

/** What the stream above expects of a read that closing has ended. */
function canceled(): Error {
  return Object.assign(new Error('Port is not open'), { canceled: true });
}
