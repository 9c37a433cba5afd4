/**
 * What a restore may and may not do, by the built command: each board is a folder, so that what a
 * user would find on it is looked at, not asked of the tool.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBoardProcess } from '../../src/testing/remote-board.js';
import type { RunResult } from '../cli/run-command.js';
import { jsonLines, runCommand } from '../cli/run-command.js';
import { ptyProblem } from '../support/pty.js';
import { noise } from './sixty-files.js';

type Tree = Readonly<Record<string, string>>;

const home = mkdtempSync(join(tmpdir(), 'belay-restore-'));
const backups = join(home, 'backups');
const PROJECT: Tree = {
  'main.py': 'main\n',
  'lib/a.py': 'a\n',
  'lib/b.py': 'b\n',
  'data.txt': 'data\n',
};
let archive: string;
let boards = 0;

function board(tree: Tree): string {
  boards += 1;
  const folder = join(home, `board-${boards}`);
  mkdirSync(folder);
  for (const [path, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function treeOf(folder: string): Tree {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );
}

function belay(...argv: string[]): Promise<RunResult> {
  return runCommand([...argv, '--json'], {
    env: { BELAY_DIR: backups },
    cwd: home,
    timeoutMs: 60_000,
  });
}

const restore = (folder: string, ...argv: string[]) =>
  belay('restore', archive, ...argv, '-p', `virtual:${folder}`, '-y');
const summaryOf = (run: RunResult) => jsonLines(run.stdout).at(-1);

beforeAll(async () => {
  const run = await belay('-p', `virtual:${board(PROJECT)}`);
  archive = summaryOf(run)?.archive as string;
}, 60_000);

afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('a restore by the command', { timeout: 60_000 }, () => {
  it('puts chosen files elsewhere with --to, and leaves the rest of the board alone', async () => {
    const folder = board({ 'main.py': 'mine\n' });
    const run = await restore(folder, 'lib', '--to', '/old');
    expect(run.status, run.stderr).toBe(0);
    expect(treeOf(folder)).toEqual({
      'main.py': 'mine\n',
      'old/lib/a.py': 'a\n',
      'old/lib/b.py': 'b\n',
    });
  });

  it('renames with --map', async () => {
    const folder = board({ 'main.py': 'mine\n' });
    const run = await restore(folder, 'main.py', '--map', '/main.py=/saved.py');
    expect(run.status, run.stderr).toBe(0);
    expect(treeOf(folder)).toEqual({ 'main.py': 'mine\n', 'saved.py': 'main\n' });
  });

  it('replaces what differs, sends nothing that is equal, and obeys --overwrite', async () => {
    const there = { ...PROJECT, 'main.py': 'mine\n' };
    const kept = board(there);
    expect(summaryOf(await restore(kept, '--overwrite', 'never'))).toMatchObject({
      filesWritten: 0,
      filesSkipped: 4,
    });
    expect(treeOf(kept)).toEqual(there);
    const changed = board(there);
    expect(summaryOf(await restore(changed))).toMatchObject({
      filesWritten: 1,
      filesSkipped: 3,
      bytesWritten: 5,
    });
    expect(treeOf(changed)).toEqual(PROJECT);
    const all = board(there);
    expect(summaryOf(await restore(all, '--overwrite', 'always'))).toMatchObject({
      filesWritten: 4,
    });
    expect(treeOf(all)).toEqual(PROJECT);
  });

  it('removes with --delete only what lies in the scope of the backup', async () => {
    const source = board(PROJECT);
    const scoped = summaryOf(await belay('-p', `virtual:${source}`, '--path', '/lib'))
      ?.archive as string;
    const folder = board({ 'lib/a.py': 'a\n', 'lib/more.py': 'more\n', 'other.txt': 'other\n' });
    const run = await belay('restore', scoped, '-p', `virtual:${folder}`, '-y', '--delete');
    expect(run.status, run.stderr).toBe(0);
    expect(summaryOf(run)).toMatchObject({ filesDeleted: 1 });
    expect(treeOf(folder)).toEqual({
      'lib/a.py': 'a\n',
      'lib/b.py': 'b\n',
      'other.txt': 'other\n',
    });
    const whole = board({ 'x.txt': 'x', 'main.py': 'mine\n' });
    await restore(whole, '--delete');
    expect(treeOf(whole)).toEqual(PROJECT);
  });

  it('is taken back by --undo: what it replaced, what it removed, what it created', async () => {
    const before = { 'main.py': 'mine\n', 'x/y.txt': 'y\n' };
    const folder = board(before);
    await restore(folder, '--delete');
    expect(treeOf(folder)).toEqual(PROJECT);
    const undo = await belay('restore', '--undo', '-p', `virtual:${folder}`, '-y');
    expect(undo.status, undo.stderr).toBe(0);
    expect(treeOf(folder)).toEqual(before);
    expect(existsSync(join(folder, 'lib'))).toBe(false);
  });

  it('leaves a file that was edited since with --undo, names it, and ends with 3', async () => {
    const folder = board({ 'main.py': 'mine\n' });
    await restore(folder);
    writeFileSync(join(folder, 'data.txt'), 'edited\n');
    const undo = await belay('restore', '--undo', '-p', `virtual:${folder}`, '-y');
    expect(undo.status).toBe(3);
    expect(JSON.stringify(summaryOf(undo)?.failed)).toContain('data.txt');
    expect(treeOf(folder)).toEqual({ 'main.py': 'mine\n', 'data.txt': 'edited\n' });
  });

  it('makes no safety archive with --no-safety', async () => {
    const folder = board({ 'main.py': 'mine\n' });
    const safeties = async () =>
      (JSON.parse((await belay('list', '--all')).stdout).backups as { safety: boolean }[]).filter(
        ({ safety }) => safety,
      ).length;
    const before = await safeties();
    expect((await restore(folder, '--no-safety')).status).toBe(0);
    expect(await safeties()).toBe(before);
  });

  it('says that times do not come back', async () => {
    const run = await runCommand(['restore', archive, '-p', `virtual:${board({})}`, '-y'], {
      env: { BELAY_DIR: backups },
    });
    expect(run.stdout + run.stderr).toMatch(/times/);
  });
});

const problem = ptyProblem();
if (problem !== null) console.log(`skipped, restores on a pseudo-terminal: ${problem}`);

describe.skipIf(problem !== null)('a restore over a pseudo-terminal', { timeout: 120_000 }, () => {
  const files = { 'main.py': 'old = 1\n', 'big.bin': noise(60_000, 3), 'gone.txt': 'kept\n' };

  async function bigArchive(): Promise<string> {
    const source = board({});
    writeFileSync(join(source, 'big.bin'), noise(60_000, 4));
    writeFileSync(join(source, 'huge.bin'), noise(300_000, 5));
    writeFileSync(join(source, 'main.py'), 'new = 1\n');
    return summaryOf(await belay('-p', `virtual:${source}`))?.archive as string;
  }

  it('that does not fit is 15 before the first byte is written', async () => {
    const big = await bigArchive();
    const target = await startBoardProcess({ files, flashBytes: 256 * 1024 });
    try {
      const before = await target.dump();
      const run = await belay('restore', big, '-p', target.path, '-y');
      expect(run.status, run.stderr).toBe(15);
      expect(await target.dump()).toEqual(before);
    } finally {
      await target.stop();
    }
  });

  it('rolls back at Ctrl-C: the board is as it was, and the command ends with 130', async () => {
    const big = await bigArchive();
    const target = await startBoardProcess({ files, bytesPerSecond: 40_000 });
    try {
      const before = await target.dump();
      let sent = false;
      const run = await runCommand(
        ['restore', big, '-p', target.path, '-y', '--delete', '--json'],
        {
          env: { BELAY_DIR: backups },
          timeoutMs: 90_000,
          onOutput: (output, kill) => {
            if (sent || !/"operation":"restoring".*"processedBytes":[1-9]/.test(output)) return;
            sent = true;
            kill('SIGINT');
          },
        },
      );
      expect(sent).toBe(true);
      expect(run.status, run.stderr).toBe(130);
      expect(await target.dump()).toEqual(before);
    } finally {
      await target.stop();
    }
  });
});
