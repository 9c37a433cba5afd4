/**
 * Who builds on whom. A child binds to its parent by id and state; a parent may have been replaced
 * by an archive that supersedes it and holds the same state. Everything here is linear in the
 * number of archives and without recursion, for chains of any length.
 */
import type { Manifest } from '../archive/manifest.js';
import { boardKeyOf } from '../core/board-key.js';
import { BelayError } from '../core/errors.js';
import type { ChainArchive, KnownArchive } from './archive.js';
import { frozenRecordOf, isKnown, isPartial, isWhole, scopeKeyOf } from './archive.js';

/** `ok` speaks for head, length and chain; only a verification speaks for the content. */
export type ArchiveState = 'ok' | 'partial' | 'orphan' | 'corrupt' | 'unsupported';

export interface LineageNode {
  readonly archive: ChainArchive;
  readonly state: ArchiveState;
  /** What using this archive would fail with; null for ok and partial. */
  readonly problem: BelayError | null;
  readonly parent: LineageNode | null;
  /** In order of sequence. */
  readonly children: readonly LineageNode[];
  /** Everyone healthy who may stand for the parent, `parent` first. */
  readonly candidates: readonly LineageNode[];
  /** Steps to its full: 0 for a full; -1 where the chain is broken. */
  readonly depth: number;
}

export interface Lineage {
  /** In order of sequence, then path; archives without a readable manifest last. */
  readonly nodes: readonly LineageNode[];
  readonly byPath: ReadonlyMap<string, LineageNode>;
  readonly byId: ReadonlyMap<string, readonly LineageNode[]>;
}

export function isHealthy(node: LineageNode): boolean {
  return node.state === 'ok' || node.state === 'partial';
}

/** From the full to this archive. Empty where the chain is broken. */
export function chainOf(node: LineageNode): readonly KnownArchive[] {
  if (!isHealthy(node)) return [];
  const chain: KnownArchive[] = [];
  for (let at: LineageNode | null = node; at !== null; at = at.parent) {
    chain.push(at.archive as KnownArchive);
  }
  return chain.reverse();
}

/**
 * 1 + the highest sequence seen, archives that are broken included. One that does not tell its own
 * may have taken any later one: room is left for each, so that it finds its place when it is whole again.
 */
export function nextSequence(archives: readonly ChainArchive[]): number {
  let highest = 0;
  let unknown = 0;
  for (const archive of archives) {
    const known = archive.manifest?.sequence ?? frozenRecordOf(archive).sequence;
    if (typeof known === 'number') highest = Math.max(highest, known);
    else unknown += 1;
    for (const old of archive.manifest?.supersedes ?? []) highest = Math.max(highest, old.sequence);
  }
  return highest + unknown + 1;
}

/** The newest archive of a board that can be restored, by sequence; null where there is none. */
export function latestOf(lineage: Lineage, boardKey: string | null): LineageNode | null {
  const ours = lineage.nodes.filter(
    ({ archive }) => isKnown(archive) && boardKeyOf(archive.manifest.deviceInfo) === boardKey,
  );
  return ours.filter(isHealthy).at(-1) ?? null;
}

export function resolveLineage(archives: readonly ChainArchive[]): Lineage {
  const nodes = [...archives].sort(bySequence).map((archive) => new Node(archive));
  // Before all others: what a child says of a broken parent must not depend on their order.
  for (const node of nodes) endWhereBroken(node);
  const index = new ParentIndex(nodes);
  for (const node of nodes) settle(node, index);
  for (const node of nodes) node.parent?.children.push(node);
  const byPath = new Map(nodes.map((node) => [node.archive.path, node]));
  return { nodes, byPath, byId: index.byId };
}

/** Sequence decides, never a clock; broken heads go last. */
export function bySequence(a: ChainArchive, b: ChainArchive): number {
  const left = a.manifest?.sequence ?? Number.POSITIVE_INFINITY;
  const right = b.manifest?.sequence ?? Number.POSITIVE_INFINITY;
  if (left !== right) return left < right ? -1 : 1;
  return a.path < b.path ? -1 : 1;
}

class Node implements LineageNode {
  readonly archive: ChainArchive;
  state: ArchiveState = 'ok';
  problem: BelayError | null = null;
  parent: Node | null = null;
  candidates: readonly Node[] = [];
  readonly children: Node[] = [];
  depth = -1;
  progress: 'new' | 'open' | 'done' = 'new';

  constructor(archive: ChainArchive) {
    this.archive = archive;
  }

  end(state: ArchiveState, problem: BelayError | null): void {
    this.state = state;
    this.problem = problem;
    this.progress = 'done';
  }
}

/** Finds who may stand for a parent. */
class ParentIndex {
  readonly byId = new Map<string, Node[]>();
  readonly #superseding = new Map<string, Node[]>();

