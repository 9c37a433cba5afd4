/**
 * Where what is written stands before it is committed. A file that takes its place alone waits
 * beside it under a short name. A folder that is not there yet is built whole under such a name and
 * gets its own in one step: nothing in it moves, and nobody sees half of it.
 */
import { isWithin, joinPath, parentOfPath } from '../core/device-path.js';
import type { BoardOperation } from './device-fs.js';

const TEMPORARY = /^\.blb~\d+$/;

/** The outermost temporary name in a path, with what leads to it; null where there is none. */
export function temporaryRoot(path: string): string | null {
  const names = path.split('/');
  const at = names.findIndex((name) => TEMPORARY.test(name));
  return at < 0 ? null : names.slice(0, at + 1).join('/');
}

/** Names that a write in progress uses, and what lies below them; never part of a backup. */
export function isTemporary(path: string): boolean {
  return temporaryRoot(path) !== null;
}

export interface Staging {
  /** Where each file and each new folder is made. */
  readonly places: ReadonlyMap<BoardOperation, string>;
  /** What arrives with each folder that is renamed as a whole. */
  readonly brought: ReadonlyMap<BoardOperation, readonly BoardOperation[]>;
}

/** `byFolder`: new folders are built whole; without it they are made where they belong. */
export function stagingOf(operations: readonly BoardOperation[], byFolder: boolean): Staging {
  const places = new Map<BoardOperation, string>();
  const brought = new Map<BoardOperation, BoardOperation[]>();
  const built: { readonly path: string; readonly place: string; brings: BoardOperation[] }[] = [];
  let count = 0;
  const besides = (path: string) => {
    count += 1;
    return joinPath(parentOfPath(path), `.blb~${count - 1}`);
  };
  for (const operation of operations) {
    const { kind, path } = operation;
    if (kind !== 'make-folder' && kind !== 'put') continue;
    const home = built.find((folder) => isWithin(path, folder.path));
    if (home !== undefined) {
      places.set(operation, home.place + path.slice(home.path.length));
      home.brings.push(operation);
    } else if (kind === 'put') places.set(operation, besides(path));
    else if (byFolder) {
      const folder = { path, place: besides(path), brings: [] };
      built.push(folder);
      places.set(operation, folder.place);
      brought.set(operation, folder.brings);
    }
  }
  return { places, brought };
}
