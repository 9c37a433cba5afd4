/**
 * What must stay so that others stay restorable. Two ties bind archives: a child needs a parent (the
 * one it names, or a full that supersedes it), and a file without content of its own needs an
 * archive that holds it. The choice among several is made by fixed rules, so that asking twice gives
 * the same answer.
 */
import { boardKeyOf } from '../core/board-key.js';
import type { ChainArchive, KnownArchive } from './archive.js';
import { frozenRecordOf, isKnown } from './archive.js';
import type { Lineage, LineageNode } from './lineage.js';
import { contentKeyOf, filesOf, holdsContent } from './materialize.js';

/** For each archive that has to stay besides the wanted ones: who needs it. */
export type Needs = ReadonlyMap<LineageNode, readonly LineageNode[]>;

/**
 * Everything that `wanted` needs and does not hold itself. Archives that are wanted anyway are
 * preferred as parents and as holders of content.
 */
export function needsOf(lineage: Lineage, wanted: ReadonlySet<LineageNode>): Needs {
  const needs = new Map<LineageNode, LineageNode[]>();
  const queue = lineage.nodes.filter((node) => wanted.has(node));
  followParents(lineage, queue, wanted, needs);
  const holders = new ContentHolders(lineage);
  const kept = (node: LineageNode) => wanted.has(node) || needs.has(node);
  const checked = new Set<LineageNode>();
  for (let round = nextRound(); round.length > 0; round = nextRound()) {
    for (const node of round) {
      checked.add(node);
      for (const holder of holders.neededFor(node, kept)) {
        note(needs, holder, node);
        followParents(lineage, [holder], wanted, needs);
      }
    }
  }
  return needs;

  function nextRound(): LineageNode[] {
    return [...lineage.nodes].reverse().filter((node) => kept(node) && !checked.has(node));
  }
}

function followParents(
  lineage: Lineage,
  start: readonly LineageNode[],
  wanted: ReadonlySet<LineageNode>,
  needs: Map<LineageNode, LineageNode[]>,
): void {
  const queue = [...start];
  for (let at = 0; at < queue.length; at += 1) {
    const node = queue[at] as LineageNode;
    const parent = parentToKeep(lineage, node, wanted);
    if (parent === null || wanted.has(parent)) continue;
    if (!needs.has(parent)) queue.push(parent);
    note(needs, parent, node);
  }
}

function note(needs: Map<LineageNode, LineageNode[]>, needed: LineageNode, by: LineageNode): void {
  const list = needs.get(needed);
  if (list === undefined) needs.set(needed, [by]);
  else if (!list.includes(by)) list.push(by);
}

/**
 * A broken archive keeps its parent too, as far as it can be read: it may become whole again when
 * what is missing is put back, and an archive of a newer format is only broken for us.
 */
function parentToKeep(
  lineage: Lineage,
  node: LineageNode,
  wanted: ReadonlySet<LineageNode>,
): LineageNode | null {
  if (node.candidates.length > 0) {
    return node.candidates.find((each) => wanted.has(each)) ?? (node.candidates[0] as LineageNode);
  }
  const id = parentIdOf(node.archive);
  if (id === null) return null;
  const named = lineage.byId.get(id) ?? [];
  return named.find((each) => each !== node && isKnown(each.archive)) ?? null;
}

function parentIdOf(archive: ChainArchive): string | null {
  if (archive.manifest !== null) return archive.manifest.parent?.backupId ?? null;
  const id = frozenRecordOf(archive).parent?.backupId;
  return typeof id === 'string' ? id : null;
}

/** Who holds which content, per board. */
class ContentHolders {
  readonly #byContent = new Map<string, LineageNode[]>();
  readonly #own = new Map<LineageNode, ReadonlySet<string>>();

  constructor(lineage: Lineage) {
    for (const node of lineage.nodes) {
      if (!isKnown(node.archive) || node.archive.problem !== null) continue;
      const board = boardKeyOf(node.archive.manifest.deviceInfo);
      const own = new Set<string>();
      for (const entry of filesOf(node.archive.manifest)) {
        if (!holdsContent(entry)) continue;
        const key = `${board} ${contentKeyOf(entry)}`;
        if (own.has(key)) continue;
        own.add(key);
        const list = this.#byContent.get(key);
        if (list === undefined) this.#byContent.set(key, [node]);
        else list.push(node);
      }
      this.#own.set(node, own);
    }
  }

  /** Holders to add so that all content of `node` is in what is kept. */
  neededFor(node: LineageNode, kept: (node: LineageNode) => boolean): LineageNode[] {
    if (!isKnown(node.archive)) return [];
    const manifest = node.archive.manifest;
    const board = boardKeyOf(manifest.deviceInfo);
    const added = new Set<LineageNode>();
    for (const entry of filesOf(manifest)) {
      if (holdsContent(entry)) continue;
      const holders = this.#byContent.get(`${board} ${contentKeyOf(entry)}`) ?? [];
      if (holders.some((each) => kept(each) || added.has(each))) continue;
      const named = holders.find(
        (each) => (each.archive as KnownArchive).manifest.backupId === entry.dataIn,
      );
      const chosen = named ?? holders.at(-1);
      if (chosen !== undefined) added.add(chosen);
    }
    return [...added];
  }
}

/** Dependants before what they depend on, newest first: the only safe order to delete in. */
export function removalOrder(lineage: Lineage, doomed: ReadonlySet<LineageNode>): LineageNode[] {
  const order: LineageNode[] = [];
  const placed = new Set<LineageNode>();
  const newestFirst = [...lineage.nodes].reverse().filter((node) => doomed.has(node));
  for (const start of newestFirst) {
    const stack = [start];
    while (stack.length > 0) {
      const node = stack.at(-1) as LineageNode;
      const waiting = node.children.filter((child) => doomed.has(child) && !placed.has(child));
      if (waiting.length > 0) {
        stack.push(...waiting);
        continue;
      }
      stack.pop();
      if (!placed.has(node)) order.push(node);
      placed.add(node);
    }
  }
  return order;
}
