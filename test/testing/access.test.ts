import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SerialPortStream } from '@serialport/stream';
import { SerialPort } from 'serialport';
import { afterEach, describe, expect, test } from 'vitest';
import { startBoardProcess, startFolderBoard, VirtualBoard } from '../../src/testing/index.js';
import { ptyProblem } from '../support/pty.js';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Enough of either kind of port for a conversation. */
interface Stream {
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
  on(
    event: 'close',
    listener: (error: (Error & { disconnected?: boolean }) | null) => void,
  ): unknown;
  write(bytes: string): unknown;
}

async function converse(
  port: Stream,
  until: string,
  ...writes: readonly string[]
): Promise<string> {
  let said = '';
  const done = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no ${until}, but ${JSON.stringify(said)}`)),
      10_000,
    );
    port.on('data', (bytes) => {
      said += bytes.toString('latin1');
      if (!said.includes(until)) return;
      clearTimeout(timer);
      resolve();
    });
  });
  for (const text of writes) port.write(text);
  await done;
  return said;
}

describe('the binding', () => {
  test('carries the serial stack in process, lists the port and notices an unplug', async () => {
    const board = await VirtualBoard.start({ files: { 'boot.py': '' } });
    endings.push(() => board.stop());
    const binding = board.binding();
    expect((await binding.list()).map(({ path }) => path)).toEqual(['virtual']);
    const port = new SerialPortStream({
      binding,
      path: 'virtual',
      baudRate: 115_200,
      autoOpen: false,
    });
    await new Promise<void>((resolve, reject) =>
      port.open((error) => (error ? reject(error) : resolve())),
    );
    await expect(binding.open({ path: 'virtual', baudRate: 9600 })).rejects.toThrow('lock');
    expect(await converse(port, '42\r\n', '\r\x03', '6*7\r')).toContain('>>> ');
    const closed = new Promise<{ disconnected?: boolean } | null>((resolve) =>
      port.on('close', resolve),
    );
    board.unplug();
    expect((await closed)?.disconnected).toBe(true);
    expect(await binding.list()).toEqual([]);
  });
});

const problem = ptyProblem();
if (problem !== null) console.log(`skipped: pseudo-terminals: ${problem}`);

describe.skipIf(problem !== null)('a pseudo-terminal', () => {
  test('carries the native binding, and its end is an unplug', async () => {
    const board = await VirtualBoard.start({ files: { 'boot.py': '' } });
    endings.push(() => board.stop());
    const { path } = await board.pty();
    const port = new SerialPort({ path, baudRate: 115_200 });
    expect(await converse(port, '42\r\n', '\r\x03', '6*7\r')).toContain('>>> ');
    const closed = new Promise<{ disconnected?: boolean } | null>((resolve) =>
      port.on('close', resolve),
    );
    board.unplug();
    expect((await closed)?.disconnected).toBe(true);
  });

  test('belongs to a board in another process, which can be dumped, reset and unplugged', async () => {
    const board = await startBoardProcess({ files: { 'a.txt': 'hi', empty: null } });
    endings.push(() => board.stop());
    expect(board.pid).not.toBe(process.pid);
    const port = new SerialPort({ path: board.path, baudRate: 115_200 });
    endings.push(
      () => new Promise((resolve) => (port.isOpen ? port.close(resolve) : resolve(null))),
    );
    await converse(port, '2\r\n>>> ', '\r\x03', 'f=open("b","w");f.write("xy");f.close()\r');
    expect([...(await board.dump())].map(([name, bytes]) => [name, bytes?.length ?? null])).toEqual(
      [
        ['a.txt', 2],
        ['b', 2],
        ['empty', null],
      ],
    );
    expect((await board.counters()).bytesOut).toBeGreaterThan(20);
    await board.hardReset();
    const closed = new Promise((resolve) => port.on('close', resolve));
    await board.unplug();
    await closed;
    const again = new SerialPort({ path: await board.plug(), baudRate: 115_200 });
    await converse(again, '42\r\n', '\r\x03', '6*7\r');
    await new Promise((resolve) => again.close(resolve));
  });
});

describe('a folder', () => {
  test('is the flash, keeps its identity, and gets back only what changed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'board-'));
    endings.push(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'same.txt'), 'same');
    await writeFile(join(folder, 'old.txt'), 'old');
    await writeFile(join(folder, 'gone.txt'), 'gone');
    const before = await stat(join(folder, 'same.txt'));
    const ids: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      const board = await startFolderBoard(folder, {});
      const port = new SerialPortStream({
        binding: board.binding(),
        path: 'virtual',
        baudRate: 115_200,
      });
      const program =
        round === 0
          ? 'import os\rf=open("old.txt","w");f.write("new")\rf.close();os.remove("gone.txt");os.mkdir("sub");f=open("sub/x","w");f.close()\r'
          : '';
      const said = await converse(
        port,
        'id end',
        '\r\x03',
        program,
        'import machine\rprint(machine.unique_id(),"id","end")\r',
      );
      ids.push(/b'[^\r]*' id end/.exec(said)?.[0] ?? said);
      await new Promise((resolve) => port.close(resolve));
      await board.stop();
    }
    expect(ids[0]).toBe(ids[1]);
    expect(await readFile(join(folder, 'old.txt'), 'utf8')).toBe('new');
    expect(await readFile(join(folder, 'sub/x'), 'utf8')).toBe('');
    await expect(stat(join(folder, 'gone.txt'))).rejects.toThrow('ENOENT');
    expect((await stat(join(folder, 'same.txt'))).mtimeMs).toBe(before.mtimeMs);
    expect((await stat(join(folder, 'same.txt'))).ino).toBe(before.ino);
  });
});
