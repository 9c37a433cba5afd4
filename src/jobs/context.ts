/**
 * What every job is given: the world outside it. A job reads no clock, draws no random number and
 * opens nothing by itself; what it needs arrives here or in its `parts`, so that a test can play
 * the whole job in memory.
 */
import type { EventListener } from '../core/events.js';
import type { BoardConnection, BoardPurpose } from '../device/device-fs.js';
import type { BackupFolder } from '../store/backup-folder.js';

export interface JobClock {
  now(): Date;
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  /** Minutes east of Greenwich at that moment, where this computer stands. */
  utcOffsetMinutes(at: Date): number;
  /** Resolves after `ms`; rejects `job/cancelled` as soon as the signal is aborted. */
  delay(ms: number, signal: AbortSignal): Promise<void>;
}

export interface JobContext {
  readonly clock: JobClock;
  /** `bytes` random bytes as lower-case hex. */
  readonly randomHex: (bytes: number) => string;
  readonly signal: AbortSignal;
  readonly emit: EventListener;
  /** This process, for names of temporary files that a sweep may judge. Default 0. */
  readonly pid?: number;
}

export interface ConnectOptions {
  readonly signal: AbortSignal;
  /** Refuse any other board (`board/other`): set when a lost board is looked for again. */
  readonly expectUniqueId?: string;
  /** What the job is going to do with files, if anything: connecting prepares for it. */
  readonly purpose?: BoardPurpose;
}

/** Opens the port, identifies and probes the board. A job may call it again after a board was lost. */
export type Connect = (options: ConnectOptions) => Promise<BoardConnection>;

/** For jobs that talk to a board. */
export interface BoardParts {
  readonly connect: Connect;
  readonly store: BackupFolder;
}

/** For questions about the folder alone. */
export interface StoreParts {
  readonly store: BackupFolder;
}

/** A path that could not be read or written, and why. */
export interface FailedPath {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface JobWarning {
  readonly code: string;
  readonly message: string;
  readonly path: string | null;
}
