import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from './contract-stage.js';
import {
  backups,
  belay,
  flash,
  full,
  home,
  increment,
  last,
  newFolder,
  PORT,
  setStage,
  snapshot,
} from './contract-stage.js';
import type { RunResult } from './run-command.js';
import { jsonLines, runCommand } from './run-command.js';

setStage();

describe('--dry-run', () => {
  it.each([
    ['backup', () => ['backup', '-p', PORT]],
    ['backup into a folder that is not there', () => ['-p', PORT, '-d', join(home.path, 'no')]],
    ['restore', () => ['restore', full.archive as string, '-p', PORT, '--delete']],
    ['extract', () => ['extract', full.archive as string, '-o', join(home.path, 'no')]],
    ['export', () => ['export', full.archive as string, '-o', join(home.path, 'no.zip')]],
    ['import', () => ['import', flash, '--board', 'somebody']],
    ['merge', () => ['merge', increment.archive as string, '--replace']],
    ['prune', () => ['prune', '--keep-last', '1', '--merge-expired']],
    ['remove', () => ['remove', full.archive as string, '--cascade', '--yes']],
    ['pin', () => ['pin', full.archive as string]],
    ['repair', () => ['repair']],
    ['unlock', () => ['unlock', '--yes']],
  ])(
    'of %s changes nothing, with and without --json',
    async (_name, argv) => {
      const before = snapshot(backups, flash);
      for (const json of [[], ['--json']]) {
        const run = await belay(...argv(), '--dry-run', ...json);
        expect(run.stderr).not.toContain('error');
        expect(run.status).toBe(0);
        for (const line of json.length === 0 ? [] : jsonLines(run.stdout))
          expect(line).toBeTypeOf('object');
      }
      expect(snapshot(backups, flash)).toEqual(before);
      expect(existsSync(join(home.path, 'no'))).toBe(false);
      expect(existsSync(join(home.path, 'no.zip'))).toBe(false);
    },
    20_000,
  );
});

