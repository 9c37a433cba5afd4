import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  CIRCUITPYTHON,
  CIRCUITPYTHON_WRITABLE,
  type VirtualBoardOptions,
} from '../../dist/testing/index.js';
import { NO_TIMES } from '../../src/device/agent-times.js';
import type { ApplyOptions, BoardOperation, TimesRung } from '../../src/device/device-fs.js';
import { type ConnectedBoard, connectedBoard } from '../support/connected-board.js';
import { askPlainly } from '../support/plain-prompt.js';

const signal = () => new AbortController().signal;
const OLD_S = Date.UTC(2019, 4, 6, 7, 8, 9) / 1000;
const NEW_S = Date.UTC(2031, 0, 2, 3, 4, 5) / 1000;
const START_S = Date.UTC(2026, 10, 20, 10, 0, 0) / 1000;

function put(
  path: string,
  modifiedS: number | null,
  content: Uint8Array = new Uint8Array(20),
): BoardOperation {
  return {
    kind: 'put',
    path,
    sizeBytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    modifiedS,
    content: async function* () {
      yield content;
    },
  };
}

async function withBoard(
  options: VirtualBoardOptions,
  work: (board: ConnectedBoard) => Promise<void>,
): Promise<void> {
  const board = await connectedBoard({ files: {}, clockStartS: START_S, ...options });
  try {
    await work(board);
  } finally {
    await board.close();
  }
}

async function apply(
  { connection: { fs } }: ConnectedBoard,
  operations: readonly BoardOperation[],
  options: Partial<ApplyOptions> = {},
): Promise<void> {
  const given = { strategy: 'staged', keepGoing: false, verify: true, signal: signal() } as const;
  for await (const event of fs.apply(operations, { ...given, ...options }))
    if (event.kind === 'failed') throw new Error(event.message);
}

/** What another host reads at the prompt. */
async function plainly(board: ConnectedBoard, expression: string): Promise<number> {
  await board.connection.leave('leave');
  return askPlainly(board.virtual.port(), expression);
}

const ways: readonly (readonly [string, VirtualBoardOptions, TimesRung])[] = [
  ['with a clock that counts from 1970', {}, 'clock'],
  ['with a clock that counts from 2000', { dialect: { epoch: 2000 } }, 'clock'],
  ['with its flash under /flash', { dialect: { mountPoint: '/flash' } }, 'clock'],
  ['that plays CircuitPython', { dialect: CIRCUITPYTHON_WRITABLE }, 'utime'],
  ['that plays CircuitPython with its drive mounted', { dialect: CIRCUITPYTHON }, 'utime'],
  ['without any', { dialect: { hiddenNames: ['machine.RTC'] } }, 'none'],
  ['without a module machine', { dialect: { hiddenModules: ['machine'] } }, 'none'],
];

describe('the way to give files their times', () => {
  it.each(ways)('is found on a board %s', async (_, options, rung) => {
    await withBoard(options, async (board) => {
      expect(await board.connection.fs.times.rung(signal())).toBe(rung);
    });
  });

  it('is none on a board too small for the agent', async () => {
    expect(await NO_TIMES.rung(signal())).toBe('none');
  });
});

describe.each(ways.slice(0, 4))('a file written on a board %s', (_, options, rung) => {
  const below = options.dialect?.mountPoint === '/flash' ? 'flash/' : '';
  const times = { rung: rung as 'clock' | 'utime', nowS: START_S };

  it.each(['staged', 'one-by-one', 'in-place'] as const)('%s has its time', async (strategy) => {
    await withBoard(options, async (board) => {
      const operations = [
        put(`${below}old.py`, OLD_S),
        { kind: 'make-folder', path: `${below}d` } as const,
        put(`${below}d/new.py`, NEW_S, randomBytes(3_000)),
        put(`${below}empty`, OLD_S + 2, new Uint8Array(0)),
      ];
      await apply(board, operations, { strategy, times });
      const written = await board.virtual.times();
      expect(written.get(`${below}old.py`)).toBe(OLD_S);
      expect(written.get(`${below}d/new.py`)).toBe(NEW_S);
      expect(written.get(`${below}empty`)).toBe(OLD_S + 2);
    });
  });

  it('has the time of now where it has none of its own, or one that the board cannot have', async () => {
    await withBoard(options, async (board) => {
      const operations = [put(`${below}a`, OLD_S), put(`${below}b`, null), put(`${below}c`, 1e11)];
      await apply(board, operations, { times });
      const written = await board.virtual.times();
      expect(written.get(`${below}a`)).toBe(OLD_S);
      for (const name of ['b', 'c'])
        expect(Math.abs((written.get(below + name) ?? 0) - START_S)).toBeLessThan(30);
    });
  });
});

describe('a board dated by its clock', () => {
  it.each([
    [1970, 0],
    [2000, 946_684_800],
  ] as const)('of epoch %i has it right again when all is done', async (epoch, epochS) => {
    await withBoard({ dialect: { epoch } }, async (board) => {
      const { times } = board.connection.fs;
      const clockMs = await times.clockMs(signal());
      const atMs = performance.now();
      await apply(board, [put('a', OLD_S), put('b', NEW_S)], {
        times: { rung: 'clock', nowS: clockMs / 1000 },
      });
      await times.setClock(() => clockMs + performance.now() - atMs, signal());
      const says = epochS + (await plainly(board, 'time.time()'));
      const shouldS = (clockMs + performance.now() - atMs) / 1000;
      expect(Math.abs(says - shouldS)).toBeLessThan(1.5);
    });
  });

  it('gives a file the time of the backup, however long its bytes take', async () => {
    await withBoard({}, async (board) => {
      const parts = [randomBytes(6_000), randomBytes(6_000), randomBytes(6_000)];
      const slow = put('slow', OLD_S, Buffer.concat(parts));
      const content = async function* () {
        for (const part of parts) {
          yield part;
          // Not to wait for something: the board's clock shall go on.
          await new Promise((resolve) => setTimeout(resolve, 1_100));
        }
      };
      const times = { rung: 'clock', nowS: START_S } as const;
      await apply(board, [{ ...slow, content } as BoardOperation], { times });
      expect((await board.virtual.times()).get('slow')).toBe(OLD_S);
    });
  });

  it('whose week begins with 1, as on stm32, keeps counting so', async () => {
    const boot = `import machine
real = machine.RTC()
class RTC:
    weekday = 0
    def datetime(self, t=None):
        if t is None:
            t = real.datetime()
            return t[:3] + (t[3] + 1,) + t[4:]
        RTC.weekday = t[3]
        real.datetime(t)
machine.RTC = RTC
`;
    await withBoard({ files: { 'boot.py': boot } }, async (board) => {
      // 20 November 2026 is a Friday: 5 where Monday is 1.
      await board.connection.fs.times.setClock(() => START_S * 1000, signal());
      expect(await plainly(board, 'machine.RTC.weekday')).toBe(5);
    });
  });

  it('says so where the clock does not take what it is set to', async () => {
    const main =
      'import machine\nclass RTC:\n def datetime(self, *t): return (2026,1,1,3,0,0,0,0)\nmachine.RTC = RTC\n';
    await withBoard({ files: { 'boot.py': main } }, async (board) => {
      const { times } = board.connection.fs;
      expect(await times.rung(signal())).toBe('clock');
      await expect(times.setClock(() => NEW_S * 1000, signal())).rejects.toMatchObject({
        code: 'board/file',
      });
    });
  });
});
