/**
 * What the fields of a manifest demand of each other, beyond the schema: paths that a board can
 * hold, a list that is a tree, members without gaps, numbers that add up, a stateHash that fits.
 */
import { Buffer } from 'node:buffer';
import { comparePaths, displayPath, isUtf8Path, pathProblem } from '../core/device-path.js';
import type { ErrorCode } from '../core/errors.js';
import { TREE_ENTRIES_MAX } from '../core/limits.js';
import { integrityChecksumOf } from './checksums.js';
import type { Manifest, ManifestEntry } from './manifest.js';
import { entryNameOf, pathOfEntry } from './manifest.js';
import { stateHash, stateRecordsOf } from './state-hash.js';
import { statisticsOf } from './statistics.js';
import { FILE_BYTES_MAX, TAR_BLOCK_BYTES } from './tar-header.js';
import { isStoredFile, tarLayoutOf } from './tar-layout.js';

export interface Violation {
  readonly code: ErrorCode;
  readonly message: string;
  readonly path: string | null;
}

/** Deflate cannot do better (zlib.net, "maximum compression factor"): more is a lie or a bomb. */
const DEFLATE_RATIO_MAX = 1032;

/** The first thing wrong, or null; later checks rest on earlier ones. */
export function firstViolation(manifest: Manifest): Violation | null {
  const rules = [
    counts,
    names,
    order,
    restoreNames,
    conflicts,
    contents,
    members,
    kinds,
    layout,
    sums,
  ];
  for (const rule of rules) {
    for (const violation of rule(manifest)) return violation;
  }
  return null;
}

function inManifest(message: string, path: string | null = null): Violation {
  return { code: 'archive/manifest', message, path };
}

function* counts(manifest: Manifest): Generator<Violation> {
  if (manifest.files.length > TREE_ENTRIES_MAX) {
    const message = `limit exceeded: more than ${TREE_ENTRIES_MAX} entries`;
    yield { code: 'archive/limit', message, path: null };
  }
}

function* names(manifest: Manifest): Generator<Violation> {
  for (const entry of manifest.files) yield* nameViolations(entry);
}

function* restoreNames(manifest: Manifest): Generator<Violation> {
  for (const entry of manifest.restoreRecord?.entries ?? []) yield* nameViolations(entry);
}

function* nameViolations(
  entry: Pick<ManifestEntry, 'relativePath' | 'rawPath'>,
): Generator<Violation> {
  const { relativePath, rawPath } = entry;
  const shown = displayPath(relativePath).slice(0, 200);
  if (rawPath === undefined ? !isUtf8Path(relativePath) : !isCanonicalRaw(relativePath, rawPath)) {
    yield inManifest(`${shown}: relativePath and rawPath do not agree`);
    return;
  }
  const problem = pathProblem(pathOfEntry(entry));
  if (problem !== null) {
    yield {
      code: 'archive/path',
      message: `not a path on a board: "${shown}" (${problem})`,
      path: null,
    };
  }
}

/** rawPath only where it says more than relativePath, and in the one spelling of base64. */
function isCanonicalRaw(relativePath: string, rawPath: string): boolean {
  const bytes = Buffer.from(rawPath, 'base64');
  if (bytes.toString('base64') !== rawPath) return false;
  const name = entryNameOf(pathOfEntry({ relativePath, rawPath }));
  return name.rawPath === rawPath && name.relativePath === relativePath;
}

function* order(manifest: Manifest): Generator<Violation> {
  let previous: string | null = null;
  for (const entry of manifest.files) {
    const path = pathOfEntry(entry);
    const compared = previous === null ? 1 : comparePaths(path, previous);
    if (compared === 0) yield inManifest(`${displayPath(path)} is listed twice`, path);
    if (compared < 0) yield inManifest(`${displayPath(path)} is out of order`, path);
    previous = path;
  }
}

