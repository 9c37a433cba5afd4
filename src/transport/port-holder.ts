/** What the system knows about a port that would not open: is it there, may we, who has it. */
import {
  accessSync,
  constants,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';

export type PortObstacle = 'missing' | 'permission' | 'none';

/** Looks at the path itself, since the native binding's errors carry no code. */
export function obstacleAt(path: string): PortObstacle {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return 'none';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'permission' : 'missing';
  }
}

export interface PortHolder {
  readonly pid: number;
  /** e.g. `mpremote`; null where the system does not tell. */
  readonly command: string | null;
}

/**
 * Linux tells through /proc, for processes of the same user (and all of them to root). Whoever has
 * locked it comes before whoever has it open, as both sides of a pseudo-terminal do.
 */
export function holderOf(path: string, ownPid: number, procRoot = '/proc'): PortHolder | null {
  const target = deviceOf(path);
  if (target === null) return null;
  const others = entriesOf(procRoot)
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== ownPid);
  const hasOpen = (pid: number) => {
    const folder = `${procRoot}/${pid}/fd`;
    return entriesOf(folder).some((fd) => linkOf(`${folder}/${fd}`) === target);
  };
  const locker = lockerOf(target, procRoot);
  const pid = locker !== null && others.includes(locker) ? locker : others.find(hasOpen);
  return pid === undefined ? null : { pid, command: commandOf(`${procRoot}/${pid}/comm`) };
}

/** `1: FLOCK  ADVISORY  WRITE 4242 00:18:3 0 EOF` (proc_locks(5)): process; device and inode in hex and decimal. */
function lockerOf(target: string, procRoot: string): number | null {
  try {
    const { dev, ino } = statSync(target);
    const hex = (part: number) => part.toString(16).padStart(2, '0');
    const place = `${hex((dev >> 8) & 0xfff)}:${hex((dev & 0xff) | ((dev >> 12) & 0xfff00))}:${ino}`;
    const lines = readFileSync(`${procRoot}/locks`, 'utf8').split('\n');
    const fields = lines
      .map((line) => line.trim().split(/\s+/))
      .find((each) => each[1] === 'FLOCK' && each[5] === place);
    return fields === undefined ? null : Number(fields[4]);
  } catch {
    return null;
  }
}

/** The group whose members may open the device; null where there is none, or it is root's. */
export function ownerGroup(path: string, groupsFile = '/etc/group'): string | null {
  try {
    const { gid, mode } = statSync(path);
    if ((mode & 0o060) !== 0o060 || gid === 0) return null;
    const lines = readFileSync(groupsFile, 'utf8').split('\n');
    const name = lines.map((line) => line.split(':')).find((fields) => fields[2] === String(gid));
    return name?.[0] ?? null;
  } catch {
    return null;
  }
}

/** How long ago it was made or given to its owner; udev's doing changes the inode. null: not there. */
export function portAgeMs(path: string): number | null {
  try {
    return Date.now() - statSync(path).ctimeMs;
  } catch {
    return null;
  }
}

function deviceOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function commandOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null;
  }
}
