import { afterEach, describe, expect, test, vi } from 'vitest';
import type { VirtualBoard, VirtualBoardOptions } from '../../src/testing/index.js';
import { LaneFaults } from '../../src/testing/wire-faults.js';
import { WireLane } from '../../src/testing/wire-lane.js';
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

const SERIAL = { bytesPerSecond: 11_520, latencyMs: 1 };
const SEND = (bytes: number) =>
  `import sys\nw = sys.stdout.buffer.write\nb = bytes(960)\nfor i in range(${bytes / 960}): n = w(b)`;
const RECEIVE = (bytes: number) =>
  `import sys, micropython\nmicropython.kbd_intr(-1)\nprint("ready")\nb = bytearray(240)\n` +
  `for i in range(${bytes / 240}): n = sys.stdin.buffer.readinto(b)\nprint("done")`;

describe('one direction of the wire', () => {
  const bytes = (count: number) => new Uint8Array(count);
  const count = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0);

  test('delivers each byte when its bits are over, however often it is asked', () => {
    for (const stepMs of [0.1, 1, 7, 100]) {
      const lane = new WireLane({ bytesPerSecond: 11_520, latencyMs: 1 });
      lane.enqueue(bytes(11_520), 0);
      let arrived = 0;
      let atMs = 0;
      while (arrived < 11_520) {
        atMs += stepMs;
        arrived += count(lane.arrived(atMs));
        const due = Math.floor((atMs - 1) * 11.52 + 1e-6);
        expect(Math.abs(arrived - Math.min(11_520, Math.max(0, due)))).toBeLessThanOrEqual(1);
      }
      expect(atMs).toBeGreaterThanOrEqual(1001 - 1e-6);
      expect(atMs).toBeLessThanOrEqual(1001 + stepMs + 1e-6);
    }
  });

  test('does not save up time in which nothing was sent', () => {
    const lane = new WireLane({ bytesPerSecond: 1000, latencyMs: 0 });
    lane.enqueue(bytes(10), 500);
    expect(count(lane.arrived(505))).toBe(5);
    expect(lane.arrivals()?.allMs).toBeCloseTo(510);
    expect(count(lane.arrived(510))).toBe(5);
    expect(lane.arrivals()).toBeNull();
  });

  test('delays without a limit by its latency alone', () => {
    const lane = new WireLane({ bytesPerSecond: null, latencyMs: 2 });
    lane.enqueue(bytes(100_000), 10);
    expect(count(lane.arrived(11.9))).toBe(0);
    expect(count(lane.arrived(12))).toBe(100_000);
  });
});

describe('accidents', () => {
  const through = (faults: LaneFaults, text: string, split: number) => {
    let out = '';
    for (let at = 0; at < text.length; at += split) {
      const { bytes, event } = faults.apply(Buffer.from(text.slice(at, at + split)));
      out += Buffer.from(bytes).toString('latin1');
      if (event !== null) return `${out}!${event}`;
    }
    return out;
  };

  test('happen where the script says, however the bytes are cut', () => {
    for (const split of [1, 2, 3, 100]) {
      const plan = {
        scripted: [
          { direction: 'toHost', at: 2, kind: 'drop', count: 2 },
          { direction: 'toHost', at: 5, kind: 'flip', value: 0x20 },
          { direction: 'toHost', at: 7, kind: 'insert', value: 0x2a },
          { direction: 'toBoard', at: 0, kind: 'drop' },
          { direction: 'toHost', at: 9, kind: 'disconnect' },
        ],
      } as const;
      expect(through(new LaneFaults(plan, 'toHost'), 'abcdefghijkl', split)).toBe(
        'abeFg*hi!disconnect',
      );
    }
  });

  test('repeat with their seed and come at their rate', () => {
    const plan = { random: { direction: 'both', rate: 0.01, seed: 7 } } as const;
    const text = 'x'.repeat(100_000);
    const first = through(new LaneFaults(plan, 'toHost'), text, 1000);
    expect(through(new LaneFaults(plan, 'toHost'), text, 37)).toBe(first);
    expect(through(new LaneFaults(plan, 'toBoard'), text, 1000)).not.toBe(first);
    const flips = [...first].filter((each) => each !== 'x').length;
    expect(flips).toBeGreaterThan(500);
    expect(flips).toBeLessThan(800);
  });
});

