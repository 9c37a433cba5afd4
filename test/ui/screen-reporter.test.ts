import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { screenReporter } from '../../src/ui/screen-reporter.js';
import { BACKUP_RUN, progressEvent } from './recorded-events.js';

// Ink decides when it is loaded, and paints no live frames where it sees CI.
vi.hoisted(() => {
  delete process.env.CI;
  delete process.env.CONTINUOUS_INTEGRATION;
});

/** A terminal that remembers what was written to it. */
function fakeTerminal(columns: number, rows: number) {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  let written = '';
  (stream as unknown as PassThrough).on('data', (bytes: Buffer) => {
    written += bytes.toString('utf8');
  });
  Object.assign(stream, { isTTY: true, columns, rows });
  return { stream, written: () => written };
}

const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the screen as a reporter', () => {
  it('never clears the terminal, and gives the cursor back', async () => {
    const terminal = fakeTerminal(80, 24);
    const reporter = screenReporter({
      stream: terminal.stream,
      input: process.stdin,
      colour: false,
      unicode: true,
    });
    for (const event of BACKUP_RUN) {
      reporter.event(event);
      await vi.advanceTimersByTimeAsync(250);
    }
    reporter.finished({ type: 'finished', status: 'done', outcome: 'backed up: 50 files' });
    const closing = reporter.close();
    await vi.advanceTimersByTimeAsync(250);
    await closing;
    const text = terminal.written();
    expect(text).not.toContain('\u001b[2J');
    expect(text).not.toContain('\u001b[3J');
    expect(text.lastIndexOf('\u001b[?25h')).toBeGreaterThan(text.lastIndexOf('\u001b[?25l'));
    const plain = text.replace(ESCAPES, '');
    expect(plain.split('! data/log.csv: changed while it was read')).toHaveLength(2);
    expect(plain).toContain('✓ backed up: 50 files');
  });

  it('repaints a silent job, so that it is seen to be alive', async () => {
    const terminal = fakeTerminal(40, 10);
    const reporter = screenReporter({
      stream: terminal.stream,
      input: process.stdin,
      colour: false,
      unicode: true,
    });
    reporter.event(progressEvent({ operation: 'scanning' }));
    await vi.advanceTimersByTimeAsync(1_000);
    const closing = reporter.close();
    await vi.advanceTimersByTimeAsync(100);
    await closing;
    const spins = new Set(terminal.written().match(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] Scanning/g));
    expect(spins.size).toBeGreaterThan(3);
  });

  it('may be closed twice, and takes no event afterwards', async () => {
    const terminal = fakeTerminal(40, 10);
    const reporter = screenReporter({
      stream: terminal.stream,
      input: process.stdin,
      colour: false,
      unicode: true,
    });
    await reporter.close();
    const before = terminal.written();
    reporter.event(progressEvent());
    await reporter.close();
    await vi.advanceTimersByTimeAsync(500);
    expect(terminal.written()).toBe(before);
  });
});
