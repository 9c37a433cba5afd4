import { afterEach, describe, expect, test } from 'vitest';
import type { VirtualBoardOptions } from '../../src/testing/index.js';
import { VirtualBoard } from '../../src/testing/index.js';
import { ReplTalk, rawBoard } from './repl-talk.js';

const boards: VirtualBoard[] = [];
afterEach(async () => {
  for (const board of boards.splice(0)) await board.stop();
});

async function raw(options: VirtualBoardOptions = {}) {
  const pair = await rawBoard(options);
  boards.push(pair.board);
  return pair;
}

async function fresh(options: VirtualBoardOptions) {
  const board = await VirtualBoard.start(options);
  boards.push(board);
  return { board, talk: new ReplTalk(board.port()) };
}

describe('the raw prompt', () => {
  test('answers with the bytes of a board', async () => {
    const { talk } = await raw();
    await talk.write('print(1)\nprint("a\\nb")\x04');
    expect(await talk.until('\x04>')).toBe('OK1\r\na\r\nb\r\n\x04\x04>');
    await talk.write('1/0\x04');
    expect(await talk.until('\x04>')).toBe(
      'OK\x04Traceback (most recent call last):\r\n  File "<stdin>", line 1, in <module>\r\n' +
        'ZeroDivisionError: divide by zero\r\n\x04>',
    );
    await talk.write('abc\x03print(2)\x04');
    expect(await talk.until('\x04>')).toBe('OK2\r\n\x04\x04>');
    await talk.write('\x01');
    expect(await talk.until('>')).toBe('raw REPL; CTRL-B to exit\r\n>');
    await talk.write('\x02');
    expect(await talk.until('>>> ')).toMatch(/^\r\nMicroPython v1\.\d+.*\r\nType "help\(\)"/);
  });

  test('lets bytes pass the buffers as they are, and cooks text', async () => {
    const { talk } = await raw();
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
    await talk.write('import sys\nn = sys.stdout.buffer.write(bytes(range(256)))\x04');
    expect(await talk.until(`${all}\x04\x04>`)).toBe(`OK${all}\x04\x04>`);
    await talk.write(
      'import micropython\nmicropython.kbd_intr(-1)\nprint("ready")\n' +
        'print(sys.stdin.buffer.read(256) == bytes(range(256)))\x04',
    );
    await talk.until('ready');
    await talk.write(all);
    expect(await talk.until('\x04\x04>')).toContain('True');
    await talk.write('print(repr(sys.stdin.read(3)))\x04');
    await talk.until('OK');
    await talk.write('a\rb');
    expect(await talk.until('\x04\x04>')).toContain("'a\\nb'");
  });
});

describe('raw paste', () => {
  test('is offered with a window, and grants one more for each that was taken', async () => {
    const { talk } = await raw();
    await talk.write('\x05A\x01');
    expect(await talk.until('\x01\x80\x00\x01')).toBe('R\x01\x80\x00\x01');
    await talk.write(`x = "${'y'.repeat(300)}"\nprint(len(x))\x04`);
    expect(await talk.until('\x04>')).toBe('\x01\x01\x04300\r\n\x04\x04>');
  });

  test('ends at Ctrl-C, runs nothing, and may be empty', async () => {
    const { talk } = await raw();
    await talk.write('\x05A\x01');
    await talk.until('\x01\x80\x00\x01');
    await talk.write('print(1)\x03');
    expect(await talk.until('\x04>')).toMatch(
      /^\x04\x04Traceback[\s\S]*KeyboardInterrupt: \r\n\x04>$/,
    );
    await talk.write('\x05A\x01');
    await talk.until('\x01\x80\x00\x01');
    await talk.write('\x04');
    expect(await talk.until('\x04\x04>')).toBe('\x04\x04\x04>');
    await talk.write('\x05A\x01');
    await talk.until('\x01\x80\x00\x01');
    await talk.write('print(repr("\x01\x02"))\x04');
    expect(await talk.until('\x04\x04>')).toContain("'\\x01\\x02'");
  });

  test('is refused or unknown where the dialect says so', async () => {
    const refused = await raw({ dialect: { rawPaste: 'refused' } });
    await refused.talk.write('\x05A\x01');
    expect(await refused.talk.until('>')).toBe('R\x00>');
    expect(await refused.talk.output('print(1)')).toBe('1\r\n');
    const unknown = await raw({ dialect: { rawPaste: 'unknown' } });
    await unknown.talk.write('\x05A\x01');
    expect(await unknown.talk.until('>')).toBe('raw REPL; CTRL-B to exit\r\n>');
  });
});

