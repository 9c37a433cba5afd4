import { describe, expect, it } from 'vitest';
import { BelayError } from '../../src/core/errors.js';
import { backup } from '../../src/jobs/backup.js';
import { prepareRestore, type RestoreOptions } from '../../src/jobs/restore.js';
import { prepareUndo } from '../../src/jobs/undo-restore.js';
import { MemoryBoard, type MemoryBoardOptions } from '../support/memory-board.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { connectTo, testContext } from './job-context.js';

const CLOCK_S = 1_795_000_000;
const OLD_S = 1_550_000_000;

/** A backup of two files with times and one without, and a way to restore it. */
async function lab() {
  const source = new MemoryBoard({});
  source.set('main.py', 'print(1)', OLD_S);
  source.set('lib/a.py', 'a = 1', OLD_S + 60);
  source.set('new.txt', 'x', null);
  const store = new MemoryFolder();
  const context = testContext();
  await backup({ connect: connectTo(source), store }, {}, context);
  const fresh = (options: MemoryBoardOptions = {}) =>
    new MemoryBoard({ 'main.py': 'old' }, { clockS: CLOCK_S, ...options });
  const prepare = (target: MemoryBoard, options: RestoreOptions = { preserveTimes: true }) =>
    prepareRestore({ connect: connectTo(target), store }, options, context);
  return { store, context, fresh, prepare };
}

const dates = (board: MemoryBoard) =>
  Object.fromEntries([...board.files].map(([path, file]) => [path, file.modifiedS]));
const messages = (context: ReturnType<typeof testContext>, code: string) =>
  context.events.flatMap((event) =>
    event.type === 'warning' && event.code === code ? [event.message] : [],
  );

describe('--preserve-times', () => {
  it('gives files the times of the backup and leaves the clock right', async () => {
    const { fresh, prepare } = await lab();
    const board = fresh();
    const prepared = await prepare(board);
    expect(prepared.times).toBe('clock');
    const { summary } = await prepared.carryOut();
    expect(summary).toMatchObject({ times: 'clock', timesSet: 2, filesWritten: 3 });
    expect(dates(board)).toEqual({ 'main.py': OLD_S, 'lib/a.py': OLD_S + 60, 'new.txt': CLOCK_S });
    expect(Math.abs(board.clockS - CLOCK_S)).toBeLessThan(5);
  });

  it('does nothing of the kind unless it is asked for', async () => {
    const { fresh, prepare } = await lab();
    const board = fresh();
    const prepared = await prepare(board, {});
    expect(prepared.times).toBe('now');
    expect((await prepared.carryOut()).summary).toMatchObject({ times: 'now', timesSet: 0 });
    expect(board.clockS).toBe(CLOCK_S);
    expect(board.files.get('main.py')?.modifiedS).toBeNull();
  });

  it('by os.utime never touches the clock', async () => {
    const { fresh, prepare } = await lab();
    const board = fresh({ times: 'utime' });
    const { summary } = await (await prepare(board)).carryOut();
    expect(summary).toMatchObject({ times: 'utime', timesSet: 2 });
    expect(board.clockS).toBe(CLOCK_S);
  });

  it('says before anything is written that a board cannot, and restores all the same', async () => {
    const { fresh, prepare } = await lab();
    const board = fresh({ times: 'none' });
    const prepared = await prepare(board);
    expect(prepared.times).toBe('cannot');
    expect(prepared.warnings).toContainEqual(expect.objectContaining({ code: 'times-not-set' }));
    expect((await prepared.carryOut()).summary).toMatchObject({
      times: 'cannot',
      timesSet: 0,
      filesWritten: 3,
    });
  });

  it('takes the times of an undo from the safety archive', async () => {
    const { store, context, prepare } = await lab();
    const board = new MemoryBoard({}, { clockS: CLOCK_S });
    board.set('main.py', 'mine', OLD_S - 9_000);
    await (await prepare(board)).carryOut();
    const parts = { connect: connectTo(board), store };
    const undone = await (await prepareUndo(parts, { preserveTimes: true }, context)).carryOut();
    expect(undone.summary).toMatchObject({ times: 'clock', timesSet: 1 });
    expect(dates(board)).toEqual({ 'main.py': OLD_S - 9_000 });
    expect(Math.abs(board.clockS - CLOCK_S)).toBeLessThan(5);
  });

  it('counts what the board shows, not what was sent', async () => {
    const { context, fresh, prepare } = await lab();
    const board = fresh();
    const prepared = await prepare(board);
    const apply = board.apply.bind(board);
    board.apply = async function* (operations, options) {
      yield* apply(operations, options);
      board.set('lib/a.py', 'a = 1', OLD_S + 3_600);
    };
    expect((await prepared.carryOut()).summary).toMatchObject({ timesSet: 1 });
    expect(messages(context, 'times-not-set')).toEqual([
      '1 of 2 files did not take the time of the backup',
    ]);
  });
});

describe('the clock of a board', () => {
  it('is right again after a restore that failed and was rolled back', async () => {
    const { fresh, prepare } = await lab();
    const board = fresh({ modifiedS: OLD_S - 500, faults: { unwritable: new Set(['new.txt']) } });
    const prepared = await prepare(board);
    await expect(prepared.carryOut()).rejects.toMatchObject({ details: { rolledBack: true } });
    expect(dates(board)).toEqual({ 'main.py': OLD_S - 500 });
    expect(Math.abs(board.clockS - CLOCK_S)).toBeLessThan(5);
  });

  it('is right again after a restore that was stopped', async () => {
    const { context, fresh, prepare } = await lab();
    const board = fresh();
    const prepared = await prepare(board);
    const apply = board.apply.bind(board);
    board.apply = async function* (operations, options) {
      for await (const event of apply(operations, options)) {
        if (event.kind === 'sent') context.abort.abort();
        yield event;
      }
    };
    await expect(prepared.carryOut()).rejects.toMatchObject({ code: 'job/cancelled' });
    expect(Math.abs(board.clockS - CLOCK_S)).toBeLessThan(5);
  });

  it('is put right by the board that came back', async () => {
    const { fresh, prepare } = await lab();
    const board = fresh();
    const prepared = await prepare(board);
    const { setClock } = board.times;
    let attempts = 0;
    board.times.setClock = async (nowMs, signal) => {
      attempts += 1;
      if (attempts === 1) throw new BelayError('port/lost', 'the cable was pulled');
      await setClock(nowMs, signal);
    };
    await prepared.carryOut();
    expect(attempts).toBe(2);
    expect(Math.abs(board.clockS - CLOCK_S)).toBeLessThan(5);
  });

  it('that could not be put right is named with the time that it should say', async () => {
    const { context, fresh, prepare } = await lab();
    const board = fresh();
    const prepared = await prepare(board);
    board.times.setClock = async () => {
      throw new BelayError('board/file', 'it does not take the time');
    };
    expect((await prepared.carryOut()).summary).toMatchObject({ timesSet: 2 });
    const [message] = messages(context, 'clock-off');
    expect(message).toContain('it should say 2026-11-18 ');
    expect(message).toMatch(/machine\.RTC\(\)\.datetime\(\(2026, 11, 18, 2, \d+, \d+, \d+, 0\)\)/);
  });
});
