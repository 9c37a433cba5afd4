/**
 * What the tests of the contract stand on: a board that is a folder, and its full backup and its
 * increment, made by the built command. Each test file has its own.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { RunResult } from './run-command.js';
import { jsonLines, runCommand, temporaryFolder } from './run-command.js';

export type Json = Record<string, unknown>;

export const home = temporaryFolder();
export const backups = join(home.path, 'backups');
export const flash = join(home.path, 'flash');
export const PORT = `virtual:${flash}`;
export const allBytes = Uint8Array.from({ length: 256 }, (_, at) => at);
let nextFolder = 0;
/** The summaries of the two backups. */
export let full: Json;
export let increment: Json;

export function newFolder(): string {
  nextFolder += 1;
  const path = join(home.path, `folder-${nextFolder}`);
  mkdirSync(path);
  return path;
}

export function belay(...argv: string[]): Promise<RunResult> {
  return runCommand(argv, { env: { BELAY_DIR: backups }, cwd: home.path });
}

export async function answer(...argv: string[]): Promise<Json> {
  const run = await belay(...argv, '--json');
  expect(run.stderr, argv.join(' ')).toBe('');
  expect(run.status).toBe(0);
  expect(run.stdout.trimEnd().split('\n'), 'one document').toHaveLength(1);
  return JSON.parse(run.stdout) as Json;
}

/** Everything below: names, times of files, content. A lock comes and goes: folders have no time. */
export function snapshot(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [])
      .sort()
      .map((name) => {
        const path = join(folder, name);
        const stat = statSync(path);
        if (!stat.isFile()) return `${path}/`;
        return `${path} ${stat.mtimeMs} ${readFileSync(path).toString('base64')}`;
      }),
  );
}

/** Field names with their types, in order: `null` stands for itself. */
export function shape(value: Json): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      field === null ? 'null' : Array.isArray(field) ? 'array' : typeof field,
    ]),
  );
}

export const last = (run: RunResult) => jsonLines(run.stdout).at(-1) as Json;

async function makeBackups(): Promise<void> {
  mkdirSync(join(flash, 'lib'), { recursive: true });
  mkdirSync(join(flash, 'empty'));
  writeFileSync(join(flash, 'main.py'), 'print(1)\n');
  writeFileSync(join(flash, 'lib', 'a.py'), 'a = 1\n');
  writeFileSync(join(flash, 'all.bin'), allBytes);
  writeFileSync(join(flash, 'nothing.txt'), '');
  full = last(await belay('-p', PORT, '--json', '--description', 'first', '--meta', 'who=me=you'));
  writeFileSync(join(flash, 'main.py'), 'print(22)\n');
  writeFileSync(join(flash, 'new.py'), 'new = 1\n');
  rmSync(join(flash, 'nothing.txt'));
  increment = last(await belay('-p', PORT, '--json'));
}

/** For a test file: the backups are there before its first test. */
export function setStage(): void {
  beforeAll(makeBackups, 60_000);
  afterAll(() => home.dispose());
}

/** Whose backups they are. */
export const boardId = () => (full.board as Json).uniqueId as string;
