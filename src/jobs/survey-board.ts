/** Everything a backup finds out before it reads the first file. Changes nothing. */
import type { Manifest, ManifestDeviceInfo } from '../archive/manifest.js';
import type { KnownArchive } from '../chain/archive.js';
import { scopeKeyOf, treeOf } from '../chain/archive.js';
import type { ParentChoice } from '../chain/parent-choice.js';
import { boardKeyOf } from '../core/board-key.js';
import { displayPath, isWithin, normalizePath } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import type { Tree } from '../core/tree.js';
import type { ScanOptions, ScanResult } from '../device/device-fs.js';
import type { BackupFolder } from '../store/backup-folder.js';
import type { ArchiveListing } from './archive-listing.js';
import { listArchives } from './archive-listing.js';
import type { BackupOptions } from './backup-options.js';
import { chooseVerifiedParent, lastOfSameView } from './backup-parent.js';
import { deviceInfoOf } from './board-identity.js';
import type { BoardSession } from './board-session.js';
import type { JobContext } from './context.js';
import type { JobVoice } from './job-voice.js';
import type { BackupPlan } from './plan-backup.js';
import {
  emptiedRoots,
  filterTree,
  isUnchanged,
  likelyTwins,
  planBackup,
  scopeRoots,
  trustTimes,
} from './plan-backup.js';
import { VerifiedArchives } from './verified-archives.js';

export interface Survey {
  readonly device: ManifestDeviceInfo;
  readonly scope: Manifest['scope'];
  /** Mounts asked for, as DevicePaths. */
  readonly mounts: readonly string[];
  readonly listing: ArchiveListing;
  readonly choice: ParentChoice;
  readonly tree: Tree;
  readonly plan: BackupPlan;
  /** The last backup of the same scope; null where there is none. */
  readonly reference: Manifest | null;
  /** Nothing has changed since then. */
  readonly unchanged: boolean;
}

export class Surveyor {
  readonly #store: BackupFolder;
  readonly #options: BackupOptions;
  readonly #context: JobContext;
  readonly #voice: JobVoice;

  constructor(store: BackupFolder, options: BackupOptions, context: JobContext, voice: JobVoice) {
    this.#store = store;
    this.#options = options;
    this.#context = context;
    this.#voice = voice;
  }

  async survey(session: BoardSession, boardFolder: string): Promise<Survey> {
    const { path, patterns, mounts } = this.#view();
    const device = deviceInfoOf(
      session.info,
      session.connection.usbSerial,
      this.#options.boardName ?? null,
    );
    const missing = mounts.find(
      (mount) => !session.info.mounts.some((each) => each.path === mount),
    );
    if (missing !== undefined && this.#options.allowEmpty !== true) {
      throw new BelayError('board/empty', `the board has no /${displayPath(missing)} now`, {
        hint: 'put the card back in, or leave it out with --allow-empty',
        details: { mount: missing },
      });
    }
    const leftOut = session.info.mounts
      .filter((mount) => mount.skipped && !mounts.includes(mount.path))
      .map((mount) => mount.path);
    const around = leftOut.find((mount) => isWithin(path, mount));
    if (around !== undefined) {
      const name = displayPath(around);
      throw new BelayError('usage/invalid', `/${name} is a file system of its own on the board`, {
        hint: `take it as well with --mounts ${name}`,
      });
    }
    const scope = {
      roots: scopeRoots(session.info, path, mounts),
      path,
      patterns,
    };
    const listing = await listArchives(this.#store);
    const choice = await this.#chooseParent(listing, device, scope, boardFolder);
    const last = lastOfSameView(listing, boardKeyOf(device), scope);
    const tree = await this.#scan(session, scope, choice, last?.manifest ?? null);
    this.#refuseEmpty(tree, scope, leftOut, last?.manifest ?? null);
    const plan = planBackup(tree, choice.parent?.manifest ?? null);
    const reference = choice.parent?.manifest ?? (sameScope(last, scope) ? last.manifest : null);
    const unchanged = reference !== null && isUnchanged(tree, reference);
    return { device, scope, mounts, listing, choice, tree, plan, reference, unchanged };
  }

  #view(): {
    path: string;
    patterns: Manifest['scope']['patterns'];
    mounts: readonly string[];
  } {
    const { path = '', include = [], exclude = [], mounts = [] } = this.#options;
    return {
      path: normalizePath(path),
      patterns: { include, exclude },
      mounts: mounts.map(normalizePath),
    };
  }

