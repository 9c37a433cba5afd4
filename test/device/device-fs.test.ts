import { deviceFsContract } from '../contract/device-fs.contract.js';
import { connectedBoard } from '../support/connected-board.js';
import { MemoryBoard } from '../support/memory-board.js';

deviceFsContract('a board in memory', async (files) => {
  const board = new MemoryBoard(Object.fromEntries(Object.entries(files).map(([path, bytes]) => [bytes === null ? `${path}/` : path, bytes])));
  return {
    fs: board,
    dump: async () => new Map<string, Uint8Array | null>([...[...board.folders].map((path) => [path, null] as const), ...[...board.files].map(([path, file]) => [path, file.bytes] as const)]),
    close: async () => {},
  };
});

deviceFsContract('a virtual board', async (files) => {
  const board = await connectedBoard({ files });
  return { fs: board.connection.fs, dump: board.dump, close: board.close };
});
