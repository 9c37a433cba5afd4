/**
 * A board in a process of its own, on a pseudo-terminal: for measuring another program's memory,
 * and for tests in any language. Started by `startBoardProcess`, or by hand:
 *
 *     node dist/testing/board-process.js [--folder <path>] [--speed <bytes/s>] [--latency <ms>] [--json]
 *
 * prints the path of the terminal and runs until it is ended. With `--json` the first line is
 * `{"path":…}` and every line on its input is a command: `{"id":1,"do":"dump"}`.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { VirtualBoardOptions } from './board-options.js';
import { startFolderBoard } from './folder-board.js';
import { VirtualBoard } from './virtual-board.js';
import type { FaultPlan } from './wire-faults.js';

/** What may be asked of the process. */
export type BoardCommand =
  | { readonly do: 'dump' | 'counters' | 'hardReset' | 'unplug' | 'plug' | 'pty' | 'stop' }
  | { readonly do: 'setFaults'; readonly plan: FaultPlan }
  | { readonly do: 'swallowInterrupts'; readonly count: number }
  | { readonly do: 'ignoreInterrupts' | 'stallReads'; readonly on: boolean };

export type BoardRequest = BoardCommand & { readonly id: number };

export type BoardReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

export async function carryOut(board: VirtualBoard, command: BoardCommand): Promise<unknown> {
  switch (command.do) {
    case 'dump':
      return board.dump();
    case 'counters':
      return board.counters();
    case 'hardReset':
      return board.hardReset();
    case 'unplug':
      return board.unplug();
    case 'plug':
      return board.plug();
    case 'pty':
      return (await board.pty()).path;
    case 'stop':
      return board.stop();
    case 'setFaults':
      return board.setFaults(command.plan);
    case 'swallowInterrupts':
      return board.swallowInterrupts(command.count);
    case 'ignoreInterrupts':
      return board.ignoreInterrupts(command.on);
    case 'stallReads':
      return board.stallReads(command.on);
    default:
      throw new Error(`unknown command ${JSON.stringify(command)}`);
  }
}

async function answer(board: VirtualBoard, request: BoardRequest): Promise<BoardReply> {
  try {
    return { id: request.id, result: await carryOut(board, request) };
  } catch (error) {
    return { id: request.id, error: (error as Error).message };
  }
}

/** The parent is a Node process and has sent options over its channel. */
function serveParent(): void {
  let board: VirtualBoard | null = null;
  process.once(
    'disconnect',
    () => void (board?.stop() ?? Promise.resolve()).finally(() => process.exit(0)),
  );
  process.on('message', async (message: { start: VirtualBoardOptions } | BoardRequest) => {
    if ('start' in message) {
      try {
        board = await VirtualBoard.start(message.start);
        process.send?.({ id: 0, result: (await board.pty()).path });
      } catch (error) {
        process.send?.({ id: 0, error: (error as Error).message });
      }
    } else if (board !== null) {
      const reply = await answer(board, message);
      process.send?.(reply, () => message.do === 'stop' && process.exit(0));
    }
  });
}

/** Bytes as base64, maps as objects. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  return value;
}

async function serveTerminal(): Promise<void> {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string' },
      speed: { type: 'string' },
      latency: { type: 'string' },
      pty: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const options: VirtualBoardOptions = {
    bytesPerSecond: values.speed === undefined ? null : Number(values.speed),
    latencyMs: Number(values.latency ?? 0),
  };
  const { folder } = values;
  const board =
    folder === undefined
      ? await VirtualBoard.start(options)
      : await startFolderBoard(folder, options);
  const { path } = await board.pty();
  const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value, plain)}\n`);
  if (values.json === true) say({ path });
  else process.stdout.write(`${path}\n`);
  const end = async () => {
    await board.stop();
    process.exit(0);
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  if (values.json !== true) return;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue;
    say(await answer(board, JSON.parse(line) as BoardRequest));
  }
  await end();
}

if (process.send !== undefined) serveParent();
else if (process.argv[1]?.endsWith('board-process.js') === true) await serveTerminal();
