/** What a virtual board is made of, and what it is when nothing is said. */
import type { FlashGeometry } from './flash-space.js';
import { sampleProject } from './sample-project.js';
import type { RawPasteMode } from './vm-console.js';
import type { FaultPlan } from './wire-faults.js';

/** Content of a file; `null` for a folder. Text is UTF-8. */
export type BoardContent = Readonly<Record<string, string | Uint8Array | null>>;

/**
 * Firmware that the board plays on top of the real interpreter. Everything left out behaves as
 * MicroPython 1.27 on a current board.
 */
export interface Dialect {
  /** Modules that cannot be imported (`hashlib`), and names that modules lack (`binascii.crc32`). */
  readonly hiddenModules?: readonly string[];
  readonly hiddenNames?: readonly string[];
  /** Modules that are there besides, by name, as Python source. */
  readonly extraModules?: Readonly<Record<string, string>>;
  /** `sys.implementation.name`. */
  readonly implementation?: string;
  /** What runs at a start: `['boot.py', 'main.py']`. */
  readonly programs?: readonly [string, string];
  /** False: `uos`, `ubinascii` and the like are gone. */
  readonly prefixedModules?: boolean;
  /** False: `os`, `binascii` and the like are there by their `u` names alone. */
  readonly plainModules?: boolean;
  /** False: `sys.stdout` and `sys.stdin` have no `buffer`. */
  readonly stdoutBuffer?: boolean;
  /** True: `os.utime` is there, as on CircuitPython. */
  readonly utime?: boolean;
  readonly tupleLength?: 3 | 4;
  /** 'refused' answers `R\0`, 'unknown' is firmware before 1.14. */
  readonly rawPaste?: RawPasteMode;
  readonly windowBytes?: number;
  /** The line printed by a soft reset. */
  readonly softRebootLine?: string;
  /** First year of the board's clock. */
  readonly epoch?: 1970 | 2000;
  /** Python cannot write to the flash (CircuitPython while the drive is mounted). */
  readonly readOnly?: boolean;
  readonly mountPoint?: '/' | '/flash';
  /** Other mounts with their content: '/sd', '/rom', '/remote'. */
  readonly otherMounts?: Readonly<Record<string, BoardContent>>;
  readonly nameBytesMax?: number;
  /** What `os.uname().machine` and the banner say. */
  readonly machine?: string;
}

export interface VirtualBoardOptions {
  /** What is on the flash, by path below its root. Default: `sampleProject()`. */
  readonly files?: BoardContent | ReadonlyMap<string, string | Uint8Array | null>;
  /** 8 bytes as 16 hex digits: `machine.unique_id()`. */
  readonly uniqueIdHex?: string;
  /** Size of the file system. Default 2 MiB. */
  readonly flashBytes?: number;
  /** Time to erase a 4-KiB block and to program a 256-byte page. Default: none. */
  readonly eraseMs?: number;
  readonly pageMs?: number;
  /** LittleFS program size: 256 as on RP2, 32 as on ESP32. Files up to twice that are inline. */
  readonly programBytes?: number;
  /** Interrupts are off while the flash works: only the UART's FIFO of 32 bytes takes what comes. */
  readonly interruptsOffInFlash?: boolean;
  /** Bytes a second each way (115,200 baud is 11,520); null or absent for no limit. */
  readonly bytesPerSecond?:
    | number
    | null
    | { readonly toBoard: number | null; readonly toHost: number | null };
  /** Time every byte takes each way beyond its own length. Default 0. */
  readonly latencyMs?: number;
  /** Receive buffer of the board. Default 260 bytes with a speed limit, 4,096 without. */
  readonly receiveRingBytes?: number;
  /** Full receive buffer: 'drop' loses bytes (UART), 'hold' makes the host wait (USB). */
  readonly overrun?: 'drop' | 'hold';
  readonly faults?: FaultPlan;
  readonly dialect?: Dialect;
  /** Heap that `gc.mem_free()` reports of. Default 192 KiB. */
  readonly heapBytes?: number;
  /** Interpreter memory, at least 17 MiB: beyond it Python gets a MemoryError. Default 256 MiB. */
  readonly memoryBytesMax?: number;
  /** npm name of the firmware package, or the absolute path of its folder. */
  readonly firmware?: string;
  /** Printed before anything else after power-up and hard resets. */
  readonly bootText?: string;
  /** What the board's clock says at power-up, in seconds since 1970. Default 2021-01-01. */
  readonly clockStartS?: number;
}

