/**
 * Puts files of a backup onto a board: plan, safety archive, apply, check. It promises that every
 * archive it reads from was verified in full before the first byte is written, and that a failure
 * leaves the board as it was (unless `keepGoing` was asked for).
 */

import { pathOfEntry } from '../archive/manifest.js';
import { treeOf } from '../chain/archive.js';
import { normalizePath } from '../core/device-path.js';
import type { ErrorCode } from '../core/errors.js';
import { BelayError, EXIT_STATUS_BY_CODE } from '../core/errors.js';
import type { StoredBackup } from '../store/backup-folder.js';
import { listArchives } from './archive-listing.js';
import { identityOfConnection } from './board-identity.js';
import type { BoardSession } from './board-session.js';
import { bytecodeHeads } from './bytecode-heads.js';
import type { BoardParts, FailedPath, JobContext } from './context.js';
import { timesKeptBy } from './file-dates.js';
import type { JobVoice } from './job-voice.js';
import { mountsToScan, planRestore } from './plan-restore.js';
import { prepareOnBoard } from './prepare-on-board.js';
import { PreparedPlan } from './prepared-plan.js';
import type { PreparedRestore, RestoreOptions } from './restore-options.js';
import type { RestorePlan } from './restore-plan.js';
import { selectEntries } from './restore-selection.js';
import type { SourceBackup } from './restore-source.js';
import { knownArchiveOf, verifiedSource } from './restore-source.js';
import { chooseBackup } from './select-backup.js';
import { VerifiedArchives } from './verified-archives.js';

export type {
  PreparedRestore,
  RestoreOptions,
  RestoreResult,
  RestoreSource,
  RestoreSummary,
} from './restore-options.js';

/**
 * Connects, verifies the archives while the board is scanned, plans. The board is not changed.
 * Throws where the plan could not be carried out: `board/full`, `board/unfit` and
 * `board/read-only` (unless keepGoing).
 */
export async function prepareRestore(
  parts: BoardParts,
  options: RestoreOptions,
  context: JobContext,
): Promise<PreparedRestore> {
  return prepareOnBoard(parts, options.after, context, (session, voice) =>
    prepareWith(session, parts, options, voice, context),
  );
}

async function prepareWith(
  session: BoardSession,
  parts: BoardParts,
  options: RestoreOptions,
  voice: JobVoice,
  context: JobContext,
): Promise<PreparedRestore> {
  const identity = identityOfConnection(session.connection, options.boardName ?? null);
  const listing = await listArchives(parts.store);
  const board = options.boardName ?? null;
  const choice = {
    wanted: options.backup ?? 'latest',
    connected: identity,
    board,
    safety: true,
  };
  const stored = await chooseBackup(parts, choice, listing);
  const { paths = [], include = [], exclude = [] } = options;
  const selection = { paths: paths.map(normalizePath), include, exclude };
  const { manifest } = knownArchiveOf(stored);
  const backedUp = { tree: treeOf(manifest), scope: manifest.scope, device: manifest.deviceInfo };
  const where = { selection, to: options.to ?? '', map: options.map ?? [] };
  const mounts = mountsToScan({ source: backedUp, ...where }, session.info);
  const { source, scan } = await beside(
    (signal) =>
      session.fs.scan({ roots: [''], mounts, hashes: 'content', known: backedUp.tree, signal }),
    () => verified(parts, stored, listing, options, voice, context, selection),
    context.signal,
  );
  try {
    const missing = new Set(source.content.content.missing.map(pathOfEntry));
    const given = { source: { ...backedUp, missing }, ...where };
    voice.begin('scanning');
    const { tree, warnings } = await scan;
    voice.end();
    for (const { code, message, path } of warnings) voice.warn(code, message, path);
    const plan = planRestore({
      ...given,
      bytecode: await bytecodeHeads(
        selectEntries(source.tree, selection),
        source.content,
        context.signal,
      ),
      allowUnfit: options.allowUnfit ?? false,
      board: {
        tree,
        info: session.info,
        scannedMounts: new Set(['', ...mounts]),
      },
      overwrite: options.overwrite ?? 'if-changed',
      delete: options.delete ?? false,
      inPlace: options.inPlace ?? false,
      safety: options.safety ?? true,
    });
    requireFeasible(plan, options.keepGoing ?? false);
    for (const { code, message, path } of plan.warnings) voice.warn(code, message, path);
    return new PreparedPlan({
      session,
      store: parts.store,
      plan,
      current: tree,
      mounts,
      content: source.content,
      tip: source.tip,
      times: await timesKeptBy(session, options.preserveTimes ?? false, voice, context.signal),
      options,
      voice,
      context,
    });
  } catch (error) {
    await source.content.close();
    throw error;
  }
}

