import { describe, expect, it } from 'vitest';
import { jsonReporter } from '../../src/ui/json-reporter.js';
import type { Verbosity } from '../../src/ui/plain-reporter.js';
import { plainReporter } from '../../src/ui/plain-reporter.js';
import { BACKUP_RUN, progressEvent } from './recorded-events.js';

async function plain(verbosity: Verbosity, events = BACKUP_RUN): Promise<string[]> {
  const lines: string[] = [];
  const reporter = plainReporter((line) => lines.push(line), verbosity);
  for (const event of events) reporter.event(event);
  await reporter.close();
  return lines;
}

async function json(verbosity: Verbosity, events = BACKUP_RUN): Promise<Record<string, unknown>[]> {
  const lines: string[] = [];
  const reporter = jsonReporter((line) => lines.push(line), verbosity);
  for (const event of events) reporter.event(event);
  await reporter.close();
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('plain lines', () => {
  it('tell the stages, some progress, notes and warnings', async () => {
    expect(await plain('normal')).toEqual([
      'Connecting',
      'Scanning',
      'taking a full backup: no earlier backup of this board',
      'Reading',
      'Reading 31/50 files, 71.2 kB of 115 kB, 61 %, 10.9 kB/s, 0:05 left: lib/umqtt/simple.py',
      'warning: data/log.csv: changed while it was read',
      'Reading 50/50 files, 115 kB of 115 kB, 100 %, 10.9 kB/s, 0:00 left',
      'Verifying 50/50 files',
    ]);
  });

  it('say only warnings with -q', async () => {
    expect(await plain('quiet')).toEqual(['warning: data/log.csv: changed while it was read']);
  });

  it('come at most every two seconds of the job, with -v for every file', async () => {
    const events = Array.from({ length: 100 }, (_, at) =>
      progressEvent({
        elapsedMs: at * 100,
        processedFiles: at,
        totalFiles: 100,
        currentFile: `f${at}`,
      }),
    );
    expect(await plain('normal', events)).toHaveLength(5);
    expect(await plain('verbose', events)).toHaveLength(100);
  });

  it('go on when a second job starts its clock anew', async () => {
    const at = (elapsedMs: number) =>
      progressEvent({ elapsedMs, processedFiles: 1, totalFiles: 2 });
    expect(await plain('normal', [at(9_000), at(100), at(2_200)])).toHaveLength(3);
  });

  it('never let a name write into the terminal', async () => {
    const [line] = await plain('normal', [
      { type: 'warning', code: 'x', message: 'bad\u001b[2J', path: 'a\nerror: forged' },
    ]);
    expect(line).toBe('warning: a\\x0aerror: forged: bad\\x1b[2J');
  });

  it('name the board where there are several', async () => {
    expect(await plain('normal', [progressEvent({ board: '/dev/ttyACM0' })])).toEqual([
      '/dev/ttyACM0: Reading',
    ]);
  });
});

describe('JSON lines', () => {
  it('have every field of the contract, and nothing but progress and warnings', async () => {
    const lines = await json('normal');
    expect(new Set(lines.map((line) => line.type))).toEqual(new Set(['progress', 'warning']));
    expect(Object.keys(lines[0] ?? {})).toEqual([
      'type',
      'operation',
      'currentFile',
      'processedFiles',
      'totalFiles',
      'processedBytes',
      'totalBytes',
      'percentComplete',
      'elapsedMs',
      'etaMs',
      'bytesPerSecond',
      'wireBytes',
    ]);
    expect(lines.find((line) => line.type === 'warning')).toEqual({
      type: 'warning',
      code: 'file-changed',
      message: 'changed while it was read',
      path: 'data/log.csv',
    });
  });

  it('show the first and the last event of a stage and are throttled between', async () => {
    const events = [
      ...Array.from({ length: 500 }, (_, at) =>
        progressEvent({ elapsedMs: at, processedFiles: at }),
      ),
      progressEvent({ operation: 'verifying', elapsedMs: 500 }),
    ];
    const lines = await json('normal', events);
    expect(lines.map((line) => [line.operation, line.processedFiles])).toEqual([
      ['reading', 0],
      ['reading', 200],
      ['reading', 400],
      ['reading', 499],
      ['verifying', 0],
    ]);
  });

  it('carry the board where there are several, and throttle each on its own', async () => {
    const lines = await json('normal', [
      progressEvent({ board: 'a' }),
      progressEvent({ board: 'b' }),
      progressEvent({ board: 'a', elapsedMs: 10 }),
    ]);
    expect(lines.map((line) => line.board)).toEqual(['a', 'b', 'a']);
  });

  it('leave progress out with -q and add notes with -v', async () => {
    expect((await json('quiet')).map((line) => line.type)).toEqual(['warning']);
    expect((await json('verbose')).some((line) => line.type === 'note')).toBe(true);
  });
});
