import { randomBytes } from 'node:crypto';
import { describe, it } from 'vitest';
import { isBelayError } from '../../src/core/errors.js';
import { connectBoard } from '../../src/device/board.js';
import { bytesLiteral } from '../../src/device/helper-source.js';
import { parseLiteral } from '../../src/device/python-literal.js';
import { ReplSession } from '../../src/transport/repl-session.js';
import { openSerialPort } from '../../src/transport/serial-port.js';
import { deviceFsContract } from '../contract/device-fs.contract.js';
import { realClock } from '../support/connected-board.js';
import { microbitProblem, startMicrobit } from '../support/microbit.js';

const problem = microbitProblem();

/** Plain commands at the raw prompt, by a connection of its own: none of the product's own reading. */
async function byHand<T>(path: string, work: (run: (source: string) => Promise<string>) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(60_000);
  const port = await openSerialPort(path);
  const session = new ReplSession(port, realClock);
  try {
    await session.enterRaw({ signal });
    const run = async (source: string): Promise<string> => {
      for (;;) {
        try {
          return Buffer.from(await session.exec(source, { timeoutMs: 10_000, signal })).toString('latin1');
        } catch (error) {
          // QEMU loses bytes, sometimes the one that starts the command.
          if (!isBelayError(error, 'repl/timeout') && !/SyntaxError/.test(String((error as { details?: { traceback?: string } }).details?.traceback))) throw error;
          await session.enterRaw({ signal });
        }
      }
    };
    const result = await work(run);
    await session.exitRaw({ signal });
    return result;
  } finally {
    await port.close();
  }
}

if (problem !== null) {
  describe('a micro:bit', () => {
    it.skip(`is not tried: ${problem}`, () => {});
  });
} else {
  deviceFsContract(
    'a micro:bit (real firmware under QEMU)',
    async (files) => {
      const microbit = await startMicrobit();
      await byHand(microbit.path, async (run) => {
        for (const [name, bytes] of Object.entries(files)) {
          await run(`f=open('${name}','wb')`);
          for (let at = 0; at < (bytes?.length ?? 0); at += 48) await run(`f.write(${bytesLiteral((bytes as Uint8Array).subarray(at, at + 48))})`);
          await run('f.close()');
        }
      });
      const open = async () =>
        connectBoard(await openSerialPort(microbit.path), { clock: realClock, random: (bytes) => randomBytes(bytes).toString('hex'), signal: AbortSignal.timeout(60_000) });
      const connection = await open();
      let left = false;
      const leave = async () => {
        if (!left) await connection.leave('leave');
        left = true;
      };
      return {
        fs: connection.fs,
        dump: async () => {
          await leave();
          return byHand(microbit.path, async (run) => {
            const found = new Map<string, Uint8Array | null>();
            const names = parseLiteral((await run('import os\nprint(os.listdir())')).trim()) as string[];
            for (const name of names) {
              // One command for a whole file: it may be sent again without harm.
              const text = await run(`f=open('${name}','rb')\nwhile 1:\n d=f.read(48)\n if not d:break\n print(d)`);
              const parts = text.split('\r\n').filter((line) => line !== '').map((line) => parseLiteral(line) as Uint8Array);
              found.set(name, Buffer.concat(parts));
            }
            return found;
          });
        },
        close: async () => {
          await leave().finally(() => microbit.stop());
        },
      };
    },
    { folders: false, restores: true, bigBytes: 2000 },
  );
}
