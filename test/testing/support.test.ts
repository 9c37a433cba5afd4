import { SerialPort } from 'serialport';
import { describe, expect, test } from 'vitest';
import { microbitProblem, startMicrobit } from '../support/microbit.js';
import { startTerminal, terminalProblem } from '../support/terminal.js';

const noMicrobit = microbitProblem();
if (noMicrobit !== null) console.log(`skipped: micro:bit under QEMU: ${noMicrobit}`);

describe.skipIf(noMicrobit !== null)('the micro:bit under QEMU', () => {
  test('answers at its prompt, and comes back after a reset', async () => {
    const board = await startMicrobit();
    const port = new SerialPort({ path: board.path, baudRate: 115_200 });
    let said = '';
    let wake = () => {};
    port.on('data', (bytes: Buffer) => {
      said += bytes.toString('latin1');
      wake();
    });
    const until = async (mark: string) => {
      const endMs = performance.now() + 10_000;
      while (!said.includes(mark)) {
        if (performance.now() > endMs) throw new Error(`no ${mark}, but ${JSON.stringify(said)}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, 200);
        });
      }
      const at = said.indexOf(mark) + mark.length;
      said = said.slice(at);
    };
    try {
      port.write('\r\x03');
      await until('>>> ');
      port.write('open("a", "w").write("xy")\r');
      await until('2\r\n>>> ');
      await board.reset();
      await until('>>> ');
      port.write('import os; print(os.listdir())\r');
      await until("['a']");
    } finally {
      await new Promise((resolve) => port.close(resolve));
      await board.stop();
    }
  });
});

const noTerminal = terminalProblem();
if (noTerminal !== null) console.log(`skipped: terminal: ${noTerminal}`);

describe.skipIf(noTerminal !== null)('the terminal', () => {
  test('shows a command, takes keys, has a size, and tells how it ended', async () => {
    const terminal = await startTerminal(
      'stty size; echo "$GREETING"; read line; echo "got $line"; exit 3',
      {
        env: { GREETING: "it's" },
      },
    );
    try {
      expect(await terminal.until("it's")).toContain('24 80');
      await terminal.type('word');
      await terminal.keys('Enter');
      expect(await terminal.until('[exit')).toMatch(/got word\n+/);
    } finally {
      await terminal.stop();
    }
  });

  test('passes Ctrl-C on', async () => {
    const terminal = await startTerminal(
      "trap 'echo stopped; exit 130' INT; echo on; while :; do sleep 0.05; done",
      {
        columns: 36,
        rows: 10,
      },
    );
    try {
      await terminal.until('on');
      await terminal.keys('C-c');
      expect(await terminal.until('stopped')).toContain('stopped');
    } finally {
      await terminal.stop();
    }
  });
});
