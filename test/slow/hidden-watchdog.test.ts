/** A watchdog that nobody can feed: each loss takes its time until it is certain. */
import { describe, expect, it } from 'vitest';
import { VirtualBoard } from '../../dist/testing/index.js';
import { runCommand } from '../cli/run-command.js';
import { SLOW, stubbornBoards } from '../support/stubborn-board.js';

const LIMIT_MS = 170_000;
const backUp = stubbornBoards(LIMIT_MS);

/** No probe finds it: it lives in a function. */
const hidden = (timeoutMs: number) =>
  `import machine, time\ndef run():\n    dog = machine.WDT(timeout=${timeoutMs})\n    while True:\n        dog.feed()\n        time.sleep_ms(50)\nrun()\n`;

describe('a watchdog', { timeout: LIMIT_MS + 10_000 }, () => {
  it('that is hidden resets the board three times without progress: board/resets', async () => {
    await expect(backUp(hidden(900), SLOW)).rejects.toMatchObject({
      code: 'board/resets',
      hint: expect.stringContaining('watchdog'),
    });
  });

  // It bites every 150 ms in real time: how far doctor comes in between is a neighbour's mood.
  it('that is hidden is what doctor thinks of where a board answers and is gone', {
    retry: 3,
  }, async () => {
    const board = await VirtualBoard.start({ files: { 'main.py': hidden(150) }, ...SLOW });
    try {
      const { path } = await board.pty();
      const run = await runCommand(['doctor', '--port', path, '--json'], { timeoutMs: 45_000 });
      const { steps } = JSON.parse(run.stdout) as { steps: { ok: boolean; hint: string }[] };
      expect(run.status).toBe(20);
      expect(steps.find(({ ok }) => !ok)?.hint).toMatch(/watchdog.*main\.py/);
    } finally {
      await board.stop();
    }
  });
});
