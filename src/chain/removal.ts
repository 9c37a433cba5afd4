/** What deleting single archives means for the others. */

import { boardGroupOf } from '../core/board-key.js';
import type { ChainArchive, KnownArchive } from './archive.js';
import type { Lineage, LineageNode } from './lineage.js';
import { isHealthy } from './lineage.js';
import { needsOf, removalOrder } from './needs.js';

export interface RemovalPlan {
  /** Targets and all that cannot be restored without them, in the order to delete in. */
  readonly remove: readonly ChainArchive[];
  /** Those among them that nobody named: without `--cascade` the removal is refused for them. */
  readonly dependants: readonly KnownArchive[];
  /** Boards (keys) that would be left without a complete backup: only with `--cascade --yes`. */
  readonly lastOfBoards: readonly string[];
}

export function planRemoval(lineage: Lineage, targets: readonly ChainArchive[]): RemovalPlan {
  const doomed = new Set<LineageNode>();
  for (const target of targets) {
    const node = lineage.byPath.get(target.path);
    if (node !== undefined) doomed.add(node);
  }
  const named = new Set(doomed);
  while (addDependants(lineage, doomed)) {
    // Each round dooms at least one more.
  }
  const order = removalOrder(lineage, doomed);
  return {
    remove: order.map((node) => node.archive),
    dependants: order
      .filter((node) => !named.has(node))
      .map((node) => node.archive as KnownArchive),
    lastOfBoards: boardsLeftBare(lineage, doomed),
  };
}

/** Dooms survivors that need something doomed; false when there are none left. */
function addDependants(lineage: Lineage, doomed: Set<LineageNode>): boolean {
  const before = doomed.size;
  for (const node of lineage.nodes) if (losesParent(node, doomed)) markBelow(node, doomed);
  const survivors = new Set(lineage.nodes.filter((node) => !doomed.has(node) && isHealthy(node)));
  for (const [needed, by] of needsOf(lineage, survivors)) {
    if (doomed.has(needed)) for (const node of by) if (survivors.has(node)) doomed.add(node);
  }
  return doomed.size > before;
}

function losesParent(node: LineageNode, doomed: ReadonlySet<LineageNode>): boolean {
  return (
    !doomed.has(node) &&
    node.candidates.length > 0 &&
    node.candidates.every((candidate) => doomed.has(candidate))
  );
}

function markBelow(start: LineageNode, doomed: Set<LineageNode>): void {
  const stack = [start];
  while (stack.length > 0) {
    const node = stack.pop() as LineageNode;
    doomed.add(node);
    for (const child of node.children) if (losesParent(child, doomed)) stack.push(child);
  }
}

function boardsLeftBare(lineage: Lineage, doomed: ReadonlySet<LineageNode>): readonly string[] {
  const complete = lineage.nodes.filter((node) => node.state === 'ok');
  const keyOf = ({ archive }: LineageNode) =>
    boardGroupOf((archive as KnownArchive).manifest.deviceInfo);
  const before = new Set(complete.map(keyOf));
  for (const node of complete) if (!doomed.has(node)) before.delete(keyOf(node));
  return [...before];
}
