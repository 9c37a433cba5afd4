import { describe, expect, it } from 'vitest';
import { BelayError } from '../../src/core/errors.js';
import type { BackupOptions } from '../../src/jobs/backup.js';
import { backup } from '../../src/jobs/backup.js';
import { catFile } from '../../src/jobs/cat.js';
import { compareBackups } from '../../src/jobs/diff.js';
import { listFiles } from '../../src/jobs/files.js';
import { findVersions } from '../../src/jobs/find.js';
import { listBackups } from '../../src/jobs/list.js';
import { mergeBackups } from '../../src/jobs/merge.js';
import { pinBackup } from '../../src/jobs/pin.js';
import { prune } from '../../src/jobs/prune.js';
import { removeBackups } from '../../src/jobs/remove.js';
import { repair } from '../../src/jobs/repair.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import { selectBackup } from '../../src/jobs/select-backup.js';
import { showBackup } from '../../src/jobs/show.js';
import { unlock } from '../../src/jobs/unlock.js';
import { verifyAgainstBoard, verifyBackups } from '../../src/jobs/verify.js';
import { MemoryBoard } from '../support/memory-board.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { connectTo, testContext } from './job-context.js';

/** A board with four backups: full, two increments, a differential. */
function bound(target: MemoryFolder, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target);
  return typeof value === 'function' ? value.bind(target) : value;
}

async function history() {
  const board = new MemoryBoard({
    'main.py': 'one\n',
    'lib/a.py': 'a\n',
    'data.bin': 'd'.repeat(9000),
  });
  const store = new MemoryFolder();
  const context = testContext();
  const take = async (options: BackupOptions = {}, on = board) => {
    const { summary } = await backup({ connect: connectTo(on), store }, options, context);
    context.advance(3_600_000);
    return { id: summary.backupId as string, path: summary.archive as string };
  };
  const states: Record<string, string>[] = [];
  const full = await take();
  states.push(board.state());
  board.set('main.py', 'one\ntwo\n');
  const second = await take();
  states.push(board.state());
  board.files.delete('lib/a.py');
  board.set('new.py', 'new\n');
  const third = await take();
  states.push(board.state());
  board.set('lib/a.py', 'a\n');
  const differential = await take({ type: 'differential' });
  states.push(board.state());
  return {
    board,
    store,
    context,
    take,
    full,
    second,
    third,
    differential,
    states,
    parts: { store },
  };
}

async function restored(store: MemoryFolder, backupId: string): Promise<Record<string, string>> {
  const target = new MemoryBoard({}, { info: { uniqueId: 'cafe' } });
  const context = testContext('2027-01-01T00:00:00.000Z');
  const options = { backup: backupId, safety: false };
  await (await prepareRestore({ connect: connectTo(target), store }, options, context)).carryOut();
  return target.state();
}

const spoil = (store: MemoryFolder, path: string) => {
  const bytes = store.files.get(path) as Uint8Array;
  const at = Math.floor(bytes.length * 0.8);
  bytes[at] = (bytes[at] as number) ^ 4;
};

describe('list, show, files, cat', () => {
  it('name every backup with its parent and state', async () => {
    const { parts, context, full, second, third, differential } = await history();
    const { backups } = await listBackups(parts, {}, context);
    expect(backups.map((row) => [row.backupId, row.parentId, row.state, row.backupType])).toEqual([
      [full.id, null, 'ok', 'full'],
      [second.id, full.id, 'ok', 'incremental'],
      [third.id, second.id, 'ok', 'incremental'],
      [differential.id, full.id, 'ok', 'differential'],
    ]);
    const { manifest, dependsOn, neededBy } = await showBackup(parts, { backup: full.id }, context);
    expect(manifest).not.toHaveProperty('files');
    expect(dependsOn).toEqual([]);
    expect(neededBy.toSorted()).toEqual([second.id, differential.id].sort());
  });

  it('show files by pattern, folder and exact name, and their content from wherever it is', async () => {
    const { parts, context, third } = await history();
    const names = async (pattern: string) =>
      (await listFiles(parts, { backup: third.id, pattern }, context)).files.map(
        (each) => each.relativePath,
      );
    expect(await names('*.py')).toEqual(['main.py', 'new.py']);
    expect(await names('/lib')).toEqual(['lib']);
    const { content, entry } = await catFile(
      parts,
      { backup: third.id, path: '/data.bin' },
      context,
    );
    expect(entry.dataIn).toBeDefined();
    let bytes = 0;
    for await (const chunk of content) bytes += chunk.length;
    expect(bytes).toBe(9000);
    await expect(
      catFile(parts, { backup: third.id, path: 'lib/a.py' }, context),
    ).rejects.toMatchObject({ code: 'store/not-found' });
  });

  it('an orphan and what lies below it are named, its ancestors are fine (E1, E2)', async () => {
    const { store, parts, context, second } = await history();
    store.files.delete(second.path);
    const { backups } = await listBackups(parts, {}, context);
    expect(backups.map((row) => row.state)).toEqual(['ok', 'orphan', 'ok']);
    await expect(restored(store, backups[1]?.backupId as string)).rejects.toMatchObject({
      exitCode: 14,
    });
  });
});

