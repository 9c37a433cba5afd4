import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../src/cli/commands/backup.js';
import { parseCommandLine } from '../../src/cli/program.js';
import { Session } from '../../src/cli/session.js';
import { BelayError } from '../../src/core/errors.js';
import type { EventListener } from '../../src/core/events.js';
import type { BackupResult } from '../../src/jobs/backup.js';
import { backup } from '../../src/jobs/backup.js';
import type { JobContext } from '../../src/jobs/context.js';
import { BACKUP_RUN } from '../ui/recorded-events.js';
import type { FakeConsoleOptions } from './fake-console.js';
import { fakeConsole } from './fake-console.js';
import { jsonLines } from './run-command.js';

const connects = vi.hoisted(() => ({ failures: 0, plugged: [] as string[] }));

vi.mock('../../src/jobs/backup.js', () => ({ backup: vi.fn() }));
vi.mock('../../src/wiring.js', () => ({
  openStore: () => ({}),
  connectorFor: () => async () => {
    if (connects.failures > 0) {
      connects.failures -= 1;
      throw new BelayError('port/not-found', 'no board is plugged in');
    }
    return 'connection';
  },
  systemContext: (given: object) => ({ ...given, clock: { delay: async () => {} } }),
  devicesParts: () => ({
    listPorts: async () =>
      connects.plugged.map((path) => ({ path, likelyBoard: path !== 'modem' })),
  }),
}));

const job = vi.mocked(backup);

function result(changes: Partial<BackupResult['summary']> = {}): BackupResult {
  return {
    outcome: 'written',
    summary: {
      command: 'backup',
      backupId: '1f2e3d4c5b6a79881f2e3d4c5b6a7988',
      backupType: 'full',
      archive: '/b/backup_20261120_102111_full.blb',
      parentId: null,
      fileCount: 50,
      directoryCount: 8,
      filesNew: 50,
      filesChanged: 0,
      filesUnchanged: 0,
      filesDeleted: 0,
      totalOriginalSize: 115_000,
      archiveSize: 60_000,
      wireBytesIn: 61_000,
      wireBytesOut: 3_000,
      durationMs: 9_100,
      board: {
        name: 'thermometer',
        port: 'virtual',
        machine: 'ESP32-S3',
        firmware: 'micropython',
        version: '1.27.0',
        uniqueId: '7c9ebd',
      },
      partial: false,
      ...changes,
    },
    manifest: null,
    reason: 'no earlier backup of this board',
    filesRead: [],
    failed: [],
    warnings: [],
    pruned: null,
    pruneProblem: null,
  };
}

async function belay(line: string, options: FakeConsoleOptions = {}) {
  const argv = line === '' ? [] : line.split(' ');
  const parsed = parseCommandLine(argv, { version: '', writeOut: () => {}, columns: 80 });
  if (parsed.kind !== 'call') throw new Error('no call');
  const { json, quiet } = parsed.call.options;
  const wishes = { json: json === true, quiet: quiet === true };
  const screen = fakeConsole({ ...options, wishes });
  const session = new Session(parsed.call, screen.terminal, new AbortController().signal);
  const status = await run(session).catch((error: unknown) => {
    if (!(error instanceof BelayError)) throw error;
    return error;
  });
  await session.endProgress();
  return { status, out: screen.out(), err: screen.err() };
}

const folder = mkdtempSync(join(tmpdir(), 'belay-exclude-'));
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(() => {
  vi.clearAllMocks();
  connects.failures = 0;
  connects.plugged = [];
  job.mockImplementation(async (_parts, _options, context: JobContext) => {
    const emit: EventListener = context.emit;
    for (const event of BACKUP_RUN) emit(event);
    return result();
  });
});

