/** doctor on a UART whose other side has another speed: both sides hear garbage. */
import { afterEach, expect, it, vi } from 'vitest';
import { VirtualBoard } from '../../dist/testing/index.js';
import { run } from '../../src/cli/commands/doctor.js';
import { parseCommandLine } from '../../src/cli/program.js';
import { Session } from '../../src/cli/session.js';
import { connectBoard } from '../../src/device/board.js';
import type { ConnectOptions, JobContext } from '../../src/jobs/context.js';
import type { PortWish } from '../../src/wiring.js';
import { fakeConsole } from './fake-console.js';

const uart = vi.hoisted(() => ({ board: null as unknown }));

vi.mock('../../src/wiring.js', async (original) => ({
  ...(await original<typeof import('../../src/wiring.js')>()),
  // A pseudo-terminal has no speed: the board is reached within this process.
  connectorFor: (wish: PortWish, context: JobContext) => async (options: ConnectOptions) => {
    const port = (uart.board as VirtualBoard).port();
    await port.setBaud(wish.baud ?? 115_200);
    const { clock, randomHex: random } = context;
    return connectBoard(port, { clock, random, signal: options.signal });
  },
}));

afterEach(() => (uart.board as VirtualBoard).stop());

async function doctor(baud: string) {
  const console = fakeConsole({ wishes: { json: true } });
  const argv = ['doctor', '--baud', baud, '--json', '--dir', '/nonexistent'];
  const parsed = parseCommandLine(argv, { version: '0', writeOut: () => {}, columns: 80 });
  if (parsed.kind !== 'call') throw new Error('not a call');
  const session = new Session(parsed.call, console.terminal, new AbortController().signal);
  const ended = await run(session).catch((error: unknown) => error as Error & { code: string });
  const { steps } = JSON.parse(console.out()) as { steps: { step: string; hint: string }[] };
  return { ended, last: steps.at(-1) };
}

it('doctor says that another speed may be in use, and is content at the right one', async () => {
  const main = 'import time\nwhile True:\n    print("temperature 21.5")\n    time.sleep_ms(20)\n';
  uart.board = await VirtualBoard.start({ files: { 'main.py': main }, bytesPerSecond: 11_520 });
  const wrong = await doctor('9600');
  expect(wrong.ended).toMatchObject({ code: 'repl/no-prompt', exitCode: 20 });
  expect(wrong.last).toMatchObject({ step: 'connect', ok: false });
  expect(wrong.last?.hint).toMatch(/another speed, see --baud/);
  const right = await doctor('115200');
  expect(right.ended).toBe(0);
  expect(right.last).toMatchObject({ step: 'wire', ok: true });
});
