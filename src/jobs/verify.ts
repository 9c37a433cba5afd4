/** `verify`: every byte of archives and chains, or a board against a backup. */
import { validateBlb } from '../archive/blb-reader.js';
import { pathOfEntry } from '../archive/manifest.js';
import { isKnown, treeOf } from '../chain/archive.js';
import { chainOf, isHealthy, resolveLineage } from '../chain/lineage.js';
import { locateContent } from '../chain/materialize.js';
import type { ErrorCode } from '../core/errors.js';
import { BelayError, isBelayError, throwIfAborted } from '../core/errors.js';
import type { StoredBackup } from '../store/backup-folder.js';
import type { ArchiveListing } from './archive-listing.js';
import { chainArchiveOf, listArchives, listingWith } from './archive-listing.js';
import { identityOfConnection } from './board-identity.js';
import { BoardSession } from './board-session.js';
import type { BoardParts, JobContext, StoreParts } from './context.js';
import type { TreeChange } from './diff.js';
import { changesBetween, treeInScope } from './diff.js';
import { JobVoice } from './job-voice.js';
import type { BackupState } from './list.js';
import { rowOf } from './list.js';
import { knownArchiveOf } from './restore-source.js';
import { chooseBackup, isOfBoard } from './select-backup.js';

export interface VerifyOptions {
  /** Ids, prefixes, paths, `latest`; none: all of the folder. */
  readonly backups?: readonly string[] | undefined;
  readonly board?: string | null | undefined;
}

export interface VerifyFinding {
  readonly code: string;
  readonly message: string;
  readonly path: string | null;
}

export interface VerifiedArchive {
  readonly archive: string;
  readonly backupId: string | null;
  readonly createdAt: string | null;
  readonly state: BackupState;
  readonly findings: readonly VerifyFinding[];
  /** Everything it needs is there and whole: it can be restored. */
  readonly restorable: boolean;
}

export interface VerifyResult {
  readonly archives: readonly VerifiedArchive[];
  readonly bytesRead: number;
  /** No finding anywhere. */
  readonly ok: boolean;
  /** The code that decides the exit status: the first finding's; null where ok. */
  readonly code: string | null;
}

export interface VerifyBoardOptions {
  readonly backup?: string | undefined;
  readonly boardName?: string | null | undefined;
}

export interface VerifyBoardResult {
  readonly backupId: string;
  readonly archive: string;
  /** From the backup to the board; empty where they are equal. */
  readonly changes: readonly TreeChange[];
  readonly ok: boolean;
}

/**
 * Also reads the ancestors of what is asked for. Every finding is data; throws only where a backup
 * is not found, for an ambiguous id, and when it is cancelled.
 */
export async function verifyBackups(
  parts: StoreParts,
  options: VerifyOptions,
  context: JobContext,
): Promise<VerifyResult> {
  const { wanted, listing } = await wantedArchives(parts, options);
  const voice = new JobVoice(context);
  const bytesRead = [...wanted].reduce((sum, stored) => sum + stored.archiveBytes, 0);
  voice.begin('verifying', { files: wanted.size, bytes: bytesRead });
  const found = new Map<string, readonly VerifyFinding[]>();
  for (const stored of wanted) {
    throwIfAborted(context.signal);
    found.set(stored.path, await findingsOf(parts, stored, voice, context));
    voice.fileDone(stored.fileName);
  }
  voice.end();
  return verdict([...wanted], found, listing, bytesRead);
}

/** What was asked for and all that it needs; the listing has archives named outside the folder too. */
async function wantedArchives(
  parts: StoreParts,
  options: VerifyOptions,
): Promise<{ readonly wanted: ReadonlySet<StoredBackup>; readonly listing: ArchiveListing }> {
  const { backups = [], board = null } = options;
  const folder = await listArchives(parts.store);
  if (backups.length === 0) {
    const isAsked = (stored: StoredBackup) =>
      board === null || isOfBoard({ archive: chainArchiveOf(stored) }, board);
    return { wanted: new Set(folder.stored.filter(isAsked)), listing: folder };
  }
  let listing = folder;
  const paths = new Set<string>();
  for (const name of backups) {
    const stored = await chooseBackup(parts, { wanted: name, board, safety: true }, folder);
    listing = await listingWith(parts.store, stored, listing);
    paths.add(stored.path);
    const node = listing.lineage.byPath.get(stored.path);
    if (node === undefined || !isKnown(node.archive)) continue;
    const content = locateContent(node.archive, listing.archives).archives;
    for (const { path } of [...chainOf(node), ...content]) paths.add(path);
  }
  const byPath = new Map(listing.stored.map((stored) => [stored.path, stored]));
  const wanted = [...paths].flatMap((path) => byPath.get(path) ?? []);
  return { wanted: new Set(wanted), listing };
}

