/**
 * Real micro:bit v1 firmware under QEMU, on a pseudo-terminal. Debian: `qemu-system-arm` and
 * `firmware-microbit-micropython`. QEMU does not pace its UART, so the firmware's 64-byte buffer
 * loses what is sent too fast: that is part of the target.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FIRMWARE = '/usr/share/firmware-microbit-micropython/firmware.hex';
const START_MS_MAX = 10_000;

export interface Microbit {
  /** Path of the pseudo-terminal. */
  readonly path: string;
  readonly pid: number;
  /** The reset button: RAM is lost, files stay. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** Why there is no micro:bit here, or null. Print it where a test is skipped for it. */
export function microbitProblem(): string | null {
  if (spawnSync('qemu-system-arm', ['--version']).error !== undefined) {
    return 'qemu-system-arm is not installed';
  }
  return existsSync(FIRMWARE) ? null : 'firmware-microbit-micropython is not installed';
}

/** Starts a micro:bit with an empty file system. */
export async function startMicrobit(): Promise<Microbit> {
  const folder = await mkdtemp(join(tmpdir(), 'microbit-'));
  const control = join(folder, 'qmp');
  const child = spawn(
    'qemu-system-arm',
    [
      '-M',
      'microbit',
      '-device',
      `loader,file=${FIRMWARE}`,
      '-display',
      'none',
      '-monitor',
      'none',
    ].concat(['-serial', 'pty', '-qmp', `unix:${control},server=on,wait=off`]),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  try {
    const path = await new Promise<string>((resolve, reject) => {
      const fail = () => reject(new Error(`QEMU gave no terminal: ${said}`));
      timer = setTimeout(fail, START_MS_MAX);
      child.once('error', reject);
      child.once('exit', fail);
      const look = (bytes: Buffer) => {
        said += bytes.toString();
        const found = /redirected to (\/dev\/\S+)/.exec(said);
        if (found?.[1] !== undefined) resolve(found[1]);
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
    });
    return { path, pid: child.pid as number, reset: () => command(control, 'system_reset'), stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** One command of QEMU's machine protocol. */
function command(socketPath: string, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let said = '';
    let asked = 0;
    socket.setTimeout(START_MS_MAX, () => socket.destroy(new Error('QEMU does not answer')));
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      said += bytes.toString();
      const ready = said.includes('"QMP"') ? 1 + said.split('"return"').length - 1 : 0;
      if (ready > asked) {
        asked += 1;
        if (asked === 1) socket.write('{"execute":"qmp_capabilities"}\n');
        else if (asked === 2) socket.write(`{"execute":"${name}"}\n`);
        else {
          socket.end();
          resolve();
        }
      }
    });
  });
}
