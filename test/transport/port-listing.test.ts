import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listSerialPorts } from '../../src/transport/port-listing.js';

let sysRoot: string;

beforeEach(() => {
  sysRoot = mkdtempSync(join(tmpdir(), 'belay-sys-'));
  // The kernel's shape: class/tty/<name>/device -> the interface, one or two levels below the device.
  device('ttyACM0', 'devices/usb1/1-2', '1-2:1.0', {
    idVendor: '2e8a',
    idProduct: '0005',
    serial: 'e66',
    manufacturer: 'MicroPython',
    product: 'Board in FS mode',
  });
  device('ttyUSB10', 'devices/usb1/1-3', '1-3:1.0/ttyUSB10', {
    idVendor: '10c4',
    idProduct: 'ea60',
    serial: '0001',
    manufacturer: 'Silicon Labs',
    product: 'CP2102',
  });
  device('ttyUSB2', 'devices/usb1/1-4', '1-4:1.0/ttyUSB2', {
    idVendor: '1a86',
    idProduct: '7523',
    product: 'USB2.0-Serial',
  });
  mkdirSync(join(sysRoot, 'class/tty/ttyS0'), { recursive: true });
  mkdirSync(join(sysRoot, 'class/tty/tty1'), { recursive: true });
});

afterEach(() => rmSync(sysRoot, { recursive: true }));

function device(name: string, usb: string, inner: string, facts: Record<string, string>): void {
  mkdirSync(join(sysRoot, usb, inner), { recursive: true });
  for (const [file, text] of Object.entries(facts))
    writeFileSync(join(sysRoot, usb, file), `${text}\n`);
  mkdirSync(join(sysRoot, 'class/tty', name), { recursive: true });
  symlinkSync(join(sysRoot, usb, inner), join(sysRoot, 'class/tty', name, 'device'));
}

const withoutUdev = { list: () => Promise.reject(new Error('spawn udevadm ENOENT')) };

it("reads the kernel's tables where udev is missing", async () => {
  expect(await listSerialPorts({ binding: withoutUdev, sysRoot })).toEqual([
    {
      path: '/dev/ttyACM0',
      vendorId: '2e8a',
      productId: '0005',
      serialNumber: 'e66',
      manufacturer: 'MicroPython',
      product: 'Board in FS mode',
    },
    {
      path: '/dev/ttyUSB2',
      vendorId: '1a86',
      productId: '7523',
      serialNumber: null,
      manufacturer: null,
      product: 'USB2.0-Serial',
    },
    {
      path: '/dev/ttyUSB10',
      vendorId: '10c4',
      productId: 'ea60',
      serialNumber: '0001',
      manufacturer: 'Silicon Labs',
      product: 'CP2102',
    },
  ]);
});

it('lists nothing, and does not fail, where there are no tables either', async () => {
  expect(
    await listSerialPorts({ binding: withoutUdev, sysRoot: join(sysRoot, 'nowhere') }),
  ).toEqual([]);
});

it("adds the product's name to what udev tells", async () => {
  const info = {
    path: '/dev/ttyACM0',
    manufacturer: 'MicroPython',
    serialNumber: 'e66',
    pnpId: undefined,
    locationId: undefined,
    vendorId: '2E8A',
    productId: '5',
  };
  expect(
    await listSerialPorts({ binding: { list: () => Promise.resolve([info]) }, sysRoot }),
  ).toEqual([
    {
      path: '/dev/ttyACM0',
      vendorId: '2e8a',
      productId: '0005',
      serialNumber: 'e66',
      manufacturer: 'MicroPython',
      product: 'Board in FS mode',
    },
  ]);
});

it("takes Windows' own name for a port, without the port in it", async () => {
  const info = {
    path: 'COM5',
    manufacturer: 'wch.cn',
    serialNumber: undefined,
    pnpId: undefined,
    locationId: undefined,
    vendorId: '1A86',
    productId: '7523',
    friendlyName: 'USB-SERIAL CH340 (COM5)',
  };
  expect(
    await listSerialPorts({ binding: { list: () => Promise.resolve([info]) }, sysRoot }),
  ).toMatchObject([{ path: 'COM5', vendorId: '1a86', product: 'USB-SERIAL CH340' }]);
});

it('lists this computer without a crash', async () => {
  expect(Array.isArray(await listSerialPorts())).toBe(true);
});
