/**
 * faults.md G to J through the built command: signals, disks that fail, locks, clocks. The disk
 * fails below the command, in node:fs; GNU tar reads what is left.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VirtualBoard } from '../../dist/testing/index.js';
import { MAIN } from '../cli/run-command.js';
import { ptyProblem } from '../support/pty.js';
import { everythingBelow, folderByHand } from '../support/stock-reader.js';
import { contentOf, copyOf, failingDisk, fill, newLab, PRELOAD } from './lab.js';

const lab = newLab();
const template = lab.folder();
const flash = lab.folder();
const port = `virtual:${flash}`;
const noPty = ptyProblem();
if (noPty !== null) console.log(`skipped, jobs on one port: ${noPty}`);
let boardFolder: string;

beforeAll(async () => {
  fill(flash, { 'main.py': 'one\n', 'data.bin': 'd'.repeat(5_000) });
  const summary = await lab.done(template, ['backup', '-p', port]);
  boardFolder = dirname(summary.archive as string).slice(template.length + 1);
}, 60_000);

afterAll(() => lab.dispose());

const copy = () => copyOf(lab, template);
const backup = ['backup', '-p', port, '--type', 'full'];

async function stepsOf(argv: readonly string[]): Promise<readonly string[]> {
  const dir = copy();
  const trace = `${dir}.trace`;
  const env = { NODE_OPTIONS: `--import=${PRELOAD}`, DISK_UNDER: dir, DISK_TRACE: trace };
  await lab.done(dir, argv, { env });
  return readFileSync(trace, 'utf8').trim().split('\n');
}

/** Where each kind of operation comes first and where last, counted from 1. */
function edgesOf(steps: readonly string[]): readonly number[] {
  const kinds = steps.map((step) => step.slice(0, step.indexOf(' ')));
  const edges = kinds.flatMap((kind) => [kinds.indexOf(kind), kinds.lastIndexOf(kind)]);
  return [...new Set(edges)].sort((a, b) => a - b).map((index) => index + 1);
}

