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