describe('exit codes', () => {
  const wrong: [string, number, () => string[]][] = [
    ['an unknown command', 2, () => ['lst']],
    ['an unknown option', 2, () => ['list', '--nope']],
    ['an argument too much', 2, () => ['list', 'more']],
    ['an argument too few', 2, () => ['show']],
    ['a value that is none of the choices', 2, () => ['backup', '--type', 'weekly', '-p', PORT]],
    ['a number that is none', 2, () => ['prune', '--keep-last', 'many']],
    ['a restore that nobody can confirm', 2, () => ['restore', full.archive as string, '-p', PORT]],
    ['an undo with a selection', 2, () => ['restore', '--undo', '-p', PORT, '--delete']],
    ['a policy that is none', 2, () => ['prune']],
    ['a shell that is none', 2, () => ['completion', 'cmd']],
    ['extract without --output', 2, () => ['extract', full.archive as string]],
    ['a virtual board that is a file', 2, () => ['-p', `virtual:${join(flash, 'main.py')}`]],
    ['a backup that is not there', 10, () => ['show', 'ffffffff']],
    ['an archive that is not there', 10, () => ['show', './nope.blb']],
    ['a file that is not in the backup', 10, () => ['cat', full.archive as string, 'nope.py']],
    [
      'a restore of a path that is not there',
      10,
      () => ['restore', full.archive as string, 'no', '-p', PORT, '-y'],
    ],
    ['latest in an empty folder', 10, () => ['show', 'latest', '-d', newFolder()]],
    ['no such exclude file', 10, () => ['--exclude-from', './nope', '-p', PORT]],
    ['a port that is not there', 20, () => ['-p', '/dev/belay-none']],
    ['no such port, with --if-present', 75, () => ['-p', '/dev/belay-none', '--if-present']],
    [
      'an undo where nothing was restored',
      10,
      () => ['restore', '--undo', '-p', PORT, '-y', '-d', newFolder()],
    ],
    [
      '--require-parent on a new board',
      14,
      () => ['-p', `virtual:${newFolder()}`, '--require-parent'],
    ],
  ];

  it.each(wrong)(
    '%s is %i, one error line for machines, two lines at most for people',
    async (_name, status, argv) => {
      const machines = await belay(...argv(), '--json');
      expect(machines.status, machines.stderr).toBe(status);
      const errors = jsonLines(machines.stderr);
      expect(errors).toHaveLength(1);
      expect(Object.keys(errors[0] as Json)).toEqual([
        'type',
        'code',
        'message',
        'hint',
        'exitCode',
      ]);
      expect(errors[0]).toMatchObject({
        type: 'error',
        exitCode: status,
        code: expect.stringMatching(/^[a-z]+\/[a-z-]+$/),
      });
      expect(jsonLines(machines.stdout).some((line) => line.type === 'summary')).toBe(false);
      const people = await belay(...argv(), '-q');
      expect(people.status).toBe(status);
      expect(people.stderr.split('\n').filter((line) => line.startsWith('error: '))).toHaveLength(
        1,
      );
      expect(people.stderr).not.toMatch(/^ {4}at |defect/m);
    },
    20_000,
  );

  it('a flipped bit is 13 for verify, extract and restore; the listing goes on', async () => {
    const dir = newFolder();
    const copy = join(dir, 'copy.blb');
    copyFileSync(full.archive as string, copy);
    const bytes = readFileSync(copy);
    const at = Math.floor(bytes.length * 0.8);
    bytes[at] = (bytes[at] as number) ^ 0x10;
    writeFileSync(copy, bytes);
    const out = join(home.path, 'not-made');
    for (const argv of [
      ['verify'],
      ['verify', copy],
      ['extract', copy, '-o', out],
      ['restore', copy, '-p', PORT, '-y'],
      ['restore', copy, '-p', PORT, '-y', '--no-verify'],
    ]) {
      const before = snapshot(flash);
      const run = await belay(...argv, '-d', dir, '--json');
      expect(run.status, argv.join(' ')).toBe(13);
      expect(jsonLines(run.stderr).at(-1)).toMatchObject({ exitCode: 13 });
      expect(snapshot(flash)).toEqual(before);
    }
    expect(existsSync(out)).toBe(false);
    expect((await belay('list', '-d', dir)).status).toBe(0);
  }, 30_000);

  it('a missing parent is 14, and shows as an orphan', async () => {
    const dir = newFolder();
    const copy = join(dir, 'child.blb');
    copyFileSync(increment.archive as string, copy);
    for (const argv of [
      ['verify'],
      ['verify', copy],
      ['restore', copy, '-p', `virtual:${newFolder()}`, '-y'],
      ['extract', copy, '-o', join(home.path, 'not-made')],
      ['merge', copy],
    ]) {
      const run = await belay(...argv, '-d', dir, '--json');
      expect(run.status, `${argv.join(' ')}: ${run.stderr}`).toBe(14);
    }
    const list = JSON.parse((await belay('list', '-d', dir, '--json')).stdout) as {
      backups: Json[];
    };
    expect(list.backups).toMatchObject([{ state: 'orphan', parentId: full.backupId }]);
  }, 30_000);

  it('a removal refused because of dependants is 1, and removes nothing', async () => {
    const before = snapshot(backups);
    for (const more of [[], ['--yes']]) {
      const run = await belay('remove', full.archive as string, ...more, '--json');
      expect(run.status).toBe(1);
      expect(jsonLines(run.stderr).at(-1)).toMatchObject({ type: 'error', exitCode: 1 });
    }
    expect(snapshot(backups)).toEqual(before);
  });

  it('an empty board after a full one is 1, unless it is allowed', async () => {
    const dir = newFolder();
    const other = newFolder();
    writeFileSync(join(other, 'x'), 'x');
    await belay('-p', `virtual:${other}`, '-d', dir);
    rmSync(join(other, 'x'));
    expect((await belay('-p', `virtual:${other}`, '-d', dir)).status).toBe(1);
    expect((await belay('-p', `virtual:${other}`, '-d', dir, '--allow-empty')).status).toBe(0);
  });

  it('a locked folder is 11 at once, and waited for with --retry-lock', async () => {
    const dir = newFolder();
    const first = last(await belay('-p', PORT, '-d', dir, '--json'));
    const lock = join(first.archive as string, '..', '.belay-lock');
    let second: Promise<RunResult> | null = null;
    const one = await runCommand(['-p', PORT, '-d', dir, '--json'], {
      onOutput: (output) => {
        // The lock is held while the board is read, and given back before the summary.
        if (output.includes('"scanning"')) second ??= belay('-p', PORT, '-d', dir, '--json');
      },
    });
    const two = (await second) as RunResult | null;
    expect(one.status).toBe(0);
    // A quick first run may be through before the second has started.
    expect([0, 11]).toContain(two?.status);
    const patient = await Promise.all(
      [0, 1].map(() => belay('-p', PORT, '-d', dir, '--retry-lock', '20s')),
    );
    expect(patient.map((run) => run.status)).toEqual([0, 0]);
    expect(existsSync(lock)).toBe(false);
  }, 60_000);
});
