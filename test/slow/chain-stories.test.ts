/**
 * A history as its user sees it, through the built command: what is taken and why, how it is shown,
 * folded, thinned out, carried to other places and mended. The boards are folders of this computer.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../cli/run-command.js';
import { runCommand } from '../cli/run-command.js';
import { contentOf, copyOf, fill, flipByteAt, newLab } from '../faults/lab.js';

const lab = newLab();
/** Does not shrink, so that the increments on it never outgrow their full. */
const NOISE = Array.from({ length: 900 }, (_, at) => Math.imul(at + 7, 2_654_435_761) >>> 0).join();
const flash = lab.folder();
const template = lab.folder();
const port = `virtual:${flash}`;
/** Sequence 1 to 5: full, increment, increment, differential, increment on that. */
const ids: string[] = [];
const paths: string[] = [];
const states: Record<string, string>[] = [];

afterAll(() => lab.dispose());

/** As a person types it; nothing that is printed in columns or sentences is wider than a terminal. */
async function say(dir: string, ...argv: string[]): Promise<RunResult> {
  const run = await runCommand([...argv, '-d', dir], {
    cwd: lab.home,
    timeoutMs: 60_000,
    env: { LANG: 'C.UTF-8' },
  });
  for (const line of run.stdout.split('\n')) {
    // A path stands alone where it may be longer than a line.
    if (!line.includes(lab.home)) expect([line, line.length <= 80]).toEqual([line, true]);
  }
  return run;
}

const newBoard = (files: Record<string, string>): string => {
  const folder = lab.folder();
  fill(folder, files);
  return folder;
};

async function take(dir: string, from: string, ...options: string[]) {
  return lab.done(dir, ['backup', '-p', `virtual:${from}`, ...options]);
}

beforeAll(async () => {
  const edits: [string, Record<string, string>][] = [
    ['full', { 'main.py': 'one\n', 'lib/a.py': 'a = 1\n', 'data.txt': NOISE }],
    ['auto', { 'main.py': 'one\ntwo\n' }],
    ['auto', { 'main.py': 'one\ntwo\nthree\n', 'new.txt': 'n' }],
    ['differential', { 'lib/a.py': 'a = 2\n' }],
    ['auto', { 'main.py': 'one\n' }],
  ];
  for (const [type, files] of edits) {
    fill(flash, files);
    if (states.length === 3) rmSync(join(flash, 'new.txt'));
    const summary = await take(template, flash, '--type', type);
    ids.push(summary.backupId as string);
    paths.push((summary.archive as string).slice(template.length + 1));
    states.push(contentOf(flash));
  }
}, 120_000);

const short = (at: number) => (ids[at] as string).slice(0, 8);
const copy = () => copyOf(lab, template);

/** What a fresh board holds after a restore of this backup. */
async function restored(dir: string, backup: string): Promise<Record<string, string>> {
  const fresh = lab.folder();
  await lab.done(dir, ['restore', backup, '-p', `virtual:${fresh}`, '-y', '--no-safety']);
  return contentOf(fresh);
}

