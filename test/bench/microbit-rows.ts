/**
 * What the smallest agent takes of a board's heap, on real micro:bit firmware under QEMU: the heap is
 * filled until so much is free, then everything is read. Compiling and collecting are the firmware's
 * own, so the least that suffices is the peak, compile included.
 */

import { ReplSession } from '../../src/transport/repl-session.js';
import { openSerialPort } from '../../src/transport/serial-port.js';
import { connectOver, realClock } from '../support/connected-board.js';
import { type Microbit, microbitProblem, startMicrobit } from '../support/microbit.js';
import { writeByHand } from '../support/microbit-by-hand.js';
import type { AgentRow } from './agent-rows.js';

const FILES = { 'main.py': Buffer.from('x = 1\n'), 'data.bin': Buffer.alloc(3000, 'abcdefg ') };
const GOAL_BYTES = 6144;
/** Left free before each try, about: it is filled in pieces of 256 bytes. */
const FREE_BYTES = [5900, 5120, 4096, 3072] as const;
const limits = { timeoutMs: 10_000, signal: new AbortController().signal };

/** Rows, or why there are none. */
export async function microbitRows(): Promise<readonly AgentRow[] | string> {
  const problem = microbitProblem();
  if (problem !== null) return problem;
  const microbit = await startMicrobit();
  try {
    await writeByHand(microbit.path, FILES);
    let least = Number.POSITIVE_INFINITY;
    let stays = 0;
    for (const bytes of FREE_BYTES) {
      const free = await fillHeap(microbit, bytes);
      if (!(await readsAll(microbit))) break;
      least = free;
      stays = Math.max(stays, free - (await freeHeap(microbit)));
    }
    return [
      {
        name: 'micro:bit (real firmware): free heap that suffices',
        value: least,
        unit: 'B',
        goal: GOAL_BYTES,
        met: least <= GOAL_BYTES,
      },
      {
        name: 'micro:bit: gc.mem_free() before less after',
        value: stays,
        unit: 'B',
        goal: null,
        met: null,
      },
    ];
  } finally {
    await microbit.stop();
  }
}

async function atPrompt(microbit: Microbit, source: string): Promise<number> {
  const port = await openSerialPort(microbit.path);
  try {
    const session = new ReplSession(port, realClock);
    await session.enterRaw(limits);
    const said = Buffer.from(await session.exec(source, limits)).toString();
    await session.exitRaw();
    return Number(said);
  } finally {
    await port.close();
  }
}

const freeHeap = (microbit: Microbit) =>
  atPrompt(microbit, 'import gc\ngc.collect()\nprint(gc.mem_free())');

/** What is free then. What an earlier try filled is let go first. */
const fillHeap = (microbit: Microbit, freeBytes: number) =>
  atPrompt(
    microbit,
    `import gc\nhold=[]\ngc.collect()\nwhile gc.mem_free()>${freeBytes}+128:\n hold.append(bytearray(240))\n gc.collect()\nprint(gc.mem_free())`,
  );

async function readsAll(microbit: Microbit): Promise<boolean> {
  const { signal } = limits;
  const connection = await connectOver(await openSerialPort(microbit.path));
  try {
    const options = { roots: [''], mounts: [], hashes: 'content', signal } as const;
    const { tree } = await connection.fs.scan(options);
    const files = tree.filter((entry) => entry.kind === 'file');
    let verified = 0;
    for await (const event of connection.fs.read(files, { compress: false, signal }))
      if (event.kind === 'verified') verified += 1;
    return verified === Object.keys(FILES).length;
  } finally {
    await connection.leave('leave');
  }
}
