/**
 * Whether a plan fits the board, and which way of writing it allows. The sum is LittleFS's: whole
 * blocks of `blockBytes` less 8 of pointers, 4 blocks a new folder, the largest file that is
 * replaced (its old content lives until the new one is committed), 8 to spare. Elsewhere the same
 * sum is a little too careful.
 */

import { isWithin } from '../core/device-path.js';
import type { BoardInfo, BoardMount } from '../device/device-fs.js';
import type { PlannedOperation, RestoreStrategy } from './restore-plan.js';

const FOLDER_BLOCKS = 4;
const SPARE_BLOCKS = 8;
const POINTER_BYTES = 8;

export interface SpaceVerdict {
  /** The safest way that fits; null where none does. */
  readonly strategy: RestoreStrategy | null;
  /** Of the mount with the least room to spare; null where the board does not tell. */
  readonly space: {
    readonly freeBytes: number;
    readonly neededBytes: number;
  } | null;
  readonly mount: string;
}

/** Strategies from the safest on: everything staged first, file by file, in place of the old file. */
export function judgeSpace(
  operations: readonly PlannedOperation[],
  info: BoardInfo,
  options: { readonly inPlace: boolean },
): SpaceVerdict {
  const strategies: readonly RestoreStrategy[] = options.inPlace
    ? ['staged', 'one-by-one', 'in-place']
    : ['staged', 'one-by-one'];
  let verdict: SpaceVerdict = { strategy: 'staged', space: null, mount: '' };
  let tightest = Number.POSITIVE_INFINITY;
  for (const [mount, own] of byMount(operations, info)) {
    if (mount.freeBytes === null || mount.blockBytes === null || mount.blockBytes <= POINTER_BYTES)
      continue;
    const block = mount.blockBytes;
    const needs = strategies.map((strategy) => ({
      strategy,
      blocks: blocksNeeded(own, strategy, block),
    }));
    const free = Math.floor(mount.freeBytes / block);
    const fitting = needs.find((need) => need.blocks <= free);
    const shown = fitting ?? (needs.at(-1) as { strategy: RestoreStrategy; blocks: number });
    const rank =
      fitting === undefined ? -1 : strategies.length - strategies.indexOf(fitting.strategy);
    const room = rank * 1e12 + (free - shown.blocks);
    if (room >= tightest) continue;
    tightest = room;
    verdict = {
      strategy: fitting?.strategy ?? null,
      space: { freeBytes: mount.freeBytes, neededBytes: shown.blocks * block },
      mount: mount.path,
    };
  }
  return verdict;
}

/** The mount a path lies on: the deepest one that holds it. */
export function mountOf(path: string, info: Pick<BoardInfo, 'mounts'>): BoardMount | null {
  let found: BoardMount | null = null;
  for (const mount of info.mounts) {
    if (isWithin(path, mount.path) && (found === null || mount.path.length > found.path.length))
      found = mount;
  }
  return found;
}

function byMount(
  operations: readonly PlannedOperation[],
  info: BoardInfo,
): ReadonlyMap<BoardMount, readonly PlannedOperation[]> {
  const groups = new Map<BoardMount, PlannedOperation[]>();
  for (const operation of operations) {
    const mount = mountOf(operation.path, info);
    if (mount === null) continue;
    const group = groups.get(mount);
    if (group === undefined) groups.set(mount, [operation]);
    else group.push(operation);
  }
  return groups;
}

/** The most blocks that must be free at the start so that no step of the plan runs out. */
function blocksNeeded(
  operations: readonly PlannedOperation[],
  strategy: RestoreStrategy,
  blockBytes: number,
): number {
  if (!operations.some((operation) => operation.kind === 'put' || operation.kind === 'make-folder'))
    return 0;
  const blocks = (sizeBytes: number) => Math.ceil(sizeBytes / (blockBytes - POINTER_BYTES));
  let used = SPARE_BLOCKS;
  let peak = used;
  let largestReplaced = 0;
  for (const operation of operations) {
    if (operation.kind === 'make-folder') used += FOLDER_BLOCKS;
    else if (operation.kind === 'delete-file' && strategy !== 'staged')
      used -= blocks(operation.sizeBytes);
    else if (operation.kind === 'put') {
      const replaced = blocks(operation.replaces?.sizeBytes ?? 0);
      largestReplaced = Math.max(largestReplaced, replaced);
      if (strategy === 'in-place') used -= replaced;
      used += blocks(operation.sizeBytes);
      peak = Math.max(peak, used);
      if (strategy === 'one-by-one') used -= replaced;
    }
    peak = Math.max(peak, used);
  }
  return strategy === 'staged' ? peak + largestReplaced : Math.max(peak, 0);
}