export interface Settings {
  readonly files: ReadonlyMap<string, Uint8Array | null>;
  readonly uniqueIdHex: string;
  readonly geometry: FlashGeometry;
  readonly interruptsOffInFlash: boolean;
  readonly toBoard: number | null;
  readonly toHost: number | null;
  readonly latencyMs: number;
  readonly receiveRingBytes: number;
  readonly transmitRingBytes: number;
  readonly overrun: 'drop' | 'hold';
  readonly faults: FaultPlan;
  readonly dialect: Required<Dialect>;
  readonly heapBytes: number;
  readonly memoryPagesMax: number;
  readonly firmware: string;
  readonly bootText: string;
  readonly clockStartS: number;
}

export const SAMPLE_UNIQUE_ID = 'be1a7e5700000001';
const FIRMWARE = '@micropython/micropython-webassembly-pyscript';
const MACHINE = 'Virtual board with WebAssembly';
const CLOCK_START_S = 1_609_459_200;
const PAGE_BYTES = 65_536;

/** Options with everything that was left out filled in. */
export function settle(options: VirtualBoardOptions): Settings {
  const speed = options.bytesPerSecond ?? null;
  const both =
    typeof speed === 'object' && speed !== null ? speed : { toBoard: speed, toHost: speed };
  const limited = both.toBoard !== null;
  return {
    files: contentMap(options.files ?? sampleProject()),
    uniqueIdHex: options.uniqueIdHex ?? SAMPLE_UNIQUE_ID,
    geometry: {
      flashBytes: options.flashBytes ?? 2 * 1024 * 1024,
      blockBytes: 4096,
      programBytes: options.programBytes ?? 256,
      eraseMs: options.eraseMs ?? 0,
      pageMs: options.pageMs ?? 0,
    },
    interruptsOffInFlash: options.interruptsOffInFlash ?? false,
    toBoard: both.toBoard,
    toHost: both.toHost,
    latencyMs: options.latencyMs ?? 0,
    receiveRingBytes: options.receiveRingBytes ?? (limited ? 260 : 4096),
    transmitRingBytes: both.toHost === null ? 65_536 : 1024,
    overrun: options.overrun ?? (limited ? 'drop' : 'hold'),
    faults: options.faults ?? {},
    dialect: settleDialect(options.dialect ?? {}),
    heapBytes: options.heapBytes ?? 192 * 1024,
    memoryPagesMax: Math.floor((options.memoryBytesMax ?? 256 * 1024 * 1024) / PAGE_BYTES),
    firmware: options.firmware ?? FIRMWARE,
    bootText: options.bootText ?? '',
    clockStartS: options.clockStartS ?? CLOCK_START_S,
  };
}

function settleDialect(dialect: Dialect): Required<Dialect> {
  return {
    hiddenModules: [],
    hiddenNames: [],
    extraModules: {},
    implementation: 'micropython',
    programs: ['boot.py', 'main.py'],
    prefixedModules: true,
    plainModules: true,
    stdoutBuffer: true,
    utime: false,
    tupleLength: 4,
    rawPaste: 'on',
    windowBytes: 128,
    softRebootLine: 'MPY: soft reboot',
    epoch: 1970,
    readOnly: false,
    mountPoint: '/',
    otherMounts: {},
    nameBytesMax: 255,
    machine: MACHINE,
    ...dialect,
  };
}

/** Content by normalized path, every folder before what is in it. */
export function contentMap(
  content: BoardContent | ReadonlyMap<string, string | Uint8Array | null>,
): Map<string, Uint8Array | null> {
  const entries: [string, string | Uint8Array | null][] =
    content instanceof Map ? [...content] : Object.entries(content as BoardContent);
  const encoder = new TextEncoder();
  return new Map(
    entries.map(([path, value]): [string, Uint8Array | null] => [
      path
        .split('/')
        .filter((part) => part !== '')
        .join('/'),
      typeof value === 'string' ? encoder.encode(value) : value,
    ]),
  );
}