describe('a disk that fails', () => {
  // Every single operation: archive/blb-file.test.ts and slow/every-operation.test.ts.
  it('H1 H2 is full at any kind of operation of a backup: 15, old archives whole, nothing left', {
    timeout: 180_000,
  }, async () => {
    const steps = await stepsOf(backup);
    let points = 0;
    let refused = 0;
    for (const at of edgesOf(steps)) {
      // Taking a name away frees space: it does not fail for want of it.
      if (steps[at - 1]?.startsWith('unlink')) continue;
      const dir = copy();
      const before = contentOf(dir);
      const run = await lab.belay(dir, backup, { env: failingDisk(dir, at, 'ENOSPC') });
      const what = `${at} ${steps[at - 1]}`;
      const { leftovers } = folderByHand(dir);
      for (const [path, hash] of Object.entries(before))
        expect([path, contentOf(dir)[path]]).toEqual([path, hash]);
      expect([what, leftovers]).toEqual([what, []]);
      expect([what, run.status]).toEqual([what, expect.toBeOneOf([15, 0])]);
      if (run.status === 15) {
        refused += 1;
        expect(run.stderr).toContain(dir);
        expect(run.stderr).toMatch(/"hint":"[^"]+/);
        expect(Object.keys(contentOf(dir))).toEqual(Object.keys(before));
      }
      points += 1;
    }
    console.log(`${points} of ${steps.length} operations of a backup met a full disk`);
    // A temporary name that cannot be taken away at the end is all that may go unnoticed.
    expect([points, refused]).toEqual([points, expect.toSatisfy((n: number) => n >= points - 3)]);
    expect(points).toBeGreaterThan(6);
  });

  it.each([
    ['H3', 'EACCES', 1],
    ['H3', 'EROFS', 1],
    ['H2', 'EDQUOT', 15],
    ['H4', 'EIO', 1],
    ['H4', 'EMFILE', 1],
    ['H4', 'EBUSY', 1],
  ])(
    '%s answers %s: the code, the folder named, reading still works',
    async (_name, code, status) => {
      const dir = copy();
      const before = contentOf(dir);
      const error = await lab.refused(dir, backup, status, { env: failingDisk(dir, 7, code) });
      expect(error.message).toContain(dir);
      expect(contentOf(dir)).toEqual(before);
      await lab.done(dir, ['list']);
    },
  );

  it('H3 that cannot be written is named; list, files, extract and restore need no lock and work', async () => {
    const dir = copy();
    const everything = (code: string) => ({
      env: { NODE_OPTIONS: `--import=${PRELOAD}`, DISK_UNDER: dir, DISK_AT: '1', DISK_DO: code },
    });
    const error = await lab.refused(dir, backup, 1, everything('EROFS'));
    expect(error.message).toContain(dir);
    await lab.done(dir, ['list'], everything('EROFS'));
    await lab.done(dir, ['files', 'latest', '-p', port], everything('EROFS'));
    await lab.done(dir, ['verify'], everything('EROFS'));
    const fresh = lab.folder();
    const argv = [
      'restore',
      'latest',
      '-p',
      `virtual:${fresh}`,
      '--board',
      await idOf(dir),
      '-y',
      '--no-safety',
    ];
    await lab.done(dir, argv, everything('EROFS'));
    expect(contentOf(fresh)).toEqual(contentOf(flash));
  });

  it('H5 says that it failed although it did not: the next run is not led astray', {
    timeout: 120_000,
  }, async () => {
    const steps = await stepsOf(backup);
    const named = steps.findIndex((step) => /^(link|rename) .*\.blb$/.test(step)) + 1;
    const dir = copy();
    const error = await lab.refused(dir, backup, 1, {
      env: failingDisk(dir, named, 'after-EIO'),
    });
    expect(error.code).toBe('store/io');
    const between = folderByHand(dir);
    expect(between.leftovers).toEqual([]);
    const summary = await lab.done(dir, backup);
    const { archives, leftovers } = folderByHand(dir);
    expect([archives.size, leftovers]).toEqual([between.archives.size + 1, []]);
    const newest = archives.get(summary.archive as string)?.sequence as number;
    for (const each of between.archives.values()) expect(each.sequence).toBeLessThan(newest);
  });

  it('H6 is never crossed: the temporary names lie in the folder of the archive', async () => {
    const steps = await stepsOf(backup);
    const folders = new Set(
      steps
        .filter((step) => /^(open|link|rename) /.test(step))
        .map((step) => dirname(step.slice(step.indexOf('/')))),
    );
    expect(folders.size).toBe(1);
    const dir = copy();
    const named = steps.findIndex((step) => /^(link|rename) .*\.blb$/.test(step)) + 1;
    // Where no link can be made, a rename does.
    await lab.done(dir, backup, { env: failingDisk(dir, named, 'EXDEV') });
    expect(folderByHand(dir)).toMatchObject({ leftovers: [], archives: { size: 2 } });
    const { DISK_ONCE: _once, ...always } = failingDisk(dir, named, 'EXDEV');
    const before = contentOf(dir);
    const error = await lab.refused(dir, backup, 1, { env: always });
    expect(error.message).toContain('EXDEV');
    expect(Object.keys(contentOf(dir)).filter((path) => path.endsWith('.blb'))).toEqual(
      Object.keys(before).filter((path) => path.endsWith('.blb')),
    );
  });
});

async function idOf(dir: string): Promise<string> {
  const { backups } = await lab.done(dir, ['list']);
  return (backups as { board: { uniqueId: string } }[])[0]?.board.uniqueId as string;
}

describe('what dead processes left', () => {
  it('G8 is swept by the next run that writes, but nothing of a process that lives', async () => {
    const dir = copy();
    const [dead, alive] = [
      '.belay-4194399-00112233.tmp',
      `.belay-${process.pid}-0011223344556677.tmp`,
    ];
    fill(join(dir, boardFolder), {
      [dead]: 'half',
      '.belay-4194399-0011223344556677.tmp': 'half',
      [alive]: 'half',
    });
    await lab.done(dir, backup);
    const left = readdirSync(join(dir, boardFolder)).filter((name) => name.endsWith('.tmp'));
    expect(left).toContain(alive);
    expect(left).not.toContain('.belay-4194399-0011223344556677.tmp');
  });
});

const bootId = existsSync('/proc/sys/kernel/random/boot_id')
  ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  : null;

