/** `repair`: names what is broken, quarantines it, sweeps leftovers; never deletes unreadable data. */
import type { JobContext, StoreParts } from './context.js';
import type { VerifiedArchive } from './verify.js';
import { verifyBackups } from './verify.js';

export interface RepairOptions {
  readonly dryRun?: boolean | undefined;
  readonly retryLockMs?: number | undefined;
}

export interface RepairResult {
  /** Temporary files of dead processes that were removed, or would be. */
  readonly swept: readonly string[];
  /** Lock files of dead processes that were removed, or would be. */
  readonly locksRemoved: readonly string[];
  /** `to` is empty in a dry run. */
  readonly quarantined: readonly {
    readonly from: string;
    readonly to: string;
    readonly code: string;
    readonly message: string;
  }[];
  /** Backups that can't be restored although their own archive is whole. */
  readonly orphans: readonly {
    readonly archive: string;
    readonly message: string;
  }[];
  readonly healthy: number;
  readonly dryRun: boolean;
}

export async function repair(
  parts: StoreParts,
  options: RepairOptions,
  context: JobContext,
): Promise<RepairResult> {
  const { store } = parts;
  const dryRun = options.dryRun === true;
  const stale = (await store.locks()).filter((lock) => lock.state === 'dead');
  if (!dryRun) for (const lock of stale) await store.breakLock(lock);
  const swept = await store.sweep({ dryRun });
  const checked = await verifyBackups(parts, {}, context);
  const broken = checked.archives.filter((archive) =>
    archive.findings.some((finding) => isDamage(finding.code)),
  );
  const quarantined = await quarantine(parts, broken, dryRun, options.retryLockMs ?? 0, context);
  const gone = new Set(broken.map((archive) => archive.archive));
  const rest = dryRun ? checked : await verifyBackups(parts, {}, context);
  const orphans = rest.archives
    .filter((archive) => !gone.has(archive.archive) && !archive.restorable)
    .map(({ archive, findings, state }) => ({
      archive,
      message: findings[0]?.message ?? state,
    }));
  return {
    swept,
    locksRemoved: stale.map((lock) => lock.path),
    quarantined,
    orphans,
    healthy: rest.archives.filter((archive) => archive.restorable).length,
    dryRun,
  };
}

/** The archive's own bytes are wrong. A file that could not be opened, a newer format and a lying name are not touched. */
function isDamage(code: string): boolean {
  return DAMAGE.has(code);
}

const DAMAGE: ReadonlySet<string> = new Set([
  'archive/empty',
  'archive/not-blb',
  'archive/truncated',
  'archive/trailing',
  'archive/damaged',
  'archive/manifest',
  'archive/limit',
  'archive/path',
]);

async function quarantine(
  parts: StoreParts,
  broken: readonly VerifiedArchive[],
  dryRun: boolean,
  retryMs: number,
  context: JobContext,
): Promise<RepairResult['quarantined']> {
  const { store } = parts;
  const folders = new Map(
    (await store.list({ safety: true })).map((stored) => [stored.path, stored.boardFolder]),
  );
  const moved: RepairResult['quarantined'][number][] = [];
  for (const { archive, findings } of broken) {
    const { code = 'archive/damaged', message = 'damaged' } = findings[0] ?? {};
    if (dryRun) {
      moved.push({ from: archive, to: '', code, message });
      continue;
    }
    const lock = await store.lock(folders.get(archive) ?? store.path, 'repair', {
      retryMs,
      signal: context.signal,
    });
    try {
      moved.push({
        from: archive,
        to: await store.quarantine(archive),
        code,
        message,
      });
    } finally {
      await lock.release();
    }
  }
  return moved;
}
