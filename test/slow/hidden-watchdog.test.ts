/** A watchdog that nobody can feed: half a minute for each loss until it is certain. */
import { describe, expect, it } from 'vitest';
import { SLOW, stubbornBoards } from '../support/stubborn-board.js';

const LIMIT_MS = 170_000;
const backUp = stubbornBoards(LIMIT_MS);

describe('a watchdog', { timeout: LIMIT_MS + 10_000 }, () => {
  it('that is hidden resets the board three times without progress: board/resets', async () => {
    const main =
      'import machine, time\ndef run():\n    dog = machine.WDT(timeout=900)\n    while True:\n        dog.feed()\n        time.sleep_ms(50)\nrun()\n';
    await expect(backUp(main, SLOW)).rejects.toMatchObject({
      code: 'board/resets',
      hint: expect.stringContaining('watchdog'),
    });
  });
});
