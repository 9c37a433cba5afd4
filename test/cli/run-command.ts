/** Runs the built command as a user does: its own process, its own folder for backups. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run npm run build first`);

export interface RunResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Buffer;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called with what has come so far; may send a signal. */
  readonly onOutput?: (output: string, kill: (signal: NodeJS.Signals) => void) => void;
  readonly timeoutMs?: number;
  /** Runs as this user; only root can. */
  readonly uid?: number;
  /** A module that is loaded first. */
  readonly require?: string;
  /** SIGKILL after this time, on purpose. */
  readonly killAfterMs?: number;
}

/** A command that hangs is killed and shows as status null. */
export function runCommand(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const preload = options.require === undefined ? [] : ['--require', options.require];
    const child = spawn(process.execPath, [...preload, MAIN, ...argv], {
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: { PATH: process.env.PATH, HOME: '/nonexistent', TZ: 'UTC', ...options.env },
    });
    const timer = setTimeout(
      () => child.kill('SIGKILL'),
      options.killAfterMs ?? options.timeoutMs ?? 25_000,
    );
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const heard = () => {
      const output = Buffer.concat([...out, ...err]).toString('utf8');
      options.onOutput?.(output, (signal) => child.kill(signal));
    };
    child.stdout.on('data', (bytes: Buffer) => {
      out.push(bytes);
      heard();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      err.push(bytes);
      heard();
    });
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(timer);
      const bytes = Buffer.concat(out);
      const stderr = Buffer.concat(err).toString('utf8');
      resolve({ status, stdout: bytes.toString('utf8'), stderr, bytes });
    });
  });
}

/** A folder that is gone when `dispose` has been called. */
export function temporaryFolder(): { readonly path: string; dispose(): void } {
  const path = mkdtempSync(join(tmpdir(), 'belay-cli-'));
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) };
}

export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
