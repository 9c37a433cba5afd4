/**
 * What the engine says while it works. Screens, plain lines and JSON lines are listeners; the
 * engine knows none of them.
 */

export type Operation =
  | 'connecting'
  | 'scanning'
  | 'reading'
  | 'compressing'
  | 'verifying'
  | 'extracting'
  | 'restoring';

/** How far a job is. Totals are 0 until the board has been scanned. */
export interface Progress {
  readonly operation: Operation;
  /** Path on the board, without a leading slash; null between files. */
  readonly currentFile: string | null;
  readonly processedFiles: number;
  readonly totalFiles: number;
  readonly processedBytes: number;
  readonly totalBytes: number;
  /** 0 to 100. */
  readonly percentComplete: number;
  readonly elapsedMs: number;
  /** null until there is a rate to judge by. */
  readonly etaMs: number | null;
  readonly bytesPerSecond: number;
  /** Bytes on the wire so far, both directions. */
  readonly wireBytes: number;
}

export interface ProgressEvent extends Progress {
  readonly type: 'progress';
  /** Which board, when several are worked on. */
  readonly board?: string;
}

/** Something the user should know; the job goes on. `code` is stable, e.g. `file-changed`. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly code: string;
  readonly message: string;
  readonly path: string | null;
  readonly board?: string;
}

/** A sentence for `-v` and for plain output ("taking a full backup: no earlier backup"). */
export interface NoteEvent {
  readonly type: 'note';
  readonly code: string;
  readonly message: string;
  readonly board?: string;
}

export type JobEvent = ProgressEvent | WarningEvent | NoteEvent;
export type EventListener = (event: JobEvent) => void;
