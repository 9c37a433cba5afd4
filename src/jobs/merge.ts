/** `merge`: a full archive out of a chain, without the board. */
import { readBlbHead } from '../archive/blb-reader.js';
import type { BlbWriter } from '../archive/blb-writer.js';
import type { Manifest } from '../archive/manifest.js';
import { pathOfEntry } from '../archive/manifest.js';
import { newFileOf } from '../archive/member-copy.js';
import type { ChainArchive, KnownArchive } from '../chain/archive.js';
import { isKnown } from '../chain/archive.js';
import type { MergePlan } from '../chain/merge-plan.js';
import { planMerge, planReplace } from '../chain/merge-plan.js';
import { BelayError, throwIfAborted } from '../core/errors.js';
import type { BackupFolder, CommittedArchive } from '../store/backup-folder.js';
import { addStreamed } from './add-streamed.js';
import type { ArchiveListing } from './archive-listing.js';
import { listArchives } from './archive-listing.js';
import { ContentReader } from './content-reader.js';
import type { JobContext, StoreParts } from './context.js';
import { JobVoice } from './job-voice.js';
import { manifestDraft } from './manifest-draft.js';
import { requireReadable } from './require-readable.js';
import { selectBackup } from './select-backup.js';
import { VerifiedArchives } from './verified-archives.js';

export interface MergeOptions {
  /** The tip of what is folded into one. */
  readonly backup: string;
  /** Delete what the new archive supersedes and no survivor needs. */
  readonly replace?: boolean | undefined;
  readonly board?: string | null | undefined;
  readonly dryRun?: boolean | undefined;
  readonly retryLockMs?: number | undefined;
}

export interface MergeResult {
  /** null in a dry run. */
  readonly backupId: string | null;
  readonly archive: string | null;
  /** True where it was merged already and nothing was written. */
  readonly alreadyMerged: boolean;
  /** The archives it is made of, oldest first. */
  readonly sources: readonly string[];
  readonly removed: readonly string[];
  readonly kept: readonly {
    readonly archive: string;
    readonly reason: string;
  }[];
  readonly archiveSize: number;
  readonly dryRun: boolean;
}

/** Validates every archive before it writes, and what it wrote before it deletes. */
export async function mergeBackups(
  parts: StoreParts,
  options: MergeOptions,
  context: JobContext,
): Promise<MergeResult> {
  const { store } = parts;
  const choice = {
    wanted: options.backup,
    board: options.board,
    safety: false,
  };
  const { boardFolder, path } = await selectBackup(parts, choice, context);
  if (options.dryRun === true)
    return plannedMerge(await listArchives(store), path, options.replace === true);
  const retryMs = options.retryLockMs ?? 0;
  const lock = await store.lock(boardFolder, 'merge', {
    retryMs,
    signal: context.signal,
  });
  try {
    await store.sweep();
    return await mergeUnderLock(
      { store, boardFolder, path, replace: options.replace === true },
      context,
    );
  } finally {
    await lock.release();
  }
}

export interface MergeUnderLock {
  readonly store: BackupFolder;
  readonly boardFolder: string;
  /** Of the tip. */
  readonly path: string;
  readonly replace: boolean;
}

/** For callers that hold the board folder's lock. */
export async function mergeUnderLock(
  input: MergeUnderLock,
  context: JobContext,
): Promise<MergeResult> {
  const { store } = input;
  const before = await listArchives(store);
  const plan = planMerge(before.lineage, tipOf(before, input.path));
  const voice = new JobVoice(context);
  const merged = plan.existing ?? (await writeMerged(input, plan, voice, context));
  if (plan.pinned && !merged.pinned) await store.setPin(merged.path, true);
  const { remove, kept } = input.replace
    ? planReplace(await removable(input), merged)
    : { remove: [], kept: [] };
  await store.remove(remove.map((archive) => archive.path));
  return {
    backupId: merged.manifest.backupId,
    archive: merged.path,
    ...summaryOf(plan, remove, kept),
    archiveSize: merged.archiveBytes,
    dryRun: false,
  };
}

function summaryOf(
  plan: MergePlan,
  remove: readonly ChainArchive[],
  kept: ReturnType<typeof planReplace>['kept'],
): Pick<MergeResult, 'alreadyMerged' | 'sources' | 'removed' | 'kept'> {
  return {
    alreadyMerged: plan.existing !== null,
    sources: plan.chain.map((archive) => archive.path),
    removed: remove.map((archive) => archive.path),
    kept: kept.map(({ archive, why }) => ({ archive: archive.path, reason: why })),
  };
}