describe('what is taken', () => {
  it('is said with the reason: none yet, an increment on which, a full that is due', async () => {
    const dir = lab.folder();
    const board = newBoard({ 'main.py': 'x'.repeat(500) });
    const port = `virtual:${board}`;
    expect((await say(dir, 'backup', '-p', port)).stdout).toContain(
      'full (there is none of this board yet)',
    );
    const first = await lab.done(dir, ['list']);
    const [{ backupId }] = first.backups as [{ backupId: string }];
    fill(board, { 'a.txt': '1' });
    const second = await say(dir, 'backup', '-p', port, '--full-every', '2');
    expect(second.stdout).toContain(`incremental (on ${backupId.slice(0, 8)})`);
    expect(second.stdout).toContain('1 new, 0 changed, 0 deleted, 1 unchanged');
    await take(dir, board, '--full-every', '2');
    const due = await say(dir, 'backup', '-p', port, '--full-every', '2');
    expect(due.stdout).toContain('full (2 backups are built on the last (--full-every 2))');
  });

  it('is nothing with --skip-if-unchanged, for people and machines', async () => {
    const dir = copy();
    const before = contentOf(dir);
    const summary = await take(dir, flash, '--skip-if-unchanged');
    expect(summary).toMatchObject({ backupId: null, archive: null, filesUnchanged: 3 });
    const run = await say(dir, 'backup', '-p', port, '--skip-if-unchanged');
    expect(run.stdout).toMatch(/^Nothing has changed on .*\.\nNo archive was written\.$/m);
    expect(contentOf(dir)).toEqual(before);
  });

  it('of a board that has lost everything is refused without --allow-empty', async () => {
    const dir = lab.folder();
    const board = newBoard({ 'main.py': 'x' });
    await take(dir, board);
    rmSync(join(board, 'main.py'));
    const { hint } = await lab.refused(dir, ['backup', '-p', `virtual:${board}`], 1);
    expect(hint).toContain('--allow-empty');
    expect(await take(dir, board, '--allow-empty')).toMatchObject({ fileCount: 0 });
  });

  it('of another board on the port starts a history of its own, or is 14 with --require-parent', async () => {
    const dir = copy();
    const other = newBoard({ 'main.py': 'other' });
    await lab.refused(dir, ['backup', '-p', `virtual:${other}`, '--require-parent'], 14);
    expect(await take(dir, other)).toMatchObject({ backupType: 'full', parentId: null });
    const back = await take(dir, flash, '--require-parent');
    expect(back).toMatchObject({ backupType: 'incremental', parentId: ids[4] });
  });

  it('with keep rules lets old ones go, and only after it has succeeded', async () => {
    const dir = copy();
    const failed = await lab.belay(dir, ['backup', '-p', '/dev/none', '--keep-last', '1']);
    expect(failed.status).toBe(20);
    await lab.refused(dir, ['backup', '-p', port, '--keep-last', '0'], 2);
    expect(contentOf(dir)).toEqual(contentOf(template));
    const run = await say(dir, 'backup', '-p', port, '--type', 'full', '--keep-last', '1');
    expect(run.stdout).toMatch(/removed +5 old backups/);
    expect(Object.keys(contentOf(dir))).toHaveLength(1);
  });
});

