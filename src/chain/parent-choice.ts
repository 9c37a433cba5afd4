/**
 * Which archive a new backup builds on. Always by sequence, never by clock, and always with a
 * reason that can be shown: silence about a full backup is how histories get lost.
 */
import type { Manifest } from '../archive/manifest.js';
import { boardKeyOf } from '../core/board-key.js';
import { BelayError } from '../core/errors.js';
import type { KnownArchive } from './archive.js';
import { isKnown, isWhole, scopeKeyOf } from './archive.js';
import type { Lineage, LineageNode } from './lineage.js';
import { chainOf, isHealthy } from './lineage.js';

/** Increments after which `auto` takes a new full, where `--full-every` does not say. */
export const FULL_EVERY_DEFAULT = 30;

export interface ParentRequest {
  readonly type: 'auto' | 'full' | 'incremental' | 'differential';
  /** null for a board without any identity: it has no automatic chain. */
  readonly boardKey: string | null;
  readonly scope: Manifest['scope'];
  /** Archives built on a full, one on the other, after which `auto` takes a new one; 0 never. */
  readonly fullEvery: number;
  /** `--require-parent`: no parent is an error instead of a full. */
  readonly requireParent: boolean;
  /** Paths of archives that failed their verification just now. */
  readonly unfit?: ReadonlySet<string>;
}

export type ParentReason =
  | 'asked-for'
  | 'healthy-parent'
  | 'fallback-parent'
  | 'first-backup'
  | 'no-identity'
  | 'other-scope'
  | 'no-healthy-parent'
  | 'full-every'
  | 'chain-outgrew-full';

export interface ParentChoice {
  readonly type: 'full' | 'incremental' | 'differential';
  readonly parent: KnownArchive | null;
  readonly reason: ParentReason;
  /** A sentence without its full stop, for the user. */
  readonly sentence: string;
  /** Newer archives that were passed over, and why. */
  readonly rejected: readonly { readonly path: string; readonly why: string }[];
}

/**
 * Throws chain/no-parent under `requireParent`, and chain/foreign where the folder's only history
 * is another board's then. Ask again with a longer `unfit` when the chosen parent fails its check.
 */
export function chooseParent(lineage: Lineage, request: ParentRequest): ParentChoice {
  if (request.type === 'full') return full('asked-for', 'taking a full backup, as asked', []);
  if (request.boardKey === null) {
    const why = 'the board has no id of its own (name it with --board)';
    return orRefuse(request, full('no-identity', `taking a full backup: ${why}`, []));
  }
  const known = lineage.nodes.filter(({ archive }) => isKnown(archive));
  const ofBoard = known.filter((node) => keyOf(node) === request.boardKey);
  const scope = scopeKeyOf(request.scope);
  const inScope = ofBoard.filter((node) => scopeKeyOf(manifestOf(node).scope) === scope);
  if (inScope.length === 0) return withoutHistory(request, known.length, ofBoard.length);
  return fromHistory(inScope, request);
}

function withoutHistory(request: ParentRequest, known: number, ofBoard: number): ParentChoice {
  if (ofBoard > 0) {
    const why = 'earlier backups of this board have another path or other patterns';
    return orRefuse(request, full('other-scope', `taking a full backup: ${why}`, []));
  }
  if (known > 0 && request.requireParent) {
    throw new BelayError('chain/foreign', 'the backups here are of another board', {
      hint: 'Plug in the board they were made of, or leave --require-parent out.',
    });
  }
  const choice = full('first-backup', 'taking a full backup: there is none of this board yet', []);
  return orRefuse(request, choice);
}

function fromHistory(inScope: readonly LineageNode[], request: ParentRequest): ParentChoice {
  const rejected: { path: string; why: string }[] = [];
  const unfit = unfitAndBelow(request.unfit ?? new Set());
  const mayServe = request.type === 'differential' ? isCompleteFull : isHealthy;
  for (const node of [...inScope].reverse()) {
    const why = unfit(node) ?? unusable(node);
    if (why !== null) rejected.push({ path: node.archive.path, why });
    else if (mayServe(node)) return take(node, request, rejected);
    else if (node.state === 'partial' && isWhole(manifestOf(node))) {
      rejected.push({ path: node.archive.path, why: 'partial: never the base of a differential' });
    }
  }
  const what = request.type === 'differential' ? 'complete full backup' : 'healthy backup';
  const sentence = `taking a full backup: no ${what} of this board is left to build on`;
  return orRefuse(request, full('no-healthy-parent', sentence, rejected));
}