describe('backup', () => {
  it('reports on stdout and shows its progress on stderr', async () => {
    const run = await belay('');
    expect(run.status).toBe(0);
    expect(run.out).toBe(
      [
        'Backed up thermometer (ESP32-S3, id 7c9ebd)',
        '  runs     MicroPython 1.27.0',
        '  archive  /b/backup_20261120_102111_full.blb',
        '  backup   1f2e3d4c, full (no earlier backup of this board)',
        '  content  50 files and 8 folders, 115 kB, 60.0 kB in the archive',
        '  took     9.1 s',
        'Not included: firmware, NVS, other partitions, eFuses, RTC memory.',
        '',
      ].join('\n'),
    );
    expect(run.err).toContain('warning: data/log.csv: changed while it was read');
  });

  it('ends its JSON lines with the summary of the contract', async () => {
    const run = await belay('--json');
    const lines = jsonLines(run.out);
    expect(lines[0]).toMatchObject({ type: 'progress', operation: 'connecting' });
    expect(lines.at(-1)).toEqual({ type: 'summary', ...result().summary });
    expect(run.err).toBe('');
  });

  it('ends with 3 where some files could not be read, and names them', async () => {
    const failed = [{ path: 'data/a\nb', code: 'EIO', message: 'I/O error' }];
    job.mockResolvedValue({ ...result({ partial: true }), failed });
    const run = await belay('');
    expect(run.status).toBe(3);
    expect(run.out).toContain('Partial backup of thermometer');
    expect(run.out).toContain('    data/a\\x0ab: I/O error');
  });

  it('reads patterns from files, and says when there is no such file', async () => {
    const file = join(folder, 'patterns');
    writeFileSync(file, '# logs\n*.log\n\ncache\n');
    await belay(`--exclude x --exclude-from ${file}`);
    expect(job.mock.calls[0]?.[1]).toMatchObject({ exclude: ['x', '*.log', 'cache'] });
    const missing = await belay(`--exclude-from ${join(folder, 'none')}`);
    expect(missing.status).toMatchObject({ exitCode: 10 });
  });

  it('passes the keep rules on only where there are some', async () => {
    await belay('--keep-last 3 --keep-within 30d');
    expect(job.mock.calls[0]?.[1].keep).toMatchObject({ last: 3, within: '30d' });
    await belay('');
    expect(job.mock.calls[1]?.[1].keep).toBeUndefined();
  });
});

describe('a board that is not there', () => {
  it('is waited for with --wait', async () => {
    connects.failures = 3;
    job.mockImplementation(async ({ connect }, _options, { signal }) => {
      expect(await connect({ signal })).toBe('connection');
      return result();
    });
    const run = await belay('--wait');
    expect(run.status).toBe(0);
    expect(run.err.match(/waiting for a board/g)).toHaveLength(1);
  });

  it('ends with 75 with --if-present, and with 20 without', async () => {
    job.mockRejectedValue(new BelayError('port/not-found', 'no board is plugged in'));
    expect((await belay('--if-present')).status).toMatchObject({ exitCode: 75 });
    expect((await belay('')).status).toMatchObject({ exitCode: 20 });
    expect((await belay('--all')).status).toMatchObject({ exitCode: 20 });
    expect((await belay('--all --if-present')).status).toMatchObject({ exitCode: 75 });
  });
});

describe('every board that is plugged in', () => {
  it('is backed up by --all, the others left alone', async () => {
    connects.plugged = ['/dev/ttyACM0', 'modem', '/dev/ttyACM1'];
    const run = await belay('--all --json');
    expect(run.status).toBe(0);
    const lines = jsonLines(run.out);
    const boards = new Set(
      lines.filter((line) => line.type === 'progress').map((line) => line.board),
    );
    expect(boards).toEqual(new Set(['/dev/ttyACM0', '/dev/ttyACM1']));
    expect(lines.filter((line) => line.type === 'summary')).toHaveLength(2);
  });

  it('gets its own error line for machines', async () => {
    job
      .mockResolvedValueOnce(result())
      .mockRejectedValueOnce(new BelayError('board/lost', 'gone', { hint: 'plug it in' }));
    const run = await belay('-p a -p b --json');
    expect(run.status).toBe(3);
    expect(jsonLines(run.err)).toEqual([
      {
        type: 'error',
        board: 'b',
        code: 'board/lost',
        message: 'gone',
        hint: 'plug it in',
        exitCode: 20,
      },
    ]);
  });
});
