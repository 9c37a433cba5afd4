/**
 * Which process on which boot of which computer: what a lock and a temporary file must tell to be
 * recognised as left behind. Linux tells all of it in /proc; elsewhere the start time and the boot
 * are unknown (null), and only the process number is asked.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessTable {
  /** Of this process. */
  readonly pid: number;
  /** Signal 0, or what the system has instead. */
  isAlive(pid: number): boolean;
}

export interface HostProcess {
  readonly host: string;
  readonly bootId: string | null;
  readonly pid: number;
  readonly startTime: string | null;
  /** 'gone' where no such process runs (zombies are gone); else its start time, null if unknown. */
  startTimeOf(pid: number): string | null | 'gone';
  /** When it began, in milliseconds since 1970; null where the system does not tell. */
  startedAtMs(pid: number): number | null;
}

/** Kernel ticks a second in /proc: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export function hostProcess(table: ProcessTable, proc = '/proc'): HostProcess {
  const hasProc = readText(`${proc}/${table.pid}/stat`) !== null;
  const startTimeOf = (pid: number): string | null | 'gone' => {
    const stat = readText(`${proc}/${pid}/stat`);
    if (stat === null) return hasProc || !table.isAlive(pid) ? 'gone' : null;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'gone' : (fields[19] ?? null);
  };
  const own = startTimeOf(table.pid);
  return {
    host: hostname(),
    bootId: readText(`${proc}/sys/kernel/random/boot_id`)?.trim() ?? null,
    pid: table.pid,
    startTime: own === 'gone' ? null : own,
    startTimeOf,
    startedAtMs: (pid) => {
      const ticks = Number(startTimeOf(pid) ?? Number.NaN);
      const boot = Number(/^btime (\d+)$/m.exec(readText(`${proc}/stat`) ?? '')?.[1] ?? Number.NaN);
      const at = (boot + ticks / TICKS_PER_SECOND) * 1000;
      return Number.isFinite(at) ? at : null;
    },
  };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