describe('the whole wire', () => {
  test('takes the time of its speed each way, counted by its own counters', async () => {
    const { board, talk } = await raw(SERIAL);
    const before = board.counters();
    let startMs = performance.now();
    await talk.exec(SEND(11_520));
    const downMs = performance.now() - startMs;
    const after = board.counters();
    const bytes = after.bytesIn - before.bytesIn + after.bytesOut - before.bytesOut;
    expect(after.bytesIn - before.bytesIn).toBe(11_520 + 5);
    const wireMs = (bytes / 11_520) * 1000;
    expect(downMs).toBeGreaterThan(wireMs);
    // Generous above: a busy machine delays threads. The figures are printed.
    expect(downMs).toBeLessThan(wireMs * 2);
    await talk.write(`${RECEIVE(11_520)}\x04`);
    await talk.until('ready');
    startMs = performance.now();
    await talk.port.write(new Uint8Array(11_520));
    await talk.until('done');
    const upMs = performance.now() - startMs;
    expect(upMs).toBeGreaterThan(999);
    expect(upMs).toBeLessThan(2000);
    expect(board.counters().overrunBytes).toBe(0);
    console.log(
      `pacing: 11,520 B down in ${downMs.toFixed(1)} ms (wire ${wireMs.toFixed(1)}), up in ${upMs.toFixed(1)} ms`,
    );
  });

  test('counts changes of direction', async () => {
    const { board, talk } = await raw();
    const before = board.counters().turns;
    await talk.exec('pass');
    await talk.exec('pass');
    expect(board.counters().turns - before).toBe(4);
  });

  test('loses what its receive ring cannot hold, unless it holds the host back', async () => {
    const slow =
      'import time, sys, micropython\nmicropython.kbd_intr(-1)\nprint("ready")\ntime.sleep_ms(300)\nimport select\np = select.poll()\np.register(sys.stdin, 1)\nn = 0\nwhile p.poll(100): n += len(sys.stdin.buffer.read(1))\nprint("got", n)';
    const dropping = await raw({ ...SERIAL, overrun: 'drop', receiveRingBytes: 64 });
    await dropping.talk.write(`${slow}\x04`);
    await dropping.talk.until('ready');
    await dropping.talk.port.write(new Uint8Array(100));
    expect(await dropping.talk.until('\x04>')).toContain('got 64');
    expect(dropping.board.counters().overrunBytes).toBe(36);
    const holding = await raw({ overrun: 'hold', receiveRingBytes: 64 });
    await holding.talk.write(`${slow}\x04`);
    await holding.talk.until('ready');
    await holding.talk.port.write(new Uint8Array(1000));
    expect(await holding.talk.until('\x04>')).toContain('got 1000');
  });

  test('fills the ring while an erase holds the board; with interrupts off only the FIFO', async () => {
    const program =
      'import sys, select, micropython\nmicropython.kbd_intr(-1)\nf = open("f", "wb")\nprint("ready")\nn = sys.stdin.buffer.read(1)\nx = f.write(bytes(4000))\np = select.poll()\np.register(sys.stdin, 1)\nn = 0\nwhile p.poll(50): n += len(sys.stdin.buffer.read(1))\nprint("got", n)';
    for (const interruptsOffInFlash of [false, true]) {
      const { board, talk } = await raw({ ...SERIAL, eraseMs: 100, interruptsOffInFlash });
      await talk.write(`${program}\x04`);
      await talk.until('ready');
      await talk.port.write(new Uint8Array(201));
      const got = Number(/got (\d+)/.exec(await talk.until('\x04>'))?.[1]);
      if (interruptsOffInFlash) expect(got).toBeLessThan(200);
      else expect(got).toBe(200);
      expect(got + board.counters().overrunBytes).toBe(200);
    }
  });

  test('is cut at a byte, and another port opens when it is plugged again', async () => {
    const { board, talk } = await raw();
    board.setFaults({ scripted: [{ direction: 'toHost', at: 500, kind: 'disconnect' }] });
    await talk.write(`${SEND(96_000)}\x04`);
    await expect(talk.until('\x04>', 500)).rejects.toThrow();
    expect(talk.closed).toMatchObject({ code: 'port/lost' });
    expect(() => board.port()).toThrow();
    board.plug();
    board.port();
  });

  test('delivers at once what is sent after a long silence', async () => {
    const { talk } = await raw(SERIAL);
    const now = performance.now.bind(performance);
    const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 20_000);
    try {
      expect((await talk.exec('print(1)', 5_000)).output).toContain('1');
    } finally {
      later.mockRestore();
    }
  });

  test('resets the board at a byte; the flash stays', async () => {
    const { board, talk } = await raw({ files: { keep: 'x' } });
    board.setFaults({ scripted: [{ direction: 'toBoard', at: 60, kind: 'reset' }] });
    await talk.write(
      `f = open("keep", "wb")\nn = f.write(b"lost")\nwhile True: pass # ${'-'.repeat(100)}\x04`,
    );
    await talk.until('>>> ');
    expect(Buffer.from((await board.dump()).get('keep') ?? []).toString()).toBe('x');
  });

  test('keeps bytes from a board whose reads stall, until they go on', async () => {
    const { board, talk } = await raw();
    board.stallReads(true);
    await talk.write('print(5)\x04');
    await expect(talk.until('5', 100)).rejects.toThrow();
    board.stallReads(false);
    expect(await talk.until('\x04\x04>')).toContain('OK5');
  });

  test('carries megabytes a second where nothing limits it', async () => {
    const { talk } = await raw();
    const startMs = performance.now();
    await talk.exec(SEND(4_800_000));
    const downMs = performance.now() - startMs;
    console.log(`full speed: ${(4_800 / downMs).toFixed(1)} MB/s down`);
    expect(downMs).toBeLessThan(4_800);
  });
});
