/** What the stories about faults share: folders, the built command, and what an error must look like. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { RunOptions, RunResult } from '../cli/run-command.js';
import { jsonLines, runCommand, temporaryFolder } from '../cli/run-command.js';
import { everythingBelow, sha256Hex } from '../support/stock-reader.js';

export { jsonLines };

export interface ErrorLine {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly exitCode: number;
}

export interface Lab {
  readonly home: string;
  /** A new, empty folder. */
  folder(): string;
  /** `argv` with `--dir`; machine output. */
  belay(dir: string, argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** The same, and it must work. Gives the last line or the document on stdout. */
  done(
    dir: string,
    argv: readonly string[],
    options?: RunOptions,
  ): Promise<Record<string, unknown>>;
  /** The same, and it must end with this exit code. Gives the one error line. */
  refused(
    dir: string,
    argv: readonly string[],
    exitCode: number,
    options?: RunOptions,
  ): Promise<ErrorLine>;
  dispose(): void;
}

export function newLab(): Lab {
  const home = temporaryFolder();
  let folders = 0;
  const belay: Lab['belay'] = (dir, argv, options = {}) =>
    runCommand([...argv, '-d', dir, '--json'], { timeoutMs: 60_000, cwd: home.path, ...options });
  return {
    home: home.path,
    folder: () => {
      folders += 1;
      const path = join(home.path, `folder-${folders}`);
      mkdirSync(path);
      return path;
    },
    belay,
    done: async (dir, argv, options) => {
      const run = await belay(dir, argv, options);
      expect([argv.join(' '), run.status, run.stderr]).toEqual([argv.join(' '), 0, '']);
      return jsonLines(run.stdout).at(-1) ?? {};
    },
    refused: async (dir, argv, exitCode, options) => {
      const run = await belay(dir, argv, options);
      const last = run.stderr.trim().split('\n').at(-1) ?? '';
      expect([argv.join(' '), run.status, last]).toEqual([
        argv.join(' '),
        exitCode,
        expect.stringContaining('"type":"error"'),
      ]);
      const line = jsonLines(last)[0] as unknown as ErrorLine;
      expectGoodError(line, exitCode);
      return line;
    },
    dispose: () => home.dispose(),
  };
}

/** One line, no escape codes, no stack, not "a defect"; a next step wherever there can be one. */
export function expectGoodError(line: ErrorLine, exitCode: number): void {
  expect(line.exitCode).toBe(exitCode);
  expect(line.message).toMatch(/^[^\u0000-\u001f\u007f-\u009f]+$/);
  expect(line.message).not.toContain('defect');
  expect(line.hint ?? '').not.toContain('BELAY_DEBUG');
}

/** Path below -> hash, hidden names too. */
export function contentOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    everythingBelow(folder).map((path) => [
      path.slice(folder.length + 1),
      sha256Hex(readFileSync(path)),
    ]),
  );
}

/** Makes `folder` hold these files, beside what it holds. */
export function fill(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

export function copyOf(lab: Lab, folder: string): string {
  const copy = lab.folder();
  cpSync(folder, copy, { recursive: true });
  return copy;
}

export function flipByteAt(path: string, share: number): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length * share);
  bytes[at] = (bytes[at] as number) ^ 4;
  writeFileSync(path, bytes);
}

export const PRELOAD = new URL('../support/disk-preload.mjs', import.meta.url).href;

/** Under this environment the disk below `folder` fails from (or at) the n-th changing operation. */
export function failingDisk(folder: string, at: number, code: string): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    DISK_UNDER: folder,
    DISK_AT: String(at),
    DISK_DO: code,
    DISK_ONCE: '1',
  };
}
