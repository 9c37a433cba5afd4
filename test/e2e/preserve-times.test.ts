/** `--preserve-times` as a whole: the board's own dates of its files, its own clock, cables and resets. */
import { describe, expect, it } from 'vitest';
import { prepareRestore, type RestoreResult } from '../../src/jobs/restore.js';
import type { VirtualBoard, VirtualBoardOptions } from '../../src/testing/index.js';
import { CIRCUITPYTHON_WRITABLE } from '../../src/testing/index.js';
import { askPlainly } from '../support/plain-prompt.js';
import { virtualLab } from '../support/virtual-lab.js';
import { noise } from './sixty-files.js';

const lab = virtualLab();

const THEN_S = Date.UTC(2024, 1, 29, 23, 59, 30) / 1000;
const START_S = Date.UTC(2026, 10, 20, 10, 0, 0) / 1000;
const FILES = { 'main.py': 'x = 1\n', 'lib/a.bin': noise(20_000), 'lib/b.bin': noise(9_000, 2) };

/** A backup of files of 29 February 2024, restored to a board whose clock says something else. */
async function restored(
  options: VirtualBoardOptions,
  accident: (board: VirtualBoard) => void = () => {},
): Promise<{ board: VirtualBoard; result: RestoreResult; startedMs: number }> {
  await lab.backUp(await lab.start({ files: FILES, clockStartS: THEN_S }));
  const startedMs = performance.now();
  const board = await lab.start({ files: {}, clockStartS: START_S, ...options });
  const connect = lab.connectTo(board, (time) => {
    if (time > 1) board.plug();
  });
  const parts = { connect, store: lab.store };
  const prepared = await prepareRestore(parts, { preserveTimes: true }, lab.context);
  accident(board);
  return { board, result: await prepared.carryOut(), startedMs };
}

async function expectDated(board: VirtualBoard): Promise<void> {
  const times = await board.times();
  expect([...times.keys()].sort()).toEqual(Object.keys(FILES).sort());
  for (const time of times.values()) expect(Math.abs(time - THEN_S)).toBeLessThan(2);
}

/** As wrong as before and no more. */
async function expectClock(board: VirtualBoard, startedMs: number, epochS = 0): Promise<void> {
  const says = epochS + (await askPlainly(board.port(), 'time.time()'));
  const should = START_S + (performance.now() - startedMs) / 1000;
  expect(Math.abs(says - should)).toBeLessThan(2.5);
}

describe('a restore with times', () => {
  it.each([
    ['1970', 0],
    ['2000', 946_684_800],
  ] as const)('dates files and leaves the clock right: epoch %s', async (epoch, epochS) => {
    const dialect = { epoch: epoch === '1970' ? 1970 : 2000 } as const;
    const { board, result, startedMs } = await restored({ dialect });
    expect(result.summary).toMatchObject({ times: 'clock', timesSet: 3, filesWritten: 3 });
    await expectDated(board);
    await expectClock(board, startedMs, epochS);
  });

  it('dates the files of a played CircuitPython by os.utime', async () => {
    const { board, result } = await restored({ dialect: CIRCUITPYTHON_WRITABLE });
    expect(result.summary).toMatchObject({ times: 'utime', timesSet: 3 });
    await expectDated(board);
  });

  it('through a cable that is pulled in the middle', async () => {
    const { board, result, startedMs } = await restored({}, (each) =>
      each.setFaults({ scripted: [{ direction: 'toBoard', at: 18_000, kind: 'disconnect' }] }),
    );
    expect(result.warnings).toEqual([]);
    expect(result.summary).toMatchObject({ timesSet: 3, failed: [] });
    await expectDated(board);
    await expectClock(board, startedMs);
  });

  it('through a reset of the board, whose clock knows nothing afterwards', async () => {
    const { board, result, startedMs } = await restored({}, (each) =>
      each.setFaults({ scripted: [{ direction: 'toBoard', at: 18_000, kind: 'reset' }] }),
    );
    expect(result.summary).toMatchObject({ timesSet: 3, failed: [] });
    await expectDated(board);
    await expectClock(board, startedMs);
  });
});
