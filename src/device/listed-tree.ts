/** What a board listed, as a tree. Pure. */
import { comparePaths, isWithin } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import { TREE_ENTRIES_MAX } from '../core/limits.js';
import type { Tree, TreeEntry } from '../core/tree.js';
import { epochOffsetS } from './board-epoch.js';
import type { BoardInfo } from './device-fs.js';
import { errnoText } from './errno.js';
import type { Listed, ListedFile } from './listing.js';
import { isTemporary, temporaryRoot } from './upload-staging.js';

/** Temporary names in a listing, the outermost each. */
export function temporaryRoots(listed: readonly Listed[]): readonly string[] {
  const roots = listed.map((entry) => temporaryRoot(entry.path)).filter((root) => root !== null);
  return [...new Set(roots)];
}

/** Sorted, without temporary names and without what came short. */
export function treeOf(listed: readonly Listed[], info: BoardInfo): Tree {
  if (listed.length > TREE_ENTRIES_MAX)
    throw new BelayError('board/listing', `more than ${TREE_ENTRIES_MAX} files and folders`);
  const broken = listed
    .filter((entry) => entry.kind === 'folder' && entry.errorNumber !== 0)
    .map((entry) => entry.path);
  const entries: TreeEntry[] = [];
  for (const entry of listed) {
    if (entry.path === '' && entry.errorNumber !== 0) throw listingFailed('/', entry.errorNumber);
    if (entry.path === '' || isTemporary(entry.path)) continue;
    if (broken.some((folder) => folder !== entry.path && isWithin(entry.path, folder))) continue;
    entries.push(entryOf(entry, info));
  }
  return entries.sort((a, b) => comparePaths(a.path, b.path));
}

function listingFailed(path: string, errorNumber: number): BelayError {
  return new BelayError(
    'board/listing',
    `${path} could not be listed (${errnoText(errorNumber)})`,
    {
      hint: 'run the backup again; if it stays so, the file system may be damaged',
    },
  );
}

function entryOf(entry: Listed, info: BoardInfo): TreeEntry {
  const { path } = entry;
  if (entry.errorNumber !== 0) {
    const code = entry.kind === 'folder' ? 'board/listing' : 'board/file';
    return {
      kind: 'failed',
      path,
      code,
      message: `/${path} could not be ${entry.kind === 'folder' ? 'listed' : 'read'} (${errnoText(entry.errorNumber)})`,
    };
  }
  if (entry.kind === 'folder') return { kind: 'folder', path };
  return {
    kind: 'file',
    path,
    sizeBytes: entry.sizeBytes as number,
    modifiedS: modifiedSeconds(entry, info),
    sha256: entry.sha256,
  };
}

/** stat counts in the board's epoch; 0 and less mean: not known. */
function modifiedSeconds(entry: ListedFile, info: BoardInfo): number | null {
  return entry.modified <= 0 ? null : entry.modified + epochOffsetS(info);
}