async function findingsOf(
  parts: StoreParts,
  stored: StoredBackup,
  voice: JobVoice,
  context: JobContext,
): Promise<readonly VerifyFinding[]> {
  const findings: VerifyFinding[] = [];
  try {
    const source = await parts.store.open(stored.path);
    try {
      const options = {
        signal: context.signal,
        onBytes: (count: number) => voice.advance(count),
      };
      findings.push(...(await validateBlb(source, options)).findings);
    } finally {
      await source.close();
    }
  } catch (error) {
    if (!isBelayError(error) || error.code === 'job/cancelled') throw error;
    findings.push({ code: error.code, message: error.message, path: null });
  }
  // What only shows from outside: a name that disagrees, an id that two archives claim.
  const { problem } = stored;
  if (problem !== null && findings.length === 0)
    findings.push({ code: problem.code, message: problem.message, path: null });
  return findings;
}

/** States are judged again with what the full pass has found. */
function verdict(
  wanted: readonly StoredBackup[],
  found: ReadonlyMap<string, readonly VerifyFinding[]>,
  listing: ArchiveListing,
  bytesRead: number,
): VerifyResult {
  const damage = (path: string): BelayError | null => {
    const first = found.get(path)?.[0];
    return first === undefined ? null : new BelayError(first.code as ErrorCode, first.message);
  };
  const archives = listing.archives.map((archive) => ({
    ...archive,
    problem: archive.problem ?? damage(archive.path),
  }));
  const lineage = resolveLineage(archives);
  const rows = wanted.map((stored) => {
    const own = found.get(stored.path) ?? [];
    const node = lineage.byPath.get(stored.path);
    const chain: readonly VerifyFinding[] =
      own.length === 0 && node?.problem
        ? [
            {
              code: node.problem.code,
              message: node.problem.message,
              path: null,
            },
          ]
        : [];
    const missing =
      node !== undefined && isHealthy(node) && isKnown(node.archive)
        ? locateContent(node.archive, archives).missing
        : [];
    const lost = missing.map((entry) => ({
      code: 'chain/missing-content',
      message: `no archive holds the content of ${entry.relativePath}`,
      path: pathOfEntry(entry),
    }));
    const findings = [...own, ...chain, ...lost];
    const restorable = findings.length === 0 && (node === undefined || isHealthy(node));
    const { state } = rowOf(stored, {
      stored: listing.stored,
      archives,
      lineage,
    });
    const manifest = stored.head?.manifest ?? null;
    return {
      archive: stored.path,
      backupId: manifest?.backupId ?? null,
      createdAt: manifest?.createdAt ?? null,
      state: own.length > 0 && state !== 'unsupported' ? ('corrupt' as const) : state,
      findings,
      restorable,
    };
  });
  // Damage comes before what only follows from it: a chain that is broken by it.
  const first =
    rows.flatMap((row) => found.get(row.archive) ?? [])[0] ??
    rows.flatMap((row) => row.findings)[0];
  return {
    archives: rows,
    bytesRead,
    ok: first === undefined,
    code: first?.code ?? null,
  };
}

/** Hashes the files on the board and compares; reads no content over the wire. */
export async function verifyAgainstBoard(
  parts: BoardParts,
  options: VerifyBoardOptions,
  context: JobContext,
): Promise<VerifyBoardResult> {
  const voice = new JobVoice(context);
  voice.begin('connecting');
  const session = await BoardSession.open(parts.connect, context);
  voice.countWire(() => session.counters());
  try {
    const connected = identityOfConnection(session.connection, options.boardName ?? null);
    const listing = await listArchives(parts.store);
    const choice = {
      wanted: options.backup ?? 'latest',
      connected,
      board: options.boardName,
      safety: true,
    };
    const tip = knownArchiveOf(await chooseBackup(parts, choice, listing));
    voice.begin('scanning');
    const before = treeOf(tip.manifest);
    const changes = changesBetween(
      before,
      await treeInScope(session, tip.manifest.scope, before, context.signal),
    );
    voice.end();
    return {
      backupId: tip.manifest.backupId,
      archive: tip.path,
      changes,
      ok: changes.length === 0,
    };
  } finally {
    await session.leave('auto');
  }
}