function unusable(node: LineageNode): string | null {
  if (!isHealthy(node)) return node.state;
  const [feature] = manifestOf(node).requiredFeatures.extend;
  return feature === undefined ? null : `needs a newer belay-backup to build on (${feature})`;
}

function isCompleteFull(node: LineageNode): boolean {
  return node.state === 'ok' && isWhole(manifestOf(node));
}

/** An archive whose ancestor is damaged cannot be restored: it is no parent either. */
function unfitAndBelow(unfit: ReadonlySet<string>): (node: LineageNode) => string | null {
  /** For every archive that was walked over, the nearest below it that failed, or null. */
  const known = new Map<LineageNode, LineageNode | null>();
  return (start) => {
    const walked: LineageNode[] = [];
    let failed: LineageNode | null = null;
    for (let at: LineageNode | null = start; at !== null; at = at.parent) {
      const before = known.get(at);
      if (before !== undefined) {
        failed = before;
        break;
      }
      walked.push(at);
      if (unfit.has(at.archive.path)) {
        failed = at;
        break;
      }
    }
    for (const node of walked) known.set(node, failed);
    if (failed === null) return null;
    if (failed === start) return 'failed its check';
    return `builds on ${failed.archive.path}, which failed its check`;
  };
}

function take(
  node: LineageNode,
  request: ParentRequest,
  rejected: readonly { path: string; why: string }[],
): ParentChoice {
  const parent = node.archive as KnownArchive;
  const type = request.type === 'differential' ? 'differential' : 'incremental';
  if (request.type === 'auto') {
    const wanted = fullIsDue(node, request.fullEvery);
    if (wanted !== null) return { ...wanted, rejected };
  }
  const id = parent.manifest.backupId.slice(0, 8);
  const since = `${type === 'differential' ? 'a differential' : 'an increment'} on ${id}`;
  if (rejected.length === 0) {
    const reason = request.type === 'auto' ? 'healthy-parent' : 'asked-for';
    return { type, parent, reason, sentence: `taking ${since}`, rejected };
  }
  const passed = rejected.length === 1 ? 'a newer backup' : `${rejected.length} newer backups`;
  const sentence = `taking ${since}: ${passed} cannot be built on (${rejected[0]?.why})`;
  return { type, parent, reason: 'fallback-parent', sentence, rejected };
}

/** The rules of `--full-every`: a number of backups, or increments that outgrow their full. */
function fullIsDue(tip: LineageNode, fullEvery: number): ParentChoice | null {
  if (fullEvery <= 0) return null;
  const chain = chainOf(tip);
  const [root, ...increments] = chain;
  if (increments.length >= fullEvery) {
    const since = increments.length === 1 ? 'one backup is' : `${increments.length} backups are`;
    const sentence = `taking a full backup: ${since} built on the last (--full-every ${fullEvery})`;
    return full('full-every', sentence, []);
  }
  const grown = increments.reduce((sum, each) => sum + dataBytes(each), 0);
  if (root !== undefined && grown > dataBytes(root)) {
    const sentence = 'taking a full backup: the increments together have outgrown their full';
    return full('chain-outgrew-full', sentence, []);
  }
  return null;
}

function dataBytes(archive: KnownArchive): number {
  return archive.manifest.statistics.totalCompressedSize;
}

function full(
  reason: ParentReason,
  sentence: string,
  rejected: ParentChoice['rejected'],
): ParentChoice {
  return { type: 'full', parent: null, reason, sentence, rejected };
}

function orRefuse(request: ParentRequest, choice: ParentChoice): ParentChoice {
  if (!request.requireParent) return choice;
  const why = choice.sentence.replace('taking a full backup: ', '');
  throw new BelayError('chain/no-parent', `no parent to build on: ${why}`, {
    hint: 'Take a full backup (--type full), or leave --require-parent out.',
    details: { rejected: choice.rejected },
  });
}

function manifestOf(node: LineageNode): Manifest {
  return (node.archive as KnownArchive).manifest;
}

function keyOf(node: LineageNode): string | null {
  return boardKeyOf(manifestOf(node).deviceInfo);
}
