/**
 * The seam to a board's files. One real implementation talks to the agent (agent-fs.ts), one double
 * lives in memory (test/support/memory-board.ts); both pass test/contract/device-fs.contract.ts.
 * Nothing here writes the board's flash except `apply` and `sweep`.
 */
import type { Tree, TreeFailure, TreeFile } from '../core/tree.js';

/** One mounted file system. `path` is a DevicePath; '' is the root. */
export interface BoardMount {
  readonly path: string;
  /** True for /rom, /remote and other mounts that a backup leaves alone unless asked. */
  readonly skipped: boolean;
  readonly readOnly: boolean | null;
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
  readonly blockBytes: number | null;
}

/** Which rung of each ladder the probe allowed, for the manifest and for `doctor`. */
export interface BoardProbe {
  readonly [question: string]: string | number | boolean | null;
}

/** What the board says of itself, asked once. */
export interface BoardInfo {
  readonly firmware: 'micropython' | 'circuitpython' | string;
  readonly version: string;
  readonly machine: string;
  readonly platform: string;
  /** Lower-case hex of machine.unique_id() (or microcontroller.cpu.uid); null where there is none. */
  readonly uniqueId: string | null;
  readonly mounts: readonly BoardMount[];
  /** Year of `gmtime(0)`: 1970 or 2000. */
  readonly epochYear: number;
  /** False where names may not contain folders (micro:bit). */
  readonly hasFolders: boolean;
  /** True where a rename over an existing file is atomic (LittleFS). */
  readonly atomicRename: boolean;
  readonly nameBytesMax: number;
  /** sys.implementation._mpy: version and architecture of bytecode it runs; null where unknown. */
  readonly mpy: number | null;
  readonly probe: BoardProbe;
}

export interface ScanOptions {
  /**
   * DevicePaths to list below; [''] is the whole board (with its mounts as `mounts` says). One that
   * is not there has no entry; one that cannot be listed is a failed one.
   */
  readonly roots: readonly string[];
  /** Extra mounts to include, e.g. ['sd']. */
  readonly mounts: readonly string[];
  /** 'content' asks the board for every file's sha256, 'none' lists only. */
  readonly hashes: 'none' | 'content';
  /**
   * A tree known from an earlier backup, hashes included. The board compares digests and only
   * sends what differs; the result is the same as without it.
   */
  readonly known?: Tree;
  readonly signal: AbortSignal;
  readonly onEntry?: (count: number) => void;
}

export interface ScanResult {
  /** Sorted by comparePaths; temporary names (`.blb~…`) left out. Failures stand in it as entries. */
  readonly tree: Tree;
  /** Sentences for the user (a mount that hides files, a listing that came short). */
  readonly warnings: readonly {
    readonly code: string;
    readonly message: string;
    readonly path: string | null;
  }[];
  /** Digest over the whole canonical tree as the board computed it, null where it can't. */
  readonly matchedKnown: boolean;
}

export type CheckedBy = 'sha256' | 'crc32' | 'read' | 'size-time';

export type ReadEvent =
  /** The next bytes of `file`, in order. A file's first event after a retry is `restart`. */
  | {
      readonly kind: 'data';
      readonly file: TreeFile;
      readonly bytes: Uint8Array;
      /** Bytes that came and wait behind these: the wire is not held up for a slow reader. */
      readonly waitingBytes?: number;
    }
  /** What came of `file` so far is void; its bytes start again. */
  | { readonly kind: 'restart'; readonly file: TreeFile; readonly reason: string }
  /** All bytes came; not compared with the board's own hash yet. */
  | { readonly kind: 'end'; readonly file: TreeFile; readonly sizeBytes: number }
  /** The bytes between `end` and here equal what the board hashed. May come some files later. */
  | {
      readonly kind: 'verified';
      readonly file: TreeFile;
      readonly sha256: string;
      readonly sizeBytes: number;
      readonly modifiedS: number | null;
      readonly checkedBy: CheckedBy;
    }
  /** Given up after retries (changed three times, vanished, I/O error). The rest goes on. */
  | { readonly kind: 'failed'; readonly file: TreeFile; readonly failure: TreeFailure };

export interface ReadOptions {
  readonly compress: boolean;
  readonly signal: AbortSignal;
}