describe('which backup is meant', () => {
  it('latest, an id, a prefix, a path', async () => {
    const { parts, context, differential, second } = await history();
    const pick = async (wanted: string) => (await selectBackup(parts, { wanted }, context)).path;
    expect(await pick('latest')).toBe(differential.path);
    expect(await pick(second.id)).toBe(second.path);
    expect(await pick(second.id.slice(0, 8))).toBe(second.path);
    expect(await pick(second.path)).toBe(second.path);
    await expect(pick('nothing')).rejects.toMatchObject({
      code: 'store/not-found',
      exitCode: 10,
    });
    for (const unclear of ['0', '0000', ''])
      await expect(pick(unclear)).rejects.toMatchObject({ code: 'usage/invalid', exitCode: 2 });
  });

  it('latest of several boards asks, and is answered by --board or the connected one', async () => {
    const { parts, context, take, differential } = await history();
    const other = new MemoryBoard({ x: '1' }, { info: { uniqueId: 'beef0001', machine: 'other' } });
    const { path } = await take({ boardName: 'roof' }, other);
    const pick = async (choice: object) =>
      (await selectBackup(parts, { wanted: 'latest', ...choice }, context)).path;
    await expect(pick({})).rejects.toMatchObject({
      code: 'usage/ambiguous-board',
      exitCode: 2,
    });
    expect(await pick({ board: 'roof' })).toBe(path);
    expect(await pick({ board: 'feedc0de' })).toBe(differential.path);
    expect(
      await pick({
        connected: { uniqueKey: 'beef0001', name: 'x', chainable: true },
      }),
    ).toBe(path);
  });
});

describe('diff and find', () => {
  it('tell added, removed and changed files, and the changed lines', async () => {
    const { parts, context, full, third } = await history();
    const { changes } = await compareBackups(
      { ...parts, connect: null },
      { a: full.id, b: third.id, text: true },
      context,
    );
    expect(changes.map((change) => `${change.status} ${change.path}`)).toEqual([
      '- lib/a.py',
      'M main.py',
      '+ new.py',
    ]);
    expect(changes[1]?.text).toContain('+two');
  });

  it('compare with the board as it is', async () => {
    const { board, store, parts, context, differential } = await history();
    const connect = connectTo(board);
    expect(
      await verifyAgainstBoard({ connect, store }, { backup: differential.id }, context),
    ).toMatchObject({ ok: true });
    board.set('main.py', 'one\nthree\n');
    const { changes } = await compareBackups(
      { ...parts, connect },
      { a: 'latest', text: true },
      context,
    );
    expect(changes).toMatchObject([{ status: 'M', path: 'main.py' }]);
    expect(changes[0]?.text).toContain('+three');
  });

  it('compare the newest backup of the connected board, whoever else has one here', async () => {
    const { board, store, context, take, differential } = await history();
    await take({}, new MemoryBoard({ 'main.py': 'other' }, { info: { uniqueId: 'beef0001' } }));
    const parts = { store, connect: connectTo(board) };
    const { a, changes } = await compareBackups(parts, { a: 'latest' }, context);
    expect([a, changes]).toEqual([differential.id, []]);
  });

  it('find the versions of a file, with its absence between', async () => {
    const { parts, context, full, second, differential } = await history();
    const { files } = await findVersions(parts, { pattern: 'lib/a.py' }, context);
    expect(files).toHaveLength(1);
    expect(files[0]?.versions.map((each) => [each.firstBackupId, each.lastBackupId])).toEqual([
      [full.id, second.id],
      [differential.id, differential.id],
    ]);
  });
});

