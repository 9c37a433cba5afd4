import { randomBytes } from 'node:crypto';
import { describe, it } from 'vitest';
import { connectBoard } from '../../src/device/board.js';
import { openSerialPort } from '../../src/transport/serial-port.js';
import { deviceFsContract } from '../contract/device-fs.contract.js';
import { realClock } from '../support/connected-board.js';
import { microbitProblem, startMicrobit } from '../support/microbit.js';
import { filesByHand, writeByHand } from '../support/microbit-by-hand.js';

const problem = microbitProblem();

if (problem !== null) {
  describe('a micro:bit', () => {
    it.skip(`is not tried: ${problem}`, () => {});
  });
} else {
  deviceFsContract(
    'a micro:bit (real firmware under QEMU)',
    async (files) => {
      const microbit = await startMicrobit();
      await writeByHand(microbit.path, files);
      const open = async () =>
        connectBoard(await openSerialPort(microbit.path), {
          clock: realClock,
          random: (bytes) => randomBytes(bytes).toString('hex'),
          signal: AbortSignal.timeout(60_000),
        });
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
          return new Map(Object.entries(await filesByHand(microbit.path)));
        },
        close: async () => {
          await leave().finally(() => microbit.stop());
        },
      };
    },
    { folders: false, restores: true, bigBytes: 2000 },
  );
}
