/** Which backup a user means: `latest`, an id or unique prefix, a path of a .blb. */

import type { LineageNode } from '../chain/lineage.js';
import { isHealthy } from '../chain/lineage.js';
import { boardKeyOf } from '../core/board-key.js';
import { BelayError, isBelayError } from '../core/errors.js';
import type { StoredBackup } from '../store/backup-folder.js';
import type { ArchiveListing } from './archive-listing.js';
import { listArchives } from './archive-listing.js';
import type { BoardIdentity } from './board-identity.js';
import { identityOfManifest, summaryOfManifest } from './board-identity.js';
import type { JobContext, StoreParts } from './context.js';

export interface BackupChoice {
  /** What the user typed; `latest` where nothing was typed. */
  readonly wanted: string;
  /** The connected board, for `latest`. */
  readonly connected?: BoardIdentity | null | undefined;
  /** `--board`: a name, a unique id or a prefix of it. */
  readonly board?: string | null | undefined;
  /** Safety archives may be chosen by id or path (never by `latest`). */
  readonly safety?: boolean | undefined;
}

/** Fewer digits of a board's id than this are taken for a mistake. */
const BOARD_DIGITS_MIN = 4;

/**
 * Throws `store/not-found` (with what there is), `usage/ambiguous-board` (details.choices) where
 * `latest` could be several boards', `usage/invalid` for an ambiguous prefix, and
 * `archive/ambiguous-id` where two archives of different content bear one id.
 */
export async function selectBackup(
  parts: StoreParts,
  choice: BackupChoice,
  _context: JobContext,
): Promise<StoredBackup> {
  return chooseBackup(parts, choice, await listArchives(parts.store));
}

/** As selectBackup, from a listing that was made already. */
export async function chooseBackup(
  parts: StoreParts,
  choice: BackupChoice,
  listing: ArchiveListing,
): Promise<StoredBackup> {
  if (choice.wanted.trim() === '')
    throw new BelayError('usage/invalid', 'the name of the backup is empty', {
      hint: 'name it by its id, its path, or as latest',
    });
  if (choice.wanted === 'latest') return latest(parts, choice, listing);
  if (/^[0-9a-f]+$/i.test(choice.wanted) && choice.wanted.length <= 32) {
    const found = byId(choice, listing);
    if (found !== null) return found;
  }
  const named = listing.stored.find(
    (each) => each.path === choice.wanted || each.fileName === choice.wanted,
  );
  if (named !== undefined) return named;
  return byPath(parts, choice, listing);
}

async function byPath(
  parts: StoreParts,
  choice: BackupChoice,
  listing: ArchiveListing,
): Promise<StoredBackup> {
  try {
    return await parts.store.inspect(choice.wanted);
  } catch (error) {
    if (!isBelayError(error, 'store/not-found')) throw error;
    const count = listing.stored.filter((each) => !each.safety).length;
    throw new BelayError(
      'store/not-found',
      `no backup "${choice.wanted}" in ${parts.store.path} (${count} there)`,
      {
        hint: 'belay-backup list shows the backups of the folder; --dir chooses another folder',
        details: { wanted: choice.wanted, folder: parts.store.path },
      },
    );
  }
}

function byId(choice: BackupChoice, listing: ArchiveListing): StoredBackup | null {
  const prefix = choice.wanted.toLowerCase();
  const matches = listing.stored.filter((each) => each.head?.manifest.backupId.startsWith(prefix));
  const found = matches.filter((each) => choice.safety !== false || !each.safety);
  const ids = new Set(found.map((each) => each.head?.manifest.backupId));
  if (ids.size > 1) {
    throw new BelayError(
      'usage/invalid',
      `"${choice.wanted}" begins the ids of ${ids.size} backups`,
      {
        hint: 'give more digits of the id',
        details: { choices: [...ids] },
      },
    );
  }
  const states = new Set(found.map((each) => each.head?.manifestSha256));
  if (states.size > 1) {
    throw new BelayError(
      'archive/ambiguous-id',
      `two different archives bear the id ${choice.wanted}: ${found.map((each) => each.path).join(', ')}`,
      {
        hint: 'name the one that is meant by its path',
        details: { paths: found.map((each) => each.path) },
      },
    );
  }
  return found[0] ?? null;
}

/** The newest backup that can be restored: the connected board's, --board's, or of the one board there is. */
function latest(parts: StoreParts, choice: BackupChoice, listing: ArchiveListing): StoredBackup {
  const all = listing.lineage.nodes.filter((node) => node.archive.manifest !== null);
  const usable = all.filter(isHealthy);
  const wanted = choice.board ?? null;
  if (wanted !== null)
    return newest(
      parts,
      listing,
      usable.filter((node) => isOfBoard(node, wanted)),
      `of board "${wanted}"`,
    );
  const connected = choice.connected ?? null;
  if (connected !== null) {
    const own = usable.filter((node) => boardIdOf(node) === connected.uniqueKey);
    if (own.length > 0) return newest(parts, listing, own, '');
  }
  const boards = new Map(usable.map((node) => [boardIdOf(node), summaryOf(node)]));
  if (boards.size > 1) {
    throw new BelayError(
      'usage/ambiguous-board',
      `${parts.store.path} holds backups of ${boards.size} boards`,
      {
        hint: 'say which one is meant with --board, or name a backup by its id',
        details: { choices: [...boards.values()] },
      },
    );
  }
  return newest(parts, listing, usable, '');
}

function newest(
  parts: StoreParts,
  listing: ArchiveListing,
  nodes: readonly LineageNode[],
  which: string,
): StoredBackup {
  const path = nodes.at(-1)?.archive.path;
  const found = listing.stored.find((each) => each.path === path);
  if (found !== undefined) return found;
  const what =
    which === '' ? 'no backup that can be restored' : `no backup ${which} that can be restored`;
  throw new BelayError('store/not-found', `${what} in ${parts.store.path}`, {
    hint: 'make one with: belay-backup, or choose another folder with --dir',
    details: { folder: parts.store.path },
  });
}

function boardIdOf(node: LineageNode): string {
  const device = node.archive.manifest?.deviceInfo;
  return device === undefined ? '' : identityOfManifest(device).uniqueKey;
}

function summaryOf(node: LineageNode) {
  const device = node.archive.manifest?.deviceInfo;
  return device === undefined ? null : summaryOfManifest(device);
}

/** True where the user's `--board` names this archive's board. */
export function isOfBoard(node: Pick<LineageNode, 'archive'>, wanted: string): boolean {
  const device = node.archive.manifest?.deviceInfo;
  if (device === undefined) return false;
  const id = boardKeyOf(device)?.replace(/^(usb|name):/, '');
  if (device.boardName === wanted || id === wanted || device.machine === wanted) return true;
  return wanted.length >= BOARD_DIGITS_MIN && (id?.startsWith(wanted.toLowerCase()) ?? false);
}
