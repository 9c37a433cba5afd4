/** What the Python of vm-python.ts asks the worker: listings, sizes, sleep, the clock. */
import { bytesOfPath, isUtf8Path, pathFromBytes } from '../core/device-path.js';
import { CELL } from './control-block.js';
import type { FlashHandles } from './flash-handles.js';
import type { FlashFile, FlashFolder, FlashTree } from './flash-tree.js';
import { ERRNO } from './flash-tree.js';
import type { Uart } from './uart.js';
import type { StatLayout } from './vm-imports.js';

/** The first byte of the folder that stands for another mount; never listed. */
export const MOUNT_MARK = '\u0002';

const FOLDER_TYPE = 0x4000;
const FILE_TYPE = 0x8000;

export class BoardClock {
  /** Seconds since 1970 at `performance.now()` zero. */
  #originS: number;

  constructor(startS: number) {
    this.#originS = startS - performance.now() / 1000;
  }

  nowS(): number {
    return Math.floor(this.#originS + performance.now() / 1000);
  }

  set(seconds: number): void {
    this.#originS = seconds - performance.now() / 1000;
  }
}

export interface BridgeParts {
  readonly tree: FlashTree;
  readonly handles: FlashHandles;
  readonly uart: Uart;
  readonly cells: Int32Array;
  readonly clock: BoardClock;
  readonly tupleLength: 3 | 4;
  readonly layout: StatLayout;
  readonly resetCause: number;
  readonly watchdog: (timeoutMs: number) => void;
}

export class WorkingFolder {
  #path = '';

  /** Path of the tree for what a program wrote: absolute, or below its working folder. */
  resolve(path: string): string {
    const parts = path.startsWith('/') || path.startsWith(MOUNT_MARK) ? [] : split(this.#path);
    for (const part of split(path)) {
      if (part === '..') parts.pop();
      else parts.push(part);
    }
    return parts.join('/');
  }

  get path(): string {
    return this.#path;
  }

  change(path: string): void {
    this.#path = path;
  }
}

function split(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

export function bridgeModule(parts: BridgeParts, folder: WorkingFolder): Record<string, unknown> {
  const { tree, handles, uart, cells, clock } = parts;
  const pathOf = (hex: string) => folder.resolve(pathFromBytes(Buffer.from(hex, 'hex')));
  const find = (hex: string) => tree.find(pathOf(hex));

  return {
    list(hex: string, asText: boolean): string | number {
      const node = find(hex);
      if (node === null) return -ERRNO.ENOENT;
      if (node.kind === 'file') return -ERRNO.ENOTDIR;
      return listing(node, asText, parts.tupleLength);
    },
    layout: (tuple: string) => parts.layout.learn(tuple),
    statvfs(): string {
      const { space } = tree;
      const { blockBytes } = space.geometry;
      const free = space.freeBlocks;
      return `(${blockBytes},${blockBytes},${space.totalBlocks},${free},${free},0,0,0,0,255)`;
    },
    mkdir: (hex: string) => tree.makeFolder(pathOf(hex)),
    remove: (hex: string, kind: 'folder' | 'any') => tree.remove(pathOf(hex), kind),
    rename(fromHex: string, toHex: string): number {
      const [from, to] = [pathOf(fromHex), pathOf(toHex)];
      const result = tree.rename(from, to);
      if (result === 0) handles.renamed(from, to);
      return result;
    },
    utime: (hex: string, seconds: number) => tree.date(pathOf(hex), seconds),
    chdir(hex: string): number {
      const node = find(hex);
      if (node?.kind !== 'folder') return -ERRNO.ENOENT;
      folder.change(pathOf(hex));
      return 0;
    },
    getcwd: () => `/${folder.path}`,
    available: () => uart.poll(),
    sleep: (ms: number) => uart.sleep(ms),
    ticks_us: () => Math.floor(performance.now() * 1000) & 0x3fffffff,
    now: () => clock.nowS(),
    set_clock: (seconds: number) => clock.set(seconds),
    hush(on: boolean): void {
      uart.hushed = on;
    },
    cause: () => parts.resetCause,
    watchdog: (timeoutMs: number) => parts.watchdog(timeoutMs),
    set_baud(baud: number): void {
      uart.sent();
      Atomics.store(cells, CELL.baud, baud);
    },
    feed: () => void Atomics.add(cells, CELL.watchdogFed, 1),
  };
}

/** Python source of the list; with a mark before it where a name must fail to be text. */
function listing(folder: FlashFolder, asText: boolean, tupleLength: 3 | 4): string {
  const names = [...folder.entries.keys()].filter((name) => !name.startsWith(MOUNT_MARK));
  const broken = asText && !names.every(isUtf8Path);
  const items = names.map((name) => {
    const node = folder.entries.get(name) as FlashFile | FlashFolder;
    const type = node.kind === 'folder' ? FOLDER_TYPE : FILE_TYPE;
    const size = node.kind === 'folder' ? 0 : node.content.length;
    const literal = asText && !broken ? textLiteral(name) : bytesLiteral(name);
    return tupleLength === 4 ? `(${literal},${type},0,${size})` : `(${literal},${type},0)`;
  });
  return `${broken ? '!' : ''}[${items.join(',')}]`;
}

function textLiteral(name: string): string {
  let literal = '"';
  for (const character of name) {
    const code = character.codePointAt(0) as number;
    const plain = code >= 32 && code < 127 && character !== '"' && character !== '\\';
    literal += plain ? character : `\\U${code.toString(16).padStart(8, '0')}`;
  }
  return `${literal}"`;
}

function bytesLiteral(name: string): string {
  let literal = 'b"';
  for (const byte of bytesOfPath(name)) {
    const plain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 92;
    literal += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `${literal}"`;
}