  async #chooseParent(
    listing: ArchiveListing,
    device: ManifestDeviceInfo,
    scope: Manifest['scope'],
    boardFolder: string,
  ): Promise<ParentChoice> {
    const verified = new VerifiedArchives(this.#store, this.#context.signal, (count) =>
      this.#voice.advance(count),
    );
    const choice = await chooseVerifiedParent(
      listing,
      {
        type: this.#options.type ?? 'auto',
        boardKey: boardKeyOf(device),
        scope,
        fullEvery: this.#options.fullEvery ?? null,
        requireParent: this.#options.requireParent ?? false,
        verifyAncestors: this.#options.verify ?? true,
      },
      verified,
      this.#context.signal,
    );
    const unreadable = listing.stored.filter(
      (each) => each.boardFolder === boardFolder && each.head === null && !each.safety,
    );
    for (const { path, problem } of unreadable)
      this.#voice.warn('backup-passed-over', `not built on: ${problem?.message ?? path}`, path);
    for (const { path, why } of choice.rejected)
      this.#voice.warn('backup-passed-over', `${path} is not built on: ${why}`, path);
    if (choice.reason === 'first-backup' && listing.archives.length > 0) {
      this.#voice.warn(
        'new-history',
        'this board has no backup here yet; the folder holds those of other boards',
      );
    }
    if (
      choice.parent !== null &&
      choice.parent.manifest.createdAt > this.#context.clock.now().toISOString()
    ) {
      this.#voice.warn(
        'clock-behind',
        `the last backup is dated ${choice.parent.manifest.createdAt}, later than now; the order of backups does not depend on it`,
      );
    }
    this.#voice.note('type', choice.sentence);
    return choice;
  }

  async #scan(
    session: BoardSession,
    scope: Manifest['scope'],
    choice: ParentChoice,
    last: Manifest | null,
  ): Promise<Tree> {
    const { signal } = this.#context;
    const { quick = false, skipIfUnchanged = false } = this.#options;
    const base = choice.parent?.manifest ?? null;
    const known = base ?? (skipIfUnchanged ? last : null);
    this.#voice.begin('scanning');
    const result = await this.#scanThroughLosses(session, {
      roots: [scope.path],
      mounts: this.#view().mounts,
      hashes: known === null || (quick && base !== null) ? 'none' : 'content',
      ...(known === null || quick ? {} : { known: treeOf(known) }),
      signal,
      onEntry: () => this.#voice.fileDone(),
    });
    for (const { code, message, path } of result.warnings) this.#voice.warn(code, message, path);
    this.#voice.end();
    const isThere =
      scope.path === '' || result.tree.some((entry) => isWithin(entry.path, scope.path));
    const heldFiles = last !== null && last.statistics.fileCount > 0;
    if (!isThere && !heldFiles) {
      throw new BelayError('store/not-found', `the board has no /${displayPath(scope.path)}`, {
        hint: 'give --path a folder or a file of the board',
      });
    }
    const tree = filterTree(result.tree, scope.patterns);
    if (!hasFiles(tree) && hasFiles(result.tree))
      this.#voice.warn('nothing-matches', 'no file of the board passes the patterns');
    if (quick && base !== null) return trustTimes(tree, base);
    return this.#withTwinsHashed(session, tree);
  }

  async #scanThroughLosses(session: BoardSession, options: ScanOptions): Promise<ScanResult> {
    for (;;) {
      try {
        return await session.fs.scan(options);
      } catch (error) {
        await session.recover(error, options.signal);
      }
    }
  }

  /** Files that may be identical are hashed on the board, so that their content comes once. */
  async #withTwinsHashed(session: BoardSession, tree: Tree): Promise<Tree> {
    const twins = likelyTwins(tree);
    if (twins.length === 0) return tree;
    const hashes = await session.fs.hash(twins, this.#context.signal);
    return tree.map((entry) =>
      entry.kind === 'file' && entry.sha256 === null
        ? { ...entry, sha256: hashes.get(entry.path) ?? null }
        : entry,
    );
  }

  /** What is there and was not asked for this time is no loss. */
  #refuseEmpty(
    tree: Tree,
    scope: Manifest['scope'],
    leftOut: readonly string[],
    last: Manifest | null,
  ): void {
    if (last === null || this.#options.allowEmpty === true) return;
    const emptied = emptiedRoots(tree, scope.roots, last).filter((root) => !leftOut.includes(root));
    if (emptied.length === 0) return;
    const asked = (root: string) => (isWithin(scope.path, root) ? scope.path : root);
    const names = emptied.map((root) => `/${displayPath(asked(root))}`).join(', ');
    throw new BelayError(
      'board/empty',
      `${names} held files in the last backup and holds none now`,
      {
        hint: 'if that is meant, run it again with --allow-empty',
        details: { roots: emptied, lastBackupId: last.backupId },
      },
    );
  }
}

function hasFiles(tree: Tree): boolean {
  return tree.some((entry) => entry.kind === 'file');
}

function sameScope(last: KnownArchive | null, scope: Manifest['scope']): last is KnownArchive {
  return last !== null && scopeKeyOf(last.manifest.scope) === scopeKeyOf(scope);
}
