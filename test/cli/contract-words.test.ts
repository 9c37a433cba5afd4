/** How backups, folders and ports are named, and what leaves as bytes, on the built command. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  allBytes,
  backups,
  belay,
  boardId,
  full,
  home,
  increment,
  last,
  newFolder,
  PORT,
  setStage,
} from './contract-stage.js';
import { MAIN, runCommand } from './run-command.js';

setStage();

describe('a backup is named', () => {
  it.each([
    ['by its id', () => full.backupId as string],
    ['by a prefix of it', () => (full.backupId as string).slice(0, 10)],
    ['by its path', () => full.archive as string],
    ['by its path from here', () => (full.archive as string).replace(`${home.path}/`, './')],
  ])('%s', async (_how, name) => {
    const run = await belay('cat', name(), 'main.py');
    expect(run).toMatchObject({ status: 0, stdout: 'print(1)\n' });
  });

  it('by latest: the newest of the connected board', async () => {
    const run = await belay('cat', 'latest', 'main.py', '-p', PORT);
    expect(run).toMatchObject({ status: 0, stdout: 'print(22)\n' });
  });

  it('with 2 where latest could be of several boards', async () => {
    const dir = newFolder();
    await belay('-p', PORT, '-d', dir);
    await belay('-p', 'virtual', '-d', dir);
    const run = await belay('show', 'latest', '-d', dir, '--json');
    expect(run.status).toBe(2);
    expect(run.stdout).toBe('');
    const chosen = await belay('show', 'latest', '-d', dir, '--json', '--board', boardId());
    expect(chosen.status).toBe(0);
  });
});

describe('bytes', () => {
  it('cat gives them as they were, whatever they are', async () => {
    const run = await belay('cat', increment.backupId as string, '/all.bin');
    expect(run.bytes.equals(Buffer.from(allBytes))).toBe(true);
    expect(run.stderr).toBe('');
  });

  it('cat into a full disk does not end with 0', () => {
    if (!existsSync('/dev/full')) return console.log('skipped: no /dev/full on this computer');
    const script = `"${process.execPath}" "${MAIN}" cat "${full.archive}" all.bin > /dev/full`;
    const run = spawnSync('sh', ['-c', script], {
      encoding: 'utf8',
      env: { ...process.env, BELAY_DIR: backups },
    });
    expect(run.status).toBe(15);
    expect(run.stderr).toMatch(/^error: cannot write to stdout/);
  });

  it('extract writes what was asked for below --output', async () => {
    const folder = newFolder();
    const run = await belay(
      'extract',
      full.backupId as string,
      'lib',
      '/main.py',
      '--output',
      folder,
    );
    expect(run.status).toBe(0);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['lib', 'lib/a.py', 'main.py']);
    expect(readFileSync(join(folder, 'main.py'), 'utf8')).toBe('print(1)\n');
  });
});

describe('the environment', () => {
  it('BELAY_PORT and BELAY_DIR stand in for the options', async () => {
    const dir = newFolder();
    const env = { BELAY_PORT: 'virtual', BELAY_DIR: dir };
    const run = await runCommand(['--json'], { env, cwd: home.path });
    expect(last(run)).toMatchObject({ type: 'summary', board: { port: 'virtual' } });
    expect((last(run).archive as string).startsWith(`${dir}/`)).toBe(true);
    const other = newFolder();
    const overruled = await runCommand(['--json', '-d', other, '-p', PORT], {
      env,
      cwd: home.path,
    });
    expect(last(overruled)).toMatchObject({ board: { port: PORT } });
    expect((last(overruled).archive as string).startsWith(`${other}/`)).toBe(true);
  });

  it('home is the default: ~/belay-backups', async () => {
    const HOME = newFolder();
    const run = await runCommand(['-p', 'virtual', '-q'], { env: { HOME }, cwd: home.path });
    expect(run.stdout).toMatch(new RegExp(`^${HOME}/belay-backups/.+_full\\.blb\n$`));
  });

  it.each([
    ['a pipe', {}],
    ['NO_COLOR', { NO_COLOR: '1', TERM: 'xterm-256color' }],
    ['TERM=dumb', { TERM: 'dumb' }],
    ['CI', { CI: 'true' }],
  ])('no escape code leaves in %s', async (_name, env) => {
    const run = await runCommand(['restore', full.archive as string, '-p', PORT, '-n', '-v'], {
      env: { BELAY_DIR: backups, ...(env as Record<string, string>) },
    });
    expect(run.status).toBe(0);
    expect(run.stdout + run.stderr).not.toContain('\u001b');
  });
});
