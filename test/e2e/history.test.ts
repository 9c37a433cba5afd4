/**
 * A life of a board on a real MicroPython: 30 edits, a backup of every kind behind each, a fork,
 * then merges and retention. Whatever is left gives back the flash of its time, bit for bit.
 */
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectBoard } from '../../src/device/board.js';
import type { BackupOptions } from '../../src/jobs/backup.js';
import { backup } from '../../src/jobs/backup.js';
import type { Connect } from '../../src/jobs/context.js';
import { listBackups } from '../../src/jobs/list.js';
import { mergeBackups } from '../../src/jobs/merge.js';
import { pinBackup } from '../../src/jobs/pin.js';
import { prune } from '../../src/jobs/prune.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import { verifyBackups } from '../../src/jobs/verify.js';
import { VirtualBoard } from '../../src/testing/index.js';
import { openStore, systemContext } from '../../src/wiring.js';
import { diceOf } from '../slow/seed.js';
import { ReplTalk } from '../testing/repl-talk.js';

const EDITS = 30;
const SEED = Number(process.env.BELAY_SEED ?? 20_261_120);
const dice = diceOf(SEED);
const home = mkdtempSync(join(tmpdir(), 'belay-history-'));
const store = openStore(join(home, 'backups'));
const context = systemContext({ signal: new AbortController().signal, emit: () => {} });
const parts = { store };

let board: VirtualBoard;
let scratch: VirtualBoard;
/** The flash at the time of each backup, by its id. */
const flashAt = new Map<string, Plain>();

type Plain = readonly (readonly [string, string | null])[];

beforeAll(async () => {
  board = await VirtualBoard.start({
    files: { 'main.py': 'print(0)\n', 'lib/a.py': 'a = 0\n', 'lib/b.bin': noise(3000), old: null },
  });
  scratch = await VirtualBoard.start({ files: {}, uniqueIdHex: 'aa00000000000777' });
});

afterAll(async () => {
  await board.stop();
  await scratch.stop();
  rmSync(home, { recursive: true, force: true });
});

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, () => dice.below(256));
}

