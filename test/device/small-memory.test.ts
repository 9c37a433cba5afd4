/** Boards with little memory, or with none left. What fits into 12 kB is tried on real firmware only. */
import { afterEach, describe, expect, it } from 'vitest';
import type { VirtualBoardOptions } from '../../dist/testing/index.js';
import type { AgentFs } from '../../src/device/agent-fs.js';
import { type ConnectedBoard, connectedBoard } from '../support/connected-board.js';

const signal = new AbortController().signal;
const files = { 'main.py': 'print(1)\n', 'd/data.bin': new Uint8Array(3000).fill(7) };
const open: ConnectedBoard[] = [];
afterEach(async () => {
  for (const board of open.splice(0)) await board.close();
});

async function connected(options: VirtualBoardOptions): Promise<AgentFs> {
  const board = await connectedBoard({ files, ...options });
  open.push(board);
  return board.connection.fs as AgentFs;
}

async function names(fs: AgentFs): Promise<readonly string[]> {
  const { tree } = await fs.scan({ roots: [''], mounts: [], hashes: 'content', signal });
  return tree.map((entry) => entry.path);
}

/** From here on nothing of the agent fits: as where a program has filled the memory. */
const FULL = "def _belay(*_): raise MemoryError('memory allocation failed')";

describe('a board with 16 kB of heap', () => {
  it('gets the agent part by part, as it is, and small frames', async () => {
    const fs = await connected({ heapBytes: 16 * 1024 });
    expect(fs.agent).toMatchObject({ isTight: true, form: 'plain', payloadBytes: 240 });
    expect(await names(fs)).toEqual(['d', 'd/data.bin', 'main.py']);
  });
});

describe('a board whose memory runs out', () => {
  it.each([
    ['deflated', []],
    ['packed', ['deflate']],
  ])('is reset softly once, and the job goes on (%s)', async (form, hiddenModules) => {
    const fs = await connected({ dialect: { hiddenModules } });
    expect(fs.agent.form).toBe(form);
    await fs.agent.session.exec(FULL, { timeoutMs: 2000, signal });
    const { softResets } = fs.agent.session;
    expect(await names(fs)).toEqual(['d', 'd/data.bin', 'main.py']);
    expect(fs.agent.session.softResets).toBe(softResets + 1);
  });

  it('is left alone where a watchdog would bite, and the cause is named', async () => {
    const fs = await connected({});
    await fs.agent.session.exec(FULL, { timeoutMs: 2000, signal });
    fs.agent.mayReset = false;
    await expect(names(fs)).rejects.toMatchObject({ code: 'board/memory' });
  });
});
