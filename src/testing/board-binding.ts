/** The board as a binding for `SerialPortStream`: the real serial stack, without a serial port. */
import type { SerialBinding } from '../transport/posix-read.js';
import type { Wire, WireEnd } from './wire.js';

/** What `SerialPortStream` takes as `binding`. */
export type BoardBinding = SerialBinding;

type BindingPortInterface = Awaited<ReturnType<SerialBinding['open']>>;
type OpenOptions = Parameters<SerialBinding['open']>[0];
type PortInfo = Awaited<ReturnType<SerialBinding['list']>>[number];
type PortStatus = Awaited<ReturnType<BindingPortInterface['get']>>;
type SetOptions = Parameters<BindingPortInterface['set']>[0];
type UpdateOptions = Parameters<BindingPortInterface['update']>[0];

/** Unread bytes beyond which the board's output waits. */
const UNREAD_BYTES_MAX = 1 << 20;

export function boardBinding(wire: Wire, unplugged: () => boolean): BoardBinding {
  return {
    async list() {
      return unplugged() ? [] : [portInfo('virtual')];
    },
    async open(options: OpenOptions) {
      if (unplugged())
        throw new Error(`Error: No such file or directory, cannot open ${options.path}`);
      if (wire.attached) throw new Error(`Error Resource temporarily unavailable Cannot lock port`);
      return new BoardBindingPort(wire, options);
    },
  };
}

function portInfo(path: string): PortInfo {
  return {
    path,
    manufacturer: undefined,
    serialNumber: undefined,
    pnpId: undefined,
    locationId: undefined,
    productId: undefined,
    vendorId: undefined,
  };
}

class BoardBindingPort implements BindingPortInterface {
  readonly openOptions: Required<OpenOptions>;
  isOpen = true;
  readonly #wire: Wire;
  readonly #end: WireEnd;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #lost = false;
  #reader: { readonly wake: () => void; readonly fail: (error: Error) => void } | null = null;

  constructor(wire: Wire, options: OpenOptions) {
    this.openOptions = {
      dataBits: 8,
      lock: true,
      stopBits: 1,
      parity: 'none',
      rtscts: false,
      xon: false,
      xoff: false,
      xany: false,
      hupcl: true,
      ...options,
    };
    this.#wire = wire;
    wire.setHostBaud(options.baudRate);
    this.#end = { data: (bytes) => this.#arrive(bytes), lost: () => this.#lose() };
    wire.attach(this.#end);
  }

  #arrive(bytes: Uint8Array): boolean {
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    this.#reader?.wake();
    return this.#unreadBytes < UNREAD_BYTES_MAX;
  }

  #lose(): void {
    this.#lost = true;
    this.#wire.detach(this.#end);
    this.#reader?.fail(new Error('bad file descriptor'));
  }

  async read(buffer: Buffer, offset: number, length: number) {
    this.#check('read');
    if (this.#unread.length === 0) {
      await new Promise<void>((resolve, reject) => {
        this.#reader = { wake: resolve, fail: reject };
      }).finally(() => {
        this.#reader = null;
      });
    }
    let bytesRead = 0;
    while (bytesRead < length) {
      const first = this.#unread[0];
      if (first === undefined) break;
      const part = first.subarray(0, length - bytesRead);
      buffer.set(part, offset + bytesRead);
      bytesRead += part.length;
      if (part.length === first.length) this.#unread.shift();
      else this.#unread[0] = first.subarray(part.length);
    }
    this.#unreadBytes -= bytesRead;
    this.#wire.resume();
    return { buffer, bytesRead };
  }

  async write(buffer: Buffer): Promise<void> {
    this.#check('write');
    if (buffer.length > 0) this.#wire.send(buffer);
  }

  async drain(): Promise<void> {
    this.#check('drain');
    await this.#wire.drained();
    this.#check('drain');
  }

  async flush(): Promise<void> {
    this.#check('flush');
    this.#unread = [];
    this.#unreadBytes = 0;
    this.#wire.flush();
  }

  async close(): Promise<void> {
    if (!this.isOpen) throw new Error('Port is not open');
    this.isOpen = false;
    this.#wire.detach(this.#end);
    this.#reader?.fail(Object.assign(new Error('Canceled'), { canceled: true }));
  }

  async update(options: UpdateOptions): Promise<void> {
    this.#check('update');
    this.#wire.setHostBaud(options.baudRate);
  }

  async set(_options: SetOptions): Promise<void> {
    this.#check('set');
  }

  async get(): Promise<PortStatus> {
    this.#check('get');
    return { cts: false, dsr: false, dcd: false };
  }

  async getBaudRate(): Promise<{ baudRate: number }> {
    this.#check('getBaudRate');
    return { baudRate: this.openOptions.baudRate };
  }

  #check(what: string): void {
    if (this.#lost) throw new Error(`bad file descriptor, cannot ${what}`);
    if (!this.isOpen) throw new Error('Port is not open');
  }
}
