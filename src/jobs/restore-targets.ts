/** Where the selected entries of a backup land, with the folders that lead there. */
import { displayPath, parentOfPath } from '../core/device-path.js';
import { BelayError } from '../core/errors.js';
import type { TreeEntry } from '../core/tree.js';
import type { BoardInfo } from '../device/device-fs.js';
import type { PathMapping } from './restore-selection.js';

/** Target path -> entry of the backup, with the folders that lead there. */
export function wantedAt(
  entries: readonly TreeEntry[],
  mapping: PathMapping,
  info: BoardInfo,
): Map<string, TreeEntry> {
  const wanted = new Map<string, TreeEntry>();
  const flatNames = new Set<string>();
  const folders = new Set(
    entries.filter((entry) => entry.kind === 'folder').map((entry) => entry.path),
  );
  for (const entry of entries) {
    const target = mapping.target(entry.path);
    if (target === '') {
      if (entry.kind === 'folder') continue;
      throw new BelayError(
        'usage/invalid',
        `/${displayPath(entry.path)} would land on the board's root`,
      );
    }
    const other = wanted.get(target);
    if (other !== undefined && !(other.kind === 'folder' && entry.kind === 'folder'))
      throw collision(target, other, entry);
    wanted.set(target, entry);
    // On a board without folders `d/x` is a legal name: there is no folder d in its backup.
    if (!folders.has(parentOfPath(entry.path))) flatNames.add(target);
  }
  for (const [target, entry] of [...wanted]) {
    if (!info.hasFolders && flatNames.has(target)) continue;
    for (let at = parentOfPath(target); at !== ''; at = parentOfPath(at)) {
      const above = wanted.get(at);
      if (above?.kind === 'file') throw collision(at, above, entry);
      if (above === undefined) wanted.set(at, { kind: 'folder', path: entry.path });
    }
  }
  return wanted;
}

function collision(target: string, a: TreeEntry, b: TreeEntry): BelayError {
  return new BelayError(
    'usage/invalid',
    `/${displayPath(a.path)} and /${displayPath(b.path)} would both land on /${displayPath(target)}`,
    {
      hint: 'change --map or --to',
      details: { target, sources: [a.path, b.path] },
    },
  );
}
