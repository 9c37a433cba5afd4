/** A command in a real terminal of a given size, by tmux: what a person would see. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Terminal {
  /** Key names of tmux (`C-c`, `Enter`), or text with `literal`. */
  keys(...names: readonly string[]): Promise<void>;
  type(text: string): Promise<void>;
  /** What is on the screen, line by line, without trailing blanks. `escapes` keeps colours. */
  screen(options?: { readonly escapes?: boolean }): Promise<string>;
  /** The screen and everything that has scrolled away above it. */
  history(): Promise<string>;
  /** The screen as soon as it shows the text or matches; rejects with the screen after the limit. */
  until(wanted: string | RegExp, limitMs?: number): Promise<string>;
  resize(columns: number, rows: number): Promise<void>;
  stop(): Promise<void>;
}

/** Why there is no terminal here, or null. Print it where a test is skipped for it. */
export function terminalProblem(): string | null {
  return spawnSync('tmux', ['-V']).error === undefined ? null : 'tmux is not installed';
}

/**
 * Starts `command` (a line for sh) in a terminal of its own. When it ends the screen shows
 * `[exit <status>]` and stays.
 */
export async function startTerminal(
  command: string,
  options: {
    readonly columns?: number;
    readonly rows?: number;
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
  } = {},
): Promise<Terminal> {
  const folder = await mkdtemp(join(tmpdir(), 'terminal-'));
  const socket = join(folder, 'tmux');
  const tmux = async (...args: readonly string[]) =>
    (await run('tmux', ['-S', socket, '-f', '/dev/null', ...args], { maxBuffer: 1 << 24 })).stdout;
  const settings = Object.entries(options.env ?? {}).map(
    ([name, value]) => `${name}=${quoted(value)}`,
  );
  const inner = `sh -c ${quoted(command)}; printf '\\n[exit %s]\\n' $?; trap '' INT; sleep 100000`;
  // The outer shell stays when Ctrl-C ends the command.
  const line = `${['env -u CI', ...settings].join(' ')} sh -c ${quoted(`trap : INT; ${inner}`)}`;
  const size = ['-x', String(options.columns ?? 80), '-y', String(options.rows ?? 24)];
  const place = options.cwd === undefined ? [] : ['-c', options.cwd];
  await tmux('new-session', '-d', '-s', 't', ...size, ...place, line);
  await tmux('set-option', '-g', 'status', 'off');
  await tmux('resize-window', '-t', 't', ...size);
  const screen = async (how: { readonly escapes?: boolean } = {}) =>
    trimmed(await tmux('capture-pane', '-p', '-t', 't', ...(how.escapes === true ? ['-e'] : [])));
  return {
    keys: async (...names) => void (await tmux('send-keys', '-t', 't', ...names)),
    type: async (text) => void (await tmux('send-keys', '-t', 't', '-l', text)),
    screen,
    history: async () => trimmed(await tmux('capture-pane', '-p', '-t', 't', '-S', '-')),
    async until(wanted, limitMs = 10_000) {
      const endMs = performance.now() + limitMs;
      for (;;) {
        const shown = await screen();
        if (typeof wanted === 'string' ? shown.includes(wanted) : wanted.test(shown)) return shown;
        if (performance.now() > endMs) throw new Error(`no ${wanted} on the screen:\n${shown}`);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    },
    async resize(columns, rows) {
      await tmux('resize-window', '-t', 't', '-x', String(columns), '-y', String(rows));
    },
    async stop() {
      await tmux('kill-server').catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function trimmed(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd();
}
