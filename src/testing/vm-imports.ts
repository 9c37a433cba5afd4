/**
 * The operating system below the interpreter: its system calls go to the virtual flash and to the
 * UART instead of to Emscripten's. Paths stay bytes all the way, error numbers are MicroPython's.
 */
import { pathFromBytes } from '../core/device-path.js';
import type { FlashHandles } from './flash-handles.js';
import type { FlashTree } from './flash-tree.js';
import { ERRNO } from './flash-tree.js';
import type { Uart } from './uart.js';
import type { WasmMemory } from './webassembly.js';

/** Descriptors of the console: text is cooked as a board does it, the raw device is not. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const RAW_CONSOLE = 3;
/** EINTR in the numbers of the C library: makes the port raise the waiting KeyboardInterrupt. */
const WASI_EINTR = 27;
const FOLDER_MODE = 0x4000;
const FILE_MODE = 0x8000;
const POLLIN = 1;
const POLLOUT = 4;

/** Paths that start with this byte are ours: the raw console, a reset. */
export const PRIVATE_MARK = 1;

/** Thrown through the interpreter: nothing of it survives. */
export class ResetRequest extends Error {
  readonly kind: 'hard' | 'soft';

  constructor(kind: 'hard' | 'soft') {
    super(`${kind} reset`);
    this.kind = kind;
  }
}

export interface SystemParts {
  readonly uart: Uart;
  readonly handles: FlashHandles;
  readonly tree: FlashTree;
  /** Path of the tree for what the interpreter asked for (its working folder, mounts). */
  readonly resolve: (path: string) => string;
  readonly layout: StatLayout;
  /** Seconds from 1970 to the board's epoch. */
  readonly epochOffsetS: number;
}

/** The smallest `struct stat` of the C libraries in use, in words. */
const STAT_WORDS = 24;
/** What each word of the probe holds besides its number. */
const PROBE_BASE = 1000;

/**
 * Where the C library has mode, size and times in its `struct stat`: firmware versions differ, so a
 * struct full of numbers is read back through `stat()` once, as the tuple that Python sees.
 */
export class StatLayout {
  #mode = 0;
  #size = 0;
  #times: readonly number[] = [];

  /** The ten values that the interpreter made of the probe, separated by spaces. */
  learn(tuple: string): void {
    const word = (text: string) => Number(BigInt(text) & 0xffff_ffffn) - PROBE_BASE;
    const values = tuple.split(' ');
    this.#mode = word(values[0] as string);
    this.#size = word(values[6] as string);
    this.#times = values.slice(7, 10).map(word);
  }

  probe(words: Int32Array): void {
    for (let at = 0; at < STAT_WORDS; at += 1) words[at] = PROBE_BASE + at;
  }

