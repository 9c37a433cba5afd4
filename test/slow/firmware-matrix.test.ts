/** The suite of the device seam on every firmware of the matrix; the rungs are printed at the end. */
import { afterAll, describe, expect, it } from 'vitest';
import type { BoardInfo } from '../../src/device/device-fs.js';
import { openSerialPort } from '../../src/transport/serial-port.js';
import { deviceFsContract } from '../contract/device-fs.contract.js';
import { connectedBoard, connectOver } from '../support/connected-board.js';
import { FIRMWARE_MATRIX, rungTable } from '../support/firmware-matrix.js';
import { MemoryBoard } from '../support/memory-board.js';
import { microbitProblem, startMicrobit } from '../support/microbit.js';

const seen = new Map<string, { name: string; is: string; info: BoardInfo }>();

afterAll(() => {
  console.log(`\n${rungTable([...seen.values()])}\n`);
});

for (const board of FIRMWARE_MATRIX) {
  deviceFsContract(
    `${board.name} (${board.is})`,
    async (files) => {
      const connected = await connectedBoard({ ...board.options, files });
      const { info } = connected.connection;
      seen.set(board.name, { name: board.name, is: board.is, info });
      const dump = async () => below(await connected.dump(), board.below);
      return { fs: connected.connection.fs, dump, close: connected.close };
    },
    {
      folders: true,
      restores: board.restores,
      bigBytes: board.bigBytes,
      ...(board.below === undefined ? {} : { below: board.below }),
    },
  );
}

/** What lies in one mount, by its path there. */
function below(dump: ReadonlyMap<string, Uint8Array | null>, mount: string | undefined) {
  if (mount === undefined) return dump;
  const inside = [...dump].filter(([path]) => path.startsWith(`${mount}/`));
  return new Map(inside.map(([path, bytes]) => [path.slice(mount.length + 1), bytes] as const));
}

// The suite itself runs on these two in test/device; here they join the table.
describe('two more boards', () => {
  it('are the double in memory', () => {
    seen.set('memory', { name: 'in memory', is: 'double', info: new MemoryBoard().info });
  });

  it.skipIf(microbitProblem() !== null)('and a micro:bit under QEMU', async () => {
    const microbit = await startMicrobit();
    try {
      const connection = await connectOver(await openSerialPort(microbit.path));
      seen.set('microbit', { name: 'micro:bit v1 (QEMU)', is: 'real', info: connection.info });
      await connection.leave('leave');
    } finally {
      await microbit.stop();
    }
  });
});

describe('the rungs', () => {
  it.each(FIRMWARE_MATRIX.filter((board) => Object.keys(board.rungs).length > 0))(
    'of $name are those that its firmware leaves',
    ({ name, rungs }) => {
      expect(seen.get(name)?.info.probe).toMatchObject(rungs);
    },
  );
});