function putLock(dir: string, record: Record<string, unknown> | string): string {
  const path = join(dir, boardFolder, '.belay-lock');
  const whole = {
    token: 'f'.repeat(32),
    host: hostname(),
    bootId,
    pid: 4_194_399,
    startTime: '1',
    purpose: 'backup',
    since: '2026-11-20T10:00:00.000Z',
    counter: '0000000000',
  };
  writeFileSync(
    path,
    typeof record === 'string' ? record : `${JSON.stringify({ ...whole, ...record })}\n`,
  );
  return path;
}

describe('a lock that is there already', () => {
  it('I4 of a dead process of this computer is taken over without a question', async () => {
    const dir = copy();
    const lock = putLock(dir, {});
    await lab.done(dir, backup);
    expect(existsSync(lock)).toBe(false);
  });

  it('I4 of a number that another process has now is taken over', async () => {
    const dir = copy();
    const lock = putLock(dir, { pid: process.pid, startTime: '1' });
    await lab.done(dir, backup);
    expect(existsSync(lock)).toBe(false);
  });

  it('I4 of zero length is ignored after a moment', async () => {
    const dir = copy();
    const lock = putLock(dir, '');
    await lab.done(dir, [...backup, '--retry-lock', '10s']);
    expect(existsSync(lock)).toBe(false);
  });

  it.each([
    ['of another computer', { host: 'elsewhere' }, /elsewhere/],
    ['that nobody can read', 'no lock at all', /\.belay-lock|locked/],
    ['from the future', { host: 'elsewhere', since: '2127-01-01T00:00:00.000Z' }, /future/],
  ])('I4 %s is kept: 11, and unlock is named', async (_name, record, says) => {
    const dir = copy();
    const lock = putLock(dir, record);
    const before = contentOf(dir);
    const error = await lab.refused(dir, backup, 11);
    expect(error.message).toMatch(says);
    expect(error.hint).toContain('unlock');
    expect(contentOf(dir)).toEqual(before);
    await lab.done(dir, ['list']);
    const unlocked = await lab.belay(dir, ['unlock', '--yes']);
    expect(unlocked.status).toBe(0);
    expect(existsSync(lock)).toBe(false);
    await lab.done(dir, backup);
  });

  it('I3 of a merge that runs makes a backup wait, or end with 11', async () => {
    const dir = copy();
    const held = putLock(dir, {
      pid: process.pid,
      startTime: startTimeOf(process.pid),
      purpose: 'merge',
    });
    const error = await lab.refused(dir, backup, 11);
    expect(error.message).toContain('merge');
    expect(error.message).toContain(String(process.pid));
    const waiting = lab.belay(dir, [...backup, '--retry-lock', '20s']);
    setTimeout(() => existsSync(held) && unlinkSync(held), 1_500);
    expect((await waiting).status).toBe(0);
  });

  it('I3 a merge and a prune wait for a backup likewise', async () => {
    const dir = copy();
    putLock(dir, { pid: process.pid, startTime: startTimeOf(process.pid), purpose: 'backup' });
    for (const argv of [
      ['merge', 'latest', '--replace'],
      ['prune', '--keep-last', '1'],
      ['remove', 'latest', '--cascade', '-y'],
    ])
      await lab.refused(dir, argv, 11);
    folderByHandWithLock(dir);
  });
});

function folderByHandWithLock(dir: string): void {
  const { leftovers } = folderByHand(dir);
  expect(leftovers.map((path) => path.slice(dir.length + 1))).toEqual([
    `${boardFolder}/.belay-lock`,
  ]);
}

function startTimeOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] as string;
}

describe('two at once', () => {
  it.skipIf(noPty !== null)(
    'I1 on one port: the second ends with 11',
    { timeout: 60_000 },
    async () => {
      const board = await VirtualBoard.start({
        files: { 'a.bin': new Uint8Array(60_000) },
        bytesPerSecond: 11_520,
        overrun: 'hold',
      });
      try {
        const { path } = await board.pty();
        const dir = lab.folder();
        let second: Promise<unknown> | null = null;
        let status: number | null = null;
        let message = '';
        const first = await lab.belay(dir, ['backup', '-p', path, '--no-compress'], {
          onOutput: (output) => {
            if (second !== null || !output.includes('"operation":"reading"')) return;
            second = lab.belay(lab.folder(), ['backup', '-p', path]).then((run) => {
              status = run.status;
              message = run.stderr;
            });
          },
        });
        await second;
        expect([first.status, status]).toEqual([0, 11]);
        expect(message).toMatch(/"code":"port\/locked".*\b\d+\b/);
        expect(folderByHand(dir).archives.size).toBe(1);
      } finally {
        await board.stop();
      }
    },
  );

  it('I2 on two boards into one folder: both succeed', async () => {
    const dir = lab.folder();
    const other = lab.folder();
    fill(other, { 'main.py': 'other\n' });
    await Promise.all([
      lab.done(dir, ['backup', '-p', port]),
      lab.done(dir, ['backup', '-p', `virtual:${other}`]),
    ]);
    const { archives, leftovers } = folderByHand(dir);
    expect([archives.size, leftovers]).toEqual([2, []]);
  });
});

