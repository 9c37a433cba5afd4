import { describe, expect, it } from 'vitest';
import { isBelayError } from '../../src/core/errors.js';
import { ReplSession } from '../../src/transport/repl-session.js';
import { IdleClock } from '../support/idle-clock.js';
import {
  bytesOf,
  ScriptedPort,
  type ScriptedPortOptions,
  type ScriptStep,
} from '../support/scripted-port.js';

const BANNER = 'raw REPL; CTRL-B to exit\r\n>';
const IDLE: ScriptStep = { sent: '\x03\x01', answer: `\r\n>>> \r\n${BANNER}` };
const INTERRUPTED =
  'Traceback (most recent call last):\r\n  File "main.py", line 3, in <module>\r\nKeyboardInterrupt: \r\n' +
  'MicroPython v1.27.0 on 2025-12-09; board with chip\r\nType "help()" for more information.\r\n>>> ';
const SYNC = (n: number): ScriptStep => ({
  sent: `\x03print('blb-'+'sync-1-${n}')\x04`,
  answer: `OKblb-sync-1-${n}\r\n\x04\x04>`,
});
const ASK = '\x05A\x01\n\x04';
const KNOWN: ScriptStep = { sent: ASK, answer: 'R\x01\x80\x00\x01\x04\x04\x04>' };
const never = new AbortController().signal;

function play(steps: readonly ScriptStep[], options?: ScriptedPortOptions) {
  const clock = new IdleClock();
  const port = new ScriptedPort(clock, steps, options);
  const session = new ReplSession(port, clock);
  return { clock, port, session };
}

const PIECES = [Number.POSITIVE_INFINITY, 1, 3, 7];

