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

/** Linux tells through /proc, for processes of the same user (and all of them to root). */
export function holderOf(path: string, ownPid: number, procRoot = '/proc'): PortHolder | null {
  const target = deviceOf(path);
  if (target === null) return null;
  for (const name of entriesOf(procRoot)) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === ownPid) continue;
    const folder = `${procRoot}/${name}/fd`;
    if (entriesOf(folder).some((fd) => linkOf(`${folder}/${fd}`) === target)) {
      return { pid, command: commandOf(`${procRoot}/${name}/comm`) };
    }
  }
  return null;
}

/** Group that owns the device, where it is not root's: whoever joins it may open the port. */
export function ownerGroupId(path: string): number | null {
  try {
    const { gid, mode } = statSync(path);
    return (mode & 0o060) === 0o060 ? gid : null;
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
