/** What stands in a lock file, and what it says about its holder. Pure. */
import type { LockHolder } from './backup-folder.js';
import type { HostProcess } from './host-process.js';

export const LOCK_NAME = '.belay-lock';

export interface LockRecord {
  readonly token: string;
  readonly host: string;
  readonly bootId: string | null;
  readonly pid: number;
  readonly startTime: string | null;
  readonly purpose: string;
  readonly since: string;
  /** Rewritten while the holder lives. */
  readonly counter: number;
}

const COUNTER_DIGITS = 10;

/** Always of the same length for one holder, so that rewriting it is one small write in place. */
export function encodeLock(record: LockRecord): string {
  const { counter, ...rest } = record;
  const digits = String(counter).padStart(COUNTER_DIGITS, '0');
  return `${JSON.stringify({ ...rest, counter: digits })}\n`;
}

/** null where the text is no lock record. */
export function decodeLock(text: string): LockRecord | null {
  const value = parseObject(text);
  if (value === null) return null;
  const { token, host, bootId, pid, startTime, purpose, since, counter } = value;
  if (
    typeof token !== 'string' ||
    !/^[0-9a-f]{8,64}$/.test(token) ||
    typeof host !== 'string' ||
    !isTextOrNull(bootId) ||
    typeof pid !== 'number' ||
    !Number.isSafeInteger(pid) ||
    pid <= 0 ||
    !isTextOrNull(startTime) ||
    typeof purpose !== 'string' ||
    typeof since !== 'string' ||
    typeof counter !== 'string'
  ) {
    return null;
  }
  return { token, host, bootId, pid, startTime, purpose, since, counter: Number(counter) };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

/**
 * 'dead' only where it is certain: this computer, this boot, and the process is gone or its number
 * now belongs to one that started at another time. Everything else is left alone.
 */
export function judgeHolder(record: LockRecord, host: HostProcess): LockHolder['state'] {
  if (record.host !== host.host || record.bootId !== host.bootId) return 'foreign';
  const startTime = host.startTimeOf(record.pid);
  if (startTime === 'gone') return 'dead';
  const reused = startTime !== null && record.startTime !== null && startTime !== record.startTime;
  return reused ? 'dead' : 'alive';
}

export function holderOf(path: string, record: LockRecord | null, host: HostProcess): LockHolder {
  if (record === null) {
    return {
      path,
      token: null,
      purpose: null,
      host: null,
      pid: null,
      since: null,
      state: 'unreadable',
    };
  }
  const { token, purpose, pid, since } = record;
  return { path, token, purpose, host: record.host, pid, since, state: judgeHolder(record, host) };
}

/** "process 4711 on bench (backup, since 2026-11-20T10:21:11.000Z)". */
export function describeHolder(holder: LockHolder): string {
  if (holder.state === 'unreadable') return 'somebody, but the lock file cannot be read';
  const { purpose, pid, host, since } = holder;
  return `process ${pid} on ${host} (${purpose}, since ${since})`;
}