describe('entering raw mode', () => {
  for (const pieceBytes of PIECES) {
    it(`takes one turn at an idle prompt (pieces of ${pieceBytes})`, async () => {
      const { clock, port, session } = play([IDLE], { pieceBytes });
      const arrival = await session.enterRaw({ signal: never });
      expect(arrival).toEqual({
        programInterrupted: false,
        wasRaw: false,
        noise: new Uint8Array(0),
      });
      expect(session.counters().turns).toBe(2);
      expect(clock.monotonicMs()).toBeLessThan(10);
      expect(port.surprise).toBeNull();
    });

    it(`tells a board that is in raw mode already (pieces of ${pieceBytes})`, async () => {
      const { session } = play([{ sent: '\x03\x01', answer: BANNER }], { pieceBytes });
      const arrival = await session.enterRaw({ signal: never });
      expect(arrival.wasRaw).toBe(true);
      expect(arrival.programInterrupted).toBe(false);
    });

    it(`tells an interrupted program (pieces of ${pieceBytes})`, async () => {
      const { session, port } = play(
        [{ sent: '\x03\x01', answer: `${INTERRUPTED}\r\n${BANNER}` }],
        { pieceBytes },
      );
      const arrival = await session.enterRaw({ signal: never });
      expect(arrival.programInterrupted).toBe(true);
      expect(arrival.wasRaw).toBe(false);
      expect(port.surprise).toBeNull();
    });

    it(`asks again for raw mode when Ctrl-A went down with the program (pieces of ${pieceBytes})`, async () => {
      const { session, port } = play(
        [
          { sent: '\x03\x01', answer: INTERRUPTED },
          { sent: '\x01', answer: `\r\n${BANNER}` },
          SYNC(1),
        ],
        { pieceBytes },
      );
      expect((await session.enterRaw({ signal: never })).programInterrupted).toBe(true);
      expect(port.surprise).toBeNull();
      expect(port.stepsLeft).toBe(0);
    });

    it(`comes back for a program that swallows the first Ctrl-C (pieces of ${pieceBytes})`, async () => {
      const { session, port, clock } = play(
        [
          { sent: '\x03\x01', answer: 'not yet\r\n' },
          { sent: '\x03\x01', answer: `${INTERRUPTED}\r\n${BANNER}` },
          SYNC(1),
        ],
        { pieceBytes },
      );
      expect((await session.enterRaw({ signal: never })).programInterrupted).toBe(true);
      expect(clock.monotonicMs()).toBeLessThan(200);
      expect(port.stepsLeft).toBe(0);
    });

    it(`leaves aiorepl by Ctrl-B and ends it by Ctrl-D (pieces of ${pieceBytes})`, async () => {
      const { session, port } = play(
        [
          { sent: '\x03\x01', answer: '\r\n--> raw REPL; CTRL-B to exit\r\n>' },
          {
            sent: '\x02\x04',
            answer:
              '\r\n--> \r\nMicroPython v1.27.0; board\r\nType "help()" for more information.\r\n>>> ',
          },
          { sent: '\x01', answer: `\r\n${BANNER}` },
          SYNC(1),
        ],
        { pieceBytes },
      );
      const arrival = await session.enterRaw({ signal: never });
      expect(arrival).toMatchObject({ programInterrupted: true, wasRaw: false });
      expect(port.surprise).toBeNull();
      expect(port.stepsLeft).toBe(0);
    });
  }

  it('does not take answers of earlier tries for the present prompt', async () => {
    // A slow board: the answers to the first two tries come together.
    const { session, port } = play([
      { sent: '\x03\x01\x03\x01', answer: `\r\n>>> \r\n${BANNER}${BANNER}`, afterMs: 20 },
      SYNC(1),
    ]);
    const arrival = await session.enterRaw({ signal: never });
    expect(arrival.programInterrupted).toBe(false);
    expect(port.stepsLeft).toBe(0);
  });

  it('takes the greeting of a board that has just come to its prompt for no noise', async () => {
    const greeting =
      '\r\nMicroPython v1.27.0 on 2025-12-10; board\r\nType "help()" for more information.\r\n>>> ';
    const idle = play([{ sent: '\x03\x01', answer: `${greeting}\r\n>>> \r\n${BANNER}` }]);
    const arrival = await idle.session.enterRaw({ signal: never });
    expect(arrival).toMatchObject({ programInterrupted: false, noise: new Uint8Array(0) });
    // The prompt did not answer Ctrl-C: it was a program's, which has ended without a word.
    const ended = play([{ sent: '\x03\x01', answer: `${greeting}\r\n${BANNER}` }]);
    expect((await ended.session.enterRaw({ signal: never })).programInterrupted).toBe(true);
  });

  it('finds the prompt of a board whose timer prints into every answer', async () => {
    const { session, port } = play([
      { sent: '\x03\x01', answer: 'tick\r\n' },
      { sent: '\x03\x01', answer: `tick\r\n>>> tick\r\n\r\n${BANNER}` },
      { sent: "\x03print('blb-'+'sync-1-1')\x04", answer: 'OKblb-sync-1-1\r\ntick\r\n\x04\x04>' },
    ]);
    const arrival = await session.enterRaw({ signal: never });
    expect(new TextDecoder().decode(arrival.noise)).toContain('tick');
    expect(port.stepsLeft).toBe(0);
  });

  it('does not call boot messages a program', async () => {
    const boot =
      'ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13\r\nMicroPython v1.20\r\nType "help()" for more information.\r\n>>> ';
    const { session } = play([
      { sent: '', answer: boot, afterMs: 0 },
      { sent: '\x03\x01', answer: `\r\n>>> \r\n${BANNER}` },
    ]);
    expect((await session.enterRaw({ signal: never })).programInterrupted).toBe(false);
  });

  it('gives up on a silent port within seven seconds, naming the stage and what to try', async () => {
    const { session, clock } = play([{ sent: '\x03\x01'.repeat(99) }]);
    const error = await session.enterRaw({ signal: never }).catch((caught: unknown) => caught);
    expect(isBelayError(error, 'repl/no-prompt')).toBe(true);
    expect(String(error)).toContain('interrupting the program');
    expect(String(error)).toContain('the board sent nothing');
    expect(clock.monotonicMs()).toBeLessThan(7000);
  });

  it('shows the last bytes of a board that talks at another speed', async () => {
    const { session } = play([
      { sent: '\x03\x01', answer: '\xfe\x80\x00\xf8\xfe\x80' },
      { sent: '\x03\x01'.repeat(99) },
    ]);
    const error = await session.enterRaw({ signal: never }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'repl/no-prompt',
      details: { lastBytes: '\\xfe\\x80\\x00\\xf8\\xfe\\x80' },
    });
    expect(isBelayError(error) && error.hint).toContain('--baud');
  });

  it('ends at once when cancelled, and with the port', async () => {
    const stop = new AbortController();
    const first = play([{ sent: '\x03\x01'.repeat(99) }]);
    first.clock.after(250, () => stop.abort());
    await expect(first.session.enterRaw({ signal: stop.signal })).rejects.toMatchObject({
      code: 'job/cancelled',
    });
    expect(first.clock.monotonicMs()).toBe(250);
    const second = play([{ sent: '\x03\x01', unplug: true }]);
    await expect(second.session.enterRaw({ signal: never })).rejects.toMatchObject({
      code: 'port/lost',
    });
    await expect(second.session.exec('1', { timeoutMs: 100, signal: never })).rejects.toMatchObject(
      { code: 'port/lost' },
    );
  });
});

