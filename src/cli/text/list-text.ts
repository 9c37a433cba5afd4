/** Backups as chains: one tree a board, children under what they build on. */
import type { BackupType } from '../../archive/manifest.js';
import { displayPath } from '../../core/device-path.js';
import type { BackupListing, BackupRow, BackupState } from '../../jobs/list.js';
import { countOf, formatBytes } from '../../ui/formats.js';
import { cellsOf } from '../../ui/text-cells.js';
import type { Style } from '../terminal.js';
import type { Cell } from './style.js';
import {
  boardText,
  LINE_CELLS,
  localTime,
  paint,
  shortId,
  tableLines,
  withoutPath,
} from './style.js';

const STATE_COLOURS = {
  ok: 'green',
  partial: 'yellow',
  orphan: 'red',
  corrupt: 'red',
  unsupported: 'yellow',
} as const satisfies Record<BackupState, string>;

export function listLines(listing: BackupListing, style: Style): string[] {
  if (listing.backups.length === 0) {
    return [`No backups in ${displayPath(listing.folder)}`];
  }
  const lines: string[] = [];
  for (const group of byBoard(listing.backups)) {
    if (lines.length > 0) lines.push('');
    lines.push(paint(style, 'cyan', headOf(group)));
    lines.push(...treeLines(group, style));
  }
  return [...lines, '', footText(listing)];
}

function headOf(rows: readonly BackupRow[]): string {
  const board = rows.findLast((row) => row.board !== null)?.board;
  return board == null ? 'Unreadable' : boardText(board);
}

function footText(listing: BackupListing): string {
  const bytes = listing.backups.reduce((sum, row) => sum + row.archiveSize, 0);
  return `${countOf(listing.backups.length, 'backup')}, ${formatBytes(bytes)} in ${displayPath(listing.folder)}`;
}

/** Rows whose board is not known go by their own, last. */
function byBoard(rows: readonly BackupRow[]): readonly (readonly BackupRow[])[] {
  const groups = new Map<string, BackupRow[]>();
  for (const row of rows) {
    const { board } = row;
    const key =
      board === null ? '~' : `${board.uniqueId ?? ''} ${board.uniqueId === null ? board.name : ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  const unknown = groups.get('~');
  groups.delete('~');
  return [...groups.values(), ...(unknown === undefined ? [] : [unknown])];
}

interface Drawn {
  readonly row: BackupRow;
  readonly branch: string;
}

/** What does not fit beside a backup stands below it. */
function treeLines(rows: readonly BackupRow[], style: Style): string[] {
  const drawn = drawTree(rows, style);
  const plain = tableLines(treeRows(drawn), { ...style, colour: false });
  return tableLines(treeRows(drawn), style).flatMap((line, at) => {
    const { row } = drawn[at] as Drawn;
    const remarks = remarksOf(row);
    const below = problemLines(row);
    if (remarks === '') return [line, ...below];
    const fits = cellsOf(plain[at] ?? '') + 2 + cellsOf(remarks) <= LINE_CELLS;
    return fits ? [`${line}  ${remarks}`, ...below] : [line, `${INDENT}${remarks}`, ...below];
  });
}

const INDENT = ' '.repeat(6);

/** Safety archives and orphans have no parent here and stand at the margin. */
function treeRows(drawn: readonly Drawn[]): Cell[][] {
  return drawn.map(({ row, branch }) => [
    { text: `  ${branch}${row.backupId === null ? '????????' : shortId(row.backupId)}` },
    { text: row.createdAt === null ? '' : localTime(row.createdAt) },
    { text: typeText(row) },
    { text: row.fileCount === null ? '' : countOf(row.fileCount, 'file'), align: 'right' },
    {
      text: row.totalOriginalSize === null ? '' : formatBytes(row.totalOriginalSize),
      align: 'right',
    },
    { text: formatBytes(row.archiveSize), align: 'right' },
    { text: row.state, colour: STATE_COLOURS[row.state] },
  ]);
}

/** As in the names of the archives; `--json` spells them out. */
const TYPE_TEXT = {
  full: 'full',
  incremental: 'incr',
  differential: 'diff',
  merged: 'merged',
  safety: 'safety',
} as const satisfies Record<BackupType, string>;

function typeText(row: BackupRow): string {
  return row.backupType === null ? '' : TYPE_TEXT[row.backupType];
}

function remarksOf(row: BackupRow): string {
  const facts = [
    row.pinned ? 'pinned' : '',
    row.description === null ? '' : `"${displayPath(row.description)}"`,
  ];
  return facts.filter((fact) => fact !== '').join('  ');
}

function problemLines(row: BackupRow): string[] {
  const problem = row.problem === null ? null : withoutPath(row.problem, row.archive);
  const facts = [row.backupId === null ? row.archive : null, problem];
  return facts.filter((fact) => fact !== null).map((fact) => `${INDENT}${displayPath(fact)}`);
}

/**
 * Depth first with a stack of its own. A lone chain stays in one column, so that a thousand
 * increments do not walk out of the terminal; only a fork moves its branches to the right.
 */
export function drawTree(rows: readonly BackupRow[], style: Style): readonly Drawn[] {
  const ids = new Set(rows.map((row) => row.backupId));
  const children = new Map<string, BackupRow[]>();
  const roots: BackupRow[] = [];
  for (const row of rows) {
    const parent = row.builtOn ?? row.parentId;
    if (parent === null || !ids.has(parent) || parent === row.backupId) roots.push(row);
    else children.set(parent, [...(children.get(parent) ?? []), row]);
  }
  const [tee, corner, bar] = (style.unicode ? ['├─ ', '└─ ', '│  '] : ['|- ', '`- ', '|  ']) as [
    string,
    string,
    string,
  ];
  const drawn: Drawn[] = [];
  const seen = new Set<BackupRow>();
  const stack = roots.toReversed().map((row) => ({ row, branch: '', below: '' }));
  while (stack.length > 0) {
    const { row, branch, below } = stack.pop() as { row: BackupRow; branch: string; below: string };
    if (seen.has(row)) continue;
    seen.add(row);
    drawn.push({ row, branch });
    const next = row.backupId === null ? [] : (children.get(row.backupId) ?? []);
    const inColumn = next.length === 1 && branch.endsWith(corner);
    next.toReversed().forEach((child, at) => {
      if (inColumn) stack.push({ row: child, branch, below });
      else if (at === 0) stack.push({ row: child, branch: below + corner, below: `${below}   ` });
      else stack.push({ row: child, branch: below + tee, below: below + bar });
    });
  }
  // A cycle has no root; what it holds is still shown.
  for (const row of rows) if (!seen.has(row)) drawn.push({ row, branch: '' });
  return drawn;
}