  constructor(nodes: readonly Node[]) {
    for (const node of nodes) {
      const id = node.archive.manifest?.backupId ?? frozenRecordOf(node.archive).backupId;
      if (typeof id === 'string') push(this.byId, id, node);
      for (const old of node.archive.manifest?.supersedes ?? []) {
        push(this.#superseding, old.backupId, node);
      }
    }
  }

  /**
   * The named archive first, then fulls that supersede it, newest first; states equal the child's.
   * Only a full may stand in, so no new circle can come of it.
   */
  candidates(child: Manifest): Node[] {
    if (child.parent === null) return [];
    const { backupId, stateHash } = child.parent;
    const holdsState = (node: Node) => node.archive.manifest?.stateHash === stateHash;
    const named = (this.byId.get(backupId) ?? []).filter(holdsState);
    const instead = (this.#superseding.get(backupId) ?? []).filter(
      (node) => holdsState(node) && isKnown(node.archive) && isWhole(node.archive.manifest),
    );
    return [...named, ...instead.reverse()];
  }
}

function push(map: Map<string, Node[]>, key: string, node: Node): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [node]);
  else list.push(node);
}

function endWhereBroken(node: Node): void {
  const { manifest, problem } = node.archive;
  if (problem === null && manifest !== null) return;
  node.end(problem?.code === 'archive/unsupported' ? 'unsupported' : 'corrupt', problem);
}

/** Depth first with a stack of its own: parents are settled before their children. */
function settle(start: Node, index: ParentIndex): void {
  const stack = [start];
  while (stack.length > 0) {
    const node = stack.at(-1) as Node;
    if (node.progress === 'done') {
      stack.pop();
      continue;
    }
    const manifest = node.archive.manifest as Manifest;
    const candidates = index.candidates(manifest);
    const unsettled = candidates.filter((candidate) => candidate.progress === 'new');
    if (unsettled.length > 0) {
      node.progress = 'open';
      stack.push(...unsettled);
      continue;
    }
    decide(node, manifest, candidates, index);
  }
}

function decide(node: Node, manifest: Manifest, candidates: Node[], index: ParentIndex): void {
  if (manifest.parent === null) {
    if (!isWhole(manifest)) {
      node.end('orphan', parentError(node, manifest, 'chain/no-parent', 'names no parent'));
      return;
    }
    node.depth = 0;
    node.end(stateOf(node.archive, manifest), null);
    return;
  }
  const kin = candidates.filter((candidate) => isKin(candidate, manifest));
  node.candidates = kin.filter((each) => each.progress === 'done' && isHealthy(each));
  const parent = node.candidates[0];
  if (parent === undefined) {
    const named = index.byId.get(manifest.parent.backupId) ?? [];
    node.end('orphan', whyOrphan(node, manifest, { named, candidates, kin }));
    return;
  }
  node.parent = parent;
  node.depth = parent.depth + 1;
  node.end(stateOf(node.archive, manifest), null);
}

function stateOf(archive: ChainArchive, manifest: Manifest): ArchiveState {
  return (archive.partial ?? isPartial(manifest)) ? 'partial' : 'ok';
}

/** Same board and same scope; an equal state alone makes no lineage. */
function isKin(candidate: Node, manifest: Manifest): boolean {
  const other = candidate.archive.manifest as Manifest;
  return (
    boardKeyOf(other.deviceInfo) === boardKeyOf(manifest.deviceInfo) &&
    scopeKeyOf(other.scope) === scopeKeyOf(manifest.scope)
  );
}

/** Of those that the id names, those that hold the state as well, and those of this board and scope. */
interface Suspects {
  readonly named: readonly Node[];
  readonly candidates: readonly Node[];
  readonly kin: readonly Node[];
}

function whyOrphan(node: Node, manifest: Manifest, suspects: Suspects): BelayError {
  const { named, candidates, kin } = suspects;
  const orphan = (code: ChainCode, why: string) => parentError(node, manifest, code, why);
  const parent = `its parent ${manifest.parent?.backupId}`;
  if (kin.some((each) => each.progress === 'open')) {
    return orphan('chain/cycle', `has itself among its ancestors: ${parent} builds on it`);
  }
  const broken = kin[0] ?? named.find((each) => each.archive.manifest === null);
  if (broken !== undefined) {
    const code = broken.problem?.code === 'chain/cycle' ? 'chain/cycle' : 'chain/no-parent';
    return orphan(code, `${parent} is ${broken.state}`);
  }
  if (candidates.length > 0) {
    return orphan('chain/foreign', `${parent} is of another board or scope`);
  }
  if (named.length > 0) {
    return orphan('chain/parent-mismatch', `${parent} is there but holds another state`);
  }
  return orphan('chain/no-parent', `${parent} is missing`);
}

type ChainCode = 'chain/no-parent' | 'chain/cycle' | 'chain/foreign' | 'chain/parent-mismatch';

function parentError(node: Node, manifest: Manifest, code: ChainCode, why: string): BelayError {
  return new BelayError(code, `${node.archive.path}: ${why}`, {
    hint: 'Put the missing archive back, or restore what is left with --keep-going.',
    details: { backupId: manifest.backupId, parentId: manifest.parent?.backupId ?? null },
  });
}
