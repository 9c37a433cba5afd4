/** Lists a board's tree through the agent; with a known tree, only what differs from it. */
import { comparePaths, isWithin, parentOfPath } from '../core/device-path.js';
import { isBelayError } from '../core/errors.js';
import type { Tree, TreeEntry } from '../core/tree.js';
import type { Agent } from './agent.js';
import type { BoardInfo, ScanOptions, ScanResult } from './device-fs.js';
import { ENOENT } from './errno.js';
import { bytesLiteralOfPath, shortName } from './helper-source.js';
import { temporaryRoots, treeOf } from './listed-tree.js';
import { type FoldedFolder, foldOf, type Listed, parseFolds, parseListing } from './listing.js';
import { isTemporary } from './upload-staging.js';

const ATTEMPTS = 3;
const HASHED_AT_ONCE = 40;

/** What a listing is made over: needed again to read files by their place in the walk. */
export interface WalkPlan {
  readonly roots: readonly string[];
  readonly skipped: readonly string[];
}

export interface Walk {
  readonly plan: WalkPlan;
  /** Place of each file in the walk, and how many there are. */
  readonly places: ReadonlyMap<string, number>;
}

export interface Scan {
  readonly result: ScanResult;
  /** Null where the board said only what differs. */
  readonly walk: Walk | null;
  /** Names that a write in progress uses, left behind by a run that died; never part of a backup. */
  readonly temporary: readonly string[];
}

export function walkPlan(
  info: BoardInfo,
  options: { readonly roots: readonly string[]; readonly mounts: readonly string[] },
): WalkPlan {
  const wanted = (path: string) => options.mounts.includes(path);
  const taken = info.mounts
    .filter((mount) => !mount.skipped || wanted(mount.path))
    .map((mount) => mount.path);
  const roots: string[] = [];
  for (const root of options.roots) {
    if (taken.length === 0 || taken.some((mount) => isWithin(root, mount))) roots.push(root);
    roots.push(...taken.filter((mount) => mount !== root && isWithin(mount, root)));
  }
  return {
    roots: [...new Set(roots)],
    skipped: info.mounts.map((mount) => mount.path).filter((path) => path !== ''),
  };
}

export async function scanBoard(
  agent: Agent,
  info: BoardInfo,
  options: ScanOptions,
): Promise<Scan> {
  const plan = walkPlan(info, options);
  const byContent =
    options.hashes === 'content' && (agent.rungs.hash === 'sha256' || agent.rungs.hash === 'new');
  const wholeBoard = options.roots.length === 1 && options.roots[0] === '';
  if (byContent && wholeBoard && options.known !== undefined && options.known.length > 0) {
    return scanAgainst(agent, info, plan, options.known, options);
  }
  const listed = await list(
    agent,
    plan,
    `${shortName('list_job')},((${rootsOf(plan.roots)}),${byContent ? 1 : 0})`,
    partsOf(options, byContent),
    byContent,
    options.signal,
  );
  let place = 0;
  const places = new Map<string, number>();
  for (const entry of listed) if (entry.kind === 'file') places.set(entry.path, place++);
  const tree = treeOf(
    listed.filter((entry) => !isAbsentRoot(entry, plan)),
    info,
  );
  options.onEntry?.(tree.length);
  return {
    result: { tree, warnings: [], matchedKnown: false },
    walk: { plan, places },
    temporary: temporaryRoots(listed),
  };
}

/** A listing without hashes is a first backup's: what reads the files travels with it, deflated as one. */
function partsOf(options: ScanOptions, byContent: boolean): readonly string[] {
  if (byContent) return ['hash-file', 'list'];
  return options.hashes === 'none' && options.roots.includes('') ? ['list', 'read'] : ['list'];
}

/** sha256 of each path; null where it is gone or unreadable. */
export async function hashFiles(
  agent: Agent,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string | null>> {
  const hashes = new Map<string, string | null>(paths.map((path) => [path, null]));
  const plan = { roots: [], skipped: [] };
  for (let at = 0; at < paths.length; at += HASHED_AT_ONCE) {
    const some = paths.slice(at, at + HASHED_AT_ONCE);
    const call = `${shortName('list_job')},((${rootsOf(some)}),1)`;
    const listed = await list(agent, plan, call, ['hash-file', 'list'], true, signal, some);
    for (const entry of listed)
      if (entry.kind === 'file' && hashes.has(entry.path)) hashes.set(entry.path, entry.sha256);
  }
  return hashes;
}

function rootsOf(roots: readonly string[]): string {
  return roots.map((root) => `${bytesLiteralOfPath(root)},`).join('');
}

async function list(
  agent: Agent,
  plan: WalkPlan,
  call: string,
  parts: readonly string[],
  hashed: boolean,
  signal: AbortSignal,
  roots: readonly string[] = plan.roots,
): Promise<readonly Listed[]> {
  const hashBytes = hashed ? 32 : 0;
  return retried(async () =>
    parseListing(await collect(agent, plan, call, parts, signal), { roots, hashBytes }),
  );
}

/** A listing whose lost frames were made again while the tree changed makes no sense: list again. */
async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (number >= ATTEMPTS || !isBelayError(error) || !error.retryable) throw error;
    }
  }
}

