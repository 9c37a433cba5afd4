import { describe, expect, it } from 'vitest';
import type { DisplayEvent } from '../../src/ui/progress-state.js';
import { EMPTY_PROGRESS, reduceProgress } from '../../src/ui/progress-state.js';
import { barText, screenLines } from '../../src/ui/screen-layout.js';
import { cellsOf } from '../../src/ui/text-cells.js';
import { BACKUP_RUN, progressEvent } from './recorded-events.js';

function linesOf(events: readonly DisplayEvent[], columns: number, rows: number, unicode = true) {
  const state = events.reduce(reduceProgress, EMPTY_PROGRESS);
  return screenLines(state, { size: { columns, rows }, tick: 0, unicode }).map((line) => line.text);
}

const MIDDLE = BACKUP_RUN.slice(0, 6);

describe('the live region', () => {
  it('shows stage, bar, numbers and the current file', () => {
    expect(linesOf(MIDDLE, 80, 24)).toEqual([
      '⠋ Reading, 1 warning',
      `${'█'.repeat(24)}${'░'.repeat(16)}  61 %`,
      '31/50 files, 71.2 kB of 115 kB, 10.9 kB/s, 0:05 left',
      'lib/umqtt/simple.py',
    ]);
  });

  it('drops the least useful facts where the terminal is narrow', () => {
    expect(linesOf(MIDDLE, 36, 24)).toEqual([
      '⠋ Reading, 1 warning',
      `${'█'.repeat(17)}${'░'.repeat(12)}  61 %`,
      '71.2 kB of 115 kB, 0:05 left',
      'lib/umqtt/simple.py',
    ]);
    expect(linesOf(MIDDLE, 20, 24)).toEqual([
      '⠋ Reading, 1 warni…',
      `${'█'.repeat(8)}${'░'.repeat(5)}  61 %`,
      '71.2 kB of 115 kB',
      'lib/umqtt/simple.py',
    ]);
  });

  it('speaks ASCII where the locale does', () => {
    const lines = linesOf(MIDDLE, 40, 24, false);
    expect(lines[0]).toBe('| Reading, 1 warning');
    expect(lines[1]).toMatch(/^\[#+-+\] {2}61 %$/);
  });

  it('never fills a terminal: fewer lines than rows - 1, no line wider than the columns', () => {
    const boards = Array.from({ length: 30 }, (_, at) =>
      progressEvent({
        board: `/dev/ttyACM${at}`,
        processedFiles: 3,
        totalFiles: 9,
        currentFile: 'x',
      }),
    );
    for (const events of [BACKUP_RUN.slice(0, 1), MIDDLE, boards]) {
      for (let columns = 20; columns <= 120; columns += 7) {
        for (let rows = 3; rows <= 40; rows += 1) {
          const lines = linesOf(events, columns, rows);
          expect(lines.length).toBeLessThan(rows - 1 || 1);
          for (const line of lines) expect(cellsOf(line)).toBeLessThan(columns);
        }
      }
    }
  });

  it('gives each board one row, those at work first where not all fit', () => {
    const events: DisplayEvent[] = [
      progressEvent({ board: 'a', percentComplete: 10 }),
      progressEvent({ board: 'b', percentComplete: 20 }),
      progressEvent({ board: 'c', percentComplete: 30 }),
      { type: 'finished', board: 'a', status: 'done', outcome: '3 files' },
    ];
    expect(linesOf(events, 60, 24)).toEqual([
      'a done',
      'b ████░░░░░░░░░░  20 % Reading'.replace(
        '████░░░░░░░░░░',
        `${'█'.repeat(2)}${'░'.repeat(12)}`,
      ),
      'c ████░░░░░░░░░░  30 % Reading',
    ]);
    expect(linesOf(events, 60, 4)).toEqual(['b ██░░░░░░░░░░░░  20 % Reading', 'and 2 more']);
  });

  it('is empty once the display is closed', () => {
    expect(linesOf([...BACKUP_RUN, { type: 'closed' }], 80, 24)).toEqual([]);
  });

  it('draws a bar only as full as the work', () => {
    expect(barText(0, 16, true)).toBe('░░░░░░░░░░   0 %');
    expect(barText(99.9, 16, true)).toBe('█████████░  99 %');
    expect(barText(100, 16, true)).toBe('██████████ 100 %');
    expect(barText(100, 4, true)).toBe('100…');
  });
});
