/** Retention: which backups a policy keeps, why, and the removal of the others. */

import type { ChainArchive, KnownArchive } from '../chain/archive.js';
import { resolveLineage } from '../chain/lineage.js';
import { planMerge, planReplace } from '../chain/merge-plan.js';
import type { RetentionPlan } from '../chain/retention.js';
import { planMergeExpired, planRetention, shortNameOf } from '../chain/retention.js';
import type { KeepPolicy } from '../chain/retention-policy.js';
import { isEmptyPolicy, parseSpan } from '../chain/retention-policy.js';
import { boardGroupOf } from '../core/board-key.js';
import { BelayError } from '../core/errors.js';
import type { BackupFolder, FolderLock } from '../store/backup-folder.js';
import type { ArchiveListing } from './archive-listing.js';
import { listArchives } from './archive-listing.js';
import { identityOfManifest } from './board-identity.js';
import type { JobContext, StoreParts } from './context.js';
import { imaginedMerge, mergeUnderLock } from './merge.js';
import { requireReadable } from './require-readable.js';
import { isOfBoard } from './select-backup.js';

/** Restic's keep rules; they are OR-ed and independent of each other. 0 or absent: rule not given, -1: all. */
export interface KeepRules {
  readonly last?: number | undefined;
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  /** Everything younger than this, e.g. `30d`, `1y6m`, `12h`. */
  readonly within?: string | undefined;
  readonly withinHourly?: string | undefined;
  readonly withinDaily?: string | undefined;
  readonly withinWeekly?: string | undefined;
  readonly withinMonthly?: string | undefined;
  readonly withinYearly?: string | undefined;
}

export interface PruneOptions {
  readonly keep: KeepRules;
  /** Only this board's backups (name, unique id or a prefix of it); default all boards of the folder. */
  readonly board?: string | null | undefined;
  /** Exactly this board's, whatever its name is like: for who has the board at hand. */
  readonly boardKey?: string | undefined;
  /** Fold the expired tail that survivors need into one full. */
  readonly mergeExpired?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly retryLockMs?: number | undefined;
}

export interface PruneRow {
  readonly backupId: string;
  readonly archive: string;
  readonly createdAt: string;
  readonly boardName: string;
  /** null for a board without an id. */
  readonly boardId: string | null;
  readonly action: 'keep' | 'remove' | 'merge';
  /** e.g. `last`, `daily`, `pinned`, `needed by 1f2e3d4c`, `newest complete backup`. */
  readonly reasons: readonly string[];
  readonly archiveSize: number;
}

export interface PruneResult {
  readonly rows: readonly PruneRow[];
  /** Paths that were removed (or would be, in a dry run), those that were folded among them. */
  readonly removed: readonly string[];
  /** Of what was removed; what new archives take is not subtracted. */
  readonly freedBytes: number;
  /** Archives made by --merge-expired; in a dry run the tips that would be folded. */
  readonly merged: readonly string[];
  readonly dryRun: boolean;
  /** Sentences: archives that are dated in the future. */
  readonly warnings: readonly string[];
}

/**
 * Every plan is made before the first archive goes. Throws `usage/no-policy` for an empty policy
 * and `usage/removes-all` for one that would keep nothing of a board; nothing was removed then.
 */
export async function prune(
  parts: StoreParts,
  options: PruneOptions,
  context: JobContext,
): Promise<PruneResult> {
  const { store } = parts;
  const policy = policyOf(options.keep);
  const nowMs = context.clock.now().getTime();
  const first = await listArchives(store);
  const boards =
    options.boardKey === undefined ? boardsOf(first, options.board ?? null) : [options.boardKey];
  const plans = (archives: readonly ChainArchive[]) =>
    boards.map((boardKey) => planRetention(archives, { boardKey, policy, nowMs }));
  const mergeTargets = (archives: readonly ChainArchive[]) =>
    options.mergeExpired === true
      ? boards.flatMap((boardKey) => planMergeExpired(archives, { boardKey, policy, nowMs }))
      : [];
  plans(first.archives);
  if (boards.length === 0 && isEmptyPolicy(policy))
    planRetention([], { boardKey: null, policy, nowMs });
  if (options.dryRun === true) {
    const { left, folds } = imaginedFolds(first.archives, mergeTargets);
    return resultOf(plans(left), folds, true);
  }
  const folders = foldersOf(first, boards);
  const locks = await lockAll(store, folders, options.retryLockMs ?? 0, context.signal);
  try {
    await store.sweep();
    const folds: Fold[] = [];
    for (;;) {
      const listing = await listArchives(store);
      requireReadable(listing, folders);
      const [target] = newTargets(mergeTargets(listing.archives), folds);
      if (target === undefined) break;
      const boardFolder = folderOf(first, target.path);
      const done = await mergeUnderLock(
        { store, boardFolder, path: target.path, replace: true },
        context,
      );
      const removed = listing.archives.filter(({ path }) => done.removed.includes(path));
      folds.push({ tip: target, merged: done.archive ?? '', removed });
    }
    const last = await listArchives(store);
    requireReadable(last, folders);
    const due = plans(last.archives);
    for (const plan of due) await store.remove(plan.remove.map((archive) => archive.path));
    return resultOf(due, folds, false);
  } finally {
    for (const lock of locks) await lock.release();
  }
}

/** One tail that --merge-expired made a full of. */
interface Fold {
  readonly tip: KnownArchive;
  /** Path of the archive that now stands for the tip. */
  readonly merged: string;
  readonly removed: readonly ChainArchive[];
}