describe('time', () => {
  it('J1 a clock that went back an hour: the new archive still sorts last, and it is warned of', async () => {
    const dir = copy();
    const shift = join(lab.home, 'earlier.cjs');
    writeFileSync(
      shift,
      `const Real = Date; const by = 3_600_000;
       globalThis.Date = class extends Real {
         constructor(...args) { if (args.length === 0) super(Real.now() - by); else super(...args); }
         static now() { return Real.now() - by; }
       };`,
    );
    const run = await lab.belay(dir, ['backup', '-p', port], {
      env: { NODE_OPTIONS: `--require=${shift}` },
    });
    expect(run.status).toBe(0);
    const summary = JSON.parse(run.stdout.trim().split('\n').at(-1) as string);
    const { backups } = await lab.done(dir, ['list']);
    expect((backups as { backupId: string }[]).at(-1)?.backupId).toBe(summary.backupId);
    expect(run.stdout).toMatch(/"type":"warning".*clock/);
  });

  it('G7 J4 a lock that was taken over during a standstill: nothing more is written', {
    timeout: 60_000,
  }, async () => {
    const dir = copy();
    const before = contentOf(dir);
    // The lock changes hands between its making and the first archive byte.
    const steal = join(lab.home, 'steal.mjs');
    writeFileSync(
      steal,
      `import { writeFileSync, readFileSync } from 'node:fs';
       import { installDiskSteps } from ${JSON.stringify(new URL('../support/disk-steps.mjs', import.meta.url).href)};
       import { isMainThread } from 'node:worker_threads';
       const lock = ${JSON.stringify(join(dir, boardFolder, '.belay-lock'))};
       let done = false;
       if (isMainThread) await installDiskSteps({ under: ${JSON.stringify(dir)}, before: (step) => {
         if (done || step.name !== 'handle.sync') return;
         done = true;
         const record = JSON.parse(readFileSync(lock, 'utf8'));
         writeFileSync(lock, JSON.stringify({ ...record, token: 'e'.repeat(32), host: 'elsewhere' }) + '\\n');
       } });`,
    );
    const error = await lab.refused(dir, backup, 11, {
      env: { NODE_OPTIONS: `--import=${steal}` },
    });
    expect(error.code).toBe('store/lock-lost');
    unlinkSync(join(dir, boardFolder, '.belay-lock'));
    expect(contentOf(dir)).toEqual(before);
  });
});

describe('a host that hurts', () => {
  it('a closed pipe ends the run without a stack', async () => {
    const dir = copy();
    const out = execFileSync(
      'sh',
      ['-c', `node ${MAIN} list -d ${dir} | true; node ${MAIN} files latest -d ${dir} | head -1`],
      { encoding: 'utf8' },
    );
    expect(out).not.toMatch(/ at .*\.js/);
  });

  it('G2 SIGTERM while it waits for a lock: 130 within two seconds', async () => {
    const dir = copy();
    putLock(dir, { pid: process.pid, startTime: startTimeOf(process.pid) });
    const child = spawn(process.execPath, [MAIN, ...backup, '-d', dir, '--retry-lock', '30s'], {
      stdio: 'pipe',
    });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const sentMs = performance.now();
    child.kill('SIGTERM');
    const status = await new Promise((resolve) => child.on('exit', resolve));
    expect([status, performance.now() - sentMs < 2_000]).toEqual([130, true]);
  });

  it('times of archives on the disk do not matter', async () => {
    const dir = copy();
    for (const path of everythingBelow(dir)) utimesSync(path, 0, 0);
    await lab.done(dir, ['verify']);
    expect(statSync(join(dir, boardFolder)).isDirectory()).toBe(true);
    mkdirSync(join(dir, 'empty'));
    await lab.done(dir, ['list']);
  });
});
