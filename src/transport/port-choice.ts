/**
 * Which port is the board, and how its modem lines are treated: decisions over what the system
 * lists, for Linux, macOS and Windows names alike. Nothing is opened here, and nothing about the
 * firmware is concluded from a name.
 */
import type { PortDescription } from './byte-port.js';

export type { PortDescription } from './byte-port.js';

export type PortChoice =
  | { readonly kind: 'one'; readonly port: PortDescription }
  | { readonly kind: 'none'; readonly message: string; readonly hint: string }
  /** More than one may be meant: ask, or fail as `usage/ambiguous-board`. */
  | { readonly kind: 'several'; readonly ports: readonly PortDescription[] };

/** What answers on the USB side: the board's own controller, or a chip between it and the cable. */
export type PortFamily = 'native-usb' | 'esp-usb-jtag' | 'uart-bridge' | 'debug-probe' | 'unknown';

export interface SignalPolicy {
  readonly family: PortFamily;
  /** Lines to set after opening; null: leave them as the system set them when it opened the port. */
  readonly lines: { readonly dtr: boolean; readonly rts: boolean } | null;
  /** Drop DTR and RTS when the port closes. */
  readonly hangUp: boolean;
  readonly why: string;
}

/**
 * Adapters between a UART and USB. On ESP32 and ESP8266 boards their DTR and RTS drive reset and
 * boot mode through two transistors: only a moment in which the two differ resets the board
 * (esptool documentation, "Automatic Bootloader"; micropython/micropython#9659).
 */
const UART_BRIDGES: Readonly<Record<string, readonly string[] | null>> = {
  '10c4': ['ea60', 'ea70', 'ea71'], // Silicon Labs CP210x
  '1a86': ['7522', '7523', '5523', '55d2', '55d3', '55d4'], // WCH CH340, CH343, CH9102
  '0403': ['6001', '6010', '6011', '6014', '6015'], // FTDI
  '067b': null, // Prolific
};

/** Debuggers with a serial port of their own: their lines do not reset the target. */
const DEBUG_PROBES: Readonly<Record<string, readonly string[] | null>> = {
  '0d28': ['0204'], // Arm DAPLink: BBC micro:bit
  '0483': ['3748', '374b', '374e', '374f', '3752', '3753', '3754'], // ST-LINK
  '1366': null, // SEGGER J-Link
  '2e8a': ['000c', '0004'], // Raspberry Pi Debug Probe, picoprobe
};

/** Vendors whose boards bring their own USB (CDC). */
const NATIVE_USB_VENDORS: ReadonlySet<string> = new Set([
  '2e8a', // Raspberry Pi
  'f055', // MicroPython's own
  '239a', // Adafruit
  '303a', // Espressif (S2, S3, P4)
  '2341', // Arduino
  '2a03',
  '1b4f', // SparkFun
  '2886', // Seeed
  '1915', // Nordic
  '1fc9', // NXP
  '0483', // ST
  '045b', // Renesas
  '1209', // pid.codes
  '16d0', // MCS
  '16c0', // Teensy
  '3343', // DFRobot
  '37c5', // Alif
]);

/** Serial ports that are surely no boards; opening one may do harm (a modem, a receiver). */
const NOT_BOARDS: Readonly<Record<string, string>> = {
  '12d1': 'a Huawei modem',
  '1199': 'a Sierra Wireless modem',
  '2c7c': 'a Quectel modem',
  '1bc7': 'a Telit modem',
  '1e0e': 'a SIMCom modem',
  '1546': 'a u-blox receiver',
};

const ESP_USB_JTAG = { vendorId: '303a', productId: '1001' };

/** Why this port is no candidate for `auto`; null where it may be a board. */
export function reasonAgainst(port: PortDescription): string | null {
  if (/Bluetooth|debug-console|wlan-debug|rfcomm/i.test(port.path)) return 'not a cable';
  if (port.vendorId === null) return 'no USB device behind it';
  return NOT_BOARDS[port.vendorId] ?? null;
}

/** True for a vendor that makes boards, or bridges that are found on them. */
export function isLikelyBoard(port: PortDescription): boolean {
  return reasonAgainst(port) === null && familyOf(port) !== 'unknown';
}

/**
 * `wanted`: `auto`, `id:<USB serial number>` (a prefix will do when it is unique), or a path, which
 * need not be listed (a pseudo-terminal is not).
 */
export function chooseBoardPort(list: readonly PortDescription[], wanted: string): PortChoice {
  const ports = withoutTwins(list);
  if (wanted.startsWith('id:')) return chooseBySerial(ports, wanted.slice(3));
  if (wanted !== 'auto') {
    const listed = ports.find((port) => samePath(port.path, wanted));
    return {
      kind: 'one',
      port: listed === undefined ? unlisted(wanted) : { ...listed, path: wanted },
    };
  }
  const candidates = ports.filter((port) => reasonAgainst(port) === null);
  const likely = candidates.filter(isLikelyBoard);
  const found = likely.length > 0 ? likely : candidates;
  if (found.length > 1) return { kind: 'several', ports: found };
  const only = found[0];
  return only === undefined ? noBoard(ports.length) : { kind: 'one', port: only };
}

