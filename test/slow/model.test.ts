/**
 * Random lives of a board and its folder of backups, against a model that is a map from backup to
 * board state. After every step GNU tar and sha256sum read every archive, and each must hold exactly
 * the state that the model remembers. BELAY_SEED repeats a run, BELAY_MODEL_SECONDS makes it longer.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { BelayError, isBelayError } from '../../src/core/errors.js';
import { backup } from '../../src/jobs/backup.js';
import type { Connect } from '../../src/jobs/context.js';
import { mergeBackups } from '../../src/jobs/merge.js';
import { prune } from '../../src/jobs/prune.js';
import { removeBackups } from '../../src/jobs/remove.js';
import { repair } from '../../src/jobs/repair.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import { prepareUndo } from '../../src/jobs/undo-restore.js';
import { installDiskSteps } from '../support/disk-steps.mjs';
import { LabClock, labContext, labFolder } from '../support/job-lab.js';
import { MemoryBoard } from '../support/memory-board.js';
import { folderByHand } from '../support/stock-reader.js';
import { diceOf, seedFor } from './seed.js';

const SECONDS = Number(process.env.BELAY_MODEL_SECONDS ?? 90);
const home = mkdtempSync(join(tmpdir(), 'belay-model-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const NAMES = [
  'main.py',
  'boot.py',
  'lib/a.py',
  'lib/b.py',
  'data/x.bin',
  'data/y.bin',
  'über.txt',
  'c d.txt',
];
const counts = new Map<string, number>();
const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
type State = Readonly<Record<string, string>>;
const text = (state: Iterable<readonly [string, string]>) =>
  JSON.stringify([...state].sort(([a], [b]) => (a < b ? -1 : 1)));

class Life {
  readonly #dice;
  readonly #clock = new LabClock();
  readonly #folder: string;
  readonly #board = new MemoryBoard({ 'main.py': 'first\n' });
  /** backupId -> what the board held. */
  readonly #model = new Map<string, string>();
  /** Board states before each restore that can still be taken back. */
  #beforeRestore: State | null = null;
  readonly history: string[] = [];

  constructor(seed: number, folder: string) {
    this.#dice = diceOf(seed);
    this.#folder = folder;
  }

  get #connect(): Connect {
    return async () => this.#board.connection();
  }

  #parts() {
    return { connect: this.#connect, store: labFolder(this.#folder, this.#clock) };
  }

  #now(): string {
    return text(Object.entries(this.#board.state()));
  }

  async step(): Promise<void> {
    // Mostly forward; sometimes somebody sets the clock back.
    this.#clock.advance(
      this.#dice.below(20) === 0 ? -3_600_000 : 1_000 + this.#dice.below(86_400_000),
    );
    const what = this.#dice.below(100);
    if (what < 35) this.#edit();
    else if (what < 60) await this.#backup();
    else if (what < 70) await this.#restore();
    else if (what < 75) await this.#undo();
    else if (what < 84) await this.#merge();
    else if (what < 91) await this.#prune();
    else if (what < 95) await this.#remove();
    else await this.#repair();
    this.#check();
  }

  #note(what: string): void {
    this.history.push(what);
    count(what.split(' ')[0] as string);
  }

  #edit(): void {
    const path = this.#dice.pick(NAMES);
    this.#note(`edit ${path}`);
    this.#beforeRestore = null;
    if (this.#dice.below(4) === 0) this.#board.files.delete(path);
    else this.#board.set(path, `${this.#dice.below(6)}\n`.repeat(1 + this.#dice.below(300)));
  }

  /** Runs `work`, sometimes with one failing operation; gives null where it failed. */
  async #maybeFailing<T>(work: () => Promise<T>): Promise<T | null> {
    const kind = this.#dice.below(6);
    let left = 1 + this.#dice.below(60);
    let uninstall = () => {};
    if (kind === 0) {
      const code = this.#dice.pick(['ENOSPC', 'EIO', 'EACCES']);
      this.#note(`fault-disk ${code} ${left}`);
      uninstall = await installDiskSteps({
        under: this.#folder,
        before: (step) => {
          left -= 1;
          if (left === 0)
            throw Object.assign(new Error(`${code}: injected at ${step.name}`), { code });
        },
      });
    } else if (kind === 1) {
      const at = this.#dice.below(30);
      this.#note(`fault-board ${at}`);
      this.#board.faults = { lostAtEvent: { at, error: new BelayError('port/lost', 'injected') } };
    }
    try {
      return await work();
    } catch (error) {
      if (!isBelayError(error)) throw error;
      this.#note(`failed ${error.code}`);
      return null;
    } finally {
      uninstall();
      this.#board.faults = {};
    }
  }

  async #backup(): Promise<void> {
    const type = this.#dice.pick(['auto', 'full', 'incremental', 'differential'] as const);
    this.#note(`backup ${type}`);
    const state = this.#now();
    const options = { type, allowEmpty: true };
    const done = await this.#maybeFailing(() =>
      backup(this.#parts(), options, labContext(this.#clock)),
    );
    if (done !== null) this.#model.set(done.summary.backupId as string, state);
    // A run may fail behind its commit: then its archive is there, and right.
    else this.#adopt([state]);
  }

  #adopt(possible: readonly string[]): void {
    for (const archive of this.#archives()) {
      if (this.#model.has(archive.backupId)) continue;
      expect(possible).toContain(text(archive.state));
      this.#model.set(archive.backupId, text(archive.state));
    }
  }

  #archives() {
    return [...folderByHand(this.#folder).archives]
      .filter(([path]) => !path.includes('/safety/'))
      .map(([, archive]) => archive);
  }

  #pick(): string | null {
    const all = this.#archives();
    return all.length === 0 ? null : this.#dice.pick(all).backupId;
  }

  async #restore(): Promise<void> {
    const id = this.#pick();
    if (id === null) return;
    this.#note(`restore ${id.slice(0, 8)}`);
    const before = this.#board.state();
    const done = await this.#maybeFailing(async () => {
      const options = { backup: id, delete: true };
      const prepared = await prepareRestore(this.#parts(), options, labContext(this.#clock));
      return prepared.carryOut();
    });
    if (done === null) {
      const old = new Map(Object.entries(before));
      const wanted = new Map(JSON.parse(this.#model.get(id) as string) as [string, string][]);
      for (const [path, now] of Object.entries(this.#board.state()))
        if (!path.includes('.blb~')) expect([old.get(path), wanted.get(path)]).toContain(now);
      this.#beforeRestore = null;
      return;
    }
    expect(this.#now()).toBe(this.#model.get(id));
    this.#beforeRestore = done.safetyArchive === null ? null : before;
  }

  async #undo(): Promise<void> {
    if (this.#beforeRestore === null) return;
    const wanted = text(Object.entries(this.#beforeRestore));
    this.#beforeRestore = null;
    this.#note('undo');
    const done = await this.#maybeFailing(async () =>
      (await prepareUndo(this.#parts(), {}, labContext(this.#clock))).carryOut(),
    );
    if (done !== null) expect(this.#now()).toBe(wanted);
  }

  async #merge(): Promise<void> {
    const id = this.#pick();
    if (id === null) return;
    const replace = this.#dice.below(2) === 0;
    this.#note(`merge ${id.slice(0, 8)} ${replace}`);
    const options = { backup: id, replace };
    const done = await this.#maybeFailing(() =>
      mergeBackups(this.#parts(), options, labContext(this.#clock)),
    );
    if (done?.backupId != null) this.#model.set(done.backupId, this.#model.get(id) as string);
    else this.#adopt([this.#model.get(id) as string]);
  }

  async #prune(): Promise<void> {
    const newest = this.#newestState();
    const options = {
      keep: { last: 1 + this.#dice.below(6) },
      mergeExpired: this.#dice.below(2) === 0,
    };
    this.#note(`prune ${JSON.stringify(options)}`);
    const states = [...this.#model.values()];
    await this.#maybeFailing(() => prune(this.#parts(), options, labContext(this.#clock)));
    this.#adopt(states);
    if (newest !== null) expect(this.#archives().map((each) => text(each.state))).toContain(newest);
  }

  #newestState(): string | null {
    const tip = this.#archives()
      .sort((a, b) => a.sequence - b.sequence)
      .at(-1);
    return tip === undefined ? null : text(tip.state);
  }

  async #remove(): Promise<void> {
    const id = this.#pick();
    if (id === null) return;
    const cascade = this.#dice.below(3) === 0;
    this.#note(`remove ${id.slice(0, 8)} ${cascade}`);
    const options = { backups: [id], cascade, yes: false };
    await this.#maybeFailing(() => removeBackups(this.#parts(), options, labContext(this.#clock)));
  }

  async #repair(): Promise<void> {
    this.#note('repair');
    const done = await this.#maybeFailing(() => repair(this.#parts(), {}, labContext(this.#clock)));
    expect(done?.quarantined ?? []).toEqual([]);
  }

  /** Every archive is whole, complete with its chain, and holds what the board held. */
  #check(): void {
    for (const archive of this.#archives())
      expect([archive.backupId, text(archive.state)]).toEqual([
        archive.backupId,
        this.#model.get(archive.backupId),
      ]);
    expect(
      folderByHand(this.#folder).leftovers.filter((path) => path.endsWith('.belay-lock')),
    ).toEqual([]);
  }
}

it('any life of a board: every archive gives back what the board held at its time', async () => {
  const seed = seedFor('model');
  const until = performance.now() + SECONDS * 1_000;
  let lives = 0;
  let steps = 0;
  while (performance.now() < until) {
    const folder = join(home, `life-${lives}`);
    const life = new Life(seed + lives, folder);
    for (let step = 0; step < 60 && performance.now() < until; step += 1, steps += 1) {
      try {
        await life.step();
      } catch (error) {
        const last = life.history.slice(-25).join('\n');
        throw new Error(
          `BELAY_SEED=${seed + lives}, step ${step}: ${(error as Error).message}\n${last}`,
          { cause: error },
        );
      }
    }
    rmSync(folder, { recursive: true, force: true });
    lives += 1;
  }
  const list = [...counts]
    .sort()
    .map(([what, times]) => `${what} ${times}`)
    .join(', ');
  console.log(`model: ${steps} steps in ${lives} lives: ${list}`);
  expect(steps).toBeGreaterThan(50);
});
