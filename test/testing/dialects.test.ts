import { afterEach, describe, expect, test } from 'vitest';
import type { Dialect, VirtualBoard, VirtualBoardOptions } from '../../src/testing/index.js';
import { CIRCUITPYTHON, DIALECTS } from '../../src/testing/index.js';
import { rawBoard } from './repl-talk.js';

const boards: VirtualBoard[] = [];
afterEach(async () => {
  for (const board of boards.splice(0)) await board.stop();
});

async function played(dialect: Dialect, options: VirtualBoardOptions = {}) {
  const pair = await rawBoard({ files: { 'a.txt': 'hello' }, dialect, ...options });
  boards.push(pair.board);
  return pair;
}

describe('a dialect', () => {
  test.each(Object.entries(DIALECTS))(
    '"%s" starts, lists and reads',
    async (_name, dialect: Dialect) => {
      const { talk } = await played(dialect);
      const names = await talk.output('import os\nprint(os.listdir())');
      expect(names).toContain("'a.txt'");
      expect(await talk.output('print(open("a.txt").read())')).toBe('hello\r\n');
      await talk.softReset();
      expect(await talk.output('print(1)')).toBe('1\r\n');
    },
  );

  test('hides modules under all their names, and names inside modules', async () => {
    const { talk } = await played({
      hiddenModules: ['hashlib'],
      hiddenNames: ['binascii.crc32', 'micropython.kbd_intr', 'os.sync'],
    });
    for (const name of ['hashlib', 'uhashlib']) {
      expect((await talk.exec(`import ${name}`)).error).toContain(
        `ImportError: no module named '${name}'`,
      );
    }
    for (const [module, name] of [
      ['binascii', 'crc32'],
      ['ubinascii', 'crc32'],
      ['micropython', 'kbd_intr'],
      ['os', 'sync'],
      ['uos', 'sync'],
    ]) {
      expect((await talk.exec(`import ${module}\n${module}.${name}`)).error).toContain(
        'AttributeError',
      );
    }
    expect(await talk.output('import binascii\nprint(binascii.hexlify(b"a"))')).toBe("b'61'\r\n");
  });

  test('plays CircuitPython as a probe sees it', async () => {
    const { talk } = await played(CIRCUITPYTHON);
    expect(await talk.output('import sys\nprint(sys.implementation.name)')).toBe(
      'circuitpython\r\n',
    );
    for (const source of ['import uos', 'import machine', 'import hashlib']) {
      expect((await talk.exec(source)).error).toContain('ImportError');
    }
    for (const source of [
      'import os\nos.ilistdir',
      'sys.stdout.buffer',
      'import micropython\nmicropython.kbd_intr',
    ]) {
      expect((await talk.exec(source)).error).toContain('AttributeError');
    }
    expect((await talk.exec('open("x", "w")')).error).toContain('OSError: 30');
    expect(await talk.softReset()).toContain('\r\nsoft reboot\r\n');
  });

  test('mounts the flash under /flash and cards beside it', async () => {
    const { board, talk } = await played(DIALECTS['under /flash']);
    expect(await talk.output('import os\nprint(list(os.ilistdir("/")), os.getcwd())')).toContain(
      "[('flash', 16384, 0), ('sd', 16384, 0)] /flash",
    );
    expect(
      await talk.output('print(open("/sd/card.txt").read(), os.stat("/sd/card.txt")[6])'),
    ).toContain('on the card\r\n 12');
    await talk.output(
      'f = open("/flash/b", "w")\nn = f.write("x")\nf.close()\nf = open("/sd/c", "w")\nf.close()\nos.mkdir("/sd/d")',
    );
    expect([...(await board.dump()).keys()]).toEqual([
      'flash',
      'flash/a.txt',
      'flash/b',
      'sd',
      'sd/c',
      'sd/card.txt',
      'sd/d',
    ]);
    expect(await talk.output('print(sorted(os.listdir("/sd")))')).toBe(
      "['c', 'card.txt', 'd']\r\n",
    );
  });

  test('gives 3-tuples, no raw console, and the epoch of 2000', async () => {
    const { talk } = await played({ tupleLength: 3, stdoutBuffer: false, epoch: 2000 });
    expect(
      await talk.output(
        'import os, sys, time\nprint(list(os.ilistdir("/.")), hasattr(sys.stdin, "buffer"), time.gmtime(0)[0], time.localtime()[0])',
      ),
    ).toBe("[('a.txt', 32768, 0)] False 2000 2021\r\n");
  });

  test('runs out of memory where it is limited', async () => {
    const { talk } = await played({}, { memoryBytesMax: 20 << 20 });
    expect((await talk.exec('x = []\nwhile True: x.append(bytearray(65536))')).error).toContain(
      'MemoryError',
    );
    await talk.output('x = None');
    expect(await talk.output('print(2)')).toBe('2\r\n');
  });

  test('reports plausible memory', async () => {
    const { talk } = await played({}, { heapBytes: 38 * 1024 });
    const free = 'import gc\ngc.collect()\nprint(gc.mem_free())';
    const before = Number(await talk.output(free));
    expect(before).toBeLessThan(38 * 1024);
    await talk.output('b = bytearray(8192)');
    const after = Number(await talk.output(free));
    expect(before - after).toBeGreaterThan(7000);
    expect(before - after).toBeLessThan(9500);
  });
});
