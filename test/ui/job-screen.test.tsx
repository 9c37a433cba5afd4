import { cleanup, render } from 'ink-testing-library';
import { afterEach, describe, expect, it } from 'vitest';
import { JobScreen } from '../../src/ui/job-screen.js';
import type { DisplayEvent } from '../../src/ui/progress-state.js';
import { EMPTY_PROGRESS, reduceProgress } from '../../src/ui/progress-state.js';
import { BACKUP_RUN } from './recorded-events.js';

function frameOf(events: readonly DisplayEvent[], columns = 80, rows = 24): string {
  const state = events.reduce(reduceProgress, EMPTY_PROGRESS);
  const { lastFrame } = render(
    <JobScreen state={state} size={{ columns, rows }} tick={0} colour={false} unicode />,
  );
  return lastFrame() ?? '';
}

afterEach(() => cleanup());

describe('the screen of a job', () => {
  it('puts notes and warnings above the live region, where they stay', () => {
    expect(frameOf(BACKUP_RUN.slice(0, 6)).split('\n')).toEqual([
      '· taking a full backup: no earlier backup of this board',
      '! data/log.csv: changed while it was read',
      '⠋ Reading, 1 warning',
      `${'█'.repeat(24)}${'░'.repeat(16)}  61 %`,
      '31/50 files, 71.2 kB of 115 kB, 10.9 kB/s, 0:05 left',
      'lib/umqtt/simple.py',
    ]);
  });

  it('ends with what came of it and nothing else that moves', () => {
    const done: DisplayEvent[] = [
      ...BACKUP_RUN,
      { type: 'finished', status: 'done', outcome: 'backed up: 50 files, 115 kB' },
      { type: 'closed' },
    ];
    expect(frameOf(done).trimEnd().split('\n').at(-1)).toBe('✓ backed up: 50 files, 115 kB');
  });

  it('starts with a line even before the first number', () => {
    expect(frameOf(BACKUP_RUN.slice(0, 1))).toContain('⠋ Connecting');
  });
});
