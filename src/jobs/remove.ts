/** `remove`: deletes named backups; what is built on them only with `cascade`. */

import type { RemovalPlan } from '../chain/removal.js';
import { planRemoval } from '../chain/removal.js';
import { shortNameOf } from '../chain/retention.js';
import { BelayError } from '../core/errors.js';
import type { FolderLock, StoredBackup } from '../store/backup-folder.js';
import { chainArchiveOf, listArchives } from './archive-listing.js';
import type { JobContext, StoreParts } from './context.js';
import { requireReadable } from './require-readable.js';
import { chooseBackup, selectBackup } from './select-backup.js';

export interface RemoveOptions {
  readonly backups: readonly string[];
  readonly cascade?: boolean | undefined;
  /** `--yes`: with cascade, allows the last complete backup of a board to go. */
  readonly yes?: boolean | undefined;
  readonly board?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
  readonly retryLockMs?: number | undefined;
}

export interface RemoveResult {
  /** Newest dependants first, in the order of removal. */
  readonly removed: readonly {
    readonly backupId: string | null;
    readonly archive: string;
    readonly reason: 'asked' | 'dependant';
  }[];
  readonly freedBytes: number;
  readonly dryRun: boolean;
}

/** Refuses (`store/refused`, details.dependants or details.last) and then has removed nothing; a dry run refuses the same. */
export async function removeBackups(
  parts: StoreParts,
  options: RemoveOptions,
  context: JobContext,
): Promise<RemoveResult> {
  const { store } = parts;
  const folders = new Set<string>();
  for (const wanted of options.backups) {
    folders.add(
      (await selectBackup(parts, { wanted, board: options.board, safety: true }, context))
        .boardFolder,
    );
  }
  if (options.dryRun === true) return removal(parts, options, true);
  const locks: FolderLock[] = [];
  try {
    for (const folder of [...folders].sort()) {
      locks.push(
        await store.lock(folder, 'remove', {
          retryMs: options.retryLockMs ?? 0,
          signal: context.signal,
        }),
      );
    }
    await store.sweep();
    const result = await removal(parts, options, false);
    await store.remove(result.removed.map((each) => each.archive));
    return result;
  } finally {
    for (const lock of locks) await lock.release();
  }
}

async function removal(
  parts: StoreParts,
  options: RemoveOptions,
  dryRun: boolean,
): Promise<RemoveResult> {
  const listing = await listArchives(parts.store);
  const targets: StoredBackup[] = [];
  for (const wanted of options.backups) {
    const stored = await chooseBackup(
      parts,
      { wanted, board: options.board, safety: true },
      listing,
    );
    if (!targets.includes(stored)) targets.push(stored);
  }
  requireReadable(
    listing,
    targets.map((each) => each.boardFolder),
  );
  const safety = targets.filter((each) => each.safety).map(chainArchiveOf);
  const plan = planRemoval(
    listing.lineage,
    targets.filter((each) => !each.safety).map(chainArchiveOf),
  );
  refuse(plan, options);
  const named = new Set(targets.map((each) => each.path));
  const removed = [...plan.remove, ...safety];
  return {
    removed: removed.map(({ manifest, path }) => ({
      backupId: manifest?.backupId ?? null,
      archive: path,
      reason: named.has(path) ? ('asked' as const) : ('dependant' as const),
    })),
    freedBytes: removed.reduce((sum, archive) => sum + archive.archiveBytes, 0),
    dryRun,
  };
}

function refuse(plan: RemovalPlan, options: RemoveOptions): void {
  const pinned = plan.remove.filter((archive) => archive.pinned);
  if (pinned.length > 0) {
    throw new BelayError('store/refused', `${pinned.map(shortNameOf).join(', ')}: pinned`, {
      hint: 'take the pin off first with: belay-backup unpin',
      details: { pinned: pinned.map((archive) => archive.path) },
    });
  }
  if (plan.dependants.length > 0 && options.cascade !== true) {
    const names = plan.dependants.map(shortNameOf);
    throw new BelayError(
      'store/refused',
      `${names.length === 1 ? 'another backup is' : `${names.length} other backups are`} built on it: ${names.join(', ')}`,
      {
        hint: 'remove them too with --cascade, or fold the chain into one with: belay-backup merge --replace',
        details: { dependants: plan.dependants.map((archive) => archive.path) },
      },
    );
  }
  if (plan.lastOfBoards.length > 0 && !(options.cascade === true && options.yes === true)) {
    throw new BelayError(
      'store/refused',
      'refusing to remove the last complete backup of a board',
      {
        hint: 'make another backup first; if it shall really go: --cascade --yes',
        details: { last: plan.lastOfBoards },
      },
    );
  }
}
