/** How much fits on a board that cannot be asked. */
import { bytesOfPath } from '../core/device-path.js';
import type { BoardMount } from './device-fs.js';

/** inc/microbit/filesystem.h: MAX_CHUNKS_IN_FILE_SYSTEM, DATA_PER_CHUNK. */
const TINY_CHUNKS = 240;
const TINY_CHUNK_BYTES = 126;
/** What judges space takes 8 bytes a block for pointers, as on LittleFS. */
const POINTER_BYTES = 8;

/** The one file system of a tiny board. What is free becomes known with its first listing. */
export function tinyMount(isMicrobit: boolean): BoardMount {
  const mount = { path: '', skipped: false, readOnly: null, freeBytes: null } as const;
  if (!isMicrobit) return { ...mount, totalBytes: null, blockBytes: null };
  return {
    ...mount,
    totalBytes: TINY_CHUNKS * TINY_CHUNK_BYTES,
    blockBytes: TINY_CHUNK_BYTES + POINTER_BYTES,
  };
}

/** A file's first chunk holds where its end is and how long its name. */
const FILE_HEAD_BYTES = 2;

/** What files of these sizes leave free; null where the whole size is unknown. */
export function tinyFreeBytes(
  totalBytes: number | null,
  sizes: ReadonlyMap<string, number>,
): number | null {
  if (totalBytes === null) return null;
  let chunks = 0;
  for (const [path, sizeBytes] of sizes)
    chunks += Math.ceil(
      (FILE_HEAD_BYTES + bytesOfPath(path).length + sizeBytes) / TINY_CHUNK_BYTES,
    );
  return Math.max(0, totalBytes - chunks * TINY_CHUNK_BYTES);
}
