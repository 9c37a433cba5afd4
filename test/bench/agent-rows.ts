/**
 * What the agent costs a board: bytes on the wire of a plain backup, and heap. Heap is counted on
 * the virtual board, whose objects are as large as a 32-bit board's and whose collector does not run
 * while something runs: what a piece of source allocates in all is the most that it can need at once.
 */
import { randomBytes } from 'node:crypto';
import { connectBoard } from '../../src/device/board.js';
import { checkedExec, helperPart, shortName } from '../../src/device/helper-source.js';
import { firstExec } from '../../src/device/source-form.js';
import { VirtualBoard } from '../../src/testing/index.js';
import { ReplSession, type StreamConsumer } from '../../src/transport/repl-session.js';
import { systemContext } from '../../src/wiring.js';

export interface AgentRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** null where a figure is only printed. */
  readonly goal: number | null;
  readonly met: boolean | null;
}

function row(name: string, value: number, unit: string, goal: number | null = null): AgentRow {
  return { name, value, unit, goal, met: goal === null ? null : value <= goal };
}

const FILES = { 'main.txt': 'x'.repeat(2000) };
const STREAM = ['list-ilistdir', 'put-raw', 'hash-sha256', 'check-crc32', 'stream', 'list'];
const READ = ['read'];
/** So that the figure never meets its floor (python-modules.ts). */
const HEAP_BYTES = 4 << 20;
const FRAME_END = 1018 + 6;
const SMALL_FRAME_END = 240 + 6;
const limits = { timeoutMs: 10_000, signal: new AbortController().signal };

export async function agentRows(): Promise<AgentRow[]> {
  const sent = await wireBytes();
  const whole = await heapOf([firstExec('deflated', [...STREAM, ...READ]), ...jobs(FRAME_END)]);
  const small = await heapOf([
    firstExec('plain'),
    ...[...STREAM, ...READ].map((part) => checkedExec(helperPart(part))),
    ...jobs(SMALL_FRAME_END),
  ]);
  return [
    row('sent for a plain backup, without the compressor', sent, 'B', 2500),
    row('heap that stays taken, frames of 1 KiB', whole.stays, 'B'),
    row('the same and all that one exec allocates', whole.peak, 'B'),
    row('parts one by one, frames of 240 B: heap that stays taken', small.stays, 'B'),
    row('the same and all that one exec allocates', small.peak, 'B'),
  ];
}

function jobs(frameEnd: number): readonly string[] {
  const start = `77,${frameEnd},(),0,6,()`;
  return [
    checkedExec(`${shortName('job')}(${shortName('list_job')},((b"",),0),${start})`),
    checkedExec(`${shortName('job')}(${shortName('read_job')},((b"",),b"\\xff"),${start})`),
  ];
}

/** From connecting to the last byte of content. */
async function wireBytes(): Promise<number> {
  const board = await VirtualBoard.start({ files: FILES });
  try {
    const context = systemContext({ signal: limits.signal, emit: () => {} });
    const connection = await connectBoard(board.port(), {
      clock: context.clock,
      random: (bytes) => randomBytes(bytes).toString('hex'),
      signal: limits.signal,
      purpose: 'read',
    });
    const options = { roots: [''], mounts: [], hashes: 'none', signal: limits.signal } as const;
    const { tree } = await connection.fs.scan(options);
    const files = tree.filter((entry) => entry.kind === 'file');
    for await (const _ of connection.fs.read(files, { compress: false, signal: limits.signal }));
    const { bytesOut } = connection.counters();
    await connection.leave('leave');
    return bytesOut;
  } finally {
    await board.stop();
  }
}

interface Heap {
  /** Bytes that are taken when all has run and been collected. */
  readonly stays: number;
  /** The most that was taken at the end of one exec, nothing of it collected. */
  readonly peak: number;
}

async function heapOf(execs: readonly (string | Uint8Array)[]): Promise<Heap> {
  const board = await VirtualBoard.start({ files: FILES, heapBytes: HEAP_BYTES });
  try {
    const { clock } = systemContext({ signal: limits.signal, emit: () => {} });
    const session = new ReplSession(board.port(), clock);
    await session.enterRaw(limits);
    const run = (source: string) => session.exec(source, limits);
    // The virtual board's modules are made when they are first imported; a board's are in its flash.
    await run(`import gc,${MODULES}`);
    const free = (before: string | Uint8Array = '') => freeAfter(session, before);
    await run('gc.collect()');
    const start = await free();
    let peak = 0;
    for (const exec of execs) peak = Math.max(peak, start - (await free(exec)));
    await run('gc.collect()');
    return { stays: start - (await free()), peak };
  } finally {
    await board.stop();
  }
}

/** Runs an exec, frames and all, and asks within it what is free then. */
async function freeAfter(session: ReplSession, exec: string | Uint8Array): Promise<number> {
  let said = '';
  let free = 0;
  const consumer: StreamConsumer = {
    push: (bytes) => {
      said += Buffer.from(bytes).toString('latin1');
      const answer = /free (\d+)\r\n/.exec(said);
      if (answer === null) return { consumed: bytes.length, done: false };
      free = Number(answer[1]);
      const beyond = said.length - answer.index - answer[0].length;
      return { consumed: bytes.length - beyond, done: true };
    },
    silenceMsMax: () => limits.timeoutMs,
  };
  const question = Buffer.from("\nprint('free',gc.mem_free())");
  await session.stream(Buffer.concat([Buffer.from(exec), question]), consumer, limits);
  return free;
}

const MODULES = 'uos,utime,uhashlib,ubinascii,umachine,vfs,uselect,deflate,uio';
