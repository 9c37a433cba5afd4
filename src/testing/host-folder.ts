/** A folder of this computer as the content of a board, and back. */
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { bytesOfPath, isUtf8Path, joinPath, pathFromBytes } from '../core/device-path.js';

export interface LoadedFolder {
  /** Absolute path. */
  readonly path: string;
  /** 16 hex digits made of the path: the same folder is always the same board. */
  readonly uniqueIdHex: string;
  readonly files: Map<string, Uint8Array | null>;
  /** What is neither a file nor a folder, and was left out. */
  readonly skipped: readonly string[];
}

export interface WrittenFolder {
  readonly written: number;
  readonly removed: number;
  /** Paths of the board that this computer cannot hold, and why. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

/** Reads the whole folder. Links are not followed. Throws as `fs` does where it cannot be read. */
export async function loadFolder(folder: string): Promise<LoadedFolder> {
  const path = resolve(folder);
  const files = new Map<string, Uint8Array | null>();
  const skipped: string[] = [];
  const read = async (below: string): Promise<void> => {
    const entries = (await readdir(hostPath(path, below), {
      withFileTypes: true,
      encoding: 'buffer',
    } as never)) as unknown as (Omit<Dirent, 'name'> & { name: Uint8Array })[];
    for (const entry of entries) {
      const inside = joinPath(below, pathFromBytes(entry.name));
      if (entry.isDirectory()) {
        files.set(inside, null);
        await read(inside);
      } else if (entry.isFile()) files.set(inside, await readFile(hostPath(path, inside)));
      else skipped.push(inside);
    }
  };
  await mkdir(path, { recursive: true });
  await read('');
  const uniqueIdHex = createHash('sha256').update(path).digest('hex').slice(0, 16);
  return { path, uniqueIdHex, files, skipped };
}

/**
 * Makes the folder equal to `after`, touching only what differs from `before`. Every file is
 * written beside its place and renamed into it, so that a crash leaves the old or the new one.
 */
export async function writeFolder(
  folder: string,
  before: ReadonlyMap<string, Uint8Array | null>,
  after: ReadonlyMap<string, Uint8Array | null>,
): Promise<WrittenFolder> {
  const refused: { path: string; reason: string }[] = [];
  let written = 0;
  let removed = 0;
  for (const path of [...before.keys()].reverse()) {
    const now = after.get(path);
    const kept = now !== undefined && (now === null) === (before.get(path) === null);
    if (kept) continue;
    if (before.get(path) === null) await rmdir(hostPath(folder, path)).catch(() => undefined);
    else await rm(hostPath(folder, path), { force: true });
    removed += 1;
  }
  const taken = new Map<string, string>();
  for (const [path, bytes] of after) {
    const old = before.get(path);
    if (old !== undefined && (bytes === null ? old === null : old !== null && same(old, bytes)))
      continue;
    const reason = hostProblem(path, taken);
    if (reason !== null) {
      refused.push({ path, reason });
      continue;
    }
    if (bytes === null) await mkdir(hostPath(folder, path), { recursive: true });
    else await replaceFile(folder, path, bytes);
    written += 1;
  }
  return { written, removed, refused };
}

async function replaceFile(folder: string, path: string, bytes: Uint8Array): Promise<void> {
  const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  await mkdir(hostPath(folder, parent), { recursive: true });
  const temporary = hostPath(folder, joinPath(parent, `.belay-${process.pid}.tmp`));
  const mode = await stat(hostPath(folder, path)).then(
    (found) => found.mode & 0o777,
    () => 0o644,
  );
  const file = await open(temporary, 'w', mode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, hostPath(folder, path));
}

/** Names are bytes on Linux; elsewhere text. */
function hostPath(folder: string, path: string): string | Buffer {
  if (path === '') return folder;
  if (isUtf8Path(path)) return `${folder}/${path}`;
  return Buffer.concat([Buffer.from(`${folder}/`), bytesOfPath(path)]);
}

const WINDOWS_RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** Why this computer cannot hold the name, or null. Pure but for the platform. */
export function hostProblem(
  path: string,
  taken: Map<string, string>,
  platform: NodeJS.Platform = process.platform,
): string | null {
  if (platform === 'linux') return null;
  if (!isUtf8Path(path)) return 'not UTF-8';
  const folded = path.normalize('NFC').toLowerCase();
  const other = taken.get(folded);
  if (other !== undefined && other !== path) return `differs from "${other}" only in case`;
  taken.set(folded, path);
  if (platform !== 'win32') return null;
  for (const part of path.split('/')) {
    if (/[<>:"\\|?*]/.test(part) || [...part].some((each) => each < ' '))
      return 'a character Windows refuses';
    if (/[. ]$/.test(part)) return 'ends in a dot or a space';
    if (WINDOWS_RESERVED.test(part)) return 'a reserved name';
  }
  return null;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