async function flashOf(virtual: VirtualBoard): Promise<Plain> {
  return [...(await virtual.dump())]
    .map(([path, bytes]): [string, string | null] => [
      path,
      bytes === null ? null : Buffer.from(bytes).toString('latin1'),
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

const connectTo = (virtual: VirtualBoard): Connect => {
  const { clock, randomHex: random } = context;
  return ({ signal }) => connectBoard(virtual.port(), { clock, random, signal });
};

const PATHS = ['main.py', 'lib/a.py', 'lib/b.bin', 'data/log.txt', 'data/x', 'x', 'x/deep/y', 'z'];
/** Few, so that files take old content again and content moves about. */
const TEXTS = ['', 'one\n', 'two\n', 'three\n'.repeat(40), 'four'];

/** Python for one random edit; everything is done by the board's own file system. */
function randomEdit(): string {
  const path = dice.pick(PATHS);
  const kind = dice.below(8);
  if (kind === 0) return `gone(${py(path)})`;
  if (kind === 1) return `move(${py(path)}, ${py(dice.pick(PATHS))})`;
  if (kind === 2) return `folder(${py(dice.pick([...PATHS, 'empty', 'empty/er']))})`;
  if (kind === 3) return `put(${py(path)}, b'')`;
  if (kind === 4) return `append(${py(path)}, b'line ${dice.below(99)}\\n')`;
  return `put(${py(path)}, ${py(dice.pick(TEXTS))}.encode())`;
}

const py = (text: string) => `'${text.replaceAll('\n', '\\n')}'`;

const TOOLS = `
import os
def kind(p):
    try: return os.stat(p)[0] & 0x4000
    except OSError: return None
def gone(p):
    k = kind(p)
    if k is None: return
    if k:
        for e in list(os.ilistdir(p)): gone(p + '/' + e[0])
        os.rmdir(p)
    else: os.remove(p)
def folder(p):
    part = ''
    for name in p.split('/'):
        part += name
        if kind(part) == 0: gone(part)
        if kind(part) is None: os.mkdir(part)
        part += '/'
def parents(p):
    if '/' in p: folder(p[:p.rindex('/')])
def put(p, b):
    parents(p)
    if kind(p): gone(p)
    with open(p, 'wb') as f: f.write(b)
def append(p, b):
    parents(p)
    if kind(p): gone(p)
    with open(p, 'ab') as f: f.write(b)
def move(a, b):
    if kind(a) is None or a == b or b.startswith(a + '/'): return
    parents(b)
    if kind(a) is None: return
    gone(b)
    if kind(a) is not None: os.rename(a, b)
`;

async function edit(lines: readonly string[]): Promise<void> {
  const talk = new ReplTalk(board.port());
  await talk.enterRaw();
  await talk.output(`${TOOLS}\n${lines.join('\n')}\n`);
  await talk.write('\x02');
  await talk.port.close();
}

async function backUp(options: BackupOptions): Promise<{ archive: string; type: string }> {
  const { summary } = await backup({ connect: connectTo(board), store }, options, context);
  flashAt.set(summary.backupId as string, await flashOf(board));
  return { archive: summary.archive as string, type: summary.backupType };
}

const rows = async () => (await listBackups(parts, {}, context)).backups;

/** A merged archive takes the place of its tip, which it names last. */
async function flashOfBackups(): Promise<ReadonlyMap<string, Plain | undefined>> {
  const stored = await store.list({ safety: false });
  return new Map(
    stored.map(({ path, head }) => {
      const { backupId, supersedes } = head?.manifest ?? { backupId: '', supersedes: [] };
      const stood = [backupId, ...supersedes.map((old) => old.backupId).reverse()];
      return [path, flashAt.get(stood.find((id) => flashAt.has(id)) ?? '')];
    }),
  );
}

/** Every backup that is there goes onto the scratch board and is compared with the flash of its time. */
async function expectAllRestore(): Promise<number> {
  const connect = connectTo(scratch);
  const left = await rows();
  const wanted = await flashOfBackups();
  for (const row of left) {
    expect([row.archive, row.state]).toEqual([row.archive, 'ok']);
    const options = { backup: row.backupId as string, delete: true, safety: false };
    const prepared = await prepareRestore({ connect, store }, options, context);
    await prepared.carryOut();
    const what = `seed ${SEED}: sequence ${row.sequence}, ${row.archive}`;
    expect([what, await flashOf(scratch)]).toEqual([what, wanted.get(row.archive)]);
  }
  expect(await verifyBackups(parts, {}, context)).toMatchObject({ ok: true });
  return left.length;
}

describe('a board that is edited 30 times and backed up each time', { timeout: 240_000 }, () => {
  it('gives back every state, from fulls, increments, differentials and both arms of a fork', async () => {
    const types = new Set<string>();
    await backUp({ type: 'full' });
    let tip = '';
    for (let at = 1; at <= EDITS; at += 1) {
      await edit(Array.from({ length: 1 + dice.below(3) }, randomEdit));
      const wish = at % 13 === 0 ? 'full' : at % 5 === 0 ? 'differential' : 'incremental';
      const fork = at === 17;
      // The tip is away, as it would be on another computer: the backup goes on from its parent.
      if (fork) renameSync(tip, `${tip}.away`);
      const made = await backUp({ type: wish, fullEvery: 0 });
      if (fork) renameSync(`${tip}.away`, join(dirname(tip), 'from-another-computer.blb'));
      tip = made.archive;
      types.add(made.type);
    }
    expect([...types].sort()).toEqual(['differential', 'full', 'incremental']);
    const listed = await rows();
    const children = listed.map((row) => row.builtOn).filter((id) => id !== null);
    expect(new Set(children).size).toBeLessThan(children.length);
    const states = new Set([...flashAt.values()].map((flash) => JSON.stringify(flash)));
    expect(states.size).toBeGreaterThan(20);
    expect(await expectAllRestore()).toBe(EDITS + 1);
  });

  it('and again when parts of it were merged, beside the old archives and in their place', async () => {
    const before = await rows();
    const beside = before[7] as (typeof before)[number];
    await mergeBackups(parts, { backup: beside.backupId as string }, context);
    for (const at of [11, 18, 24]) {
      const { backupId } = before[at] as (typeof before)[number];
      const done = await mergeBackups(
        parts,
        { backup: backupId as string, replace: true },
        context,
      );
      expect(done.alreadyMerged).toBe(false);
      const again = await mergeBackups(
        parts,
        { backup: done.backupId as string, replace: true },
        context,
      );
      expect(again).toMatchObject({ alreadyMerged: true, removed: [] });
    }
    expect(await expectAllRestore()).toBeLessThan(EDITS + 1);
    const types = new Set((await rows()).map((row) => row.backupType));
    expect([...types]).toContain('merged');
  });

  it('and again when a policy has let some go, with a pin and with the expired folded', async () => {
    const [first] = await rows();
    await pinBackup(parts, { backup: first?.backupId as string, pinned: true }, context);
    const before = (await rows()).length;
    const kept = await prune(parts, { keep: { last: 8 } }, context);
    expect(kept.removed.length).toBeGreaterThan(0);
    const left = await expectAllRestore();
    expect(left).toBe(before - kept.removed.length);
    const options = { keep: { last: 4 }, mergeExpired: true };
    const dry = await prune(parts, { ...options, dryRun: true }, context);
    const done = await prune(parts, options, context);
    expect([...done.removed].sort()).toEqual([...dry.removed].sort());
    await expectAllRestore();
    expect((await prune(parts, options, context)).removed).toEqual([]);
    expect((await rows()).some((row) => row.backupId === first?.backupId)).toBe(true);
  });

  it('and goes on from what is left', async () => {
    await edit(['put("after", b"all of it")', 'gone("lib")']);
    const { type } = await backUp({ type: 'incremental', requireParent: true });
    expect(type).toBe('incremental');
    await expectAllRestore();
  });
});
