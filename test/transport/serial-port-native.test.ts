/** The native binding on a pseudo-terminal, in a process of its own, from dist/. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { PtyPair, whyNoPty } from '../support/pty-pair.js';

const SCRIPT = new URL('../support/native-port.mjs', import.meta.url).pathname;
const reason = whyNoPty();
if (reason !== null) console.warn(`skipped: ${reason}`);

interface PortEvent {
  readonly kind: string;
  readonly hex?: string;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly exitCode: number;
  } | null;
}

class NativePort {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #events: PortEvent[] = [];
  #watchers: (() => void)[] = [];

  constructor(path: string) {
    this.#child = spawn(process.execPath, [SCRIPT, path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#events.push(JSON.parse(line) as PortEvent);
      for (const watch of [...this.#watchers]) watch();
    });
  }

  command(command: object): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  async event(kind: string): Promise<PortEvent> {
    return this.#until(() => this.#events.find((event) => event.kind === kind));
  }

  async bytes(count: number): Promise<number[]> {
    return this.#until(() => {
      const hex = this.#events.map((event) => (event.kind === 'data' ? event.hex : '')).join('');
      return hex.length >= 2 * count ? [...Buffer.from(hex, 'hex')] : undefined;
    });
  }

  count(kind: string): number {
    return this.#events.filter((event) => event.kind === kind).length;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  get exited(): Promise<void> {
    return new Promise((resolve) => this.#child.once('exit', () => resolve()));
  }

  #until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const watch = () => {
        const found = find();
        if (found === undefined) return;
        this.#watchers = this.#watchers.filter((other) => other !== watch);
        resolve(found);
      };
      this.#watchers.push(watch);
      watch();
    });
  }
}

const ports: NativePort[] = [];
const ptys: PtyPair[] = [];

afterEach(() => {
  for (const port of ports.splice(0)) port.kill();
  for (const pty of ptys.splice(0)) pty.unplug();
});

async function terminal(): Promise<PtyPair> {
  const pty = await PtyPair.open();
  ptys.push(pty);
  return pty;
}

function native(path: string): NativePort {
  const port = new NativePort(path);
  ports.push(port);
  return port;
}

describe.skipIf(reason !== null)('a port over a pseudo-terminal and the native binding', () => {
  it('carries all byte values both ways', async () => {
    const pty = await terminal();
    const port = native(pty.path);
    await port.event('open');
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    port.command({ kind: 'write', hex: Buffer.from(all).toString('hex') });
    await pty.until((bytes) => bytes.length >= 256);
    expect([...pty.received]).toEqual([...all]);
    pty.write(all);
    expect(await port.bytes(256)).toEqual([...all]);
  });

  it('refuses a port that another process has, and names that process', async () => {
    const pty = await terminal();
    await native(pty.path).event('open');
    const { error } = await native(pty.path).event('failed');
    expect(error).toMatchObject({ code: 'port/locked', exitCode: 11 });
    // `script` and its children have the terminal open too; any of them is a true answer.
    expect(error?.message).toMatch(/in use by .+ \(PID \d+\)/);
  });

  it('reports an unplugged cable as lost, once', async () => {
    const pty = await terminal();
    const port = native(pty.path);
    await port.event('open');
    pty.unplug();
    expect((await port.event('closed')).error).toMatchObject({ code: 'port/lost' });
    port.command({ kind: 'exit' });
    await port.event('done');
    expect(port.count('closed')).toBe(1);
  });

  it('says not-found for a path that does not exist', async () => {
    const { error } = await native('/dev/pts/99999').event('failed');
    expect(error).toMatchObject({ code: 'port/not-found', exitCode: 20 });
  });

  it('takes another speed, closes twice without complaint, and frees the port', async () => {
    const pty = await terminal();
    const first = native(pty.path);
    await first.event('open');
    first.command({ kind: 'baud', baud: 230_400 });
    await first.event('done');
    first.command({ kind: 'close' });
    expect((await first.event('closed')).error).toBeNull();
    await native(pty.path).event('open');
  });

  it('does not keep the process alive after closing', async () => {
    const pty = await terminal();
    const port = native(pty.path);
    await port.event('open');
    const exited = port.exited;
    port.command({ kind: 'exit' });
    await exited;
  });
});