describe('how it is shown', () => {
  it('list draws the tree', async () => {
    const run = await say(copy(), 'list');
    const drawn = run.stdout.split('\n').slice(1, 6);
    const shape = drawn.map((line) => line.replace(/ {2}20\d\d-.*/, '').trimEnd());
    expect(shape).toEqual([
      `  ${short(0)}`,
      `  ├─ ${short(1)}`,
      `  │  └─ ${short(2)}`,
      `  └─ ${short(3)}`,
      `  └─ ${short(4)}`,
    ]);
    expect(run.stdout).toMatch(/^5 backups, /m);
  });

  it('list knows every state but partial by its name', async () => {
    const dir = copy();
    renameSync(join(dir, paths[1] as string), join(dir, 'away'));
    flipByteAt(join(dir, paths[3] as string), 0.2);
    writeFileSync(join(dir, 'junk.blb'), 'junk');
    const { backups } = (await lab.done(dir, ['list'])) as {
      backups: { archive: string; state: string; problem: string | null }[];
    };
    const of = (path: string) => backups.find((row) => row.archive.endsWith(path));
    expect(of(paths[0] as string)?.state).toBe('ok');
    expect(of(paths[2] as string)).toMatchObject({ state: 'orphan' });
    expect(of(paths[2] as string)?.problem).toContain(ids[1]);
    expect(of(paths[3] as string)?.state).toBe('corrupt');
    expect(of('junk.blb')?.state).toBe('corrupt');
    const people = await say(dir, 'list');
    expect(people.status).toBe(0);
    expect(people.stdout).toContain(`its parent ${ids[1]} is missing`);
  });

  it('diff of two, of one and the board, and with lines', async () => {
    const dir = copy();
    const two = await say(dir, 'diff', ids[1] as string, ids[2] as string, '--text');
    expect(two.stdout).toContain('M main.py  8 B -> 14 B');
    expect(two.stdout).toContain('+three');
    expect(two.stdout).toContain('+ new.txt  1 B');
    expect(two.stderr).toContain('1 added, 0 removed, 1 changed.');
    const same = await lab.done(dir, ['diff', 'latest', 'board', '-p', port]);
    expect(same.changes).toEqual([]);
    const older = await lab.done(dir, ['diff', ids[2] as string, 'board', '-p', port]);
    const changes = older.changes as { status: string; path: string }[];
    expect(changes.map(({ status, path }) => `${status} ${path}`)).toEqual([
      'M lib/a.py',
      'M main.py',
      '- new.txt',
    ]);
  });

  it('find gives the versions of a file, also one that came back', async () => {
    const { files } = (await lab.done(copy(), ['find', 'main.py'])) as {
      files: { path: string; versions: { sizeBytes: number }[] }[];
    };
    expect(files[0]?.versions.map((version) => version.sizeBytes)).toEqual([4, 8, 14, 4]);
  });

  it('verify says for one, for a chain and for the folder what still restores', async () => {
    const dir = copy();
    const one = await say(dir, 'verify', ids[2] as string);
    expect([one.status, one.stdout]).toEqual([
      0,
      expect.stringMatching(/3 archives read, .*; 3 of 3 can be restored\.$/m),
    ]);
    flipByteAt(join(dir, paths[1] as string), 0.9);
    const all = await say(dir, 'verify');
    expect(all.status).toBe(13);
    expect(all.stdout).toContain('3 of 5 can be restored.');
    expect(all.stdout).toContain(join(dir, paths[1] as string));
    const fine = await say(dir, 'verify', ids[4] as string);
    expect(fine.status).toBe(0);
    expect((await say(dir, 'verify', ids[2] as string)).status).toBe(14);
    const deep = copy();
    flipByteAt(join(deep, paths[0] as string), 0.6);
    const broken = await say(deep, 'verify', ids[2] as string);
    expect([broken.status, broken.stdout]).toEqual([
      13,
      expect.stringContaining('0 of 3 can be restored.'),
    ]);
  });

  it('verify of a folder that is not there, or of a board without backups, is no good result', async () => {
    const none = await say(join(copy(), 'not-mounted'), 'verify');
    expect([none.status, none.stdout]).toEqual([10, '']);
    expect(none.stderr).toContain('there is no backup in ');
    expect((await say(copy(), 'verify', '--board', 'nobody')).status).toBe(10);
  });

  it('an increment that is named by its path finds what it builds on beside it', async () => {
    const moved = join(copy(), paths[2] as string);
    const empty = lab.folder();
    const out = lab.folder();
    expect((await say(empty, 'extract', moved, '-o', out)).status).toBe(0);
    expect(contentOf(out)).toEqual(states[2]);
    expect((await say(empty, 'verify', moved)).stdout).toContain('3 of 3 can be restored.');
    rmSync(join(dirname(moved), basename(paths[0] as string)));
    expect((await say(empty, 'verify', moved)).status).toBe(14);
  });

  it('verify --against-board tells what differs', async () => {
    const dir = copy();
    expect((await say(dir, 'verify', 'latest', '--against-board', '-p', port)).status).toBe(0);
    const run = await say(dir, 'verify', ids[3] as string, '--against-board', '-p', port);
    expect([run.status, run.stdout]).toEqual([13, expect.stringContaining('M main.py')]);
  });
});

