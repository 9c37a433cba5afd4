/**
 * What a progress display knows, as a value: events in, state out, no clock and no screen. All
 * numbers that come in are made safe here (finite, within their totals), so that no view has to.
 */
import type { JobEvent, Operation, Progress, ProgressEvent, WarningEvent } from '../core/events.js';

/** Warnings that are kept for showing; the rest is counted. A board can fail on every file. */
export const WARNINGS_KEPT_MAX = 20;
/** Notes that are kept. A job makes a handful. */
export const NOTES_KEPT_MAX = 50;

export type BoardStatus = 'working' | 'done' | 'partial' | 'failed' | 'cancelled';

export interface BoardState {
  /** null where only one board is worked on. */
  readonly board: string | null;
  readonly status: BoardStatus;
  /** null until the first progress event. */
  readonly progress: Progress | null;
  /** Operations that this board has been through, in order of first appearance. */
  readonly stages: readonly Operation[];
  readonly warningCount: number;
  /** One sentence once the board is through. */
  readonly outcome: string | null;
}

/** A line that stays: it goes into the scrollback once and is never repainted. */
export interface LogLine {
  readonly kind: 'note' | 'warning' | 'outcome' | 'failure' | 'more';
  readonly message: string;
  readonly path: string | null;
  readonly board: string | null;
}

export interface ProgressState {
  readonly boards: readonly BoardState[];
  /** Append-only, bounded: the first warnings and notes, and each board's outcome. */
  readonly log: readonly LogLine[];
  readonly warningCount: number;
  readonly noteCount: number;
  readonly closed: boolean;
}

/** A board is through. The command says so; the engine's events end with its last progress. */
export interface FinishedEvent {
  readonly type: 'finished';
  readonly status: Exclude<BoardStatus, 'working'>;
  readonly outcome: string;
  readonly board?: string;
}

/** The display ends: what was counted but not shown is said once. */
export interface ClosedEvent {
  readonly type: 'closed';
  readonly board?: undefined;
}

export type DisplayEvent = JobEvent | FinishedEvent | ClosedEvent;

export const EMPTY_PROGRESS: ProgressState = {
  boards: [],
  log: [],
  warningCount: 0,
  noteCount: 0,
  closed: false,
};

export function reduceProgress(state: ProgressState, event: DisplayEvent): ProgressState {
  const board = event.board ?? null;
  switch (event.type) {
    case 'progress':
      return withBoard(state, board, (before) => progressed(before, event));
    case 'warning':
      return warned(state, event);
    case 'note':
      return noted(state, event.message, board);
    case 'finished':
      return finished(state, event);
    case 'closed':
      return closed(state);
  }
}

function progressed(before: BoardState, event: ProgressEvent): BoardState {
  // A late event of a board that is through changes nothing: its row has been settled.
  if (before.status !== 'working') return before;
  const known = before.stages.includes(event.operation);
  return {
    ...before,
    progress: safeProgress(event),
    stages: known ? before.stages : [...before.stages, event.operation],
  };
}

function warned(state: ProgressState, event: WarningEvent): ProgressState {
  const board = event.board ?? null;
  const counted = {
    ...withBoard(state, board, (before) => ({ ...before, warningCount: before.warningCount + 1 })),
    warningCount: state.warningCount + 1,
  };
  if (state.warningCount >= WARNINGS_KEPT_MAX) return counted;
  return logged(counted, { kind: 'warning', message: event.message, path: event.path, board });
}

function noted(state: ProgressState, message: string, board: string | null): ProgressState {
  const counted = { ...state, noteCount: state.noteCount + 1 };
  if (state.noteCount >= NOTES_KEPT_MAX) return counted;
  return logged(counted, { kind: 'note', message, path: null, board });
}

function finished(state: ProgressState, event: FinishedEvent): ProgressState {
  const board = event.board ?? null;
  const settled = withBoard(state, board, (before) => ({
    ...before,
    status: event.status,
    outcome: event.outcome,
  }));
  const kind = event.status === 'done' || event.status === 'partial' ? 'outcome' : 'failure';
  return logged(settled, { kind, message: event.outcome, path: null, board });
}

function closed(state: ProgressState): ProgressState {
  if (state.closed) return state;
  const hidden = state.warningCount - WARNINGS_KEPT_MAX;
  const after = { ...state, closed: true };
  if (hidden <= 0) return after;
  const message = `and ${hidden} more ${hidden === 1 ? 'warning' : 'warnings'}`;
  return logged(after, { kind: 'more', message, path: null, board: null });
}

function logged(state: ProgressState, line: LogLine): ProgressState {
  return { ...state, log: [...state.log, line] };
}

function withBoard(
  state: ProgressState,
  board: string | null,
  change: (before: BoardState) => BoardState,
): ProgressState {
  const at = state.boards.findIndex((each) => each.board === board);
  const before = at < 0 ? newBoard(board) : (state.boards[at] as BoardState);
  const after = change(before);
  if (after === before && at >= 0) return state;
  const boards = [...state.boards];
  boards[at < 0 ? boards.length : at] = after;
  return { ...state, boards };
}

function newBoard(board: string | null): BoardState {
  return { board, status: 'working', progress: null, stages: [], warningCount: 0, outcome: null };
}

/** The event's numbers, finite and within their totals; a total of 0 means "not known yet". */
export function safeProgress(event: Progress): Progress {
  const totalFiles = natural(event.totalFiles);
  const totalBytes = natural(event.totalBytes);
  return {
    operation: event.operation,
    currentFile: event.currentFile,
    processedFiles: within(natural(event.processedFiles), totalFiles),
    totalFiles,
    processedBytes: within(natural(event.processedBytes), totalBytes),
    totalBytes,
    percentComplete: Math.min(100, natural(event.percentComplete)),
    elapsedMs: natural(event.elapsedMs),
    etaMs: event.etaMs === null || !Number.isFinite(event.etaMs) ? null : natural(event.etaMs),
    bytesPerSecond: natural(event.bytesPerSecond),
    wireBytes: natural(event.wireBytes),
  };
}

function natural(value: number): number {
  return Number.isFinite(value) ? Math.max(0, value) : 0;
}

function within(value: number, total: number): number {
  return total > 0 ? Math.min(value, total) : value;
}

/** Files, bytes and percent of all boards together, for the line above several rows. */
export function overallPercent(state: ProgressState): number {
  if (state.boards.length === 0) return 0;
  const sum = state.boards.reduce(
    (total, each) =>
      total + (each.status === 'working' ? (each.progress?.percentComplete ?? 0) : 100),
    0,
  );
  return sum / state.boards.length;
}
