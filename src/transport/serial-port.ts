/**
 * A real port as a BytePort. It reads from the moment it is open and never stops; it sets DTR and
 * RTS by the adapter's policy, so that opening and closing does not reset the board; and every
 * call ends within a limit, also on a port that hangs.
 */
import { SerialPortStream } from '@serialport/stream';
import { SerialPort } from 'serialport';
import { BelayError } from '../core/errors.js';
import type { BytePort, PortDescription, PortReceiver } from './byte-port.js';
import { type SignalPolicy, signalPolicy, unlisted } from './port-choice.js';
import { holderOf, obstacleAt, ownerGroup } from './port-holder.js';
import { noticingHangUps, type SerialBinding } from './posix-read.js';

export interface OpenOptions {
  /** Default 115200; native USB ignores it. */
  readonly baudRate?: number;
  /** How the lines are treated. Default: by the adapter (port-choice.ts). */
  readonly policy?: SignalPolicy;
  /** Lines that the user wants after opening, whatever the policy says of them; null: as it says. */
  readonly lines?: { readonly dtr: boolean | null; readonly rts: boolean | null };
  /** What is known of the port, from a listing. */
  readonly usb?: PortDescription;
  /** Another binding than this computer's ports: the virtual board, a mock. */
  readonly binding?: SerialBinding;
  /** Nothing taken for this long: the write fails as `port/stalled`. Default 5000. */
  readonly stallMs?: number;
}

const CLOSE_MS_MAX = 2000;
const STALL_MS = 5000;

/**
 * Throws `port/not-found`, `port/permission`, `port/locked` (details.pid where the system tells),
 * `port/failed`.
 */
export async function openSerialPort(path: string, options: OpenOptions = {}): Promise<BytePort> {
  const usb = options.usb ?? null;
  const policy = options.policy ?? signalPolicy(usb ?? unlisted(path), process.platform);
  const stream = new SerialPortStream({
    binding: options.binding ?? noticingHangUps(SerialPort.binding),
    path,
    baudRate: options.baudRate ?? 115_200,
    dataBits: 8,
    stopBits: 1,
    parity: 'none',
    rtscts: false,
    xon: false,
    xoff: false,
    xany: false,
    lock: true,
    hupcl: policy.hangUp,
    autoOpen: false,
  });
  await new Promise<void>((resolve, reject) => {
    stream.open((error) => (error ? reject(openError(path, error, options)) : resolve()));
  });
  const port = new StreamPort(stream, path, usb, options.stallMs ?? STALL_MS);
  const dtr = options.lines?.dtr ?? policy.lines?.dtr;
  const rts = options.lines?.rts ?? policy.lines?.rts;
  const lines = { ...(dtr === undefined ? {} : { dtr }), ...(rts === undefined ? {} : { rts }) };
  if (Object.keys(lines).length > 0) await port.setSignals(lines);
  return port;
}

/** The native binding tells the cause in words only, so the path is looked at first. */
function openError(path: string, cause: Error, options: OpenOptions): BelayError {
  const isDevice = options.binding === undefined && path.startsWith('/');
  const obstacle = isDevice ? obstacleAt(path) : 'none';
  // Windows' binding and the mock tell the cause in words alone.
  const absent = /no such file|file not found|cannot find|not exist/i.test(cause.message);
  if (obstacle === 'missing' || (obstacle === 'none' && absent)) {
    return new BelayError('port/not-found', `${path}: no such port`, {
      cause,
      hint: 'Check the cable (it must carry data) and `belay-backup devices`',
      retryable: true,
    });
  }
  const denied = /permission denied/i.test(cause.message);
  if (obstacle === 'permission' || denied) {
    return new BelayError('port/permission', `${path}: permission denied`, {
      cause,
      hint: permissionHint(path),
    });
  }
  if (/cannot lock port|is locked|resource busy|access denied/i.test(cause.message)) {
    return lockedError(path, cause, isDevice);
  }
  return new BelayError('port/failed', `${path}: cannot be opened: ${cause.message}`, {
    cause,
    hint: 'Unplug the board, plug it in again, and try once more',
    retryable: true,
  });
}

function permissionHint(path: string): string {
  if (process.platform !== 'linux') return 'Allow this program to use serial ports';
  const group = ownerGroup(path);
  return group === null
    ? 'Join the group that owns serial ports (sudo usermod -aG dialout $USER; on Arch it is uucp), then log in again'
    : `Join the group that owns it (sudo usermod -aG ${group} $USER), then log in again`;
}

