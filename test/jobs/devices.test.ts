import { describe, expect, it } from 'vitest';
import { BelayError } from '../../src/core/errors.js';
import { backup } from '../../src/jobs/backup.js';
import type { Connect } from '../../src/jobs/context.js';
import { type DevicesParts, listDevices } from '../../src/jobs/devices.js';
import { isLikelyBoard, unlisted } from '../../src/transport/port-choice.js';
import { MemoryBoard } from '../support/memory-board.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { connectTo, testContext } from './job-context.js';

/** As computers list them: path, VID:PID, serial number, product. */
const LISTS = {
  'Linux without udev': [
    ['/dev/ttyACM0', '2e8a:0005', 'e660583883724a32', 'Board in FS mode'],
    ['/dev/ttyUSB0', '10c4:ea60', '0001', 'CP2102 USB to UART Bridge Controller'],
    ['/dev/ttyUSB1', '2c7c:0125', null, 'EC25 modem'],
  ],
  macOS: [
    ['/dev/cu.usbmodem14101', '2e8a:0005', 'e660583883724a32', null],
    ['/dev/cu.usbserial-0001', '10c4:ea60', '0001', null],
    ['/dev/cu.Bluetooth-Incoming-Port', null, null, null],
  ],
  Windows: [
    ['COM5', '2e8a:0005', 'e660583883724a32', 'USB Serial Device'],
    ['COM7', '10c4:ea60', '0001', 'Silicon Labs CP210x USB to UART Bridge'],
    ['COM1', null, null, 'Communications Port'],
  ],
} as const;

function partsOf(
  list: (typeof LISTS)[keyof typeof LISTS],
  boards: Readonly<Record<string, Connect>>,
  store: MemoryFolder | null = null,
) {
  const opened: string[] = [];
  const ports = list.map(([path, ids, serialNumber, product]) => {
    const [vendorId, productId] = ids?.split(':') ?? [null, null];
    const port = { ...unlisted(path), vendorId: vendorId ?? null, productId: productId ?? null };
    const known = { ...port, serialNumber, product };
    return { ...known, likelyBoard: isLikelyBoard(known) };
  });
  const parts: DevicesParts = {
    store,
    listPorts: async () => ports,
    connectTo: (path) => (options) => {
      opened.push(path);
      const silent = new BelayError('repl/no-prompt', 'no answer');
      return boards[path]?.(options) ?? Promise.reject(silent);
    },
  };
  return { parts, opened };
}

describe.each(Object.entries(LISTS))('devices on %s', (_, list) => {
  const [pico, esp, other] = list.map(([path]) => path) as [string, string, string];

  it('opens nothing unless it is asked to', async () => {
    const { parts, opened } = partsOf(list, {});
    const { devices } = await listDevices(parts, {}, testContext());
    expect(devices.map(({ path, likelyBoard }) => [path, likelyBoard])).toEqual([
      [pico, true],
      [esp, true],
      [other, false],
    ]);
    expect(devices.every(({ asked, board }) => !asked && board === null)).toBe(true);
    expect(opened).toEqual([]);
  });

  it('asks what looks like a board, and says what did not answer', async () => {
    const board = new MemoryBoard({}, { info: { uniqueId: 'e660' } });
    const { parts, opened } = partsOf(list, { [pico]: connectTo(board) });
    const { devices } = await listDevices(parts, { probe: true }, testContext());
    expect(devices).toMatchObject([
      { path: pico, asked: true, board: { uniqueId: 'e660' }, problem: null },
      { path: esp, asked: true, board: null, problem: { code: 'repl/no-prompt' } },
      { path: other, asked: false, board: null, problem: null },
    ]);
    expect(opened.sort()).toEqual([pico, esp].sort());
    expect(board.left).toEqual(['auto']);
  });

  it('asks a port that is named, whatever it looks like', async () => {
    const { parts, opened } = partsOf(list, {});
    await listDevices(parts, { probe: true, port: other }, testContext());
    expect(opened).toContain(other);
  });
});

describe('the last backup of a device', () => {
  const list = LISTS['Linux without udev'];
  const serial = list[0][2];

  async function backedUp(uniqueId: string, usbSerial: string | null) {
    const board = new MemoryBoard({ 'main.py': '1' }, { info: { uniqueId } });
    const connect: Connect = async () => ({ ...board.connection(), usbSerial });
    const store = new MemoryFolder();
    const context = testContext();
    const run = async (changes: string, advanceMs: number) => {
      board.set('main.py', changes);
      context.advance(advanceMs);
      return (await backup({ connect, store }, {}, context)).summary.backupId;
    };
    return { connect, store, run };
  }

  it('is found by the USB serial number without asking, and by the id where it was asked', async () => {
    const { connect, store, run } = await backedUp('e660', serial);
    const backupId = await run('2', 60_000);
    const { parts } = partsOf(list, { '/dev/ttyUSB0': connect }, store);
    const quietly = await listDevices(parts, {}, testContext());
    expect(quietly.devices.map((row) => row.lastBackup?.backupId)).toEqual([
      backupId,
      undefined,
      undefined,
    ]);
    const asked = await listDevices(parts, { probe: true }, testContext());
    expect(asked.devices[1]).toMatchObject({ lastBackup: { backupId } });
  });

  it('is the last that came into the folder, whatever the clock said then', async () => {
    const { store, run } = await backedUp('e660', serial);
    await run('2', 3_600_000);
    const backupId = await run('3', -7_200_000);
    const { parts } = partsOf(list, {}, store);
    const { devices } = await listDevices(parts, {}, testContext());
    expect(devices[0]).toMatchObject({ lastBackup: { backupId } });
  });

  it('is nobody’s where another board is on the port', async () => {
    const { store, run } = await backedUp('e660', serial);
    await run('2', 60_000);
    const stranger = new MemoryBoard({}, { info: { uniqueId: 'ffff' } });
    const { parts } = partsOf(list, { '/dev/ttyACM0': connectTo(stranger) }, store);
    const { devices } = await listDevices(parts, { probe: true }, testContext());
    expect(devices[0]).toMatchObject({ board: { uniqueId: 'ffff' }, lastBackup: null });
  });
});