  fill(words: Int32Array, mode: number, sizeBytes: number, timeS: number): void {
    words.fill(0, 0, STAT_WORDS);
    words[this.#mode] = mode;
    words[this.#size] = sizeBytes;
    for (const at of this.#times) words[at] = timeS;
  }
}

export function systemImports(parts: SystemParts, memory: () => WasmMemory) {
  const { uart, handles } = parts;

  const cString = (at: number): Uint8Array => {
    const bytes = new Uint8Array(memory().buffer);
    return bytes.slice(at, bytes.indexOf(0, at));
  };

  function openPrivate(path: Uint8Array): number {
    const name = new TextDecoder().decode(path.subarray(1));
    if (name === 'uart') return RAW_CONSOLE;
    if (name === 'reset') throw new ResetRequest('hard');
    return -ERRNO.ENOENT;
  }

  function readConsole(descriptor: number, target: Uint8Array): number {
    const count = uart.read(target);
    if (count === 0) return -WASI_EINTR;
    if (descriptor === STDIN) {
      for (let at = 0; at < count; at += 1) if (target[at] === 13) target[at] = 10;
    }
    return count;
  }

  function transfer(iovs: number, iovCount: number, each: (part: Uint8Array) => number): number {
    const { buffer } = memory();
    const view = new DataView(buffer);
    let total = 0;
    for (let index = 0; index < iovCount; index += 1) {
      const at = view.getUint32(iovs + 8 * index, true);
      const length = view.getUint32(iovs + 8 * index + 4, true);
      if (length === 0) continue;
      const count = each(new Uint8Array(buffer, at, length));
      if (count < 0) return total > 0 ? total : count;
      total += count;
      if (count < length) break;
    }
    return total;
  }

  /** WASI calls return the error number and put the count into memory. */
  function answer(count: number, countAt: number): number {
    if (count < 0) return -count;
    new DataView(memory().buffer).setUint32(countAt, count, true);
    return 0;
  }

  return {
    __syscall_openat(_folder: number, path: number, flags: number): number {
      const bytes = cString(path);
      if (bytes[0] === PRIVATE_MARK) return openPrivate(bytes);
      return handles.open(parts.resolve(pathFromBytes(bytes)), flags);
    },

    __syscall_stat64(path: number, statAt: number): number {
      const bytes = cString(path);
      const words = new Int32Array(memory().buffer, statAt, STAT_WORDS);
      if (bytes[0] === PRIVATE_MARK) parts.layout.probe(words);
      else {
        const node = parts.tree.find(parts.resolve(pathFromBytes(bytes)));
        if (node === null) return -ERRNO.ENOENT;
        if (node.kind === 'folder') parts.layout.fill(words, FOLDER_MODE, 0, 0);
        else {
          const timeS = node.modifiedS - parts.epochOffsetS;
          parts.layout.fill(words, FILE_MODE, node.content.length, timeS);
        }
      }
      return 0;
    },

    fd_read(descriptor: number, iovs: number, iovCount: number, countAt: number): number {
      uart.stir();
      const console = descriptor === STDIN || descriptor === RAW_CONSOLE;
      const count = transfer(iovs, iovCount, (part) =>
        console ? readConsole(descriptor, part) : handles.read(descriptor, part),
      );
      return answer(count, countAt);
    },

    fd_write(descriptor: number, iovs: number, iovCount: number, countAt: number): number {
      uart.stir();
      const count = transfer(iovs, iovCount, (part) => {
        if (descriptor === STDOUT || descriptor === STDERR) uart.writeText(part);
        else if (descriptor === RAW_CONSOLE) uart.writeRaw(part);
        else return handles.write(descriptor, part);
        return part.length;
      });
      return answer(count, countAt);
    },

    fd_close(descriptor: number): number {
      return descriptor <= RAW_CONSOLE ? 0 : -handles.close(descriptor);
    },

    fd_sync(descriptor: number): number {
      return descriptor <= RAW_CONSOLE ? 0 : -handles.sync(descriptor);
    },

    /** The offset comes as one 64-bit value or as two halves, by the age of the firmware. */
    fd_seek(descriptor: number, offset: number | bigint, ...rest: number[]): number {
      const wide = typeof offset === 'bigint';
      const [whence, positionAt] = (wide ? rest : rest.slice(1)) as [number, number];
      const position = handles.seek(descriptor, Number(offset), whence);
      if (position < 0) return -position;
      new DataView(memory().buffer).setBigInt64(positionAt, BigInt(position), true);
      return 0;
    },

    __syscall_poll(entries: number, count: number): number {
      const available = uart.poll();
      if (uart.interrupted) return -WASI_EINTR;
      const view = new DataView(memory().buffer);
      let ready = 0;
      for (let index = 0; index < count; index += 1) {
        const at = entries + 8 * index;
        const descriptor = view.getInt32(at, true);
        const console = descriptor === STDIN || descriptor === RAW_CONSOLE;
        const state = (console && available === 0 ? 0 : POLLIN) | POLLOUT;
        const seen = view.getInt16(at + 4, true) & state;
        view.setInt16(at + 6, seen, true);
        if (seen !== 0) ready += 1;
      }
      return ready;
    },
  };
}