function lockedError(path: string, cause: Error, isDevice: boolean): BelayError {
  const holder = isDevice ? holderOf(path, process.pid) : null;
  const who =
    holder === null ? 'another program' : `${holder.command ?? 'a process'} (PID ${holder.pid})`;
  return new BelayError('port/locked', `${path}: in use by ${who}`, {
    cause,
    hint: 'Close the other program (an editor with a serial console, another backup), or wait for it with --retry-lock',
    details: { pid: holder?.pid ?? null, command: holder?.command ?? null },
  });
}

class StreamPort implements BytePort {
  readonly name: string;
  readonly usb: PortDescription | null;
  readonly #stream: SerialPortStream;
  readonly #stallMs: number;
  #baudRate: number;
  #receiver: PortReceiver | null = null;
  #early: Uint8Array[] = [];
  #closed = false;
  #closeError: BelayError | null = null;
  #closing: Promise<void> | null = null;
  readonly #onClose = new Set<() => void>();

  constructor(
    stream: SerialPortStream,
    name: string,
    usb: PortDescription | null,
    stallMs: number,
  ) {
    this.name = name;
    this.usb = usb;
    this.#stream = stream;
    this.#stallMs = stallMs;
    this.#baudRate = stream.baudRate;
    stream.on('data', (bytes: Uint8Array) => this.#data(bytes));
    stream.on('close', (error: Error | null) => this.#gone(error));
    stream.on('end', () => this.#gone(new Error('end of input')));
    // A write that was pending when the cable went fails here as well as in its callback.
    stream.on('error', () => {});
  }

  setReceiver(receiver: PortReceiver): void {
    this.#receiver = receiver;
    for (const bytes of this.#early.splice(0)) receiver.data(bytes);
    if (this.#closed) receiver.closed(this.#closeError);
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#closed || !this.#stream.isOpen) return Promise.reject(this.#lost());
    if (bytes.length === 0) return Promise.resolve();
    // At ten bits a byte, so that a slow port is not called stalled while it works.
    const limitMs = this.#stallMs + (bytes.length * 10_000) / this.#baudRate;
    return this.#bounded(limitMs, (done) => {
      this.#stream.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), (error) => {
        if (error) done(error);
        else this.#stream.drain(done);
      });
    });
  }

  async setBaud(baud: number): Promise<void> {
    if (this.#closed) throw this.#lost();
    await new Promise<void>((resolve, reject) => {
      this.#stream.update({ baudRate: baud }, (error) => {
        if (error)
          reject(
            new BelayError('port/failed', `${this.name}: ${baud} baud refused`, { cause: error }),
          );
        else resolve();
      });
    });
    this.#baudRate = baud;
  }

  async setSignals(signals: { readonly dtr?: boolean; readonly rts?: boolean }): Promise<void> {
    if (this.#closed) return;
    // Pseudo-terminals have no such lines ("Inappropriate ioctl for device").
    await new Promise<void>((resolve) => this.#stream.set({ ...signals }, () => resolve()));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#closed || !this.#stream.isOpen) {
      this.#gone(null);
      return;
    }
    await new Promise<void>((resolve) => {
      // A driver that hangs in close must not keep the program.
      const timer = setTimeout(resolve, CLOSE_MS_MAX);
      this.#stream.close(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#gone(null);
  }

  /** A hanging port never calls back, so the limit is a timer of our own. */
  #bounded(limitMs: number, start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error: BelayError | null) => {
        clearTimeout(timer);
        this.#onClose.delete(lost);
        if (error === null) resolve();
        else reject(error);
      };
      const lost = () => finish(this.#lost());
      const timer = setTimeout(() => finish(this.#stalled(limitMs)), limitMs);
      this.#onClose.add(lost);
      start((error) => finish(error ? this.#lost(error) : null));
    });
  }

  #data(bytes: Uint8Array): void {
    if (this.#receiver === null) this.#early.push(bytes);
    else this.#receiver.data(bytes);
  }

  /** After a cable was pulled, `close` may come twice (once with the pending write). */
  #gone(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeError = error === null ? null : this.#lost(error);
    for (const lost of [...this.#onClose]) lost();
    this.#receiver?.closed(this.#closeError);
  }

  #lost(cause?: Error): BelayError {
    return new BelayError('port/lost', `${this.name}: the port is gone`, {
      ...(cause === undefined ? {} : { cause }),
      hint: 'Check the cable, or the board may have reset; then try again',
      retryable: true,
    });
  }

  #stalled(limitMs: number): BelayError {
    return new BelayError(
      'port/stalled',
      `${this.name}: takes no bytes for ${Math.round(limitMs / 100) / 10} s`,
      {
        hint: 'Unplug the board and plug it in again',
        retryable: true,
      },
    );
  }
}
