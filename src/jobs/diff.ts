/** `diff`: what changed between two backups, or between a backup and the board. */
import type { Manifest } from '../archive/manifest.js';
import { treeOf } from '../chain/archive.js';
import { CHANGE_MARK, diffTrees } from '../chain/diff.js';
import { BelayError } from '../core/errors.js';
import type { Tree, TreeFile } from '../core/tree.js';
import type { ArchiveListing } from './archive-listing.js';
import { listArchives } from './archive-listing.js';
import { identityOfConnection } from './board-identity.js';
import { BoardSession } from './board-session.js';
import type { ContentReader } from './content-reader.js';
import type { Connect, JobContext, StoreParts } from './context.js';
import { filterTree } from './plan-backup.js';
import { chosenContent } from './restore-source.js';
import type { BackupChoice } from './select-backup.js';
import { TEXT_BYTES_MAX, unifiedDiff } from './text-diff.js';

export interface TreeChange {
  /** `+` added, `-` removed, `M` content changed, `T` kind changed, `?` unknown on one side (could not be read). */
  readonly status: '+' | '-' | 'M' | 'T' | '?';
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'failed';
  readonly sizeBefore: number | null;
  readonly sizeAfter: number | null;
  readonly checksumBefore: string | null;
  readonly checksumAfter: string | null;
  /** With `text`: a unified diff, null where a side is not text or too big. */
  readonly text?: string | null;
}

export interface DiffOptions {
  readonly a: string;
  /** `board` for the connected board; default `board`. */
  readonly b?: string | undefined;
  readonly text?: boolean | undefined;
  readonly board?: string | null | undefined;
}

export interface DiffResult {
  /** backupId, and `board` for the connected board. */
  readonly a: string;
  readonly b: string;
  readonly changes: readonly TreeChange[];
}

/** `connect` is only called where `b` is the board. */
export async function compareBackups(
  parts: StoreParts & { readonly connect: Connect | null },
  options: DiffOptions,
  context: JobContext,
): Promise<DiffResult> {
  const listing = await listArchives(parts.store);
  const side = (wanted: string) => backupSide(parts, { wanted, board: options.board }, listing);
  if ((options.b ?? 'board') === 'board') return withBoard(parts, options, listing, context);
  const before = await side(options.a);
  const after = await side(options.b as string);
  try {
    const changes = changesBetween(before.tree, after.tree);
    const shown =
      options.text === true ? await withText(changes, before.content, after.content) : changes;
    return { a: before.id, b: after.id, changes: shown };
  } finally {
    await before.content.close();
    await after.content.close();
  }
}

interface BackupSide {
  readonly id: string;
  readonly tree: Tree;
  readonly scope: Manifest['scope'];
  readonly content: ContentReader;
}

async function backupSide(
  parts: StoreParts,
  choice: Pick<BackupChoice, 'wanted' | 'board' | 'connected'>,
  listing: ArchiveListing,
): Promise<BackupSide> {
  const { tip, content } = await chosenContent(parts, choice, listing);
  return {
    id: tip.manifest.backupId,
    tree: treeOf(tip.manifest),
    scope: tip.manifest.scope,
    content,
  };
}

async function withBoard(
  parts: StoreParts & { readonly connect: Connect | null },
  options: DiffOptions,
  listing: ArchiveListing,
  context: JobContext,
): Promise<DiffResult> {
  if (parts.connect === null) throw new BelayError('usage/invalid', 'no board to compare with');
  const { a: wanted, board } = options;
  // `latest` is the connected board's; everything else is refused before a board is disturbed.
  const named = wanted === 'latest' ? null : await backupSide(parts, { wanted, board }, listing);
  const session = await BoardSession.open(parts.connect, context);
  let before = named;
  try {
    const connected = identityOfConnection(session.connection, board ?? null);
    before ??= await backupSide(parts, { wanted, board, connected }, listing);
    const after = await treeInScope(session, before.scope, before.tree, context.signal);
    const changes = changesBetween(before.tree, after);
    if (options.text !== true) return { a: before.id, b: 'board', changes };
    const boardText = await readTexts(session, changes, after, context.signal);
    return {
      a: before.id,
      b: 'board',
      changes: await withText(changes, before.content, boardText),
    };
  } finally {
    await before?.content.close();
    await session.leave('auto');
  }
}

/** The board as this backup would see it now. */
export async function treeInScope(
  session: BoardSession,
  scope: Manifest['scope'],
  known: Tree,
  signal: AbortSignal,
): Promise<Tree> {
  const mounts = session.info.mounts.filter(
    (mount) => mount.skipped && scope.roots.includes(mount.path),
  );
  const { tree } = await session.fs.scan({
    roots: [scope.path],
    mounts: mounts.map((mount) => mount.path),
    hashes: 'content',
    known,
    signal,
  });
  return filterTree(tree, scope.patterns);
}

export function changesBetween(before: Tree, after: Tree): readonly TreeChange[] {
  return diffTrees(before, after).map(({ status, path, before: old, after: now }) => {
    const entry = now ?? old;
    return {
      status: CHANGE_MARK[status] as TreeChange['status'],
      path,
      kind: entry?.kind ?? 'failed',
      sizeBefore: old?.kind === 'file' ? old.sizeBytes : null,
      sizeAfter: now?.kind === 'file' ? now.sizeBytes : null,
      checksumBefore: old?.kind === 'file' ? old.sha256 : null,
      checksumAfter: now?.kind === 'file' ? now.sha256 : null,
    };
  });
}

/** Texts of changed files, read in one go. */
async function readTexts(
  session: BoardSession,
  changes: readonly TreeChange[],
  tree: Tree,
  signal: AbortSignal,
): Promise<TextSource> {
  const wanted = new Set(
    changes
      .filter((change) => change.status === 'M' && isSmallText(change))
      .map((change) => change.path),
  );
  const files = tree.filter(
    (entry): entry is TreeFile => entry.kind === 'file' && wanted.has(entry.path),
  );
  const parts = new Map<string, Uint8Array[]>();
  for await (const event of session.fs.read(files, {
    compress: true,
    signal,
  })) {
    if (event.kind === 'restart' || event.kind === 'failed') parts.delete(event.file.path);
    if (event.kind === 'data')
      parts.set(event.file.path, [...(parts.get(event.file.path) ?? []), event.bytes]);
  }
  return {
    has: (path) => parts.has(path),
    bytes: async (path) => Buffer.concat(parts.get(path) ?? []),
  };
}

interface TextSource {
  has(path: string): boolean;
  bytes(path: string): Promise<Uint8Array>;
}

async function withText(
  changes: readonly TreeChange[],
  before: TextSource,
  after: TextSource,
): Promise<readonly TreeChange[]> {
  const shown: TreeChange[] = [];
  for (const change of changes) {
    const { path } = change;
    const comparable =
      change.status === 'M' && isSmallText(change) && before.has(path) && after.has(path);
    const text = comparable
      ? unifiedDiff(path, await before.bytes(path), await after.bytes(path))
      : null;
    shown.push({ ...change, text });
  }
  return shown;
}

function isSmallText(change: TreeChange): boolean {
  return Math.max(change.sizeBefore ?? 0, change.sizeAfter ?? 0) <= TEXT_BYTES_MAX;
}
