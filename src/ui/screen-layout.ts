/**
 * Which lines the live region has, as plain text for a terminal of a given size. The region stays
 * below rows - 1: a frame as tall as the terminal makes Ink clear it, scrollback included.
 */
import { displayPath } from '../core/device-path.js';
import type { Progress } from '../core/events.js';
import { countOf } from './formats.js';
import type { BoardState, ProgressState } from './progress-state.js';
import { bytesText, filesText, rateText, stageName, timeLeftText } from './progress-text.js';
import { cellsOf, cutEnd, cutMiddle, padEndCells } from './text-cells.js';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export type Tone = 'plain' | 'strong' | 'bar' | 'dim' | 'warning' | 'good' | 'bad';

export interface ScreenLine {
  readonly key: string;
  readonly tone: Tone;
  readonly text: string;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const SPINNER_ASCII = ['|', '/', '-', '\\'] as const;
const BAR_CELLS_MAX = 40;
const COLUMNS_MAX = 100;

export interface LayoutOptions {
  readonly size: ScreenSize;
  /** Counts up while the job runs; shows that the program is alive. */
  readonly tick: number;
  /** False where the terminal's locale is not UTF-8. */
  readonly unicode: boolean;
}

export function screenLines(state: ProgressState, options: LayoutOptions): readonly ScreenLine[] {
  if (state.closed || state.boards.length === 0) return [];
  const single = state.boards.length === 1 ? state.boards[0] : undefined;
  // One column is left free: a full last column wraps on some terminals.
  const width = Math.max(8, Math.min(COLUMNS_MAX, options.size.columns - 1));
  const height = Math.max(1, options.size.rows - 2);
  return single === undefined
    ? rowsOf(state, width, height, options)
    : panelOf(single, state.warningCount, width, height, options);
}

/** `████░░░░ 50 %`, as wide as asked for at most. */
export function barText(percent: number, width: number, unicode: boolean): string {
  const label = ` ${String(Math.floor(percent)).padStart(3)} %`;
  const cells = Math.min(BAR_CELLS_MAX, width - label.length - (unicode ? 0 : 2));
  if (cells < 1) return cutEnd(label.trim(), width);
  const filled = Math.min(cells, Math.floor((percent / 100) * cells));
  const bar = unicode
    ? '█'.repeat(filled) + '░'.repeat(cells - filled)
    : `[${'#'.repeat(filled)}${'-'.repeat(cells - filled)}]`;
  return bar + label;
}

function spinner(options: LayoutOptions): string {
  const frames = options.unicode ? SPINNER : SPINNER_ASCII;
  return frames[options.tick % frames.length] as string;
}

function panelOf(
  board: BoardState,
  warningCount: number,
  width: number,
  height: number,
  options: LayoutOptions,
): readonly ScreenLine[] {
  if (board.status !== 'working') return [];
  const progress = board.progress;
  const stage = progress === null ? 'Starting' : stageName(progress.operation);
  const warned = warningCount > 0 ? `, ${countOf(warningCount, 'warning')}` : '';
  const lines: ScreenLine[] = [
    { key: 'stage', tone: 'strong', text: cutEnd(`${spinner(options)} ${stage}${warned}`, width) },
    {
      key: 'bar',
      tone: 'bar',
      text: barText(progress?.percentComplete ?? 0, width, options.unicode),
    },
    { key: 'facts', tone: 'plain', text: progress === null ? '' : factsText(progress, width) },
    { key: 'file', tone: 'dim', text: cutMiddle(displayPath(progress?.currentFile ?? ''), width) },
  ];
  return lines.slice(0, height);
}

/** The facts that fit, the least useful left out first: rate, files, time left. */
function factsText(progress: Progress, width: number): string {
  const files = filesText(progress);
  const bytes = bytesText(progress);
  const rate = rateText(progress);
  const left = timeLeftText(progress);
  const choices = [
    [files, bytes, rate, left],
    [files, bytes, left],
    [bytes, left],
    [bytes === '' ? files : bytes],
  ].map((facts) => facts.filter((fact) => fact !== '').join(', '));
  return choices.find((text) => cellsOf(text) <= width) ?? cutEnd(choices.at(-1) ?? '', width);
}

/** One row a board; those that still work come first where not all fit. */
function rowsOf(
  state: ProgressState,
  width: number,
  height: number,
  options: LayoutOptions,
): readonly ScreenLine[] {
  const fits = state.boards.length <= height;
  const order = fits ? state.boards : [...state.boards].sort((a, b) => rankOf(a) - rankOf(b));
  const shown = fits ? order : order.slice(0, Math.max(0, height - 1));
  const nameWidth = Math.min(
    Math.max(6, Math.floor(width / 3)),
    Math.max(...shown.map((each) => cellsOf(displayPath(each.board ?? ''))), 1),
  );
  const lines = shown.map((each) => rowOf(each, nameWidth, width, options));
  if (fits) return lines;
  const hidden = state.boards.length - shown.length;
  return [...lines, { key: '+more', tone: 'dim', text: cutEnd(`and ${hidden} more`, width) }];
}

function rankOf(board: BoardState): number {
  return board.status === 'working' ? 0 : 1;
}

const STATUS_TEXT = { done: 'done', partial: 'partial', failed: 'failed', cancelled: 'cancelled' };
const STATUS_TONE = { done: 'good', partial: 'warning', failed: 'bad', cancelled: 'bad' } as const;

function rowOf(
  board: BoardState,
  nameWidth: number,
  width: number,
  options: LayoutOptions,
): ScreenLine {
  const name = padEndCells(cutMiddle(displayPath(board.board ?? 'board'), nameWidth), nameWidth);
  const key = `board ${board.board ?? ''}`;
  if (board.status !== 'working') {
    const text = `${name} ${STATUS_TEXT[board.status]}`;
    return { key, tone: STATUS_TONE[board.status], text: cutEnd(text, width) };
  }
  const progress = board.progress;
  const stage = progress === null ? 'Starting' : stageName(progress.operation);
  const percent = progress?.percentComplete ?? 0;
  const rest = width - nameWidth - 1;
  const bar = barText(percent, Math.max(5, Math.min(20, rest)), options.unicode);
  const room = rest - cellsOf(bar) - 1;
  const facts =
    progress === null ? '' : factsText(progress, Math.max(0, room - cellsOf(stage) - 2));
  const tail = facts === '' ? stage : `${stage}, ${facts}`;
  const text = room >= 6 ? `${name} ${bar} ${cutEnd(tail, room)}` : `${name} ${bar}`;
  return { key, tone: 'plain', text: cutEnd(text, width) };
}