/** A merge may make another one due, so they are looked for again; none is made twice. */
function newTargets(
  targets: readonly KnownArchive[],
  folds: readonly Fold[],
): readonly KnownArchive[] {
  const done = new Set(folds.map((fold) => fold.tip.path));
  return targets.filter((target) => !done.has(target.path));
}

/** What the folder would hold after the merges, without writing. */
function imaginedFolds(
  archives: readonly ChainArchive[],
  targetsIn: (archives: readonly ChainArchive[]) => readonly KnownArchive[],
): { readonly left: readonly ChainArchive[]; readonly folds: readonly Fold[] } {
  const folds: Fold[] = [];
  let left = archives;
  for (;;) {
    const [tip] = newTargets(targetsIn(left), folds);
    if (tip === undefined) return { left, folds };
    const plan = planMerge(resolveLineage(left), tip);
    const merged = plan.existing ?? imaginedMerge(plan);
    if (plan.existing === null) left = [...left, merged];
    const { remove } = planReplace(left, merged);
    const gone = new Set(remove.map((archive) => archive.path));
    left = left.filter((archive) => !gone.has(archive.path));
    folds.push({ tip, merged: merged.path, removed: remove });
  }
}

export function policyOf(keep: KeepRules): KeepPolicy {
  const { last, hourly, daily, weekly, monthly, yearly, ...spans } = keep;
  const counts = { last, hourly, daily, weekly, monthly, yearly };
  const given = Object.entries(counts).filter(([, count]) => count !== undefined);
  const parsed = Object.entries(spans).flatMap(([rule, text]) =>
    text === undefined ? [] : [[rule, parseSpan(text)] as const],
  );
  return Object.fromEntries([...given, ...parsed]) as KeepPolicy;
}

function boardsOf(listing: ArchiveListing, wanted: string | null): readonly (string | null)[] {
  const nodes = listing.lineage.nodes.filter((node) => node.archive.manifest !== null);
  const ours = wanted === null ? nodes : nodes.filter((node) => isOfBoard(node, wanted));
  if (wanted !== null && ours.length === 0) {
    throw new BelayError('store/not-found', `no backups of board "${wanted}"`, {
      hint: 'belay-backup list shows the boards of the folder',
    });
  }
  return [
    ...new Set(
      ours.map(({ archive }) =>
        archive.manifest === null ? null : boardGroupOf(archive.manifest.deviceInfo),
      ),
    ),
  ];
}

function foldersOf(listing: ArchiveListing, boards: readonly (string | null)[]): readonly string[] {
  const folders = listing.stored
    .filter(({ head }) => head !== null && boards.includes(boardGroupOf(head.manifest.deviceInfo)))
    .map((stored) => stored.boardFolder);
  return [...new Set(folders)].sort();
}

function folderOf(listing: ArchiveListing, path: string): string {
  return listing.stored.find((stored) => stored.path === path)?.boardFolder ?? '';
}

/** In one order, so that two runs never wait for each other. */
async function lockAll(
  store: BackupFolder,
  folders: readonly string[],
  retryMs: number,
  signal: AbortSignal,
): Promise<readonly FolderLock[]> {
  const locks: FolderLock[] = [];
  try {
    for (const folder of folders)
      locks.push(await store.lock(folder, 'prune', { retryMs, signal }));
    return locks;
  } catch (error) {
    for (const lock of locks) await lock.release();
    throw error;
  }
}

function resultOf(
  plans: readonly RetentionPlan[],
  folds: readonly Fold[],
  dryRun: boolean,
): PruneResult {
  const byMerged = new Map(folds.map((fold) => [fold.merged, fold]));
  const rows = new Map<string, PruneRow>();
  for (const { archive, keep, reasons } of plans.flatMap((plan) => plan.verdicts)) {
    const fold = byMerged.get(archive.path);
    // In a dry run the merged archive is imagined: its tip stands for it.
    const shown = dryRun && fold !== undefined ? fold.tip : archive;
    const action = fold !== undefined && keep ? 'merge' : keep ? 'keep' : 'remove';
    rows.set(shown.path, rowOf(shown, action, reasons));
  }
  for (const { tip, removed } of folds) {
    for (const archive of removed) {
      if (rows.get(archive.path)?.action === 'merge') continue;
      const reasons = [archive === tip ? 'merged' : `folded into ${shortNameOf(tip)}`];
      rows.set(archive.path, rowOf(archive, 'remove', reasons));
    }
  }
  const removed = [
    ...folds.flatMap((fold) => fold.removed),
    ...plans.flatMap((plan) => plan.remove),
  ];
  return {
    rows: [...rows.values()],
    removed: removed.map((archive) => archive.path),
    freedBytes: removed.reduce((sum, archive) => sum + archive.archiveBytes, 0),
    merged: folds.map((fold) => (dryRun ? fold.tip.path : fold.merged)),
    dryRun,
    warnings: plans.flatMap((plan) => plan.warnings),
  };
}

function rowOf(
  { manifest, path, archiveBytes }: ChainArchive,
  action: PruneRow['action'],
  reasons: readonly string[],
): PruneRow {
  return {
    backupId: manifest?.backupId ?? '',
    archive: path,
    createdAt: manifest?.createdAt ?? '',
    boardName: manifest === null ? '' : identityOfManifest(manifest.deviceInfo).name,
    boardId: manifest?.deviceInfo.uniqueId ?? null,
    action,
    reasons,
    archiveSize: archiveBytes,
  };
}
