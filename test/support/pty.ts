/** Whether this machine can make pseudo-terminals for the virtual board. */
import { spawnSync } from 'node:child_process';

/** Why not, or null. Print it where a test is skipped for it. */
export function ptyProblem(): string | null {
  const found = ['script', 'socat'].some((command) => {
    const { error, status } = spawnSync(command, [command === 'script' ? '--version' : '-V']);
    return error === undefined && status === 0;
  });
  return found ? null : 'neither util-linux "script" nor "socat" is installed';
}