describe('verify', () => {
  it('reads everything and finds nothing wrong', async () => {
    const { parts, context } = await history();
    const result = await verifyBackups(parts, {}, context);
    expect(result).toMatchObject({ ok: true, code: null });
    expect(result.archives.every((archive) => archive.restorable)).toBe(true);
  });

  it('names the damaged archive and who cannot be restored without it (E3)', async () => {
    const { store, parts, context, full, differential } = await history();
    spoil(store, full.path);
    const { archives, ok, code } = await verifyBackups(parts, {}, context);
    expect(ok).toBe(false);
    expect(code).toMatch(/^archive\//);
    expect(archives.map((archive) => [archive.restorable, archive.state])).toEqual([
      [false, 'corrupt'],
      [false, 'orphan'],
      [false, 'orphan'],
      [false, 'orphan'],
    ]);
    expect(
      (await verifyBackups(parts, { backups: [differential.id] }, context)).archives,
    ).toHaveLength(2);
  });

  it('reads an archive once, however often and in whatever way it is named', async () => {
    const { parts, context, full, second } = await history();
    const { path } = second;
    const other = path.replace('/memory/', '/memory/./');
    const { archives } = await verifyBackups(parts, { backups: [other, second.id, path] }, context);
    expect(archives.map((archive) => archive.backupId)).toEqual([second.id, full.id]);
  });

  it('judges an archive outside the folder by what it builds on, and says what is missing', async () => {
    const { store, parts, context, full, second } = await history();
    const outside = '/elsewhere/copy.blb';
    store.files.set(outside, store.files.get(second.path) as Uint8Array);
    const names = { backups: [outside] };
    const whole = await verifyBackups(parts, names, context);
    expect(whole.archives.map((archive) => archive.archive)).toEqual([outside, full.path]);
    expect(whole.ok).toBe(true);
    const beside = '/elsewhere/full.blb';
    store.files.set(beside, store.files.get(full.path) as Uint8Array);
    store.files.delete(full.path);
    const moved = await verifyBackups(parts, names, context);
    expect(moved.archives.map((archive) => archive.archive)).toEqual([outside, beside]);
    expect(moved.ok).toBe(true);
    store.files.delete(beside);
    const { archives, code } = await verifyBackups(parts, names, context);
    expect(archives).toMatchObject([{ archive: outside, state: 'orphan', restorable: false }]);
    expect(code).toBe('chain/no-parent');
    const { row } = await showBackup(parts, { backup: outside }, context);
    expect(row.state).toBe('orphan');
  });
});

describe('merge', () => {
  it('makes a full of the same state, and replaces what nobody needs', async () => {
    const { store, parts, context, third, differential, full, states } = await history();
    const dry = await mergeBackups(
      parts,
      { backup: third.id, replace: true, dryRun: true },
      context,
    );
    expect(dry.archive).toBeNull();
    const merged = await mergeBackups(parts, { backup: third.id, replace: true }, context);
    expect(merged).toMatchObject({
      alreadyMerged: false,
      removed: dry.removed,
    });
    expect(merged.kept.map((each) => each.archive)).toEqual([full.path]);
    expect(await restored(store, merged.backupId as string)).toEqual(states[2]);
    expect(await restored(store, differential.id)).toEqual(states[3]);
    const again = await mergeBackups(
      parts,
      { backup: merged.backupId as string, replace: true },
      context,
    );
    expect(again).toMatchObject({ alreadyMerged: true, removed: [] });
    expect(await verifyBackups(parts, {}, context)).toMatchObject({ ok: true });
  });

  it('leaves children of the tip working, and the next backup extends them', async () => {
    const { store, parts, context, second, third, states, board, take } = await history();
    await mergeBackups(parts, { backup: second.id, replace: true }, context);
    expect(await restored(store, third.id)).toEqual(states[2]);
    board.set('later.py', 'later');
    const next = await take();
    expect(await restored(store, next.id)).toEqual(board.state());
  });

  it('of a damaged chain refuses before it writes (F8)', async () => {
    const { store, parts, context, full, third } = await history();
    spoil(store, full.path);
    const before = store.files.size;
    await expect(mergeBackups(parts, { backup: third.id }, context)).rejects.toMatchObject({
      exitCode: 13,
    });
    expect(store.files.size).toBe(before);
    expect(store.lockedBy.size).toBe(0);
  });
});

describe('prune, remove, pin', () => {
  it('keep what the policy says and what survivors need', async () => {
    const { store, parts, context, full, third, states } = await history();
    await pinBackup(parts, { backup: third.id, pinned: true }, context);
    const plan = await prune(parts, { keep: { last: 1 }, dryRun: true }, context);
    expect(plan.removed).toEqual([]);
    await pinBackup(parts, { backup: third.id, pinned: false }, context);
    const done = await prune(parts, { keep: { last: 1 } }, context);
    expect(done.removed).toHaveLength(2);
    expect(done.rows.find((row) => row.archive === full.path)?.reasons.join()).toContain(
      'needed by',
    );
    expect(await restored(store, 'latest')).toEqual(states[3]);
    expect((await prune(parts, { keep: { last: 1 } }, context)).removed).toEqual([]);
  });

  it('refuse no policy and a policy that keeps nothing', async () => {
    const { parts, context, store } = await history();
    await expect(prune(parts, { keep: {} }, context)).rejects.toMatchObject({
      code: 'usage/no-policy',
      exitCode: 2,
    });
    expect(store.files.size).toBe(4);
  });

  it('fold the expired tail into one full', async () => {
    const { parts, context, store, states } = await history();
    const options = { keep: { last: 1 }, mergeExpired: true };
    const plan = await prune(parts, { ...options, dryRun: true }, context);
    expect(store.files.size).toBe(4);
    const done = await prune(parts, options, context);
    expect(done.merged).toHaveLength(1);
    expect(store.files.size).toBe(1);
    expect([...done.removed].sort()).toEqual([...plan.removed].sort());
    expect(done.freedBytes).toBe(plan.freedBytes);
    expect(done.rows.map((row) => row.action).sort()).toEqual([
      'merge',
      ...Array<string>(4).fill('remove'),
    ]);
    expect((await prune(parts, options, context)).merged).toEqual([]);
    expect(await restored(store, 'latest')).toEqual(states[3]);
  });

  it('refuse to remove what others are built on, and the last of a board (F3, F4)', async () => {
    const { parts, context, store, full } = await history();
    const remove = (options: object) =>
      removeBackups(parts, { backups: [full.id], ...options }, context);
    await expect(remove({})).rejects.toMatchObject({
      code: 'store/refused',
      exitCode: 1,
    });
    await expect(remove({ cascade: true })).rejects.toMatchObject({
      code: 'store/refused',
    });
    expect(store.files.size).toBe(4);
    const { removed } = await remove({ cascade: true, yes: true });
    expect(removed).toHaveLength(4);
    expect(removed.at(-1)?.archive).toBe(full.path);
    expect(store.files.size).toBe(0);
  });

  it('prune after a backup with keep rules, never before it', async () => {
    const { board, store, context } = await history();
    const { pruned } = await backup(
      { connect: connectTo(board), store },
      { type: 'full', keep: { last: 1 } },
      context,
    );
    expect(pruned?.removed).toHaveLength(4);
    expect(store.files.size).toBe(1);
  });

  it('prune the board that was backed up and no other, also one without any identity', async () => {
    const { store, context, take } = await history();
    const nameless = (machine: string) =>
      new MemoryBoard({ 'main.py': machine }, { info: { uniqueId: null, machine } });
    const other = await take({ type: 'full' }, nameless('ESP32'));
    const old = await take({ type: 'full' }, nameless('STM32'));
    const options = { type: 'full', keep: { last: 1 } } as const;
    const connect = connectTo(nameless('STM32'));
    const { pruned } = await backup({ connect, store }, options, context);
    expect(pruned?.removed).toEqual([old.path]);
    expect((await prune({ store }, { keep: { last: 4 } }, context)).removed).toEqual([]);
    await expect(removeBackups({ store }, { backups: [other.id] }, context)).rejects.toMatchObject({
      code: 'store/refused',
    });
  });

  it('refuse keep rules that are none before the board is asked', async () => {
    const { store, context } = await history();
    const connect = () => Promise.reject(new Error('nobody may connect'));
    const run = backup({ connect, store }, { keep: { last: 0 } }, context);
    await expect(run).rejects.toMatchObject({ code: 'usage/no-policy', exitCode: 2 });
    expect(store.files.size).toBe(4);
  });

  it('tell that the old backups are still there when they cannot be removed', async () => {
    const { board, store, context } = await history();
    const remove = () =>
      Promise.reject(new BelayError('store/permission', 'cannot remove anything here'));
    const stubborn = new Proxy(store, {
      get: (target, name) => (name === 'remove' ? remove : bound(target, name)),
    });
    const options = { type: 'full', keep: { last: 1 } } as const;
    const result = await backup({ connect: connectTo(board), store: stubborn }, options, context);
    expect(result).toMatchObject({
      outcome: 'written',
      pruned: null,
      pruneProblem: { code: 'store/permission' },
      warnings: [{ code: 'prune-failed' }],
    });
    expect(store.files.size).toBe(5);
    expect(store.lockedBy.size).toBe(0);
  });
});

describe('repair and unlock', () => {
  it('quarantines what is damaged and names what needed it', async () => {
    const { store, parts, context, second, third } = await history();
    spoil(store, second.path);
    const plan = await repair(parts, { dryRun: true }, context);
    expect(plan.quarantined).toMatchObject([{ from: second.path }]);
    expect(store.files.has(second.path)).toBe(true);
    const done = await repair(parts, {}, context);
    expect(done.quarantined).toMatchObject([{ from: second.path }]);
    expect(done.orphans).toMatchObject([{ archive: third.path }]);
    expect(done.healthy).toBe(2);
    expect(store.files.has(second.path)).toBe(false);
  });

  it('says that nothing is locked', async () => {
    const { parts, context } = await history();
    expect(await unlock(parts, {}, context)).toMatchObject({
      holder: null,
      removed: false,
    });
  });
});
