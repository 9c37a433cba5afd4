/**
 * A tree: the list of a board's files and folders. Paths are DevicePaths (device-path.ts):
 * relative to the board's `/`, without a leading slash, lossless for names that are not UTF-8.
 */

export interface TreeFile {
  readonly kind: 'file';
  readonly path: string;
  readonly sizeBytes: number;
  /** Seconds since 1970 as the board reports it (its clock is often wrong), null where unknown. */
  readonly modifiedS: number | null;
  /** Lower-case hex, null where it is not known yet. */
  readonly sha256: string | null;
}

export interface TreeFolder {
  readonly kind: 'folder';
  readonly path: string;
}

/** What could not be read: unknown, never "deleted". `path` may be a folder's. */
export interface TreeFailure {
  readonly kind: 'failed';
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export type TreeEntry = TreeFile | TreeFolder | TreeFailure;
export type Tree = readonly TreeEntry[];
