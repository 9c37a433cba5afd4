/** Whole jobs on this computer's disk with a board in memory, for tests that run thousands of them. */
import { randomBytes } from 'node:crypto';
import type { JobContext } from '../../src/jobs/context.js';
import type { BackupFolder } from '../../src/store/backup-folder.js';
import { openBackupFolder } from '../../src/store/disk-folder.js';

/** A clock that a test moves; waiting costs nothing. */
export class LabClock {
  #nowMs: number;
  #monotonicMs = 0;

  constructor(startsAt = '2026-11-20T10:00:00.000Z') {
    this.#nowMs = Date.parse(startsAt);
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    this.#monotonicMs += Math.max(0, ms);
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  monotonicMs(): number {
    this.#monotonicMs += 1;
    return this.#monotonicMs;
  }

  utcOffsetMinutes(): number {
    return 60;
  }

  async delay(ms: number): Promise<void> {
    this.#monotonicMs += ms;
  }
}

export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex');

export function labContext(clock: LabClock): JobContext {
  const { signal } = new AbortController();
  return { clock, randomHex, signal, emit: () => {}, pid: process.pid };
}

/** As a new process would open it: a pid that lives, and nothing remembered. */
export function labFolder(path: string, clock: LabClock): BackupFolder {
  const isAlive = (pid: number) => pid === process.pid;
  return openBackupFolder(path, { clock, randomHex, processes: { pid: process.pid, isAlive } });
}
