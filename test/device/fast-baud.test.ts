import { afterEach, describe, expect, it } from 'vitest';
import { connectBoard } from '../../src/device/board.js';
import type { BoardConnection } from '../../src/device/device-fs.js';
import type { VirtualBoardOptions } from '../../src/testing/index.js';
import { VirtualBoard } from '../../src/testing/index.js';
import { systemContext } from '../../src/wiring.js';

const UART = { bytesPerSecond: 11_520, latencyMs: 1, overrun: 'drop' } as const;
const boards: VirtualBoard[] = [];

afterEach(async () => {
  for (const board of boards.splice(0)) await board.stop();
});

async function connect(options: VirtualBoardOptions, fastBaud?: number): Promise<BoardConnection> {
  const board = await VirtualBoard.start(options);
  boards.push(board);
  return again(board, fastBaud);
}

function again(board: VirtualBoard, fastBaud?: number): Promise<BoardConnection> {
  const signal = new AbortController().signal;
  const { clock, randomHex } = systemContext({ signal, emit: () => {} });
  const wish = fastBaud === undefined ? {} : { fastBaud };
  return connectBoard(board.port(), { clock, random: randomHex, signal, ...wish });
}

/** Seconds that 60 kB of noise take down the wire. */
async function readSeconds({ fs }: BoardConnection): Promise<number> {
  const signal = new AbortController().signal;
  const { tree } = await fs.scan({ roots: [''], mounts: [], hashes: 'none', signal });
  const files = tree.filter((entry) => entry.kind === 'file');
  const start = performance.now();
  let bytes = 0;
  for await (const event of fs.read(files, { compress: false, signal }))
    if (event.kind === 'data') bytes += event.bytes.length;
  expect(bytes).toBe(60_000);
  return (performance.now() - start) / 1000;
}

const noise = Uint8Array.from({ length: 60_000 }, (_, at) => (at * 7919 + (at >> 3)) & 0xff);

describe('--fast-baud', () => {
  it('makes the wire faster for the length of the job, and leaves the board as it was', async () => {
    const fast = await connect({ ...UART, files: { 'noise.bin': noise } }, 460_800);
    expect(fast.info.probe.fastBaud).toBe(460_800);
    expect(await readSeconds(fast)).toBeLessThan(60_000 / 11_520 / 2);
    await fast.leave('auto');
    const usual = await again(boards[0] as VirtualBoard);
    expect(usual.info.probe.fastBaud).toBeUndefined();
    await usual.leave('auto');
  });

  it('stays at the usual speed where the board has no UART to set', async () => {
    const connection = await connect(
      { ...UART, files: {}, dialect: { hiddenNames: ['machine.UART'] } },
      460_800,
    );
    expect(connection.info.probe.fastBaud).toBeUndefined();
    await connection.leave('auto');
  });

  it('goes back when the port cannot follow', async () => {
    const board = await VirtualBoard.start({ ...UART, files: {} });
    boards.push(board);
    const signal = new AbortController().signal;
    const { clock, randomHex } = systemContext({ signal, emit: () => {} });
    const port = { ...board.port(), setBaud: async () => {} };
    const connection = await connectBoard(port, {
      clock,
      random: randomHex,
      signal,
      fastBaud: 460_800,
    });
    expect(connection.info.probe.fastBaud).toBeUndefined();
    await connection.leave('auto');
  });
});
