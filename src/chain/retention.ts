/**
 * Which archives of one board a policy lets go. The policy speaks first (retention-policy.ts), then
 * what must not be lost: pins, the newest complete backup, and whatever a survivor needs. Archives
 * that are broken or unsupported are never expired.
 */
import { boardGroupOf } from '../core/board-key.js';
import { BelayError } from '../core/errors.js';
import type { ChainArchive, KnownArchive } from './archive.js';
import { frozenRecordOf, isKnown, isWhole } from './archive.js';
import type { Lineage, LineageNode } from './lineage.js';
import { isHealthy, resolveLineage } from './lineage.js';
import type { Needs } from './needs.js';
import { needsOf, removalOrder } from './needs.js';
import type { KeepPolicy, PolicyItem } from './retention-policy.js';
import { applyPolicy, isEmptyPolicy } from './retention-policy.js';

export interface RetentionVerdict {
  readonly archive: ChainArchive;
  readonly keep: boolean;
  /** Why it stays: restic's reasons, "pinned", "needed by …", "orphan"; empty where it goes. */
  readonly reasons: readonly string[];
  /** True where it stays only because others need it. */
  readonly neededOnly: boolean;
}

export interface RetentionPlan {
  readonly boardKey: string | null;
  /** Newest first. */
  readonly verdicts: readonly RetentionVerdict[];
  /** In the order to delete in: dependants first. */
  readonly remove: readonly KnownArchive[];
  /** Archives dated after now: they do not count as the latest. */
  readonly warnings: readonly string[];
}

export interface RetentionRequest {
  /** As boardGroupOf gives it; null for none. */
  readonly boardKey: string | null;
  readonly policy: KeepPolicy;
  readonly nowMs: number;
}

interface Item extends PolicyItem {
  readonly node: LineageNode;
}

/**
 * `archives` may be of many boards; only those of `boardKey` are judged. Throws usage/no-policy for
 * an empty policy and usage/removes-all for one that keeps nothing of this board.
 */
export function planRetention(
  archives: readonly ChainArchive[],
  request: RetentionRequest,
): RetentionPlan {
  refuseEmptyPolicy(request.policy);
  const { lineage, items, reasons, needs } = judge(archives, request);
  const verdicts = [...lineage.nodes]
    .reverse()
    .map((node) => verdictOf(node, reasons.get(node) ?? [], needs.get(node) ?? []));
  const doomed = new Set(lineage.nodes.filter((node) => !reasons.has(node) && !needs.has(node)));
  const remove = removalOrder(lineage, doomed).map((node) => node.archive as KnownArchive);
  const warnings = futureDated(items, request.nowMs);
  return { boardKey: request.boardKey, verdicts, remove, warnings };
}

/** Throws usage/no-policy. */
export function refuseEmptyPolicy(policy: KeepPolicy): void {
  if (!isEmptyPolicy(policy)) return;
  throw new BelayError('usage/no-policy', 'no policy was specified, no backups will be removed', {
    hint: 'Give at least one --keep-… option.',
  });
}

interface Judgement {
  readonly lineage: Lineage;
  /** Newest first. */
  readonly items: readonly Item[];
  /** Of everything that stays for its own sake. */
  readonly reasons: ReadonlyMap<LineageNode, readonly string[]>;
  readonly needs: Needs;
}

function judge(archives: readonly ChainArchive[], request: RetentionRequest): Judgement {
  const lineage = resolveLineage(archives.filter((each) => belongsTo(each, request.boardKey)));
  const items = [...lineage.nodes].reverse().filter(isHealthy).map(itemOf);
  const kept = applyPolicy(items, request.policy, request.nowMs);
  refuseToRemoveAll(items, kept);
  const reasons = reasonsOf(lineage, items, kept);
  return { lineage, items, reasons, needs: needsOf(lineage, new Set(reasons.keys())) };
}

/** What does not say whose it is stands in every board's picture: nobody may expire it. */
function belongsTo(archive: ChainArchive, boardKey: string | null): boolean {
  if (isKnown(archive)) return boardGroupOf(archive.manifest.deviceInfo) === boardKey;
  const id = frozenRecordOf(archive).deviceInfo?.uniqueId;
  return typeof id !== 'string' || id === boardKey;
}

