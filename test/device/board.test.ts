/** Connecting and leaving, against the virtual board: whatever its program does. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { connectBoard } from '../../src/device/board.js';
import type { AfterMode, BoardConnection } from '../../src/device/device-fs.js';
import { VirtualBoard, type VirtualBoardOptions } from '../../src/testing/index.js';
import type { BytePort } from '../../src/transport/byte-port.js';
import { ReplSession } from '../../src/transport/repl-session.js';

const clock = {
  monotonicMs: () => performance.now(),
  delay: (ms: number, signal?: AbortSignal) =>
    sleep(ms, undefined, signal === undefined ? {} : { signal }),
};
const never = new AbortController().signal;
const boards: VirtualBoard[] = [];

afterEach(async () => {
  for (const board of boards.splice(0)) await board.stop();
});

/** A board whose program has come as far as printing `go` (or its prompt, where none is expected). */
async function running(
  main: string | null,
  options: VirtualBoardOptions = {},
  sign = 'go',
): Promise<VirtualBoard> {
  const files = {
    'data.txt': 'content',
    ...(main === null ? {} : { 'main.py': main }),
    ...options.files,
  };
  const board = await VirtualBoard.start({ ...options, files });
  boards.push(board);
  if (sign !== '') await heard(board, sign);
  return board;
}

/** Listens on a port of its own until the board has said it. */
async function heard(board: VirtualBoard, text: string, send = ''): Promise<void> {
  const port = board.port();
  await new Promise<void>((resolve, reject) => {
    let seen = '';
    port.setReceiver({
      data: (bytes) => {
        seen += String.fromCharCode(...bytes);
        if (seen.includes(text)) resolve();
      },
      closed: () => reject(new Error(`closed after "${seen}"`)),
    });
    if (send !== '') void port.write(Uint8Array.from(send, (char) => char.charCodeAt(0)));
  });
  await port.close();
}

/** Asks the board as another tool would, whatever it is doing. */
async function asked(
  board: VirtualBoard,
  source: string,
): Promise<{ wasRunning: boolean; answer: string }> {
  const port = board.port();
  const session = new ReplSession(port, clock);
  const arrival = await session.enterRaw({ signal: never });
  const answer = await session.exec(source, { timeoutMs: 20_000, signal: never });
  await session.exitRaw();
  await port.close();
  return {
    wasRunning: arrival.programInterrupted,
    answer: new TextDecoder().decode(answer).trim(),
  };
}

const KEPT = 'print("kept" in globals())';

function connect(port: BytePort, signal = never): Promise<BoardConnection> {
  return connectBoard(port, {
    clock,
    random: (bytes) => randomBytes(bytes).toString('hex'),
    signal,
  });
}

async function names(board: BoardConnection): Promise<readonly string[]> {
  const { tree } = await board.fs.scan({ roots: [''], mounts: [], hashes: 'none', signal: never });
  return tree.map((entry) => entry.path);
}

const PROGRAMS: Readonly<Record<string, string>> = {
  'loops without a sound': 'print("go")\nwhile True:\n  pass\n',
  'sleeps for long': 'import time\nprint("go")\nwhile True:\n  time.sleep(100)\n',
  'prints without pause': 'n = 0\nwhile True:\n  n += 1\n  print("go", n)\n',
  'swallows the first Ctrl-C':
    'import time\nprint("go")\ntry:\n  while True: time.sleep(1)\nexcept KeyboardInterrupt:\n  print("not now")\nwhile True: time.sleep(1)\n',
  'ends without a word at Ctrl-C':
    'import time\nprint("go")\ntry:\n  while True: time.sleep(1)\nexcept KeyboardInterrupt:\n  pass\n',
};