/** `a` is a file and `a/b` exists. With NUL for `/` everything in `a` sorts directly after `a`. */
function* conflicts(manifest: Manifest): Generator<Violation> {
  const keys = manifest.files
    .map((entry) => ({ key: `${pathOfEntry(entry).replaceAll('/', '\0')}\0`, entry }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const [index, { key, entry }] of keys.entries()) {
    const next = keys[index + 1];
    if (entry.isDirectory || next === undefined || !next.key.startsWith(key)) continue;
    const path = pathOfEntry(next.entry);
    yield inManifest(`${displayPath(path)} is listed below a file`, path);
  }
}

function* contents(manifest: Manifest): Generator<Violation> {
  for (const entry of manifest.files) {
    if ('error' in entry || entry.isDirectory) continue;
    const problem = contentProblem(manifest, entry);
    if (problem !== null) {
      const path = pathOfEntry(entry);
      yield inManifest(`${displayPath(path)}: ${problem}`, path);
    }
  }
}

function contentProblem(
  manifest: Manifest,
  entry: Extract<ManifestEntry, { checksum: string }>,
): string | null {
  if (entry.originalSize > FILE_BYTES_MAX) return `larger than ${FILE_BYTES_MAX} bytes`;
  if ((entry.member === undefined) !== (entry.tarOffset === undefined)) return 'half a position';
  if ((entry.member === undefined) === (entry.dataIn === undefined)) {
    return 'needs either a member or dataIn';
  }
  if (entry.dataIn === undefined) return null;
  if (manifest.parent === null) return 'content in another archive, but there is no parent';
  if (entry.dataIn === manifest.backupId) return 'dataIn names this archive itself';
  return entry.compressedSize === null ? null : 'a compressedSize, but no content here';
}

function* members(manifest: Manifest): Generator<Violation> {
  let end = 0;
  for (const [index, member] of manifest.members.entries()) {
    if (member.offset !== end)
      yield inManifest(`member ${index} at ${member.offset}, not at ${end}`);
    if (member.tarSize === 0 || member.tarSize % TAR_BLOCK_BYTES !== 0) {
      yield inManifest(`member ${index} has a tarSize of ${member.tarSize}`);
    }
    if (member.tarSize > member.compressedSize * DEFLATE_RATIO_MAX) {
      yield {
        code: 'archive/limit',
        message: `member ${index}: ${member.compressedSize} bytes cannot hold ${member.tarSize}`,
        path: null,
      };
    }
    end += member.compressedSize;
  }
  if (!Number.isSafeInteger(end)) yield inManifest('members longer than a file can be');
}

function* kinds(manifest: Manifest): Generator<Violation> {
  const { backupType, parent } = manifest;
  const isChild = backupType === 'incremental' || backupType === 'differential';
  if (isChild && parent === null) yield inManifest(`${backupType} without a parent`);
  if ((backupType === 'full' || backupType === 'merged') && parent !== null) {
    yield inManifest(`${backupType} with a parent`);
  }
  if (parent?.backupId === manifest.backupId) yield inManifest('the archive is its own parent');
}

function* layout(manifest: Manifest): Generator<Violation> {
  const placed = tarLayoutOf(manifest);
  if (typeof placed === 'string') {
    yield inManifest(placed);
    return;
  }
  const tarNames = new Set<string>();
  for (const { tar, path } of placed.flat()) {
    if (tarNames.has(tar.name)) yield inManifest(`two entries called ${tar.name}`, path);
    tarNames.add(tar.name);
  }
  if (integrityChecksumOf(placed) !== manifest.integrityChecksum) {
    yield inManifest('integrityChecksum does not fit the list of files');
  }
  for (const entry of manifest.files) {
    if (!isStoredFile(entry)) continue;
    const isAlone = placed[entry.member]?.length === 1;
    const expected = isAlone ? manifest.members[entry.member]?.compressedSize : null;
    if (entry.compressedSize === expected) continue;
    const path = pathOfEntry(entry);
    yield inManifest(
      `${displayPath(path)}: compressedSize ${entry.compressedSize}, not ${expected}`,
      path,
    );
  }
}

function* sums(manifest: Manifest): Generator<Violation> {
  const found: Record<string, unknown> = manifest.statistics;
  for (const [name, expected] of Object.entries(statisticsOf(manifest))) {
    if (found[name] !== expected) {
      yield inManifest(`statistics.${name} is ${String(found[name])}, the list says ${expected}`);
    }
  }
  if (stateHash(stateRecordsOf(manifest.files)) !== manifest.stateHash) {
    yield inManifest('stateHash does not fit the list of files');
  }
}
