import { afterEach, describe, expect, test } from 'vitest';
import { pathFromBytes } from '../../src/core/device-path.js';
import type { VirtualBoard, VirtualBoardOptions } from '../../src/testing/index.js';
import { sampleProject } from '../../src/testing/index.js';
import { rawBoard } from './repl-talk.js';

const boards: VirtualBoard[] = [];
afterEach(async () => {
  for (const board of boards.splice(0)) await board.stop();
});

async function raw(options: VirtualBoardOptions = {}) {
  const pair = await rawBoard(options);
  boards.push(pair.board);
  return pair;
}

const text = (bytes: Uint8Array | null | undefined) =>
  bytes === undefined ? undefined : bytes === null ? null : Buffer.from(bytes).toString();

describe('the flash', () => {
  test('holds the content it was given, and the dump shows what the board changed', async () => {
    const { board, talk } = await raw({
      files: { 'a.txt': 'one', 'lib/b.bin': Uint8Array.of(0, 3, 4, 255), empty: null },
    });
    expect([...(await board.dump()).keys()]).toEqual(['a.txt', 'empty', 'lib', 'lib/b.bin']);
    await talk.output(
      'import os\nos.mkdir("new")\nf = open("new/c", "wb")\nn = f.write(b"\\x00\\xff")\nf.close()\n' +
        'os.rename("a.txt", "new/a")\nos.remove("lib/b.bin")\nos.rmdir("empty")',
    );
    const dump = await board.dump();
    expect([...dump].map(([path, bytes]) => [path, bytes === null ? null : [...bytes]])).toEqual([
      ['lib', null],
      ['new', null],
      ['new/a', [...Buffer.from('one')]],
      ['new/c', [0, 255]],
    ]);
  });

  test('reads, appends, seeks and updates files as a board does', async () => {
    const { board, talk } = await raw({ files: { f: 'hello world' } });
    expect(
      await talk.output(
        'f = open("f", "r+b")\nf.seek(6)\nn = f.write(b"W")\nf.seek(0)\nprint(f.read(), f.tell())\nf.close()\n' +
          'f = open("f", "ab")\nn = f.write(b"!")\nf.close()\nprint(open("f").read(5))\nimport os\nprint(os.stat("f")[6])',
      ),
    ).toBe("b'hello World' 11\r\nhello\r\n12\r\n");
    expect(text((await board.dump()).get('f'))).toBe('hello World!');
  });

  test('answers with the error numbers of a board', async () => {
    const { talk } = await raw({ files: { 'd/f': 'x' } });
    const cases: readonly [string, string][] = [
      ['open("none")', '[Errno 2] ENOENT'],
      ['import os\nos.stat("none")', '[Errno 2] ENOENT'],
      ['os.mkdir("d")', '[Errno 17] EEXIST'],
      ['os.rmdir("d")', '39'],
      ['os.remove("d")', '39'],
      ['open("d")', '[Errno 21] EISDIR'],
      ['os.listdir("d/f")', '20'],
      ['open("none/x", "w")', '[Errno 2] ENOENT'],
      ['open("x" * 256, "w")', '36'],
    ];
    for (const [source, error] of cases) {
      expect((await talk.exec(source)).error, source).toContain(`OSError: ${error}`);
    }
  });

  test('keeps the old content until a file is closed', async () => {
    const { board, talk } = await raw({ files: { f: 'old', g: 'old' } });
    await talk.output(
      'f = open("f", "w")\nn = f.write("new")\nh = open("h", "w")\nn = h.write("new")',
    );
    expect(text((await board.dump()).get('f'))).toBe('old');
    expect(text((await board.dump()).get('h'))).toBe('');
    await talk.output(
      'g = open("g", "w")\nn = g.write("flushed")\ng.flush()\nn = g.write(" and lost")',
    );
    await board.hardReset();
    const dump = await board.dump();
    expect([dump.get('f'), dump.get('g'), dump.get('h')].map(text)).toEqual(['old', 'flushed', '']);
  });

  test('closes what is open at a soft reset, cut short as it is', async () => {
    const { board, talk } = await raw({ files: { f: 'old' } });
    await talk.output('f = open("f", "w")\nn = f.write("ne")');
    await talk.softReset();
    expect(text((await board.dump()).get('f'))).toBe('ne');
  });

  test('runs out of space with errno 28 and keeps the old file', async () => {
    const { board, talk } = await raw({ flashBytes: 64 * 1024, files: { f: 'old' } });
    const { error } = await talk.exec(
      'f = open("f", "wb")\nfor i in range(100): n = f.write(bytes(1024))',
    );
    expect(error).toContain('OSError: 28');
    expect(await talk.output('f.close()\nprint(open("f").read())')).toBe('old\r\n');
    expect(text((await board.dump()).get('f'))).toBe('old');
    expect(await talk.output('f = open("g", "wb")\nn = f.write(bytes(20000))\nf.close()')).toBe('');
  });

  test('counts blocks like LittleFS', async () => {
    const { talk } = await raw();
    const free = 'import os\nprint(os.statvfs("/")[3])';
    const start = Number(await talk.output(free));
    await talk.output('f = open("a", "wb")\nn = f.write(bytes(8192))\nf.close()');
    expect(start - Number(await talk.output(free))).toBe(3);
    await talk.output('os.remove("a")');
    expect(Number(await talk.output(free))).toBe(start);
    await talk.output(
      'for i in range(100):\n f = open("f%d" % i, "wb")\n n = f.write(bytes(200))\n f.close()',
    );
    const hundred = start - Number(await talk.output(free));
    expect(hundred).toBeGreaterThanOrEqual(14);
    expect(hundred).toBeLessThanOrEqual(34);
  });

  test('lists names that are not UTF-8 as a board does', async () => {
    const bad = pathFromBytes(Uint8Array.of(0x62, 0xff, 0x80));
    const { board, talk } = await raw({ files: { good: '1', [bad]: '2', [`d/${bad}`]: '3' } });
    for (const path of ['"/"', '""', 'b""', 'b"/"']) {
      expect(
        (await talk.exec(`import os\nfor e in os.ilistdir(${path}): pass`)).error,
        path,
      ).toContain('UnicodeError');
    }
    for (const path of ['b"/."', 'b"//"']) {
      expect(await talk.output(`print(sorted(os.ilistdir(${path})))`)).toContain(
        "(b'b\\xff\\x80', 32768, 0, 1)",
      );
    }
    expect(
      await talk.output(
        'print(open(b"/b\\xff\\x80").read(), os.stat(b"d/b\\xff\\x80")[6])\nos.rename(b"d/b\\xff\\x80", b"d/\\xfe")\nos.remove(b"/b\\xff\\x80")',
      ),
    ).toBe('2 1\r\n');
    expect([...(await board.dump()).keys()]).toEqual([
      'd',
      `d/${pathFromBytes(Uint8Array.of(0xfe))}`,
      'good',
    ]);
  });

  test('takes the time that erasing and programming take', async () => {
    const { talk } = await raw({ eraseMs: 20, pageMs: 0.5 });
    const took = Number(
      await talk.output(
        'import time\nb = bytes(1024)\nt = time.ticks_ms()\nf = open("f", "wb")\nfor i in range(20): n = f.write(b)\nf.close()\nprint(time.ticks_diff(time.ticks_ms(), t))',
      ),
    );
    // 6 blocks of 20 ms and 80 pages of 0.5 ms, beside the metadata.
    expect(took).toBeGreaterThan(155);
    expect(took).toBeLessThan(260);
  });

  test('gives the sample project an unusual name, an empty file and an empty folder', async () => {
    const { board, talk } = await raw({ files: sampleProject() });
    const dump = await board.dump();
    expect(dump.get('data/archive')).toBeNull();
    expect(dump.get('lib/__init__.py')?.length).toBe(0);
    expect(text(dump.get("data/bob's notes.txt"))).toContain('tomatoes');
    expect(await talk.output('import os\nprint(len(os.listdir("data")))')).toBe('5\r\n');
  });

  test('imports modules of the flash, and lists 500 files in well under a second', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 500 }, (_, n) => [`d${n % 10}/f${n}.txt`, 'x'.repeat(200)]),
    );
    const { talk } = await raw({ files: { ...files, 'lib/mine.py': 'value = 42\n' } });
    expect(await talk.output('import mine\nprint(mine.value)')).toBe('42\r\n');
    const startMs = performance.now();
    const source =
      'import os, hashlib\nn = 0\nfor d in os.ilistdir(b"/."):\n if d[1] == 0x4000:\n  for e in os.ilistdir(b"/" + d[0]):\n' +
      '   f = open(b"/" + d[0] + b"/" + e[0], "rb")\n   hashlib.sha256(f.read()).digest()\n   f.close()\n   n += 1\nprint(n)';
    expect(await talk.output(source)).toBe('501\r\n');
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});