function chooseBySerial(ports: readonly PortDescription[], serial: string): PortChoice {
  const wanted = serial.toLowerCase();
  const numbered = ports.filter((port) => port.serialNumber !== null);
  const equal = numbered.filter((port) => port.serialNumber?.toLowerCase() === wanted);
  const begin = numbered.filter((port) => port.serialNumber?.toLowerCase().startsWith(wanted));
  const found = equal.length > 0 ? equal : wanted === '' ? [] : begin;
  if (found.length > 1) return { kind: 'several', ports: found };
  const only = found[0];
  if (only !== undefined) return { kind: 'one', port: only };
  return {
    kind: 'none',
    message: `no port has the serial number ${serial}`,
    hint: 'See `belay-backup devices` for the serial numbers that are plugged in',
  };
}

function noBoard(portCount: number): PortChoice {
  return {
    kind: 'none',
    message: portCount === 0 ? 'no serial port found' : 'no board found on the serial ports',
    hint: 'Plug the board in with a cable that carries data, or name its port with --port; without a board try --port virtual',
  };
}

/** What is known of a port that the system does not list. */
export function unlisted(path: string): PortDescription {
  return {
    path,
    vendorId: null,
    productId: null,
    serialNumber: null,
    manufacturer: null,
    product: null,
  };
}

/**
 * macOS lists a device twice: `tty.*` waits for a carrier that boards never raise, `cu.*` does
 * not; and the list of the serialport package names the `tty.*` one.
 */
function withoutTwins(list: readonly PortDescription[]): readonly PortDescription[] {
  const ports = list.map((port) => ({ ...port, path: calloutPath(port.path) }));
  return ports.filter(
    (port, index) => ports.findIndex((other) => other.path === port.path) === index,
  );
}

export function calloutPath(path: string): string {
  return path.replace(/^\/dev\/tty\./, '/dev/cu.');
}

function samePath(a: string, b: string): boolean {
  const isWindows = /^(?:\\\\\.\\)?COM\d+$/i;
  if (isWindows.test(a) && isWindows.test(b)) {
    return a.replace(/^\\\\\.\\/, '').toUpperCase() === b.replace(/^\\\\\.\\/, '').toUpperCase();
  }
  return calloutPath(a) === calloutPath(b);
}

export function familyOf(port: PortDescription): PortFamily {
  const { vendorId, productId } = port;
  if (vendorId === null) return 'unknown';
  if (isOneOf(DEBUG_PROBES, vendorId, productId)) return 'debug-probe';
  if (isOneOf(UART_BRIDGES, vendorId, productId)) return 'uart-bridge';
  if (vendorId === ESP_USB_JTAG.vendorId && productId === ESP_USB_JTAG.productId)
    return 'esp-usb-jtag';
  return NATIVE_USB_VENDORS.has(vendorId) ? 'native-usb' : 'unknown';
}

function isOneOf(
  table: Readonly<Record<string, readonly string[] | null>>,
  vendorId: string,
  productId: string | null,
): boolean {
  const products = table[vendorId];
  if (products === undefined) return false;
  return products === null || (productId !== null && products.includes(productId));
}

/**
 * How opening and closing leave the board alone. `platform` is Node's name of the system.
 * Native USB needs DTR while we listen, and DTR dropped when we leave: with it raised and nobody
 * reading, TinyUSB boards wait 500 ms for every print (micropython shared/tinyusb/mp_usbd_cdc.c).
 */
export function signalPolicy(port: PortDescription, platform: string): SignalPolicy {
  const family = familyOf(port);
  if (family === 'native-usb' || family === 'debug-probe') {
    const why = 'DTR tells the board that someone listens';
    return { family, lines: { dtr: true, rts: true }, hangUp: true, why };
  }
  if (platform === 'win32' && family !== 'unknown') {
    // Windows raises and drops the two lines one after the other; both low is the board's idle
    // state (mpremote does the same: tools/mpremote/mpremote/transport_serial.py).
    return {
      family,
      lines: { dtr: false, rts: false },
      hangUp: false,
      why: 'low lines keep an ESP32 out of reset',
    };
  }
  if (family === 'unknown' && !isBridgePath(port.path)) {
    return { family, lines: null, hangUp: true, why: 'the lines stay as the system sets them' };
  }
  // Linux and macOS raise both lines in one step when they open a port. Left so, and not dropped
  // on closing, they never differ, and later openings change nothing at all.
  return { family, lines: null, hangUp: false, why: 'unchanged lines keep an ESP32 out of reset' };
}

function isBridgePath(path: string): boolean {
  return /\/ttyUSB\d+$|\/(?:cu|tty)\.(?:usbserial|wchusbserial|SLAB)/.test(path);
}