async function collect(
  agent: Agent,
  plan: WalkPlan,
  call: string,
  parts: readonly string[],
  signal: AbortSignal,
): Promise<Uint8Array> {
  const payloads: Uint8Array[] = [];
  await agent.run(
    {
      parts,
      call,
      skipped: plan.skipped.map(bytesLiteralOfPath),
      take: (payload) => payloads.push(payload),
      restart: () => ({ offset: 0, call }),
    },
    signal,
  );
  return Buffer.concat(payloads);
}

/** A path that was asked for by name and is not there, where a mount would only be out of order. */
function isAbsentRoot(entry: Listed, plan: WalkPlan): boolean {
  const { path } = entry;
  const asked = path !== '' && plan.roots.includes(path) && !plan.skipped.includes(path);
  return asked && entry.errorNumber === ENOENT;
}

async function scanAgainst(
  agent: Agent,
  info: BoardInfo,
  plan: WalkPlan,
  known: Tree,
  options: ScanOptions,
): Promise<Scan> {
  const { signal } = options;
  const folds = await foldsOf(agent, plan, signal);
  const { unchanged, changed, matchedKnown } = compareFolds(folds, known, plan);
  const call = `${shortName('shallow_job')},((${rootsOf(changed)}),1)`;
  const listed =
    changed.length === 0 ? [] : await list(agent, plan, call, FOLD_PARTS, true, signal, changed);
  const tree = [...unchanged, ...entriesIn(changed, treeOf(listed, info), plan)];
  tree.sort((a, b) => comparePaths(a.path, b.path));
  options.onEntry?.(tree.length);
  const result = { tree, warnings: [], matchedKnown };
  return { result, walk: null, temporary: temporaryRoots(listed) };
}

const FOLD_PARTS = ['hash-file', 'list', 'fold'];

/** Folders that are as they are known need no listing, nor do those that are empty now. */
function compareFolds(
  folds: readonly FoldedFolder[],
  known: Tree,
  plan: WalkPlan,
): { readonly unchanged: TreeEntry[]; readonly changed: string[]; readonly matchedKnown: boolean } {
  const children = new Map<string, TreeEntry[]>();
  for (const entry of known) {
    if (plan.skipped.includes(entry.path)) continue;
    const folder = parentOfPath(entry.path);
    children.set(folder, children.get(folder) ?? []);
    children.get(folder)?.push(entry);
  }
  const unchanged: TreeEntry[] = [];
  const changed: string[] = [];
  let matchedKnown = true;
  for (const folder of folds) {
    if (isTemporary(folder.path)) continue;
    const before = children.get(folder.path) ?? [];
    const isSame = folder.errorNumber === 0 && foldOfKnown(before) === folder.digest;
    matchedKnown &&= isSame;
    if (isSame) unchanged.push(...before);
    else if (folder.errorNumber !== 0 || folder.digest !== foldOf([])) changed.push(folder.path);
    if (folder.path !== '' && plan.roots.includes(folder.path))
      unchanged.push({ kind: 'folder', path: folder.path });
  }
  return { unchanged, changed, matchedKnown };
}

/** Null where something could not be read: what it is now is unknown. */
function foldOfKnown(entries: readonly TreeEntry[]): string | null {
  if (entries.some((entry) => entry.kind === 'failed')) return null;
  return foldOf(
    entries.map((entry) => ({
      path: entry.path,
      sha256: entry.kind === 'file' ? entry.sha256 : null,
    })),
  );
}

/** What the changed folders hold; each of them stands where the listing of its parent has it. */
function entriesIn(changed: readonly string[], listed: Tree, plan: WalkPlan): readonly TreeEntry[] {
  const entries = listed.filter(
    (entry) => !changed.includes(entry.path) || entry.kind === 'failed',
  );
  for (const path of changed) {
    const inParent =
      path !== '' && changed.includes(parentOfPath(path)) && !plan.roots.includes(path);
    if (inParent && !entries.some((entry) => entry.path === path))
      entries.push({ kind: 'folder', path });
  }
  return entries;
}

function foldsOf(
  agent: Agent,
  plan: WalkPlan,
  signal: AbortSignal,
): Promise<readonly FoldedFolder[]> {
  const call = `${shortName('fold_job')},((${rootsOf(plan.roots)}),)`;
  return retried(async () =>
    parseFolds(await collect(agent, plan, call, FOLD_PARTS, signal), plan.roots),
  );
}
