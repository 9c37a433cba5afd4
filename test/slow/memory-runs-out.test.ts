/**
 * Boards whose memory really runs out: a boot.py fills the heap but for so much, and the interpreter
 * refuses more. It collects no garbage within an exec, so what a board on the desk would get back is
 * gone here: the figures say nothing about boards, that every run ends rightly does.
 */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { connectBoard } from '../../src/device/board.js';
import { backup } from '../../src/jobs/backup.js';
import type { Connect } from '../../src/jobs/context.js';
import { prepareRestore } from '../../src/jobs/restore.js';
import type { VirtualBoard, VirtualBoardOptions } from '../../src/testing/index.js';
import { noise } from '../e2e/sixty-files.js';
import { readByHand, sha256Hex } from '../support/stock-reader.js';
import { virtualLab } from '../support/virtual-lab.js';

const lab = virtualLab();
const CONTENT = { 'a.bin': noise(60_000), 'b.txt': 'hello world '.repeat(4_000) };
const NO_MEMORY = {
  code: 'board/memory',
  exitCode: 1,
  hint: expect.stringMatching(/rename main\.py and boot\.py/),
};

function filledBut(kilobytes: number, files: VirtualBoardOptions['files']): VirtualBoardOptions {
  const boot = `hold = []
spare = bytearray(${kilobytes * 1024})
for size in (65536, 4096, 512, 64, 16):
    try:
        while True: hold.append(bytearray(size))
    except MemoryError:
        pass
del spare
`;
  return {
    files: { 'boot.py': boot, ...(files as Record<string, string | Uint8Array>) },
    memoryBytesMax: 20 << 20,
    heapBytes: Math.max(14, kilobytes) * 1024,
  };
}

/** Where in a job its memory ran out: at the first questions, before the agent spoke, or later. */
type Place = 'questions' | 'start' | 'middle';

function watched(board: VirtualBoard, places: Set<Place>): Connect {
  const { clock, randomHex: random } = lab.context;
  return async ({ signal }) => {
    let streamed = 0;
    return connectBoard(board.port(), {
      clock,
      random,
      signal,
      onTraffic: (direction, bytes, content) => {
        if (direction === 'out') return;
        streamed += content ? bytes.length : 0;
        if (!/MemoryError: |MemoryError\r\n\x04/.test(Buffer.from(bytes).toString('latin1')))
          return;
        places.add(!content ? 'questions' : streamed < 2_000 ? 'start' : 'middle');
      },
    });
  };
}

describe('a board whose memory runs out', { timeout: 120_000 }, () => {
  it('in a backup, wherever it is, has all its files saved or says why not', async () => {
    const places = new Set<Place>();
    const saved: number[] = [];
    for (const kilobytes of [8, 24, 48, 64, 192]) {
      const board = await lab.start(filledBut(kilobytes, CONTENT));
      const connect = watched(board, places);
      try {
        const { summary } = await backup(
          { connect, store: lab.store },
          { type: 'full' },
          lab.context,
        );
        expect(summary).toMatchObject({ fileCount: 3, partial: false });
        saved.push(kilobytes);
      } catch (error) {
        expect(error, `${kilobytes} kB`).toMatchObject(NO_MEMORY);
      }
      await board.stop();
    }
    console.log(`saved with ${saved.join(', ')} kB free; ran out: ${[...places].join(', ')}`);
    expect(places).toContain('questions');
    expect(places).toContain('middle');
    expect(saved.at(-1)).toBe(192);
    expect(saved).not.toContain(8);
    for (const { path } of await lab.store.list({ safety: false })) {
      const { state } = readByHand(await readFile(path));
      for (const [name, content] of Object.entries(CONTENT))
        expect(state.get(name)).toBe(sha256Hex(Buffer.from(content)));
    }
  });

  it('in a restore gets all of it, or is as it was and says why', async () => {
    const { summary } = await lab.backUp(await lab.start({ files: CONTENT }));
    const done: number[] = [];
    const places = new Set<Place>();
    for (const kilobytes of [24, 128, 1024]) {
      const board = await lab.start(filledBut(kilobytes, { 'b.txt': 'mine' }));
      const before = await board.dump();
      const parts = { connect: watched(board, places), store: lab.store };
      const options = { backup: summary.archive as string };
      try {
        const prepared = await prepareRestore(parts, options, lab.context);
        expect((await prepared.carryOut()).summary).toMatchObject({ verified: true, failed: [] });
        const after = await board.dump();
        for (const [name, content] of Object.entries(CONTENT))
          expect(Buffer.from(after.get(name) ?? []).equals(Buffer.from(content))).toBe(true);
        done.push(kilobytes);
      } catch (error) {
        expect(error, `${kilobytes} kB`).toMatchObject(NO_MEMORY);
        expect(await board.dump()).toEqual(before);
      }
      await board.stop();
    }
    console.log(`restored with ${done.join(', ')} kB free; ran out: ${[...places].join(', ')}`);
    expect(done).toContain(1024);
    expect(done).not.toContain(24);
  });
});
