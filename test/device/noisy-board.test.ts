/** Programs that print while we work: silenced, ended, or put up with in smaller frames. */
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualBoard, type VirtualBoardOptions } from '../../dist/testing/index.js';
import type { TreeFile } from '../../src/core/tree.js';
import type { AgentFs } from '../../src/device/agent-fs.js';
import type { BoardConnection } from '../../src/device/device-fs.js';
import { isLoud, isTorn, smallerPayload } from '../../src/device/line-noise.js';
import type { BytePort } from '../../src/transport/byte-port.js';
import { connectOver } from '../support/connected-board.js';
import { portAround } from '../support/port-around.js';

const signal = new AbortController().signal;
const big = randomBytes(40_000);
const boards: VirtualBoard[] = [];
afterEach(async () => {
  for (const board of boards.splice(0)) await board.stop();
});

/** Defines a callback that prints every two milliseconds whatever else runs, as a timer's does. */
const TICKING = `import micropython, time
last = 0
def tick(_):
  global last
  if time.ticks_diff(time.ticks_ms(), last) > 1:
    last = time.ticks_ms()
    print('tick' * 40)
  micropython.schedule(tick, 0)
micropython.schedule(tick, 0)
`;

async function start(files: VirtualBoardOptions['files']): Promise<VirtualBoard> {
  const board = await VirtualBoard.start({ files: { ...files, 'big.bin': big }, ...WIRE });
  boards.push(board);
  return board;
}

const WIRE = { bytesPerSecond: 60_000, latencyMs: 0 } as const;

/** Lists and reads all, and compares it. */
async function readAll({ fs }: BoardConnection): Promise<void> {
  const { tree } = await fs.scan({ roots: [''], mounts: [], hashes: 'none', signal });
  const files = tree.filter((entry): entry is TreeFile => entry.kind === 'file');
  const parts = new Map<string, Uint8Array[]>();
  for await (const event of fs.read(files, { compress: false, signal })) {
    if (event.kind === 'restart') parts.delete(event.file.path);
    if (event.kind === 'data')
      parts.set(event.file.path, [...(parts.get(event.file.path) ?? []), event.bytes]);
  }
  expect(Buffer.concat(parts.get('big.bin') ?? []).equals(big)).toBe(true);
}

/** What the board says at its prompt while it counts. */
async function heardWhileCounting(board: VirtualBoard): Promise<string> {
  const port = board.port();
  let said = '';
  await new Promise<void>((resolve, reject) => {
    port.setReceiver({
      data: (bytes) => {
        said += Buffer.from(bytes).toString('latin1');
        if (said.includes('count over')) resolve();
      },
      closed: reject,
    });
    const line = "for x in range(30000):pass\r\n\r\nprint('count','over')\r\n";
    void port.write(Buffer.from(`\r\n${line}`));
  });
  await port.close();
  return said;
}

/** Puts text into what the board sends, after every so many bytes, while it is switched on. */
function torn(port: BytePort, everyBytes: number) {
  const text = Buffer.from('tick\r\n');
  const tear = { on: false };
  let since = 0;
  let said = '';
  const wrapped = portAround(port, {
    setReceiver: (receiver) =>
      port.setReceiver({
        data: (bytes) => {
          said = `${said}${Buffer.from(bytes).toString('latin1')}`.slice(-200);
          // No program prints into the words of a soft reset: it has just been ended.
          if (!tear.on || said.includes('soft reboot')) return receiver.data(bytes);
          for (let at = 0; at < bytes.length; ) {
            const piece = bytes.subarray(at, at + everyBytes - since);
            at += piece.length;
            since = (since + piece.length) % everyBytes;
            receiver.data(since === 0 ? Buffer.concat([piece, text]) : piece);
          }
        },
        closed: (error) => receiver.closed(error),
      }),
  });
  return { port: wrapped, tear };
}

describe('a board that prints all the time', () => {
  it('is silenced while it is read, and speaks again afterwards', async () => {
    const board = await start({});
    const connection = await connectOver(board.port());
    const { session } = (connection.fs as AgentFs).agent;
    const exec = async (source: string) =>
      new TextDecoder().decode(await session.exec(source, { timeoutMs: 5000, signal }));
    await exec(TICKING);
    await readAll(connection);
    await readAll(connection);
    expect(await exec('for x in range(30000):pass\nprint(1)')).toBe('');
    await connection.leave('leave');
    expect(await heardWhileCounting(board)).toContain('ticktick');
  });

  it('into the middle of its own frames is read in smaller ones, after a soft reset', async () => {
    const board = await start({});
    const { port, tear } = torn(board.port(), 300);
    const connection = await connectOver(port);
    tear.on = true;
    const { agent } = connection.fs as AgentFs;
    const { softResets } = agent.session;
    await readAll(connection);
    expect(agent.payloadBytes).toBeLessThan(240);
    expect(agent.session.softResets).toBe(softResets + 1);
    tear.on = false;
    await connection.leave('auto');
  });
});

describe('a round of frames', () => {
  const figures = { payloadBytes: 1000, strayBytes: 0, whole: 100, lost: 0 };

  it('is loud where more lies between its frames than lost ones explain', () => {
    expect(isLoud(figures)).toBe(false);
    expect(isLoud({ ...figures, strayBytes: 10_000, lost: 10 })).toBe(false);
    expect(isLoud({ ...figures, strayBytes: 10_000 })).toBe(true);
    expect(isLoud({ ...figures, strayBytes: 60, whole: 0 })).toBe(false);
  });

  it('is torn where half of them are lost, and more than by chance', () => {
    expect(isTorn({ ...figures, lost: 10 })).toBe(false);
    expect(isTorn({ ...figures, lost: 100 })).toBe(true);
    expect(isTorn({ ...figures, whole: 0, lost: 2 })).toBe(false);
  });

  it('is followed by smaller frames, down to those of the weakest check', () => {
    expect([2042, 1018, 240, 48].map(smallerPayload)).toEqual([1018, 240, 48, 48]);
  });
});