const exec = (session: ReplSession, source: string, timeoutMs = 1000) =>
  session.exec(source, { timeoutMs, signal: never });

describe('running a source', () => {
  for (const pieceBytes of PIECES) {
    it(`hands it over by raw paste, keeping to the windows (pieces of ${pieceBytes})`, async () => {
      const source = 'x = 1 #'.padEnd(600, '.');
      const { session, port } = play(
        [
          IDLE,
          KNOWN,
          { sent: '\x05A\x01', answer: 'R\x01\x80\x00\x01' },
          { sent: source.slice(0, 256), answer: '\x01\x01' },
          { sent: source.slice(256, 512), answer: '\x01' },
          { sent: `${source.slice(512)}\x04`, answer: '\x04done\r\n\x04\x04>' },
        ],
        { pieceBytes },
      );
      session.byRawPaste = true;
      await session.enterRaw({ signal: never });
      expect(await exec(session, source)).toEqual(bytesOf('done\r\n'));
      expect(port.surprise).toBeNull();
      expect(session.rawPaste).toBe(true);
    });

    it(`falls back to plain raw mode where raw paste is refused (pieces of ${pieceBytes})`, async () => {
      const { session, port } = play(
        [
          IDLE,
          { sent: ASK, answer: 'R\x00>OK\x04\x04>' },
          { sent: 'print(1)\x04', answer: 'OK1\r\n\x04\x04>' },
          { sent: 'print(2)\x04', answer: 'OK2\r\n\x04\x04>' },
        ],
        { pieceBytes },
      );
      await session.enterRaw({ signal: never });
      expect(await exec(session, 'print(1)')).toEqual(bytesOf('1\r\n'));
      expect(await exec(session, 'print(2)')).toEqual(bytesOf('2\r\n'));
      expect(port.surprise).toBeNull();
      expect(session.rawPaste).toBe(false);
    });

    it(`does the same on firmware that knows no raw paste (pieces of ${pieceBytes})`, async () => {
      const { session, port } = play(
        [
          IDLE,
          { sent: ASK, answer: `${BANNER}OK\x04\x04>` },
          { sent: 'print(1)\x04', answer: 'OK1\r\n\x04\x04>' },
        ],
        { pieceBytes },
      );
      await session.enterRaw({ signal: never });
      expect(await exec(session, 'print(1)')).toEqual(bytesOf('1\r\n'));
      expect(port.surprise).toBeNull();
    });

    it(`is not held up by a Ctrl-C that comes late, nor by a timer's text (pieces of ${pieceBytes})`, async () => {
      const { session, port, clock } = play(
        [
          IDLE,
          { sent: ASK, answer: 'R\x01\x80\x00\x01\x04tick\r\n\x04KeyboardInterrupt: \r\n\x04>' },
          { sent: 'print(1)\x04', answer: 'OK1\r\n\x04\x04>' },
        ],
        { pieceBytes },
      );
      await session.enterRaw({ signal: never });
      expect(await exec(session, 'print(1)')).toEqual(bytesOf('1\r\n'));
      expect(clock.monotonicMs()).toBeLessThan(100);
      expect(port.surprise).toBeNull();
    });

    it(`reports what the board raised, output kept apart (pieces of ${pieceBytes})`, async () => {
      const traceback =
        'Traceback (most recent call last):\r\n  File "<stdin>", line 1\r\nOSError: 28\r\n';
      const { session } = play(
        [IDLE, KNOWN, { sent: 'f()\x04', answer: `OKbefore\r\n\x04${traceback}\x04>` }],
        { pieceBytes },
      );
      await session.enterRaw({ signal: never });
      await expect(exec(session, 'f()')).rejects.toMatchObject({
        code: 'repl/exec-failed',
        message: 'the board raised OSError: 28',
        details: { traceback: traceback.replaceAll('\r\n', '\n').trimEnd(), output: 'before\r\n' },
      });
    });

    it(`ends the paste when the board cannot compile it (pieces of ${pieceBytes})`, async () => {
      const source = '(((('.padEnd(400, '(');
      const { session, port } = play(
        [
          IDLE,
          KNOWN,
          { sent: '\x05A\x01', answer: 'R\x01\x80\x00\x01' },
          { sent: source.slice(0, 256), answer: '\x04' },
          { sent: '\x04', answer: '\x04MemoryError: \r\n\x04>' },
        ],
        { pieceBytes },
      );
      session.byRawPaste = true;
      await session.enterRaw({ signal: never });
      await expect(exec(session, source)).rejects.toMatchObject({
        message: 'the board raised MemoryError:',
      });
      expect(port.surprise).toBeNull();
    });
  }

  it('tries again when the question is lost on the wire, since nothing can have run', async () => {
    const { session, port } = play([
      IDLE,
      { sent: ASK, answer: 'R\x01\x80' },
      { sent: '\x03\x01', answer: BANNER },
      KNOWN,
      { sent: 'a\x04', answer: 'OK1\r\n\x04\x04>' },
    ]);
    await session.enterRaw({ signal: never });
    expect(await exec(session, 'a', 9000)).toEqual(bytesOf('1\r\n'));
    expect(port.surprise).toBeNull();
  });

  it('hands a source over again, by raw paste, when it went down without an answer', async () => {
    const source = 'z'.repeat(300);
    const { session, port } = play([
      IDLE,
      KNOWN,
      { sent: `${source}\x04` }, // a byte was lost, and with it the end
      { sent: '\x03\x01', answer: BANNER },
      { sent: '\x05A\x01', answer: 'R\x01\x00\x02\x01' },
      { sent: `${source}\x04`, answer: '\x041\r\n\x04\x04>' },
    ]);
    await session.enterRaw({ signal: never });
    expect(await exec(session, source, 9000)).toEqual(bytesOf('1\r\n'));
    expect(port.surprise).toBeNull();
  });

  it('does not run a source twice when its start was not seen', async () => {
    const { session, port } = play([IDLE, KNOWN, { sent: 'a\x04', answer: 'O' }]);
    await session.enterRaw({ signal: never });
    await expect(exec(session, 'a', 5000)).rejects.toMatchObject({
      code: 'repl/timeout',
      retryable: true,
    });
    expect(port.surprise).toBeNull();
  });

  it.each([
    ['knows it', 'R\x01\x80\x00\x01\x04\x04\x04>', true],
    ['refuses it', 'R\x00OK\x04\x04>', false],
    ['never heard of it', `${BANNER}OK\x04\x04>`, false],
  ])(
    'asks for raw paste behind a source that may run twice: a board that %s',
    async (_, answer, rawPaste) => {
      for (const pieceBytes of [1, 1000]) {
        const { session, port } = play(
          [
            IDLE,
            { sent: `print(1)\x04${ASK}`, answer: `OK1\r\n\x04\x04>${answer}` },
            { sent: 'b\x04', answer: 'OK\x04\x04>' },
          ],
          { pieceBytes },
        );
        await session.enterRaw({ signal: never });
        const options = { timeoutMs: 5000, signal: never, repeatable: true };
        const { turns } = session.counters();
        expect(await session.exec('print(1)', options)).toEqual(bytesOf('1\r\n'));
        expect(session.counters().turns).toBe(turns + 2);
        await exec(session, 'b');
        expect(port.surprise).toBeNull();
        expect(session.rawPaste).toBe(rawPaste);
      }
    },
  );

  it('asks again with the next source where the answer behind one was lost', async () => {
    const { session, port } = play([
      IDLE,
      { sent: `print(1)\x04${ASK}`, answer: 'OK1\r\n\x04\x04>' },
      KNOWN,
      { sent: 'b\x04', answer: 'OK\x04\x04>' },
    ]);
    await session.enterRaw({ signal: never });
    const options = { timeoutMs: 5000, signal: never, repeatable: true };
    expect(await session.exec('print(1)', options)).toEqual(bytesOf('1\r\n'));
    expect(session.rawPaste).toBeNull();
    await exec(session, 'b');
    expect(session.rawPaste).toBe(true);
    expect(port.surprise).toBeNull();
  });

  it('sends such a source once more where nothing came back', async () => {
    const sent = `print(1)\x04${ASK}`;
    const { session, port } = play([
      IDLE,
      { sent, answer: '' },
      { sent: '\x03\x01', answer: `\r\n${BANNER}` },
      { sent, answer: 'OK1\r\n\x04\x04>R\x01\x80\x00\x01\x04\x04\x04>' },
    ]);
    await session.enterRaw({ signal: never });
    const options = { timeoutMs: 5000, signal: never, repeatable: true };
    expect(await session.exec('print(1)', options)).toEqual(bytesOf('1\r\n'));
    expect(port.surprise).toBeNull();
  });

  it('takes one turn to a source once raw paste has been asked for', async () => {
    const { session, port } = play([
      IDLE,
      KNOWN,
      { sent: 'a\x04', answer: 'OK\x04\x04>' },
      { sent: 'b\x04', answer: 'OK\x04\x04>' },
    ]);
    await session.enterRaw({ signal: never });
    await exec(session, 'a');
    const turns = session.counters().turns;
    await exec(session, 'b');
    expect(session.counters().turns).toBe(turns + 2);
    expect(port.surprise).toBeNull();
  });

  it('paces a plain source: at most 60 bytes every 5 ms', async () => {
    const source = 'y'.repeat(300);
    const { session, clock } = play([
      IDLE,
      { sent: ASK, answer: `${BANNER}OK\x04\x04>` },
      { sent: `${source}\x04`, answer: 'OK\x04\x04>' },
    ]);
    const sizes: number[] = [];
    const times: number[] = [];
    session.onTraffic = (direction, bytes) => {
      if (direction === 'out') sizes.push(bytes.length);
      if (direction === 'out') times.push(clock.monotonicMs());
    };
    await session.enterRaw({ signal: never });
    await exec(session, source);
    expect(sizes.slice(2)).toEqual([60, 60, 60, 60, 60, 1]);
    expect((times.at(-1) as number) - (times[2] as number)).toBeGreaterThanOrEqual(25);
  });

  it('interrupts at the limit, comes back to the prompt, and goes on', async () => {
    const { session, port } = play([
      IDLE,
      KNOWN,
      { sent: 'while 1: pass\x04', answer: 'OK' },
      { sent: '\x03', answer: '\x04Traceback:\r\nKeyboardInterrupt: \r\n\x04>' },
      { sent: 'b\x04', answer: 'OK\x04\x04>' },
    ]);
    await session.enterRaw({ signal: never });
    await expect(exec(session, 'while 1: pass', 500)).rejects.toMatchObject({
      code: 'repl/timeout',
    });
    await exec(session, 'b');
    expect(port.surprise).toBeNull();
  });

  it('finds the prompt again by itself after an exec that nothing could stop', async () => {
    const { session, port } = play([
      IDLE,
      KNOWN,
      { sent: 'hang()\x04', answer: 'OK' },
      { sent: '\x03\x03\x01\x03\x01\x03\x01' },
      { sent: '\x03\x01', answer: `\x04Traceback:\r\nKeyboardInterrupt: \r\n\x04>${BANNER}` },
      { sent: 'b\x04', answer: 'OK\x04\x04>' },
    ]);
    await session.enterRaw({ signal: never });
    await expect(exec(session, 'hang()', 500)).rejects.toMatchObject({ code: 'repl/timeout' });
    await exec(session, 'b');
    expect(port.surprise).toBeNull();
  });
});

