/**
 * faults.md E and F through the built command: chains with a link missing, damaged or exchanged,
 * and everything that removes. The boards are folders; GNU tar reads what is left.
 */
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../cli/run-command.js';
import { takeApart } from '../support/archive-forging.js';
import { archiveOf, bytesOf, newFile } from '../support/archive-making.js';
import { everythingBelow, folderByHand } from '../support/stock-reader.js';
import { contentOf, copyOf, failingDisk, fill, flipByteAt, newLab, PRELOAD } from './lab.js';

const lab = newLab();
const template = lab.folder();
const flash = lab.folder();
const port = `virtual:${flash}`;

/** full <- second <- third; full <- differential. */
type Name = 'full' | 'second' | 'third' | 'differential';
const ids = {} as Record<Name, string>;
const files = {} as Record<Name, string>;
const states = {} as Record<Name, Record<string, string>>;

async function take(name: Name, type: string, change: Record<string, string>): Promise<void> {
  fill(flash, change);
  const options = ['--type', type, '--description', name];
  const summary = await lab.done(template, ['backup', '-p', port, ...options]);
  ids[name] = summary.backupId as string;
  files[name] = (summary.archive as string).slice(template.length + 1);
  states[name] = contentOf(flash);
}

beforeAll(async () => {
  await take('full', 'full', {
    'main.py': 'one\n',
    'lib/a.py': 'a = 1\n',
    'data.bin': 'd'.repeat(5_000),
  });
  await take('second', 'incremental', { 'main.py': 'two\n' });
  await take('third', 'incremental', { 'new.txt': 'new\n', 'lib/a.py': 'a = 2\n' });
  await take('differential', 'differential', { 'main.py': 'four\n' });
}, 90_000);

afterAll(() => lab.dispose());

const copy = () => copyOf(lab, template);

async function statesIn(dir: string): Promise<Record<string, string>> {
  const { backups } = await lab.done(dir, ['list']);
  return Object.fromEntries(
    (backups as { backupId: string; state: string }[]).map((row) => [
      Object.entries(ids).find(([, id]) => id === row.backupId)?.[0] ?? row.backupId,
      row.state,
    ]),
  );
}

/** Restores onto a fresh board and gives what it then holds. */
async function restored(
  dir: string,
  id: string,
  ...options: string[]
): Promise<Record<string, string>> {
  const fresh = lab.folder();
  await lab.done(dir, ['restore', id, '-p', `virtual:${fresh}`, '-y', '--no-safety', ...options]);
  return contentOf(fresh);
}

async function restoreRefused(dir: string, id: string, exitCode: number) {
  const fresh = lab.folder();
  const error = await lab.refused(dir, ['restore', id, '-p', `virtual:${fresh}`, '-y'], exitCode);
  expect(contentOf(fresh)).toEqual({});
  return error;
}

const drop = (dir: string, name: Name) => unlinkSync(join(dir, files[name]));