describe('Ctrl-C', () => {
  const waits: readonly [string, string][] = [
    ['a loop that does nothing', 'while True: pass'],
    ['a loop that counts', 'n = 0\nwhile True: n += 1'],
    ['sleep', 'import time\ntime.sleep(100)'],
    ['a blocked read', 'import sys\nsys.stdin.buffer.read(5)'],
    ['a blocked line', 'import sys\nsys.stdin.readline()'],
    ['poll', 'import select, sys\np = select.poll()\np.register(sys.stdin, 1)\np.poll()'],
    ['prints without pause', 'while True: print("spam")'],
  ];
  test.each(waits)('ends %s at once', async (_name, source) => {
    const { talk } = await raw();
    await talk.write(`print("on")\n${source}\x04`);
    await talk.until('on\r\n');
    const startMs = performance.now();
    await talk.write('\x03');
    const answer = await talk.until('\x04>');
    expect(answer).toContain('KeyboardInterrupt: \r\n');
    expect(performance.now() - startMs).toBeLessThan(500);
    expect(await talk.output('print(7)')).toBe('7\r\n');
  });

  test('is data after kbd_intr(-1), and can be swallowed by the wire', async () => {
    const { board, talk } = await raw();
    await talk.write(
      'import sys, micropython\nmicropython.kbd_intr(-1)\nprint("on")\nprint(sys.stdin.buffer.read(2))\x04',
    );
    await talk.until('on\r\n');
    await talk.write('\x03\x03');
    expect(await talk.until('\x04\x04>')).toContain("b'\\x03\\x03'");
    board.swallowInterrupts(2);
    await talk.write('print("on")\nwhile True: pass\x04');
    await talk.until('on\r\n');
    await talk.write('\x03\x03');
    await expect(talk.until('\x04>', 200)).rejects.toThrow();
    await talk.write('\x03');
    expect(await talk.until('\x04>')).toContain('KeyboardInterrupt');
  });
});

describe('a start', () => {
  const files = {
    'boot.py': 'print("boot")\n',
    'main.py': 'print("main")\nx = 5\nraise ValueError("broken")\n',
  };

  test('runs boot.py and main.py in __main__, and shows the traceback of the file', async () => {
    const { talk } = await fresh({ files });
    expect(await talk.until('>>> ')).toMatch(
      /^boot\r\nmain\r\nTraceback[\s\S]*File "main.py", line 3, in <module>\r\nValueError: broken\r\n/,
    );
    await talk.write('x\r');
    expect(await talk.until('>>> ')).toContain('5');
  });

  test('by soft reset from raw mode skips main.py and stays in raw mode', async () => {
    const { talk } = await fresh({ files });
    await talk.until('>>> ');
    await talk.write('\x01');
    await talk.until('exit\r\n>');
    await talk.output('y = 1');
    expect(await talk.softReset()).toBe(
      'OK\r\nMPY: soft reboot\r\nboot\r\nraw REPL; CTRL-B to exit\r\n>',
    );
    expect((await talk.exec('y')).error).toContain('NameError');
  });

  test('by soft reset from the friendly prompt, or SystemExit, runs main.py again', async () => {
    const { talk } = await fresh({ files });
    await talk.until('>>> ');
    await talk.write('\x04');
    expect(await talk.until('>>> ')).toMatch(/^\r\nMPY: soft reboot\r\nboot\r\nmain\r\n/);
    await talk.write('raise SystemExit\r');
    expect(await talk.until('broken')).toContain('MPY: soft reboot\r\nboot\r\nmain\r\n');
  });

  test('by machine.reset() or the reset button forgets raw mode', async () => {
    const { board, talk } = await fresh({ files, bootText: 'rst:0x1\n' });
    await talk.until('>>> ');
    await talk.write('\x01');
    await talk.until('exit\r\n>');
    await talk.write('import machine\nmachine.reset()\x04');
    expect(await talk.until('>>> ')).toMatch(/^OKrst:0x1\r\nboot\r\nmain\r\n/);
    await board.hardReset();
    expect(await talk.until('>>> ')).toMatch(/^rst:0x1\r\nboot\r\nmain\r\n/);
  });

  test('ends a loop that takes no interrupt by the reset button', async () => {
    const { board, talk } = await raw();
    await talk.write(
      'import micropython\nmicropython.kbd_intr(-1)\nprint("on")\nwhile True: pass\x04',
    );
    await talk.until('on\r\n');
    await board.hardReset();
    await talk.until('>>> ');
  });

  test('is forced by a watchdog that nobody feeds', async () => {
    const { talk } = await raw({ bootText: 'boot rom\n' });
    await talk.output('from machine import WDT\nw = WDT(timeout=300)\nw.feed()');
    expect(await talk.until('>>> ', 3000)).toContain('boot rom\r\n');
    await talk.write('\x01');
    await talk.until('exit\r\n>');
  });
});