describe('streaming', () => {
  const start: ScriptStep[] = [IDLE, KNOWN];

  function counting(total: number) {
    const parts: number[] = [];
    return {
      parts,
      push(bytes: Uint8Array) {
        const take = bytes.subarray(0, total - parts.length);
        parts.push(...take);
        return { consumed: take.length, done: parts.length === total };
      },
      silenceMsMax: () => 2000,
    };
  }

  for (const pieceBytes of PIECES) {
    it(`gives the consumer every byte, 0x04 included (pieces of ${pieceBytes})`, async () => {
      const payload = Uint8Array.from({ length: 512 }, (_, index) => index & 0xff);
      const { session, port } = play(
        [
          ...start,
          {
            sent: 'go()\x04',
            answer: new Uint8Array([...bytesOf('OK'), ...payload, ...bytesOf('late\x04\x04>')]),
          },
          { sent: 'b\x04', answer: 'OK\x04\x04>' },
        ],
        { pieceBytes },
      );
      await session.enterRaw({ signal: never });
      const consumer = counting(512);
      await session.stream('go()', consumer, { signal: never });
      expect(consumer.parts).toEqual([...payload]);
      await exec(session, 'b');
      expect(port.surprise).toBeNull();
    });
  }

  it('notices an agent that died with a traceback', async () => {
    const { session, clock } = play([
      ...start,
      {
        sent: 'go()\x04',
        answer: 'OKsome\x04bytes\x04Traceback (most recent call last):\r\nMemoryError: \r\n\x04>',
      },
    ]);
    await session.enterRaw({ signal: never });
    await expect(session.stream('go()', counting(9999), { signal: never })).rejects.toMatchObject({
      code: 'repl/exec-failed',
      message: 'the board raised MemoryError:',
    });
    expect(clock.monotonicMs()).toBeLessThan(1000);
  });

  it('does not take the same bytes in a file for its end', async () => {
    const trap = '\x04Traceback (most recent call last):\r\nMemoryError: \r\n\x04>';
    const { session } = play([
      ...start,
      { sent: 'go()\x04', answer: `OK${trap}` },
      { sent: '', answer: `${trap}\x04\x04>`, afterMs: 600 },
    ]);
    await session.enterRaw({ signal: never });
    await session.stream('go()', counting(2 * trap.length), { signal: never });
  });

  it('knows at once that an exec has ended of whose stream nothing came', async () => {
    const { session, clock } = play([
      ...start,
      { sent: 'go()\x04', answer: 'OK\x04\x04>' },
      { sent: 'go()\x04', answer: 'OK\x04Traceback:\r\nSyntaxError: \r\n\x04>' },
    ]);
    await session.enterRaw({ signal: never });
    const startMs = clock.monotonicMs();
    const stream = () =>
      session.stream('go()', { ...counting(99), hasBegun: false }, { signal: never });
    await expect(stream()).rejects.toMatchObject({ code: 'repl/protocol' });
    await expect(stream()).rejects.toMatchObject({ code: 'repl/exec-failed' });
    expect(clock.monotonicMs() - startMs).toBeLessThan(50);
  });

  it('gives up after the silence that the consumer allows', async () => {
    const { session } = play([...start, { sent: 'go()\x04', answer: 'OKhalf' }]);
    await session.enterRaw({ signal: never });
    await expect(session.stream('go()', counting(99), { signal: never })).rejects.toMatchObject({
      code: 'repl/timeout',
      retryable: true,
    });
  });

  it('stops the agent by Ctrl-C when cancelled', async () => {
    const stop = new AbortController();
    const { session, clock, port } = play([
      ...start,
      { sent: 'go()\x04', answer: 'OKhalf' },
      { sent: '\x03', answer: '\x04Traceback:\r\nKeyboardInterrupt: \r\n\x04>' },
    ]);
    await session.enterRaw({ signal: never });
    clock.after(300, () => stop.abort());
    await expect(
      session.stream('go()', counting(99), { signal: stop.signal }),
    ).rejects.toMatchObject({
      code: 'job/cancelled',
    });
    expect(port.surprise).toBeNull();
    expect(clock.monotonicMs()).toBeLessThan(600);
  });

  it('hands on what a consumer throws', async () => {
    const { session } = play([...start, { sent: 'go()\x04', answer: 'OKhalf' }]);
    await session.enterRaw({ signal: never });
    const broken = {
      push: () => {
        throw new Error('consumer');
      },
      silenceMsMax: () => 100,
    };
    await expect(session.stream('go()', broken, { signal: never })).rejects.toThrow('consumer');
  });
});

