/**
 * The board on a pseudo-terminal, for the native serial binding and for other programs. The
 * terminal is made by util-linux `script` or by `socat`, so nothing has to be compiled.
 */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { Wire, WireEnd } from './wire.js';

export interface BoardPty {
  /** Path to open, `/dev/pts/7`. */
  readonly path: string;
  /** Takes the terminal away, as pulling the cable does. */
  close(): Promise<void>;
}

const MAKERS: readonly { readonly command: string; readonly args: readonly string[] }[] = [
  {
    command: 'script',
    // What sleeps keeps the terminal open between two users (without it the first close hangs up),
    // and ends it when this process is gone without having said so.
    args: ['-q', '-E', 'never', '-c', `stty raw -echo; tty; ${whileAlive()}`, '/dev/null'],
  },
  { command: 'socat', args: ['-d', '-d', 'pty,rawer,echo=0', 'stdio'] },
];
function whileAlive(): string {
  return `while kill -0 ${process.pid} 2>/dev/null; do sleep 5; done`;
}

const READY_MS_MAX = 5_000;
/**
 * From the last byte to the hang-up. `@serialport/bindings-cpp` 13 reads 0 bytes for ever, and never
 * says that the port is gone, when the hang-up meets a read instead of a wait (dist/unix-read.js).
 */
const UNPLUG_MS = 100;
const PATH = /\/dev\/(?:pts\/\d+|tty[a-z0-9]+)/;

/** Throws when neither `script` nor `socat` can make a terminal; the message says so. */
export async function openPty(wire: Wire, onClosed: () => void): Promise<BoardPty> {
  const problems: string[] = [];
  for (const maker of MAKERS) {
    try {
      return await ptyBy(maker.command, maker.args, wire, onClosed);
    } catch (error) {
      problems.push(`${maker.command}: ${(error as Error).message}`);
    }
  }
  throw new Error(
    `no pseudo-terminal (util-linux "script" or "socat" is needed): ${problems.join('; ')}`,
  );
}

async function ptyBy(
  command: string,
  args: readonly string[],
  wire: Wire,
  onClosed: () => void,
): Promise<BoardPty> {
  const child = spawn(command, args, { stdio: 'pipe', detached: true });
  child.stdin.on('error', () => undefined);
  const path = await firstPath(child);
  const end: WireEnd = {
    data: (bytes) => child.stdin.write(bytes),
    lost: () => void setTimeout(() => void close(), UNPLUG_MS),
  };
  child.stdin.on('drain', () => wire.resume());
  child.stdout.on('data', (bytes: Buffer) => wire.send(bytes));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void exited.then(() => {
    wire.detach(end);
    onClosed();
  });
  const close = async () => {
    killGroup(child);
    await exited;
  };
  wire.attach(end);
  return { path, close };
}

/** The maker prints where the terminal is; what follows is the host's. */
async function firstPath(child: ChildProcessWithoutNullStreams): Promise<string> {
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('said no path')), READY_MS_MAX);
      const look = (bytes: Buffer) => {
        said += bytes.toString('latin1');
        const line = PATH.exec(said);
        if (line !== null && said.slice(line.index).includes('\n')) resolve(line[0]);
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said.trim()}`)));
    });
  } catch (error) {
    killGroup(child);
    throw error;
  } finally {
    clearTimeout(timer);
    child.stdout.removeAllListeners('data');
    child.stderr.removeAllListeners('data');
  }
}

/** The maker; what sleeps in the terminal goes with the hang-up. */
function killGroup(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