describe('folding and thinning out', () => {
  it('merge says what it made, what goes and what stays for whom; the second time nothing', async () => {
    const dir = copy();
    const dry = await say(dir, 'merge', ids[2] as string, '--replace', '-n');
    expect(dry.stdout).toContain('2 archives would be removed.');
    expect(contentOf(dir)).toEqual(contentOf(template));
    await lab.done(dir, ['merge', ids[2] as string]);
    const run = await say(dir, 'merge', ids[2] as string, '--replace');
    expect(run.stdout).toContain('Merged already');
    expect(run.stdout).toContain(
      `kept     ${basename(paths[0] as string)} (needed by ${short(3)})`,
    );
    expect(run.stdout).toContain('2 archives removed.');
    const again = await lab.done(dir, ['merge', 'latest', '--replace']);
    expect(again.alreadyMerged).toBe(false);
    const { backups } = (await lab.done(dir, ['list'])) as { backups: { backupType: string }[] };
    expect(backups.map((row) => row.backupType)).toEqual(['merged', 'merged']);
    expect(await restored(dir, 'latest')).toEqual(states[4]);
    expect(await take(dir, flash)).toMatchObject({ backupType: 'incremental' });
  });

  it('a child of what was merged away hangs below the new full', async () => {
    const dir = copy();
    await lab.done(dir, ['merge', ids[3] as string, '--replace']);
    const { stdout } = await say(dir, 'list');
    expect(stdout).toMatch(new RegExp(`merged .*\\n  └─ ${short(4)} `));
    expect(await restored(dir, ids[4] as string)).toEqual(states[4]);
  });

  it('prune shows its table before, does the same, and then nothing more', async () => {
    const dir = copy();
    const options = ['prune', '--keep-last', '1'];
    const dry = await say(dir, ...options, '-n');
    expect(dry.stdout).toMatch(new RegExp(`keep +${short(4)} .* last snapshot`));
    expect(dry.stdout).toMatch(new RegExp(`keep +${short(3)} .* needed by ${short(4)}`));
    expect(dry.stdout).toMatch(new RegExp(`remove +${short(2)}`));
    expect(contentOf(dir)).toEqual(contentOf(template));
    const plan = await lab.done(dir, [...options, '-n']);
    const done = await lab.done(dir, options);
    expect(done.removed).toEqual(plan.removed);
    expect((await lab.done(dir, options)).removed).toEqual([]);
    expect(await restored(dir, 'latest')).toEqual(states[4]);
  });

  it.each([
    ['--keep-hourly', 'hourly'],
    ['--keep-daily', 'daily'],
    ['--keep-weekly', 'weekly'],
    ['--keep-monthly', 'monthly'],
    ['--keep-yearly', 'yearly'],
  ])('%s is a rule of its own', async (option, word) => {
    const { rows } = (await lab.done(copy(), ['prune', option, '1', '-n'])) as {
      rows: { reasons: string[] }[];
    };
    expect(rows[0]?.reasons).toContain(`${word} snapshot`);
  });

  it('--keep-within keeps what is younger; a pin holds; --merge-expired folds the rest', async () => {
    const dir = copy();
    const within = (await lab.done(dir, ['prune', '--keep-within', '1h', '-n'])) as {
      removed: string[];
    };
    expect(within.removed).toEqual([]);
    await lab.done(dir, ['pin', ids[1] as string]);
    const options = ['prune', '--keep-last', '1', '--merge-expired'];
    const dry = await say(dir, ...options, '-n');
    expect(dry.stdout).toMatch(new RegExp(`merge +${short(4)}`));
    const done = await say(dir, ...options);
    expect(done.stdout).toMatch(/\d backups removed/);
    const { backups } = (await lab.done(dir, ['list'])) as { backups: { pinned: boolean }[] };
    expect(backups.some((row) => row.pinned)).toBe(true);
    expect(await restored(dir, 'latest')).toEqual(states[4]);
    await lab.done(dir, ['verify']);
  });

  it('remove names dependants, and takes them along with --cascade', async () => {
    const dir = copy();
    const refusal = await lab.refused(dir, ['remove', ids[1] as string], 1);
    expect(refusal.message).toContain(short(2));
    const run = await say(dir, 'remove', ids[1] as string, '--cascade');
    expect(run.stdout).toContain(`${basename(paths[2] as string)}  (built on it)`);
    expect(run.stdout).toContain('2 backups removed');
    expect(await restored(dir, 'latest')).toEqual(states[4]);
  });
});

