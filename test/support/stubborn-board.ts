/** Backs up a virtual board whose main.py does not want to be interrupted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { VirtualBoard, type VirtualBoardOptions } from '../../dist/testing/index.js';
import { connectBoard } from '../../src/device/board.js';
import { backup } from '../../src/jobs/backup.js';
import type { Connect } from '../../src/jobs/context.js';
import type { BackupFolder } from '../../src/store/backup-folder.js';
import type { BytePort } from '../../src/transport/byte-port.js';
import { openStore, systemContext } from '../../src/wiring.js';

/** 60 kB at 115,200 baud: more than five seconds, longer than every watchdog here. */
export const SLOW: VirtualBoardOptions = { bytesPerSecond: 11_520 };
const big = Uint8Array.from({ length: 60_000 }, (_, at) => (at * at * 7) >> 4);

/** A backup of a board with this main.py, given up after `limitMs`; boards and folder go after each test. */
export function stubbornBoards(limitMs: number) {
  let folder: string;
  let store: BackupFolder;
  const boards: VirtualBoard[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'belay-stubborn-'));
    store = openStore(folder);
  });

  afterEach(async () => {
    for (const board of boards.splice(0)) await board.stop();
    await rm(folder, { recursive: true, force: true });
  });

  return async function backUp(
    main: string,
    options: VirtualBoardOptions = {},
    over = (port: BytePort) => port,
  ) {
    const files = { 'main.py': main, 'big.bin': big };
    const board = await VirtualBoard.start({ files, ...options });
    boards.push(board);
    const warnings: string[] = [];
    const context = systemContext({
      signal: AbortSignal.timeout(limitMs),
      emit: (event) => {
        if (event.type === 'warning') warnings.push(event.code);
      },
    });
    const connect: Connect = ({ signal }) =>
      connectBoard(over(board.port()), { clock: context.clock, random: context.randomHex, signal });
    const result = await backup({ connect, store }, { retryLockMs: 0 }, context);
    return { result, warnings, board };
  };
}
