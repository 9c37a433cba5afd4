/**
 * stateHash: one sha256 over a whole list of files, equal for equal states whatever backup they are
 * in. The canonical form is in FORMAT.md, "stateHash"; boards compute the same to answer "nothing
 * changed" in one exchange.
 */
import { createHash } from 'node:crypto';
import { bytesOfPath, comparePaths } from '../core/device-path.js';
import type { TreeEntry } from '../core/tree.js';
import type { ManifestEntry } from './manifest.js';
import { pathOfEntry } from './manifest.js';

/** `f` a file, `d` a folder, `x` what could not be read. */
export interface StateRecord {
  readonly kind: 'f' | 'd' | 'x';
  /** 0 for `d` and `x`. */
  readonly sizeBytes: number;
  /** Lower-case hex; null for `d` and `x`. */
  readonly sha256: string | null;
  readonly path: string;
}

const PREFIX = 'belay-state-1\0';

/** Lower-case hex. The order of the records does not matter; their paths must differ. */
export function stateHash(records: readonly StateRecord[]): string {
  const hash = createHash('sha256').update(PREFIX);
  for (const record of [...records].sort((a, b) => comparePaths(a.path, b.path))) {
    hash.update(`${record.kind} ${record.sizeBytes} ${record.sha256 ?? '-'} `);
    hash.update(bytesOfPath(record.path));
    hash.update('\0');
  }
  return hash.digest('hex');
}

/** Records of a manifest's list or of a tree whose hashes are known (a missing one throws). */
export function stateRecordsOf(
  entries: readonly ManifestEntry[] | readonly TreeEntry[],
): readonly StateRecord[] {
  return entries.map((entry) => ('kind' in entry ? recordOfTree(entry) : recordOfManifest(entry)));
}

function recordOfManifest(entry: ManifestEntry): StateRecord {
  const path = pathOfEntry(entry);
  if ('error' in entry) return { kind: 'x', sizeBytes: 0, sha256: null, path };
  if (entry.isDirectory) return { kind: 'd', sizeBytes: 0, sha256: null, path };
  return { kind: 'f', sizeBytes: entry.originalSize, sha256: entry.checksum, path };
}

function recordOfTree(entry: TreeEntry): StateRecord {
  const { path } = entry;
  if (entry.kind === 'failed') return { kind: 'x', sizeBytes: 0, sha256: null, path };
  if (entry.kind === 'folder') return { kind: 'd', sizeBytes: 0, sha256: null, path };
  if (entry.sha256 === null) throw new TypeError(`stateRecordsOf: no hash known for ${path}`);
  return { kind: 'f', sizeBytes: entry.sizeBytes, sha256: entry.sha256, path };
}