describe('a board whose program', () => {
  for (const [what, main] of Object.entries(PROGRAMS)) {
    it(`${what} is read, and runs its program again afterwards`, async () => {
      const virtual = await running(main);
      const board = await connect(virtual.port());
      expect(board.programInterrupted).toBe(true);
      expect(await names(board)).toContain('data.txt');
      await board.leave('auto');
      expect((await asked(virtual, '1')).wasRunning).toBe(true);
    });
  }

  it('has ended (it raised at once) is not reset, and stays at its prompt', async () => {
    const virtual = await running('print("go")\nraise ValueError(1)\n', {}, '>>> ');
    const board = await connect(virtual.port());
    expect(board.programInterrupted).toBe(false);
    await board.leave('auto');
    expect((await asked(virtual, '1')).wasRunning).toBe(false);
  });

  it('loops in boot.py is reached too', async () => {
    const virtual = await running(null, {
      files: { 'boot.py': 'print("go")\nwhile True:\n  pass\n' },
    });
    const board = await connect(virtual.port());
    expect(board.programInterrupted).toBe(true);
    expect(await names(board)).toContain('boot.py');
    await board.leave('leave');
  });

  it('cannot be interrupted is reported with its stage within seven seconds, and its port is closed', async () => {
    const virtual = await running(
      'import micropython\nmicropython.kbd_intr(-1)\nprint("go")\nwhile True:\n  pass\n',
    );
    const port = virtual.port();
    const startedMs = performance.now();
    await expect(connect(port)).rejects.toMatchObject({
      code: 'repl/no-prompt',
      details: { stage: 'interrupting the program' },
    });
    expect(performance.now() - startedMs).toBeLessThan(7500);
    await expect(port.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'port/lost' });
  });
});

describe('an idle board', () => {
  it('is identified without a reset: what the user has defined is still there', async () => {
    const virtual = await running(null, {}, '>>> ');
    await heard(virtual, '>>> ', 'kept = 42\r');
    const board = await connect(virtual.port());
    expect(board.programInterrupted).toBe(false);
    await names(board);
    await board.leave('auto');
    expect((await asked(virtual, KEPT)).answer).toBe('True');
  });

  it('keeps nothing of the agent', async () => {
    const virtual = await running(null, {}, '>>> ');
    const before = await asked(virtual, 'print(sorted(dir()))');
    const board = await connect(virtual.port());
    await names(board);
    await board.leave('auto');
    expect(await asked(virtual, 'print(sorted(dir()))')).toEqual(before);
  });

  it('that another tool left in raw mode gets its program back', async () => {
    const virtual = await running(PROGRAMS['loops without a sound'] ?? '');
    const port = virtual.port();
    await new ReplSession(port, clock).enterRaw({ signal: never });
    await port.close();
    const board = await connect(virtual.port());
    expect(board.programInterrupted).toBe(false);
    await board.leave('auto');
    expect((await asked(virtual, '1')).wasRunning).toBe(true);
  });

  const MODES: readonly AfterMode[] = ['leave', 'soft-reset', 'hard-reset'];
  for (const mode of MODES) {
    it(`is left as asked: ${mode}`, async () => {
      const virtual = await running('print("go")\n', {}, '>>> ');
      await heard(virtual, '>>> ', 'kept = 42\r');
      const board = await connect(virtual.port());
      await board.leave(mode);
      expect((await asked(virtual, KEPT)).answer).toBe(mode === 'leave' ? 'True' : 'False');
    });
  }

  it('answers the whole of connecting in eight turns', async () => {
    const virtual = await running(null, {}, '>>> ');
    const board = await connect(virtual.port());
    expect(board.counters().turns).toBeLessThanOrEqual(8);
    await board.leave('auto');
  });
});

describe('a connection that ends early', () => {
  it('leaves quietly when the cable was pulled, as often as it is asked', async () => {
    const virtual = await running(null, {}, '>>> ');
    const board = await connect(virtual.port());
    virtual.unplug();
    await Promise.all([board.leave('auto'), board.leave('auto')]);
    await expect(names(board)).rejects.toMatchObject({ code: 'port/lost' });
  });

  it('says that a board which hangs must be freed by hand', async () => {
    const virtual = await running(null, {}, '>>> ');
    const board = await connect(virtual.port());
    virtual.stallReads(true);
    await expect(board.leave('auto')).rejects.toMatchObject({ code: 'board/silent' });
    virtual.stallReads(false);
  });

  it('closes the port and restarts the program when it is cancelled half-way', async () => {
    const virtual = await running(PROGRAMS['loops without a sound'] ?? '');
    const stop = new AbortController();
    const port = virtual.port();
    const options = {
      clock,
      random: (bytes: number) => randomBytes(bytes).toString('hex'),
      signal: stop.signal,
    };
    const connecting = connectBoard(port, {
      ...options,
      onStep: (step) => {
        if (step === 'identifying') stop.abort();
      },
    });
    await expect(connecting).rejects.toMatchObject({ code: 'job/cancelled' });
    await expect(port.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'port/lost' });
    expect((await asked(virtual, '1')).wasRunning).toBe(true);
  });
});
