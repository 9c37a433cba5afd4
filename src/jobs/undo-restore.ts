/** `restore --undo`: takes the last restore of this board back, from its safety archive. */
import { pathOfEntry } from '../archive/manifest.js';
import type { KnownArchive } from '../chain/archive.js';
import { filesOf } from '../chain/materialize.js';
import { boardKeyOf } from '../core/board-key.js';
import { BelayError } from '../core/errors.js';
import type { AfterMode } from '../device/device-fs.js';
import type { StoredBackup } from '../store/backup-folder.js';
import { listArchives } from './archive-listing.js';
import { deviceInfoOf } from './board-identity.js';
import type { BoardSession } from './board-session.js';
import { ContentReader } from './content-reader.js';
import type { BoardParts, JobContext } from './context.js';
import { timesKeptBy } from './file-dates.js';
import type { JobVoice } from './job-voice.js';
import { planUndo } from './plan-undo.js';
import { prepareOnBoard } from './prepare-on-board.js';
import { PreparedPlan } from './prepared-plan.js';
import { requireFeasible } from './restore.js';
import type { PreparedRestore } from './restore-options.js';
import type { OverwritePolicy } from './restore-plan.js';
import { changeOfRecord } from './restore-record.js';
import { knownArchiveOf } from './restore-source.js';
import { mountOf } from './restore-space.js';
import { chooseBackup } from './select-backup.js';
import { VerifiedArchives } from './verified-archives.js';

export interface UndoOptions {
  /** A safety archive by id or path; default the newest one of the connected board. */
  readonly backup?: string | undefined;
  /** `always` also takes back paths that have changed since the restore. */
  readonly overwrite?: OverwritePolicy | undefined;
  readonly safety?: boolean | undefined;
  readonly inPlace?: boolean | undefined;
  readonly verify?: boolean | undefined;
  readonly keepGoing?: boolean | undefined;
  readonly preserveTimes?: boolean | undefined;
  readonly boardName?: string | null | undefined;
  readonly after?: AfterMode | undefined;
  readonly retryLockMs?: number | undefined;
}

/** As prepareRestore. Refuses another board (`board/other`) and a folder without safety archives (`store/not-found`). */
export async function prepareUndo(
  parts: BoardParts,
  options: UndoOptions,
  context: JobContext,
): Promise<PreparedRestore> {
  return prepareOnBoard(parts, options.after, context, (session, voice) =>
    prepareWith(session, parts, options, voice, context),
  );
}

async function prepareWith(
  session: BoardSession,
  parts: BoardParts,
  options: UndoOptions,
  voice: JobVoice,
  context: JobContext,
): Promise<PreparedRestore> {
  const boardKey = boardKeyOf(
    deviceInfoOf(session.info, session.connection.usbSerial, options.boardName ?? null),
  );
  const tip = knownArchiveOf(await safetyArchiveOf(parts, options, boardKey));
  const record = tip.manifest.restoreRecord;
  if (record === null) {
    throw new BelayError(
      'usage/invalid',
      `${tip.path} is no safety archive: it records no restore`,
      {
        hint: 'restore it with: belay-backup restore',
      },
    );
  }
  if (boardKey === null || boardKeyOf(tip.manifest.deviceInfo) !== boardKey) {
    throw new BelayError(
      'board/other',
      `the last restore went to another board (${tip.manifest.deviceInfo.machine})`,
      {
        hint: 'plug in the board that was restored',
        details: {
          expected: boardKeyOf(tip.manifest.deviceInfo),
          found: boardKey,
        },
      },
    );
  }
  voice.begin('verifying', { files: 0, bytes: tip.archiveBytes });
  await new VerifiedArchives(parts.store, context.signal, (count) => voice.advance(count)).verify(
    tip.path,
  );
  voice.end();
  const changes = record.entries.map(changeOfRecord);
  const touched = changes.map((change) => mountOf(change.path, session.info)?.path);
  const mounts = session.info.mounts
    .filter((mount) => !mount.skipped || touched.includes(mount.path))
    .map((mount) => mount.path);
  voice.begin('scanning');
  const { tree } = await session.fs.scan({
    roots: [''],
    mounts,
    hashes: 'content',
    signal: context.signal,
  });
  voice.end();
  const saved = filesOf(tip.manifest).map(
    (entry) =>
      [
        pathOfEntry(entry),
        { sizeBytes: entry.originalSize, modifiedS: entry.lastModified },
      ] as const,
  );
  const plan = planUndo({
    changes,
    saved: new Map(saved),
    board: { tree, info: session.info },
    overwriteChanged: options.overwrite === 'always',
    inPlace: options.inPlace ?? false,
    warnings: [],
  });
  requireFeasible(plan, options.keepGoing ?? false);
  const content = ContentReader.alone(parts.store, tip);
  return new PreparedPlan({
    session,
    store: parts.store,
    plan,
    current: tree,
    mounts,
    content,
    tip,
    times: await timesKeptBy(session, options.preserveTimes ?? false, voice, context.signal),
    options,
    voice,
    context,
  });
}

async function safetyArchiveOf(
  parts: BoardParts,
  options: UndoOptions,
  boardKey: string | null,
): Promise<StoredBackup> {
  const listing = await listArchives(parts.store);
  if (options.backup !== undefined && options.backup !== 'latest') {
    return chooseBackup(parts, { wanted: options.backup, safety: true }, listing);
  }
  const readable = listing.stored.filter(
    (each): each is StoredBackup & { head: KnownHead } =>
      each.safety && each.head !== null && each.problem === null,
  );
  const newest = (list: typeof readable) =>
    [...list].sort((a, b) => a.head.manifest.sequence - b.head.manifest.sequence).at(-1);
  const own = newest(
    readable.filter((each) => boardKeyOf(each.head.manifest.deviceInfo) === boardKey),
  );
  if (own !== undefined) return own;
  if (readable.length > 0) {
    throw new BelayError('board/other', 'the restores recorded here went to other boards', {
      hint: 'plug in the board that was restored',
      details: {
        boards: readable.map((each) => each.head.manifest.deviceInfo.machine),
      },
    });
  }
  throw new BelayError('store/not-found', `no restore is recorded in ${parts.store.path}`, {
    hint: 'only a restore that made a safety archive can be undone',
  });
}

type KnownHead = { readonly manifest: KnownArchive['manifest'] } & NonNullable<
  StoredBackup['head']
>;