async function removable(input: MergeUnderLock): Promise<readonly ChainArchive[]> {
  const listing = await listArchives(input.store);
  requireReadable(listing, [input.boardFolder]);
  return listing.archives;
}

function tipOf(listing: ArchiveListing, path: string): KnownArchive {
  const node = listing.lineage.byPath.get(path);
  if (node === undefined)
    throw new BelayError('store/not-found', `${path} is not in the folder of backups`);
  if (!isKnown(node.archive)) throw node.problem as BelayError;
  return node.archive;
}

async function writeMerged(
  { store, boardFolder }: MergeUnderLock,
  plan: MergePlan,
  voice: JobVoice,
  context: JobContext,
): Promise<KnownArchive> {
  voice.begin('verifying', {
    files: plan.verify.length,
    bytes: plan.verify.reduce((sum, each) => sum + each.archiveBytes, 0),
  });
  const verified = new VerifiedArchives(store, context.signal, (count) => voice.advance(count));
  for (const archive of plan.verify) await verified.verify(archive.path);
  voice.begin('compressing', { files: plan.content.sources.size, bytes: 0 });
  const startedMs = voice.elapsedMs;
  const archive = await store.create(boardFolder, 'backup', { compress: true });
  try {
    await fillMerged(archive.writer, plan, store, context.signal);
    const now = context.clock.now().toISOString();
    const draft = manifestDraft(
      {
        ...plan.heritage,
        backupType: 'merged',
        mergedAt: now,
        durationMs: voice.elapsedMs - startedMs,
      },
      context,
    );
    const committed = await archive.commit(draft, { signal: context.signal });
    voice.end();
    await requireSameState(store, committed, plan.tip);
    return { ...committed, pinned: false, problem: null };
  } finally {
    await archive.abort();
  }
}

async function requireSameState(
  store: BackupFolder,
  merged: CommittedArchive,
  tip: KnownArchive,
): Promise<void> {
  if (merged.manifest.stateHash === tip.manifest.stateHash) return;
  await store.remove([merged.path]);
  throw new BelayError('job/failed', `merging ${tip.path} gave another state than it has`, {
    hint: 'nothing was deleted; please report this with the output of: belay-backup verify',
  });
}

async function fillMerged(
  writer: BlbWriter,
  plan: MergePlan,
  store: BackupFolder,
  signal: AbortSignal,
): Promise<void> {
  for (const entry of plan.tip.manifest.files) {
    if ('error' in entry || entry.isDirectory) writer.addListed(entry);
  }
  for (const copy of plan.copies) {
    const source = await store.open(copy.archive.path);
    try {
      const metas = new Map(copy.entries.map((entry) => [pathOfEntry(entry), newFileOf(entry)]));
      await writer.copyMember(source, await readBlbHead(source), copy.member, metas, { signal });
    } finally {
      await source.close();
    }
  }
  const reader = new ContentReader(store, plan.content);
  try {
    for (const { entry } of plan.rewrites) {
      throwIfAborted(signal);
      await addStreamed(writer, newFileOf(entry), reader.read(pathOfEntry(entry)));
    }
  } finally {
    await reader.close();
  }
}

/** What would happen, without writing: the merged archive is imagined in its place. */
function plannedMerge(listing: ArchiveListing, path: string, replace: boolean): MergeResult {
  const plan = planMerge(listing.lineage, tipOf(listing, path));
  const imagined = plan.existing ?? imaginedMerge(plan);
  const archives = plan.existing === null ? [...listing.archives, imagined] : listing.archives;
  const { remove, kept } = replace ? planReplace(archives, imagined) : { remove: [], kept: [] };
  return {
    backupId: null,
    archive: null,
    ...summaryOf(plan, remove, kept),
    archiveSize: plan.existing?.archiveBytes ?? 0,
    dryRun: true,
  };
}

/** As the listing would show it. */
export function imaginedMerge(plan: MergePlan): KnownArchive {
  const files = plan.tip.manifest.files.map((entry) => {
    if ('error' in entry || entry.isDirectory) return entry;
    const { dataIn: _dataIn, ...own } = entry;
    return { ...own, member: 0, tarOffset: 0 };
  });
  const manifest: Manifest = {
    ...plan.tip.manifest,
    ...plan.heritage,
    backupId: 'f'.repeat(32),
    backupType: 'merged',
    parent: null,
    files,
  };
  return {
    path: `${plan.tip.path} (merged)`,
    archiveBytes: 0,
    pinned: plan.pinned,
    problem: null,
    manifest,
  };
}
