/** Boards with a prompt of their own, in every state that somebody may have left it in. */
import { describe, expect, it } from 'vitest';
import type { VirtualBoard } from '../../src/testing/index.js';
import { AIOREPL_LIKE } from '../support/aiorepl-like.js';
import { virtualLab } from '../support/virtual-lab.js';
import { noise } from './sixty-files.js';

const lab = virtualLab();
const FILES = { 'main.py': AIOREPL_LIKE, 'data.bin': noise(20_000) };

/** Types as a person would: each key after what it gave to see. Ends when `seen` was printed. */
async function type(board: VirtualBoard, keys: string, seen: string): Promise<void> {
  const port = board.port();
  let said = '';
  const told = (text: string) =>
    new Promise<void>((resolve) => {
      const look = (bytes: string) => {
        said += bytes;
        if (said.includes(text)) resolve();
      };
      look('');
      port.setReceiver({
        data: (bytes) => look(Buffer.from(bytes).toString('latin1')),
        closed: () => resolve(),
      });
    });
  // Its prompt may have come before anybody listened: an empty line gives another.
  await port.write(Buffer.from('\r'));
  await told('--> ');
  said = '';
  const typed = told(seen);
  await port.write(Buffer.from(keys, 'latin1'));
  await typed;
  await port.close();
}

describe('a board at the prompt of aiorepl', () => {
  it.each([
    ['that is idle', '\r', '--> '],
    ['with half a line typed', 'foo.ba', 'foo.ba'],
    ['in its paste mode', '\x05', '==='],
    ['in its imitation of raw mode', '\x01', 'raw REPL; CTRL-B to exit\r\n>'],
    ['in that imitation, with half a line', '\x01print(1', 'raw REPL; CTRL-B to exit\r\n>'],
    ['with a command that sleeps', 'import time;print("zzz");time.sleep(60)\r', '\nzzz'],
    ['with a command that loops', 'exec("print(7*6)\\nwhile 1: pass")\r', '42'],
  ])('%s is backed up, and gets it back', async (_, keys, seen) => {
    const board = await lab.start({ files: FILES });
    await type(board, keys, seen);
    const { summary } = await lab.backUp(board);
    expect(summary).toMatchObject({ fileCount: 2, partial: false });
    await type(board, '6*7\r', '42');
  });

  it('is restored to as well', async () => {
    await lab.backUp(await lab.start({ files: FILES }));
    const board = await lab.start({ files: { ...FILES, 'data.bin': 'other' } });
    await type(board, '\x01', 'raw REPL; CTRL-B to exit\r\n>');
    const { summary } = await lab.restoreTo(board);
    expect(summary).toMatchObject({ filesWritten: 1, verified: true });
    expect((await board.dump()).get('data.bin')).toEqual(new Uint8Array(FILES['data.bin']));
    await type(board, '6*7\r', '42');
  });
});
