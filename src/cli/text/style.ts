/** Colours as escape codes, where the stream shows them; columns; names of boards and backups. */
import { displayPath } from '../../core/device-path.js';
import type { BoardSummary } from '../../jobs/board-identity.js';
import { cellsOf, padEndCells, padStartCells } from '../../ui/text-cells.js';
import type { Style } from '../terminal.js';

const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, grey: 90 } as const;

export function paint(style: Style, colour: keyof typeof CODES, text: string): string {
  return style.colour && text !== '' ? `\u001b[${CODES[colour]}m${text}\u001b[39m` : text;
}

export interface Cell {
  readonly text: string;
  readonly align?: 'left' | 'right';
  readonly colour?: keyof typeof CODES;
}

/** Rows as aligned columns, two spaces apart; trailing blanks are cut. */
export function tableLines(rows: readonly (readonly Cell[])[], style: Style): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cellsOf(cell.text));
    });
  }
  return rows.map((row) => {
    const last = row.findLastIndex((cell) => cell.text !== '');
    return row
      .slice(0, last + 1)
      .map((cell, at) => {
        const width = widths[at] ?? 0;
        const padded =
          cell.align === 'right'
            ? padStartCells(cell.text, width)
            : at === last
              ? cell.text
              : padEndCells(cell.text, width);
        return cell.colour === undefined ? padded : paint(style, cell.colour, padded);
      })
      .join('  ');
  });
}

/** Facts under each other: the names padded to one width. */
export function factLines(facts: readonly (readonly [string, string | null])[]): string[] {
  const given = facts.filter((fact): fact is readonly [string, string] => fact[1] !== null);
  const width = Math.max(0, ...given.map(([name]) => name.length)) + 1;
  return given.map(([name, value]) => `${`${name}:`.padEnd(width + 1)}${value}`);
}

/** The prefix by which people name a backup; unique ids of this length are as good as certain. */
export function shortId(backupId: string): string {
  return backupId.slice(0, 8);
}

const FIRMWARE: Readonly<Record<string, string>> = {
  micropython: 'MicroPython',
  circuitpython: 'CircuitPython',
};

export function firmwareText(board: Pick<BoardSummary, 'firmware' | 'version'>): string {
  return displayPath(`${FIRMWARE[board.firmware] ?? board.firmware} ${board.version}`.trim());
}

/** `thermometer (ESP32-S3, 7c9ebd4f)`: enough to tell two boards apart. */
export function boardText(board: BoardSummary): string {
  const facts = [
    board.machine === board.name ? null : board.machine,
    board.uniqueId === null ? 'no id' : `id ${board.uniqueId}`,
  ].filter((fact) => fact !== null);
  return displayPath(`${board.name} (${facts.join(', ')})`);
}

/** `2026-11-20 12:21:11` where this computer stands. */
export function localTime(isoUtc: string): string {
  const at = new Date(isoUtc);
  if (Number.isNaN(at.getTime())) return displayPath(isoUtc);
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace('T', ' ');
}

/** Lines of people's terminals are taken to be this wide where nothing says so. */
export const LINE_CELLS = 80;

/** A message without the path that it begins with, for places that have named it already. */
export function withoutPath(message: string, path: string): string {
  const start = `${path}: `;
  return message.startsWith(start) ? message.slice(start.length) : message;
}

/** The last part of a path: enough where the folder is known. */
export function fileNameOf(path: string): string {
  return displayPath(path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1));
}

/** At most `most` lines, and how many were left out. */
export function bounded(lines: readonly string[], most: number, rest: string): string[] {
  if (lines.length <= most) return [...lines];
  return [...lines.slice(0, most), `  and ${lines.length - most} more${rest}`];
}
