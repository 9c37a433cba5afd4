/**
 * Where an entry stands in the tar. Names that every tar can carry stand under `files/`; the others
 * under a name made of their hash, with the true bytes in the manifest. FORMAT.md, "Names".
 */
import { createHash } from 'node:crypto';
import { bytesOfPath, isUtf8Path } from '../core/device-path.js';

export const MANIFEST_NAME = 'manifest.json';
export const CHECKSUMS_NAME = 'checksums.txt';
/** Longest path that stands under `files/`: with the prefix it must stay below Linux' PATH_MAX. */
const TAR_PATH_BYTES_MAX = 4000;

/** The entry's name inside the tar; folders get a trailing `/`. */
export function tarNameOf(path: string, isFolder: boolean): string {
  const name = isPlainTarPath(path) ? `files/${path}` : rawNameOf(path);
  return isFolder ? `${name}/` : name;
}

/**
 * True for what is UTF-8, free of control characters and backslashes, has no component that looks
 * like a Windows drive, and is not too long.
 */
function isPlainTarPath(path: string): boolean {
  return (
    // C0, DEL and C1 controls; C1 too, since a terminal may obey them.
    !/[\u0000-\u001f\u007f-\u009f\\]/.test(path) &&
    !/(?:^|\/)[A-Za-z]:/.test(path) &&
    isUtf8Path(path) &&
    bytesOfPath(path).length <= TAR_PATH_BYTES_MAX
  );
}

function rawNameOf(path: string): string {
  const hash = createHash('sha256').update(bytesOfPath(path)).digest('hex');
  return `rawnames/${hash.slice(0, 16)}`;
}