describe('a chain', () => {
  it('gives every state back', async () => {
    for (const name of ['third', 'differential'] as const)
      expect(await restored(template, ids[name])).toEqual(states[name]);
  });

  it('E1 without its parent is an orphan that names the missing id; --keep-going gives what there is', async () => {
    const dir = copy();
    drop(dir, 'full');
    drop(dir, 'third');
    drop(dir, 'differential');
    expect(await statesIn(dir)).toEqual({ second: 'orphan' });
    const error = await restoreRefused(dir, ids.second, 14);
    expect(error.message + error.hint).toContain(ids.full.slice(0, 8));
    const fresh = lab.folder();
    const argv = ['restore', ids.second, '-p', `virtual:${fresh}`, '-y', '--keep-going'];
    const run = await lab.belay(dir, argv);
    expect(run.status).toBe(3);
    expect(contentOf(fresh)).toEqual({ 'main.py': states.second['main.py'] });
  });

  it('E2 without its middle keeps its beginning', async () => {
    const dir = copy();
    drop(dir, 'second');
    expect(await statesIn(dir)).toEqual({ full: 'ok', third: 'orphan', differential: 'ok' });
    expect(await restored(dir, ids.full)).toEqual(states.full);
    expect(await restored(dir, ids.differential)).toEqual(states.differential);
    await restoreRefused(dir, ids.third, 14);
  });

  it('E3 with a damaged parent has orphans until the parent is back', async () => {
    const dir = copy();
    const path = join(dir, files.full);
    const whole = readFileSync(path);
    flipByteAt(path, 0.1);
    expect(await statesIn(dir)).toMatchObject({
      second: 'orphan',
      third: 'orphan',
      differential: 'orphan',
    });
    const error = await lab.refused(dir, ['verify'], 13);
    expect(error.message).toContain(path);
    await restoreRefused(dir, ids.third, 14);
    writeFileSync(path, whole);
    expect(await statesIn(dir)).toEqual({
      full: 'ok',
      second: 'ok',
      third: 'ok',
      differential: 'ok',
    });
    expect(await restored(dir, ids.third)).toEqual(states.third);
  });

  it('E3 damage that only a full pass sees: verify names it and who needs it, nothing is written', async () => {
    const dir = copy();
    flipByteAt(join(dir, files.full), 0.75);
    const run = await lab.belay(dir, ['verify']);
    expect(run.status).toBe(13);
    const { archives } = JSON.parse(run.stdout) as {
      archives: { archive: string; restorable: boolean }[];
    };
    expect(archives.filter((each) => each.restorable)).toEqual([]);
    expect(archives).toHaveLength(4);
    await restoreRefused(dir, ids.third, 13);
  });

  it('E4 with a parent made again under the same id refuses it', async () => {
    const dir = copy();
    writeFileSync(
      join(dir, files.full),
      await archiveOf({ 'x.py': 'x\n' }, { backupId: ids.full }),
    );
    const error = await restoreRefused(dir, ids.second, 14);
    expect(error.code).toMatch(/^chain\//);
  });

  it('E5 with a circle or an own parent in it ends, with 14', async () => {
    const dir = lab.folder();
    const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [string, string, string];
    const child = (backupId: string, parentId: string) =>
      archiveOf(
        { 'x.py': backupId },
        {
          backupId,
          backupType: 'incremental',
          sequence: 2,
          parent: { backupId: parentId, stateHash: '0'.repeat(64) },
        },
      );
    fill(dir, {
      'a.blb': await child(a, b),
      'b.blb': await child(b, a),
      'c.blb': await child(c, a),
    });
    for (const id of [a, b, c]) await restoreRefused(dir, id, 14);
    await lab.refused(dir, ['verify'], 14);
  });

  it('E6 E13 M10 never goes on from another board: a new history with a warning, or 14 when a parent is required', async () => {
    const dir = copy();
    const other = lab.folder();
    fill(other, { 'main.py': 'other\n' });
    const argv = ['backup', '-p', `virtual:${other}`, '--type', 'incremental'];
    const error = await lab.refused(dir, [...argv, '--require-parent'], 14);
    expect(error.code).toMatch(/^chain\//);
    const summary = await lab.done(dir, argv);
    expect(summary).toMatchObject({ backupType: 'full', parentId: null });
    expect(dirname(summary.archive as string)).not.toBe(join(dir, dirname(files.full)));
  });

  it('E8 may fork: a merge of one arm leaves the other arm usable', async () => {
    const dir = copy();
    await lab.done(dir, ['merge', ids.third, '--replace']);
    folderByHand(dir);
    expect(await restored(dir, ids.differential)).toEqual(states.differential);
    expect(await restored(dir, 'latest', '--board', uniqueId)).toEqual(states.differential);
  });

  it('E9 whose increment refers to content that is nowhere is 14 with the file, and nothing is written', async () => {
    const dir = lab.folder();
    const [fullId, tipId] = ['1'.repeat(32), '2'.repeat(32)];
    const full = await archiveOf({ 'a.py': 'here\n' }, { backupId: fullId });
    const { manifest } = await takeApart(full);
    const fields = {
      backupId: tipId,
      backupType: 'incremental',
      sequence: 2,
      parent: { backupId: fullId, stateHash: manifest.stateHash },
    } as const;
    const tip = await archiveOf({}, fields, {
      compress: true,
      fill: async (writer) => {
        writer.addReference(newFile('a.py', bytesOf('here\n')), fullId);
        writer.addReference(newFile('b.py', bytesOf('nowhere\n')), fullId);
      },
    });
    fill(dir, { 'full.blb': full, 'tip.blb': tip });
    const verify = await lab.refused(dir, ['verify'], 14);
    expect([verify.code, verify.message]).toEqual([
      'chain/missing-content',
      expect.stringContaining('b.py'),
    ]);
    const error = await restoreRefused(dir, tipId, 14);
    expect(error.message).toContain('b.py');
    expect(await restored(dir, fullId)).toHaveProperty(['a.py']);
  });

  it('E12 F11 whose full was replaced by a merged one keeps working, byte for byte', async () => {
    const dir = copy();
    await lab.done(dir, ['merge', ids.second, '--replace']);
    folderByHand(dir);
    for (const name of ['third', 'differential'] as const)
      expect(await restored(dir, ids[name])).toEqual(states[name]);
  });

  it('E13 asked for where there is none becomes a full and says so', async () => {
    const dir = lab.folder();
    const argv = ['backup', '-p', port, '--type', 'incremental', '-d', dir];
    const run = await runCommand(argv, { timeoutMs: 60_000 });
    expect(run.status).toBe(0);
    expect(run.stderr).toContain('taking a full backup: there is none of this board yet');
    expect([...folderByHand(dir).archives.values()].map((each) => each.backupType)).toEqual([
      'full',
    ]);
  });

  it('E14 whose tip is damaged is not gone on from: the last sound archive is', async () => {
    const dir = copy();
    drop(dir, 'differential');
    flipByteAt(join(dir, files.third), 0.6);
    const run = await lab.belay(dir, ['backup', '-p', port]);
    expect(run.status).toBe(0);
    const summary = JSON.parse(run.stdout.trim().split('\n').at(-1) as string);
    expect(summary.parentId).toBe(ids.second);
    expect(run.stdout).toContain('"type":"warning"');
    unlinkSync(join(dir, files.third));
    folderByHand(dir);
    expect(await restored(dir, summary.backupId)).toEqual(contentOf(flash));
  });

  it('D5 of a thousand increments is resolved, verified and restored in bounded time', {
    timeout: 120_000,
  }, async () => {
    const dir = lab.folder();
    const { thousandIncrements } = await import('./long-chain.js');
    const tip = await thousandIncrements(dir, 1_000);
    const startedMs = performance.now();
    expect(Object.keys(await restored(dir, tip.backupId))).toHaveLength(tip.fileCount);
    const tookMs = performance.now() - startedMs;
    console.log(`a chain of 1,000 increments is restored in ${(tookMs / 1000).toFixed(1)} s`);
    expect(tookMs).toBeLessThan(60_000);
  });
});

let uniqueId = '';
beforeAll(async () => {
  const { backups } = await lab.done(template, ['list']);
  uniqueId = (backups as { board: { uniqueId: string } }[])[0]?.board.uniqueId ?? '';
});

describe('removing', () => {
  it('F1 by no policy, or by one of zeros, is a usage error and removes nothing', async () => {
    const dir = copy();
    const before = contentOf(dir);
    for (const argv of [['prune'], ['prune', '--keep-last', '0', '--keep-daily', '0']]) {
      const error = await lab.refused(dir, argv, 2);
      expect(error.message).toMatch(/policy/);
    }
    expect(contentOf(dir)).toEqual(before);
  });

  // No option can ask for it: what would keep nothing at all is no policy.
  it('F2 everything of a board is refused', async () => {
    const dir = copy();
    const before = contentOf(dir);
    const error = await lab.refused(dir, ['prune', '--keep-within', '0d'], 2);
    expect(error.code).toBe('usage/no-policy');
    expect(contentOf(dir)).toEqual(before);
  });

  it('F3 a full with dependants is refused with their names; a dry run of the cascade lists the same', async () => {
    const dir = copy();
    const before = contentOf(dir);
    const error = await lab.refused(dir, ['remove', ids.full], 1);
    expect(error.hint).toContain('--cascade');
    for (const name of ['second', 'third', 'differential'] as const)
      expect(error.message).toContain(ids[name].slice(0, 8));
    const plan = await lab.done(dir, ['remove', ids.full, '--cascade', '--yes', '--dry-run']);
    expect(contentOf(dir)).toEqual(before);
    const done = await lab.done(dir, ['remove', ids.full, '--cascade', '--yes']);
    expect(done.removed).toEqual(plan.removed);
    expect(Object.keys(contentOf(dir))).toEqual([]);
  });

  it('F4 the only full of a board is refused without --cascade --yes', async () => {
    const dir = copy();
    for (const name of ['second', 'third', 'differential'] as const) drop(dir, name);
    for (const options of [[], ['--yes'], ['--cascade']]) {
      const error = await lab.refused(dir, ['remove', ids.full, ...options], 1);
      expect(error.message).toContain('last complete backup');
      expect(Object.keys(contentOf(dir))).toEqual([files.full]);
    }
    await lab.done(dir, ['remove', ids.full, '--cascade', '--yes']);
    expect(contentOf(dir)).toEqual({});
  });

  it('F5 F15 by a policy keeps what a kept increment needs, and finds nothing the second time', async () => {
    const dir = copy();
    drop(dir, 'differential');
    const first = await lab.done(dir, ['prune', '--keep-last', '1']);
    expect(first.removed).toEqual([]);
    expect(JSON.stringify(first.rows)).toMatch(/needed by/);
    const again = await lab.done(dir, ['prune', '--keep-last', '1']);
    expect(again.removed).toEqual([]);
    expect(await restored(dir, ids.third)).toEqual(states.third);
  });

  it('F6 of a cascade that is killed behind each deletion leaves no orphan', {
    timeout: 120_000,
  }, async () => {
    const trace = join(lab.home, 'cascade-trace');
    const dir = copy();
    const argv = ['remove', ids.second, '--cascade', '--yes'];
    const env = (folder: string, more: Record<string, string>) => ({
      env: { NODE_OPTIONS: `--import=${PRELOAD}`, DISK_UNDER: folder, ...more },
    });
    await lab.done(dir, argv, env(dir, { DISK_TRACE: trace }));
    const steps = readFileSync(trace, 'utf8').trim().split('\n');
    for (const [at, step] of steps.entries()) {
      if (!/^unlink .*\.blb$/.test(step)) continue;
      const killed = copy();
      const run = await lab.belay(
        killed,
        argv,
        env(killed, { DISK_AT: String(at + 1), DISK_DO: 'kill-after' }),
      );
      expect(run.status).toBe(null);
      expect(Object.values(await statesIn(killed))).not.toContain('orphan');
      folderByHand(killed);
    }
  });

  it('F7 a merge that fails at any operation leaves the chain or the merged archive', {
    timeout: 120_000,
  }, async () => {
    let points = 0;
    let refused = 0;
    for (const code of ['ENOSPC', 'EIO']) {
      for (let at = 1; at <= 24; at += 5) {
        const dir = copy();
        const run = await lab.belay(dir, ['merge', ids.third, '--replace'], {
          env: failingDisk(dir, at, code),
        });
        // A leftover that cannot be taken away does not undo what is done.
        expect([0, code === 'ENOSPC' ? 15 : 1]).toContain(run.status);
        if (run.status !== 0) refused += 1;
        const between = folderByHand(dir);
        await lab.done(dir, ['merge', ids.third, '--replace']);
        expect(between.archives.size).toBeGreaterThan(0);
        const { leftovers } = folderByHand(dir);
        expect(leftovers).toEqual([]);
        points += 1;
      }
    }
    console.log(`${points} merges with a failing disk, ${refused} of them refused`);
    expect(refused).toBeGreaterThan(points / 2);
  });

  it('F8 a merge of a damaged chain is refused before it writes', async () => {
    const dir = copy();
    flipByteAt(join(dir, files.full), 0.75);
    const before = contentOf(dir);
    const error = await lab.refused(dir, ['merge', ids.third], 13);
    expect(error.message).toContain(basename(files.full));
    expect(contentOf(dir)).toEqual(before);
  });

  it('F9 F10 a merge keeps what its tip is, and done twice is done once', async () => {
    const dir = copy();
    await lab.done(dir, ['pin', ids.third]);
    await lab.done(dir, ['merge', ids.third]);
    const before = contentOf(dir);
    const again = await lab.done(dir, ['merge', ids.third]);
    expect(again.alreadyMerged).toBe(true);
    expect(contentOf(dir)).toEqual(before);
    const merged = everythingBelow(dir).filter((path) => path.endsWith('_merged.blb'));
    expect(merged).toHaveLength(1);
    const shown = await lab.done(dir, ['show', merged[0] as string]);
    expect(shown).toMatchObject({ description: 'third', sequence: 3, deviceInfo: { uniqueId } });
    expect(everythingBelow(dir)).toContain(`${merged[0]}.pin`);
  });

  it('F12 what is pinned stays under any policy', async () => {
    const dir = copy();
    await lab.done(dir, ['backup', '-p', port, '--type', 'full']);
    await lab.done(dir, ['pin', ids.full]);
    await lab.done(dir, ['prune', '--keep-last', '1']);
    const left = await statesIn(dir);
    expect([left.full, Object.keys(left)]).toEqual([
      'ok',
      expect.toSatisfy(({ length }) => length === 2),
    ]);
  });

  it('F13 archives from the future are warned of and do not shift the window', async () => {
    const dir = lab.folder();
    const boardFolder = join(dir, 'board');
    mkdirSync(boardFolder);
    const at = (createdAt: string, sequence: number, backupId: string) =>
      archiveOf({ 'x.py': backupId }, { createdAt, sequence, backupId });
    fill(boardFolder, {
      'now.blb': await at(new Date(Date.now() - 3_600_000).toISOString(), 1, '1'.repeat(32)),
      'future.blb': await at('2127-01-01T00:00:00.000Z', 2, '2'.repeat(32)),
    });
    const result = await lab.done(dir, ['prune', '--keep-within', '2d']);
    expect(result.removed).toEqual([]);
    expect(JSON.stringify(result.warnings)).toMatch(/future/);
  });
});