describe('to and from other places', () => {
  it.each(['tgz', 'zip', 'blb', 'folder'])('%s there and back again', async (format) => {
    const out = join(lab.folder(), format === 'folder' ? 'project' : `board.${format}`);
    await lab.done(copy(), ['export', ids[4] as string, '--output', out]);
    const dir = lab.folder();
    await lab.done(dir, ['import', out, '--board', 'thermometer']);
    expect(await restored(dir, 'latest')).toEqual(states[4]);
  });

  it('no folder is made where another kind of archive was meant', async () => {
    const out = join(lab.folder(), 'board.rar');
    const { message } = await lab.refused(template, ['export', 'latest', '--output', out], 2);
    expect(message).toContain('.rar');
  });

  it('a project folder goes onto two fresh boards at once', async () => {
    const project = newBoard({ 'main.py': 'print(1)\n', 'lib/x.py': 'x = 1\n' });
    mkdirSync(join(project, 'empty'));
    const dir = lab.folder();
    await lab.done(dir, ['import', project, '--description', 'for all']);
    const [one, two] = [lab.folder(), lab.folder()];
    const ports = ['-p', `virtual:${one}`, '-p', `virtual:${two}`];
    const run = await say(dir, 'restore', 'latest', ...ports, '-y');
    expect([run.status, run.stdout]).toEqual([0, expect.stringContaining('2 of 2 boards done.')]);
    for (const board of [one, two]) {
      expect(contentOf(board)).toEqual(contentOf(project));
      expect(readdirSync(board)).toContain('empty');
    }
  });
});

describe('mending', () => {
  it('repair says the same before as after, and quarantines instead of deleting', async () => {
    const dir = copy();
    flipByteAt(join(dir, paths[1] as string), 0.2);
    const boardFolder = dirname(join(dir, paths[0] as string));
    // Process numbers end at 2^22 on Linux: this one never was.
    writeFileSync(join(boardFolder, '.belay-4194399-0123456789abcdef.tmp'), 'half');
    const bytes = readFileSync(join(dir, paths[1] as string));
    const dry = await lab.done(dir, ['repair', '-n']);
    const done = await lab.done(dir, ['repair']);
    for (const result of [dry, done]) {
      expect(result).toMatchObject({ healthy: 3, swept: [expect.stringContaining('.tmp')] });
      expect(result.quarantined).toHaveLength(1);
    }
    const [{ to }] = done.quarantined as [{ to: string }];
    expect(readFileSync(to).equals(bytes)).toBe(true);
    const people = await say(dir, 'repair');
    expect(people.stdout).toContain('3 healthy backups, 0 quarantined, 1 orphan, 0 leftovers');
    expect(await restored(dir, 'latest')).toEqual(states[4]);
  });

  it('a lock says who holds it and where; readers pass; --retry-lock waits for it', async () => {
    const dir = copy();
    const boardFolder = dirname(join(dir, paths[0] as string));
    const holder = spawn('sleep', ['60']);
    try {
      const lock = lockOf(holder.pid as number);
      writeFileSync(join(boardFolder, '.belay-lock'), lock);
      for (const argv of [
        ['merge', 'latest', '--replace'],
        ['backup', '-p', port],
        ['remove', 'latest'],
      ]) {
        const refusal = await lab.refused(dir, argv, 11);
        expect(refusal.message).toContain(boardFolder);
        expect(refusal.message).toContain(`process ${holder.pid} on `);
        expect(refusal.hint).toContain('--retry-lock');
      }
      await lab.done(dir, ['list']);
      const seen = await lab.done(dir, ['unlock', '-n']);
      expect(seen).toMatchObject({ removed: false, holder: { pid: holder.pid, state: 'alive' } });
      const waiting = lab.done(dir, ['backup', '-p', port, '--retry-lock', '30s']);
      rmSync(join(boardFolder, '.belay-lock'));
      expect(await waiting).toMatchObject({ parentId: ids[4] });
    } finally {
      holder.kill();
    }
  });
});

/** As a run of that process would have written it. */
function lockOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const host = hostname();
  const record = { token: 'ab'.repeat(16), host, bootId, pid, startTime, purpose: 'backup' };
  const more = { since: '2026-11-20T10:00:00.000Z', counter: '0000000000' };
  return `${JSON.stringify({ ...record, ...more })}\n`;
}