/** The board works while the archives are checked here; where they fail it is stopped first. */
async function beside<T>(
  onBoard: (signal: AbortSignal) => Promise<T>,
  check: () => Promise<SourceBackup>,
  signal: AbortSignal,
): Promise<{ readonly source: SourceBackup; readonly scan: Promise<T> }> {
  const stop = new AbortController();
  const scan = onBoard(AbortSignal.any([signal, stop.signal]));
  // Its own failure is heard where it is waited for.
  scan.catch(() => {});
  try {
    return { source: await check(), scan };
  } catch (error) {
    stop.abort();
    await scan.catch(() => {});
    throw error;
  }
}

async function verified(
  parts: BoardParts,
  stored: StoredBackup,
  listing: Awaited<ReturnType<typeof listArchives>>,
  options: RestoreOptions,
  voice: JobVoice,
  context: JobContext,
  selection: {
    readonly paths: readonly string[];
    readonly include: readonly string[];
    readonly exclude: readonly string[];
  },
): Promise<SourceBackup> {
  voice.begin('verifying', { files: 0, bytes: stored.archiveBytes });
  const archives = new VerifiedArchives(parts.store, context.signal, (count) =>
    voice.advance(count),
  );
  const keepGoing = options.keepGoing ?? false;
  const source = await verifiedSource({ store: parts.store, verified: archives }, stored, listing, {
    keepGoing,
    wanted: (tree) => {
      const wanted = new Set(selectEntries(tree, selection).map((entry) => entry.path));
      return (path) => wanted.has(path);
    },
  });
  voice.end();
  return source;
}

/** Nothing is begun that is known to end badly. */
export function requireFeasible(plan: RestorePlan, keepGoing: boolean): void {
  if (!plan.fits && plan.space !== null) {
    const { freeBytes, neededBytes } = plan.space;
    throw new BelayError(
      'board/full',
      `the board has ${freeBytes} bytes free, this restore needs ${neededBytes}`,
      {
        hint: 'restore fewer files, delete some first (--delete), or allow writing in place of the old files (--in-place)',
        details: { freeBytes, neededBytes },
      },
    );
  }
  const locked = plan.unfit.find((each) => each.code === 'board/read-only');
  if (locked !== undefined) throw readOnlyError(plan, locked);
  const first = plan.unfit[0];
  if (first === undefined || keepGoing) return;
  const others = plan.unfit.length === 1 ? '' : ` (and ${plan.unfit.length - 1} more)`;
  const code = Object.hasOwn(EXIT_STATUS_BY_CODE, first.code)
    ? (first.code as ErrorCode)
    : 'board/unfit';
  throw new BelayError(code, `/${first.path}: ${first.message}${others}`, {
    hint: first.path.endsWith('.mpy')
      ? 'compile it for this board with mpy-cross; --keep-going restores the rest, --allow-unfit writes it all the same'
      : 'leave it out with --exclude, put it elsewhere with --map, or restore the rest with --keep-going',
    details: { unfit: plan.unfit },
  });
}

/** Nothing can be written there, so there is no rest to restore: --keep-going makes no difference. */
function readOnlyError(plan: RestorePlan, first: FailedPath): BelayError {
  return new BelayError(
    'board/read-only',
    `/${first.path}: ${first.message}: while a CircuitPython drive is mounted, the computer alone may write (nothing was changed)`,
    {
      hint: [
        'two ways out: put "import storage; storage.remount(\'/\', readonly=False)" into boot.py by way of the drive, then reset the board (take the lines out again afterwards)',
        'or, on CircuitPython 10.3 and newer, run storage.unsafe_disable_usb_drive() at its prompt',
      ].join('; '),
      details: { unfit: plan.unfit },
    },
  );
}