/** One step of a restore; the plan orders them, `apply` carries them out in that order. */
export type BoardOperation =
  | { readonly kind: 'make-folder'; readonly path: string }
  | {
      readonly kind: 'put';
      readonly path: string;
      readonly sizeBytes: number;
      readonly sha256: string;
      readonly modifiedS: number | null;
      /** Whole content, verified against sha256 by the caller's archive; called once or again on a retry. */
      readonly content: () => AsyncIterable<Uint8Array>;
    }
  | { readonly kind: 'delete-file'; readonly path: string }
  /** Only an empty folder. */
  | { readonly kind: 'delete-folder'; readonly path: string };

export interface ApplyOptions {
  /**
   * 'staged': write and hash every file under a temporary name, then carry out all operations in
   * order; 'one-by-one': each file staged and renamed on its own; 'in-place': written directly.
   */
  readonly strategy: 'staged' | 'one-by-one' | 'in-place';
  /** Go on after an operation failed; otherwise `apply` ends with that `failed` event. */
  readonly keepGoing: boolean;
  /** Re-hash each file under its final name as well. */
  readonly verify: boolean;
  /** Give each file its `modifiedS` in this way; by the clock, one without gets `nowS`. */
  readonly times?: { readonly rung: Exclude<TimesRung, 'none'>; readonly nowS: number };
  readonly signal: AbortSignal;
}

/**
 * How files can be given their times: `utime` on the file itself, `clock` by setting the board's
 * clock around each write (whoever asks for that puts it right afterwards).
 */
export type TimesRung = 'utime' | 'clock' | 'none';

/** The times of files, and the clock they are taken from. Asked only where they are wanted. */
export interface BoardTimes {
  rung(signal: AbortSignal): Promise<TimesRung>;
  /** What the clock says as this resolves, in ms since 1970. Waits for the next second to begin. */
  clockMs(signal: AbortSignal): Promise<number>;
  /** Puts the clock right, at the next full second of `nowMs`. Throws board/file where it can't. */
  setClock(nowMs: () => number, signal: AbortSignal): Promise<void>;
}

export type ApplyEvent =
  | { readonly kind: 'sent'; readonly operation: BoardOperation; readonly bytes: number }
  | { readonly kind: 'staged'; readonly operation: BoardOperation }
  /** Committed: the board now holds the new state of this path. */
  | { readonly kind: 'done'; readonly operation: BoardOperation }
  | {
      readonly kind: 'failed';
      readonly operation: BoardOperation;
      readonly code: string;
      readonly message: string;
    };

export interface BoardFs {
  readonly info: BoardInfo;
  readonly times: BoardTimes;
  scan(options: ScanOptions): Promise<ScanResult>;
  /** Streams the files, in the order in which the board walks its folders, one at a time. Ends after the last one is verified or failed. */
  read(files: readonly TreeFile[], options: ReadOptions): AsyncIterable<ReadEvent>;
  apply(operations: readonly BoardOperation[], options: ApplyOptions): AsyncIterable<ApplyEvent>;
  /** sha256 of each path as the board has it now; null where it is gone or unreadable. */
  hash(paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string | null>>;
  /** Removes temporary names left by a run that died. Returns how many. */
  sweep(signal: AbortSignal): Promise<number>;
}

/** What is going to be done with a board's files beyond listing them. */
export type BoardPurpose = 'read' | 'compare' | 'write';

/** How the board is left: `auto` starts the program again that was interrupted. */
export type AfterMode = 'auto' | 'leave' | 'soft-reset' | 'hard-reset';

export interface WireCounters {
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Changes of direction. */
  readonly turns: number;
}

/** A board that has been connected, identified and probed. */
export interface BoardConnection {
  readonly fs: BoardFs;
  readonly info: BoardInfo;
  /** e.g. `/dev/ttyACM0` or `virtual`. */
  readonly portName: string;
  /** USB serial number, null where the port has none. */
  readonly usbSerial: string | null;
  /** A program was running when we came. */
  readonly programInterrupted: boolean;
  counters(): WireCounters;
  /** Removes the agent, leaves raw mode, starts the program again where `after` says so, closes the port. Bounded; never throws for a board that is gone. */
  leave(after: AfterMode): Promise<void>;
}