describe('resetting and leaving', () => {
  const REBOOT = 'OK\r\nMPY: soft reboot\r\n';

  for (const pieceBytes of PIECES) {
    it(`comes back to raw mode after a soft reset (pieces of ${pieceBytes})`, async () => {
      const { session, port } = play(
        [IDLE, { sent: '\x04', answer: `${REBOOT}boot.py says hello\r\n${BANNER}` }],
        { pieceBytes },
      );
      await session.enterRaw({ signal: never });
      await session.softReset({ signal: never });
      expect(port.surprise).toBeNull();
    });

    it(`knows the line of CircuitPython and old firmware (pieces of ${pieceBytes})`, async () => {
      const { session } = play([IDLE, { sent: '\x04', answer: `OK\r\nsoft reboot\r\n${BANNER}` }], {
        pieceBytes,
      });
      await session.enterRaw({ signal: never });
      await session.softReset({ signal: never });
    });

    it(`restarts the program from the friendly prompt (pieces of ${pieceBytes})`, async () => {
      const { session, port } = play(
        [
          IDLE,
          {
            sent: '\x02\x04',
            answer:
              '\r\nMicroPython v1.27.0; board\r\nType "help()" for more information.\r\n>>> \r\nMPY: soft reboot\r\n',
          },
        ],
        { pieceBytes },
      );
      await session.enterRaw({ signal: never });
      await session.exitRaw({ restart: true });
      expect(port.surprise).toBeNull();
    });
  }

  it('interrupts a boot.py that loops', async () => {
    const { session, port, clock } = play([
      IDLE,
      { sent: '\x04', answer: REBOOT },
      { sent: '\x03', answer: `Traceback:\r\nKeyboardInterrupt: \r\n${BANNER}` },
    ]);
    await session.enterRaw({ signal: never });
    await session.softReset({ signal: never });
    expect(port.stepsLeft).toBe(0);
    expect(clock.monotonicMs()).toBeLessThan(4000);
  });

  it('ends aiorepl when its raw mode ignores the reset, then resets', async () => {
    const { session, port } = play([
      { sent: '\x03\x01', answer: 'raw REPL; CTRL-B to exit\r\n>' },
      { sent: '\x04', answer: 'OKIgnored: soft reboot\r\nraw REPL; CTRL-B to exit\r\n\x04\x04>' },
      { sent: '\x02\x04', answer: '\r\n--> \r\nMicroPython v1.27.0\r\n>>> ' },
      { sent: '\x03\x01', answer: `\r\n>>> \r\n${BANNER}` },
      { sent: '\x04', answer: `${REBOOT}${BANNER}` },
    ]);
    await session.enterRaw({ signal: never });
    await session.softReset({ signal: never });
    expect(port.surprise).toBeNull();
    expect(port.stepsLeft).toBe(0);
  });

  it('does not take a reset in raw mode for a restarted program', async () => {
    const { session, port } = play([
      IDLE,
      // Ctrl-B was lost on the wire.
      { sent: '\x02\x04', answer: `${REBOOT}${BANNER}` },
      { sent: '\x03\x02\x04', answer: '\r\nMicroPython v1\r\n>>> \r\nMPY: soft reboot\r\n' },
    ]);
    await session.enterRaw({ signal: never });
    await session.exitRaw({ restart: true });
    expect(port.stepsLeft).toBe(0);
  });

  it('counts bytes and turns as they are on the wire', async () => {
    const { session } = play([IDLE, { sent: '\x02', answer: '\r\nMicroPython\r\n>>> ' }]);
    await session.enterRaw({ signal: never });
    await session.exitRaw();
    expect(session.counters()).toEqual({ bytesOut: 3, bytesIn: 35 + 19, turns: 4 });
  });
});
