/** Restores as the tests of uploads make them: operations with their content, carried out on a virtual board. */
import { createHash } from 'node:crypto';
import type { VirtualBoardOptions } from '../../dist/testing/index.js';
import type { ApplyEvent, ApplyOptions, BoardOperation } from '../../src/device/device-fs.js';
import { type ConnectedBoard, connectedBoard } from './connected-board.js';

export const bytesOf = (text: string) => new TextEncoder().encode(text);
export const noise = (sizeBytes: number, seed: number) => {
  let state = seed;
  return Uint8Array.from({ length: sizeBytes }, () => {
    state = (state * 1103515245 + 12345) >>> 0;
    return state >>> 24;
  });
};

export function put(path: string, given: Uint8Array, wanted = given): BoardOperation {
  const sha256 = createHash('sha256').update(wanted).digest('hex');
  return {
    kind: 'put',
    path,
    sizeBytes: given.length,
    sha256,
    modifiedS: null,
    content: async function* () {
      yield given;
    },
  };
}

export async function withBoard(
  options: VirtualBoardOptions,
  work: (board: ConnectedBoard) => Promise<void>,
): Promise<void> {
  const board = await connectedBoard({ files: {}, ...options });
  try {
    await work(board);
  } finally {
    await board.close().catch(() => {});
  }
}

export async function apply(
  board: ConnectedBoard,
  operations: readonly BoardOperation[],
  options: Partial<ApplyOptions> = {},
): Promise<string[]> {
  const seen: string[] = [];
  const all: ApplyOptions = {
    strategy: 'staged',
    keepGoing: false,
    verify: true,
    signal: new AbortController().signal,
    ...options,
  };
  const told = (event: ApplyEvent) => `${event.kind} ${event.operation.path}`;
  for await (const event of board.connection.fs.apply(operations, all))
    if (event.kind !== 'sent') seen.push(told(event));
  return seen;
}
