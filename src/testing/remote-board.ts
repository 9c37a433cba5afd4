/** A virtual board that lives in another process, and is reached over its pseudo-terminal. */

import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import type { VirtualBoardOptions } from './board-options.js';
import type { BoardCommand, BoardReply } from './board-process.js';
import type { VirtualTree } from './virtual-board.js';
import type { WireCounters } from './wire-counters.js';
import type { FaultPlan } from './wire-faults.js';

/** The same as `VirtualBoard`, from further away. */
export interface RemoteBoard {
  /** Path of the pseudo-terminal. */
  readonly path: string;
  /** Of the board's process. */
  readonly pid: number;
  dump(): Promise<VirtualTree>;
  counters(): Promise<WireCounters>;
  setFaults(plan: FaultPlan): Promise<void>;
  swallowInterrupts(count: number): Promise<void>;
  ignoreInterrupts(on: boolean): Promise<void>;
  stallReads(on: boolean): Promise<void>;
  hardReset(): Promise<void>;
  unplug(): Promise<void>;
  /** After `unplug`: a new terminal, with a new path. */
  plug(): Promise<string>;
  stop(): Promise<void>;
}

const START_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;

/** Starts a board in a process of its own. Rejects where no pseudo-terminal can be made. */
export async function startBoardProcess(options: VirtualBoardOptions = {}): Promise<RemoteBoard> {
  const script = new URL('../../dist/testing/board-process.js', import.meta.url);
  const child = fork(script, [], { serialization: 'advanced', execArgv: [] });
  const waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: Error) => void }
  >();
  let next = 0;
  const failAll = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  child.on('message', (reply: BoardReply) => {
    const waiter = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) waiter?.reject(new Error(reply.error));
    else waiter?.resolve(reply.result);
  });
  child.on('error', failAll);
  child.on('exit', (code) => failAll(new Error(`the board's process ended with ${code}`)));
  const send = (message: object): Promise<unknown> => {
    const id = next++;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      child.send({ ...message, id });
    });
  };
  const ask = (command: BoardCommand) => send(command);
  const path = (await bounded(send({ start: options }), START_MS_MAX, child)) as string;
  return {
    path,
    pid: child.pid as number,
    dump: async () => (await ask({ do: 'dump' })) as VirtualTree,
    counters: async () => (await ask({ do: 'counters' })) as WireCounters,
    setFaults: async (plan) => void (await ask({ do: 'setFaults', plan })),
    swallowInterrupts: async (count) => void (await ask({ do: 'swallowInterrupts', count })),
    ignoreInterrupts: async (on) => void (await ask({ do: 'ignoreInterrupts', on })),
    stallReads: async (on) => void (await ask({ do: 'stallReads', on })),
    hardReset: async () => void (await ask({ do: 'hardReset' })),
    unplug: async () => void (await ask({ do: 'unplug' })),
    async plug() {
      await ask({ do: 'plug' });
      return (await ask({ do: 'pty' })) as string;
    },
    async stop() {
      if (child.exitCode !== null) return;
      await bounded(ask({ do: 'stop' }), STOP_MS_MAX, child).catch(() => undefined);
      if (child.connected) child.disconnect();
    },
  };
}

/** Ends the process when it does not answer in time, or says it cannot. */
async function bounded(work: Promise<unknown>, limitMs: number, child: ChildProcess) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the board's process does not answer")), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
