/**
 * A pseudo-terminal made by util-linux `script`: `path` for the native serial binding, and the
 * board's side as bytes. Killing it is pulling the cable.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';

const COMMAND = 'stty raw -echo; tty; exec sleep 1000000';

/** null where pseudo-terminals can be made, else the reason to print. */
export function whyNoPty(): string | null {
  if (process.platform !== 'linux') return 'pseudo-terminals are made with util-linux, on Linux';
  const found = spawnSync('script', ['--version']);
  return found.status === 0
    ? null
    : 'no `script` (package bsdutils or util-linux) on this computer';
}

export class PtyPair {
  readonly path: string;
  received: Uint8Array = new Uint8Array(0);
  readonly #child: ChildProcessWithoutNullStreams;
  #watchers: (() => void)[] = [];

  private constructor(child: ChildProcessWithoutNullStreams, path: string) {
    this.#child = child;
    this.path = path;
    child.stdout.on('data', (bytes: Uint8Array) => {
      this.received = Buffer.concat([this.received, bytes]);
      for (const watch of this.#watchers) watch();
    });
  }

  static async open(): Promise<PtyPair> {
    const child = spawn('script', ['-q', '-E', 'never', '-c', COMMAND, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const path = await new Promise<string>((resolve, reject) => {
      let text = '';
      const hear = (bytes: Uint8Array) => {
        text += String.fromCharCode(...bytes);
        const match = /(\/dev\/pts\/\d+)\r?\n/.exec(text);
        if (match === null) return;
        child.stdout.off('data', hear);
        resolve(match[1] as string);
      };
      child.stdout.on('data', hear);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`script ended with ${code}: ${text}`)));
    });
    return new PtyPair(child, path);
  }

  write(bytes: Uint8Array): void {
    this.#child.stdin.write(bytes);
  }

  until(reached: (received: Uint8Array) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watch = () => {
        if (!reached(this.received)) return;
        this.#watchers = this.#watchers.filter((other) => other !== watch);
        resolve();
      };
      this.#watchers.push(watch);
      watch();
    });
  }

  unplug(): void {
    this.#child.kill('SIGKILL');
  }
}
