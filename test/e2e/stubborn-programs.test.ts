/** Programs that do not want to be backed up: each ends in a backup or in the right message. */
import { describe, expect, it } from 'vitest';
import type { BytePort } from '../../src/transport/byte-port.js';
import { portAround } from '../support/port-around.js';
import { SLOW, stubbornBoards } from '../support/stubborn-board.js';

const LIMIT_MS = 60_000;
const backUp = stubbornBoards(LIMIT_MS);

describe('a watchdog', { timeout: LIMIT_MS + 10_000 }, () => {
  it('that the program holds is found and fed', async () => {
    const main =
      'import machine, time\ndog = machine.WDT(timeout=1500)\nwhile True:\n    dog.feed()\n    time.sleep_ms(50)\n';
    const { result, warnings } = await backUp(main, SLOW);
    expect(result.summary).toMatchObject({ fileCount: 2, partial: false });
    expect(warnings).not.toContain('board-lost');
  });
});

describe('a program', { timeout: LIMIT_MS + 10_000 }, () => {
  it('that reads stdin itself is interrupted and backed up', async () => {
    const { result } = await backUp('import sys\nwhile True:\n    sys.stdin.read(1)\n');
    expect(result.summary).toMatchObject({ fileCount: 2, partial: false });
  });

  it('that catches Ctrl-C for ever ends with what to do, in bounded time', async () => {
    const main =
      'while True:\n    try:\n        while True: pass\n    except KeyboardInterrupt:\n        pass\n';
    await expect(backUp(main)).rejects.toMatchObject({
      code: 'repl/no-prompt',
      hint: expect.stringMatching(/reset/i),
    });
  });

  it('that switches Ctrl-C off ends with what to do, in bounded time', async () => {
    const main = 'import micropython\nmicropython.kbd_intr(-1)\nwhile True: pass\n';
    await expect(backUp(main)).rejects.toMatchObject({
      code: 'repl/no-prompt',
      hint: expect.stringMatching(/reset/i),
    });
  });

  it('that has taken all the memory and ended is backed up all the same', async () => {
    const main =
      'x = []\ntry:\n    while True: x.append(bytearray(4096))\nexcept MemoryError:\n    pass\n';
    const { result } = await backUp(main, { memoryBytesMax: 20 << 20 });
    expect(result.summary).toMatchObject({ fileCount: 2, partial: false });
  });

  it('whose timer prints every millisecond, also between our bytes, gets into no file', async () => {
    const { result, board } = await backUp('print(1)\n', {}, ticking);
    expect(result.summary).toMatchObject({ fileCount: 2, partial: false });
    const dump = await board.dump();
    const { createHash } = await import('node:crypto');
    const hashes = new Map(result.manifest?.files.map((file) => [file.relativePath, file]));
    for (const [path, bytes] of dump) {
      if (bytes === null) continue;
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect(hashes.get(path as string)).toMatchObject({ checksum: sha256 });
    }
  });
});

/** A timer's output: `tick` every millisecond, wherever the stream happens to be. */
function ticking(port: BytePort): BytePort {
  const tick = new TextEncoder().encode('tick\r\n');
  return portAround(port, {
    setReceiver: (receiver) => {
      const timer = setInterval(() => receiver.data(tick), 1);
      port.setReceiver({
        data: (bytes) => receiver.data(bytes),
        closed: (error) => {
          clearInterval(timer);
          receiver.closed(error);
        },
      });
    },
  });
}