function itemOf(node: LineageNode): Item {
  const manifest = (node.archive as KnownArchive).manifest;
  const tags = (manifest.metadata.tags ?? '').split(',').map((tag) => tag.trim());
  return {
    node,
    timeMs: Date.parse(manifest.createdAt),
    utcOffsetMinutes: manifest.utcOffsetMinutes,
    tags: tags.filter((tag) => tag !== ''),
  };
}

function reasonsOf(
  lineage: Lineage,
  items: readonly Item[],
  kept: ReadonlyMap<Item, readonly string[]>,
): Map<LineageNode, readonly string[]> {
  const newestComplete = items.find((item) => item.node.state === 'ok')?.node;
  const byPolicy = new Map([...kept].map(([item, why]) => [item.node, why]));
  const reasons = new Map<LineageNode, readonly string[]>();
  for (const node of lineage.nodes) {
    const why = [...(byPolicy.get(node) ?? [])];
    if (node.archive.pinned) why.push('pinned');
    if (!isHealthy(node)) why.push(node.state);
    if (node === newestComplete && why.length === 0) why.push('newest complete backup');
    if (why.length > 0) reasons.set(node, why);
  }
  return reasons;
}

function refuseToRemoveAll(
  items: readonly Item[],
  kept: ReadonlyMap<Item, readonly string[]>,
): void {
  if (items.length === 0 || [...kept.values()].some((reasons) => reasons.length > 0)) return;
  if (items.some((item) => item.node.archive.pinned)) return;
  throw new BelayError(
    'usage/removes-all',
    `refusing to delete the last backup: the policy keeps none of ${items.length}`,
    { hint: 'Loosen the policy, or delete single backups with `remove`.' },
  );
}

/** What stays for its own sake is never asked who needs it. */
function verdictOf(
  node: LineageNode,
  reasons: readonly string[],
  neededBy: readonly LineageNode[],
): RetentionVerdict {
  const needed = neededBy.map((other) => `needed by ${shortNameOf(other.archive)}`);
  return {
    archive: node.archive,
    keep: reasons.length > 0 || needed.length > 0,
    reasons: [...reasons, ...needed],
    neededOnly: needed.length > 0,
  };
}

/** First 8 digits of the id, else the path. */
export function shortNameOf(archive: ChainArchive): string {
  return archive.manifest?.backupId.slice(0, 8) ?? archive.path;
}

function futureDated(items: readonly Item[], nowMs: number): string[] {
  return items
    .filter((item) => item.timeMs > nowMs)
    .map(({ node }) => {
      const { createdAt } = (node.archive as KnownArchive).manifest;
      return `${shortNameOf(node.archive)} is dated in the future (${createdAt})`;
    });
}

/**
 * `--merge-expired`: which archives to make full so that the expired tails below them can go. Where
 * one kept archive stands on an expired tail, that archive; where several do, the tail's own end.
 * Archives that are full already are not named.
 */
export function planMergeExpired(
  archives: readonly ChainArchive[],
  request: RetentionRequest,
): readonly KnownArchive[] {
  refuseEmptyPolicy(request.policy);
  const { reasons, needs } = judge(archives, request);
  const targets = new Set<LineageNode>();
  for (const [node, by] of needs) {
    const standing = by.find((other) => isHealthy(other) && reasons.has(other));
    if (standing === undefined) continue;
    const tip = by.length === 1 ? standing : node;
    if (!isWhole((tip.archive as KnownArchive).manifest)) targets.add(tip);
  }
  return [...targets]
    .filter((target) => !standsOnOther(target, targets))
    .map((target) => target.archive as KnownArchive);
}

/** A target whose chain holds another target is done in the next run, on the merged one. */
function standsOnOther(target: LineageNode, targets: ReadonlySet<LineageNode>): boolean {
  for (let at = target.parent; at !== null; at = at.parent) if (targets.has(at)) return true;
  return false;
}
