import { deviceFsContract } from '../contract/device-fs.contract.js';
import { connectedBoard } from '../support/connected-board.js';
import { MemoryBoard } from '../support/memory-board.js';

deviceFsContract('a board in memory', async (files) => {
  const board = new MemoryBoard(
    Object.fromEntries(
      Object.entries(files).map(([path, bytes]) => [bytes === null ? `${path}/` : path, bytes]),
    ),
  );
  return {
    fs: board,
    dump: async () =>
      new Map<string, Uint8Array | null>([
        ...[...board.folders].map((path) => [path, null] as const),
        ...[...board.files].map(([path, file]) => [path, file.bytes] as const),
      ]),
    close: async () => {},
  };
});

// The newest and the oldest firmware; all of them and every dialect: `npm run test:slow`.
for (const [name, options] of [
  ['a virtual board', {}],
  ['MicroPython 1.23.0', { firmware: 'micropython-1.23' }],
] as const) {
  deviceFsContract(name, async (files) => {
    const board = await connectedBoard({ ...options, files });
    return { fs: board.connection.fs, dump: board.dump, close: board.close };
  });
}
