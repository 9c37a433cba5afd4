/** A real terminal of a given size to look at: tmux, with a server of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** null where there is one; else what to install. */
export function missingTmux(): string | null {
  const found = spawnSync('tmux', ['-V']).status === 0;
  return found ? null : 'tmux is not installed (Debian: apt install tmux)';
}

let servers = 0;

export class TmuxTerminal {
  readonly #socket: string;

  constructor(columns: number, rows: number, env: Readonly<Record<string, string>>) {
    servers += 1;
    this.#socket = join(tmpdir(), `belay-tmux-${process.pid}-${servers}`);
    const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const size = ['-x', String(columns), '-y', String(rows)];
    this.#run('-f', '/dev/null', '-u', 'new-session', '-d', ...size, ...variables, 'sh');
    this.#run('set-option', '-g', 'history-limit', '5000');
    this.type("PS1='$ '");
  }

  /** Types a line and Enter. */
  type(line: string): void {
    this.#run('send-keys', '-l', line);
    this.#run('send-keys', 'Enter');
  }

  press(key: string): void {
    this.#run('send-keys', key);
  }

  /** What is on the screen now. */
  screen(): string {
    return this.#run('capture-pane', '-p');
  }

  /** The screen and everything above it. */
  history(): string {
    return this.#run('capture-pane', '-p', '-S', '-5000');
  }

  resize(columns: number, rows: number): void {
    this.#run('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** A fact that tmux knows, e.g. `#{cursor_flag}`. */
  ask(format: string): string {
    return this.#run('display-message', '-p', format).trim();
  }

  /** Looks until the screen shows it; throws with the last screen. */
  async until(wanted: RegExp, limitMs = 20_000): Promise<string> {
    const end = performance.now() + limitMs;
    for (;;) {
      const screen = this.screen();
      if (wanted.test(screen)) return screen;
      if (performance.now() > end) throw new Error(`${wanted} did not show up:\n${screen}`);
      await delay(50);
    }
  }

  close(): void {
    spawnSync('tmux', ['-S', this.#socket, 'kill-server']);
    rmSync(this.#socket, { force: true });
  }

  #run(...argv: string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...argv], { encoding: 'utf8' });
  }
}
