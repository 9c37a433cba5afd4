import { beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../src/cli/commands/restore.js';
import { parseCommandLine } from '../../src/cli/program.js';
import { Session } from '../../src/cli/session.js';
import { BelayError } from '../../src/core/errors.js';
import type { RestoreOptions } from '../../src/jobs/restore.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import { prepareUndo } from '../../src/jobs/undo-restore.js';
import type { FakeConsoleOptions } from './fake-console.js';
import { fakeConsole } from './fake-console.js';
import { preparedRestore, restoreResult } from './restore-doubles.js';
import { jsonLines } from './run-command.js';

vi.mock('../../src/jobs/restore.js', () => ({ prepareRestore: vi.fn() }));
vi.mock('../../src/jobs/undo-restore.js', () => ({ prepareUndo: vi.fn() }));
vi.mock('../../src/wiring.js', () => ({
  openStore: () => ({}),
  connectorFor: (wish: { port?: string }) => () => Promise.reject(new Error(`no ${wish.port}`)),
  systemContext: (given: object) => ({ ...given }),
  devicesParts: () => ({ listPorts: async () => [] }),
}));

const prepare = vi.mocked(prepareRestore);

async function restore(line: string, options: FakeConsoleOptions = {}) {
  const parsed = parseCommandLine(line.split(' '), {
    version: '',
    writeOut: () => {},
    columns: 80,
  });
  if (parsed.kind !== 'call') throw new Error('no call');
  const { json, yes } = parsed.call.options;
  const wishes = { json: json === true, yes: yes === true };
  const screen = fakeConsole({ ...options, wishes });
  const session = new Session(parsed.call, screen.terminal, new AbortController().signal);
  const status = await run(session).catch((error: unknown) => {
    if (!(error instanceof BelayError)) throw error;
    return error;
  });
  return { status, out: screen.out(), err: screen.err() };
}

beforeEach(() => {
  vi.clearAllMocks();
});

describe('restore', () => {
  it('shows the plan, asks, carries out and reports', async () => {
    const prepared = preparedRestore();
    prepare.mockResolvedValue(prepared);
    const run = await restore('restore', { isTerminal: true, answers: ['y'] });
    expect(run.status).toBe(0);
    expect(run.out).toContain('~  main.py');
    expect(run.err).toContain('Restore? [y/N]');
    expect(run.out).toContain('Restored 1f2e3d4c');
    expect(prepared.carryOut).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['n', { isTerminal: true, answers: ['n'] }, 130],
    ['nothing', { isTerminal: true, answers: [''] }, 130],
    ['the end of the input', { isTerminal: true }, 130],
    ['nobody', { isTerminal: false }, 2],
  ])('lets go of the board when the answer is %s', async (_name, options, status) => {
    const prepared = preparedRestore();
    prepare.mockResolvedValue(prepared);
    const { status: error } = await restore('restore', options);
    expect(error).toMatchObject({ exitCode: status });
    expect(prepared.carryOut).not.toHaveBeenCalled();
    expect(prepared.cancel).toHaveBeenCalled();
  });

  it('asks nothing with --yes, and ends with 3 where a part failed', async () => {
    const result = restoreResult({ partial: true });
    prepare.mockResolvedValue(preparedRestore(result));
    const run = await restore('restore -y');
    expect(run.status).toBe(3);
    expect(run.out).toContain('Restored in part');
  });

  it('asks nothing where there is nothing to do', async () => {
    const empty = preparedRestore();
    prepare.mockResolvedValue({ ...empty, plan: { ...empty.plan, operations: [] } });
    expect((await restore('restore')).status).toBe(0);
  });

  it('ends its JSON lines with the summary, plans only on request, asks nobody', async () => {
    prepare.mockResolvedValue(preparedRestore());
    const run = await restore('restore -y --json');
    const lines = jsonLines(run.out);
    expect(lines.map((line) => line.type)).toEqual(['summary']);
    expect(lines[0]).toMatchObject({ command: 'restore', verified: true, failed: [] });
    expect(run.err).toBe('');
    prepare.mockResolvedValue(preparedRestore());
    const planned = jsonLines((await restore('restore -n --json')).out);
    expect(planned.map((line) => line.type)).toEqual(['plan', 'summary']);
    expect(planned[1]).toMatchObject({ dryRun: true, filesWritten: 0 });
    prepare.mockResolvedValue(preparedRestore());
    expect((await restore('restore --json', { isTerminal: true })).status).toMatchObject({
      exitCode: 2,
    });
  });

  it('passes every option on to the job', async () => {
    prepare.mockResolvedValue(preparedRestore());
    await restore(
      'restore 1f2e /lib --to /x --map a=b --include i --exclude e --overwrite always --delete ' +
        '--no-safety --in-place --no-verify --keep-going --board b --after leave --retry-lock 1s -y',
    );
    const given = prepare.mock.calls[0]?.[1] as RestoreOptions;
    expect(given).toEqual({
      backup: '1f2e',
      paths: ['/lib'],
      to: '/x',
      map: [{ from: 'a', to: 'b' }],
      include: ['i'],
      exclude: ['e'],
      overwrite: 'always',
      delete: true,
      safety: false,
      inPlace: true,
      verify: false,
      keepGoing: true,
      boardName: 'b',
      after: 'leave',
      retryLockMs: 1_000,
    });
  });

  it('--undo takes the whole restore back and no selection', async () => {
    vi.mocked(prepareUndo).mockResolvedValue(preparedRestore());
    expect((await restore('restore --undo -y')).status).toBe(0);
    expect(prepare).not.toHaveBeenCalled();
    const refused = await restore('restore --undo --to /x -y');
    expect(refused.status).toMatchObject({ exitCode: 2 });
  });
});

describe('where several boards could be meant', () => {
  const ambiguous = new BelayError('usage/ambiguous-board', 'two boards are plugged in', {
    hint: 'name one with --port',
    details: { choices: [{ path: '/dev/ttyACM0', product: 'Pico' }, { path: '/dev/ttyACM1' }] },
  });

  it('shows them and asks', async () => {
    prepare.mockRejectedValueOnce(ambiguous).mockResolvedValueOnce(preparedRestore());
    const run = await restore('restore', { isTerminal: true, answers: ['7', '2', 'y'] });
    expect(run.status).toBe(0);
    expect(run.err).toContain('  1  /dev/ttyACM0  Pico');
    const connect = prepare.mock.calls[1]?.[0].connect;
    await expect(connect?.({ signal: new AbortController().signal })).rejects.toThrow(
      '/dev/ttyACM1',
    );
  });

  it('ends with 2 where nobody can answer', async () => {
    prepare.mockRejectedValue(ambiguous);
    expect((await restore('restore -y')).status).toMatchObject({ exitCode: 2 });
  });
});

describe('several boards at once', () => {
  it('get one question, and one that fails does not stop the others', async () => {
    prepare
      .mockResolvedValueOnce(preparedRestore())
      .mockRejectedValueOnce(new BelayError('board/lost', 'b: the board is gone'));
    const run = await restore('restore -p a -p b', { isTerminal: true, answers: ['y'] });
    expect(run.status).toBe(3);
    expect(run.err.match(/\[y\/N\]/g)).toHaveLength(1);
    expect(run.err).toContain('b: error: the board is gone');
    expect(run.out).toContain('1 of 2 boards done.');
  });

  it('end with the cause where all failed with it', async () => {
    prepare.mockRejectedValue(new BelayError('board/lost', 'gone'));
    expect((await restore('restore -p a -p b -y')).status).toBe(20);
  });

  it('name themselves in JSON lines', async () => {
    prepare.mockImplementation(async () => preparedRestore());
    const run = await restore('restore -p a -p b -y --json');
    const summaries = jsonLines(run.out).filter((line) => line.type === 'summary');
    expect(summaries.map((line) => line.board)).toEqual(['a', 'b']);
  });
});
