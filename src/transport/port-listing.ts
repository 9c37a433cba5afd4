/**
 * The serial ports of this computer. The serialport package asks udev; where that is missing
 * (containers, small systems) its list rejects, and the kernel's own tables are read instead.
 */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SerialPort } from 'serialport';
import type { PortDescription } from './byte-port.js';
import { calloutPath, unlisted } from './port-choice.js';

type PortInfo = Awaited<ReturnType<typeof SerialPort.list>>[number];

export interface ListOptions {
  readonly binding?: { list(): Promise<readonly PortInfo[]> };
  /** Where the kernel's tables are; for tests. */
  readonly sysRoot?: string;
}

/** Never throws: what cannot be listed is missing from the list. Pseudo-terminals never are in it. */
export async function listSerialPorts(
  options: ListOptions = {},
): Promise<readonly PortDescription[]> {
  const sysRoot = options.sysRoot ?? '/sys';
  try {
    const ports = await (options.binding ?? SerialPort).list();
    return ports.map((info) => describe(info, sysRoot)).toSorted(byPath);
  } catch {
    return kernelPorts(sysRoot);
  }
}

export function kernelPorts(sysRoot: string): readonly PortDescription[] {
  const folder = join(sysRoot, 'class/tty');
  return namesIn(folder)
    .filter((name) => /^tty(?:ACM|USB)\d+$/.test(name))
    .map((name) => usbFacts(`/dev/${name}`, join(folder, name, 'device')))
    .toSorted(byPath);
}

function describe(info: PortInfo, sysRoot: string): PortDescription {
  const path = calloutPath(info.path);
  const name = basename(path);
  // udev's list leaves the product's name out; the kernel has it.
  const kernel = /^tty(?:ACM|USB)\d+$/.test(name)
    ? usbFacts(path, join(sysRoot, 'class/tty', name, 'device'))
    : null;
  return {
    path,
    vendorId: hexId(info.vendorId) ?? kernel?.vendorId ?? null,
    productId: hexId(info.productId) ?? kernel?.productId ?? null,
    serialNumber: info.serialNumber ?? kernel?.serialNumber ?? null,
    manufacturer: info.manufacturer ?? kernel?.manufacturer ?? null,
    product: kernel?.product ?? friendlyName(info),
  };
}

/** Windows gives a name for people: "USB Serial Device (COM5)". */
function friendlyName(info: PortInfo): string | null {
  const name = (info as { friendlyName?: unknown }).friendlyName;
  return typeof name === 'string' ? name.replace(/ \(COM\d+\)$/, '') : null;
}

function hexId(id: string | undefined): string | null {
  return id === undefined || !/^[0-9a-f]{1,4}$/i.test(id)
    ? null
    : id.toLowerCase().padStart(4, '0');
}

/** Climbs from the interface to the USB device, which has the numbers (kernel Documentation/ABI/testing/sysfs-bus-usb). */
function usbFacts(path: string, deviceLink: string): PortDescription {
  let folder = realPath(deviceLink);
  for (let level = 0; level < 6 && folder !== null; level += 1) {
    const vendorId = hexId(lineOf(join(folder, 'idVendor')) ?? undefined);
    if (vendorId !== null) {
      return {
        path,
        vendorId,
        productId: hexId(lineOf(join(folder, 'idProduct')) ?? undefined),
        serialNumber: lineOf(join(folder, 'serial')),
        manufacturer: lineOf(join(folder, 'manufacturer')),
        product: lineOf(join(folder, 'product')),
      };
    }
    folder = dirname(folder) === folder ? null : dirname(folder);
  }
  return unlisted(path);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function lineOf(path: string): string | null {
  try {
    const line = readFileSync(path, 'utf8').trim();
    return line === '' ? null : line;
  } catch {
    return null;
  }
}

function byPath(a: PortDescription, b: PortDescription): number {
  return a.path.localeCompare(b.path, 'en', { numeric: true });
}
