import { describe, expect, it } from 'vitest';
import type { PortDescription } from '../../src/transport/byte-port.js';
import {
  chooseBoardPort,
  familyOf,
  isLikelyBoard,
  reasonAgainst,
  signalPolicy,
} from '../../src/transport/port-choice.js';

function port(
  path: string,
  ids: string | null = null,
  more: Partial<PortDescription> = {},
): PortDescription {
  const [vendorId = null, productId = null] = ids === null ? [] : ids.split(':');
  return {
    path,
    vendorId,
    productId,
    serialNumber: null,
    manufacturer: null,
    product: null,
    ...more,
  };
}

const PICO = port('/dev/ttyACM0', '2e8a:0005', { serialNumber: 'e660583883724a32' });
const ESP32 = port('/dev/ttyUSB0', '10c4:ea60', { serialNumber: '0001' });

describe('choosing the board', () => {
  it('takes the one board among the ports of a Linux computer', () => {
    const list = [port('/dev/ttyS0'), port('/dev/ttyS1'), PICO];
    expect(chooseBoardPort(list, 'auto')).toEqual({ kind: 'one', port: PICO });
  });

  it('says so when there is none, and what to check', () => {
    expect(chooseBoardPort([], 'auto')).toMatchObject({
      kind: 'none',
      message: 'no serial port found',
    });
    const choice = chooseBoardPort([port('/dev/ttyS0')], 'auto');
    expect(choice).toMatchObject({ kind: 'none', message: 'no board found on the serial ports' });
    expect(choice.kind === 'none' && choice.hint).toContain('cable');
  });

  it('does not guess between two', () => {
    expect(chooseBoardPort([PICO, ESP32], 'auto')).toEqual({
      kind: 'several',
      ports: [PICO, ESP32],
    });
  });

  it('passes over modems and receivers, and prefers known boards to unknown devices', () => {
    const modem = port('/dev/ttyUSB1', '2c7c:0125');
    const unknown = port('/dev/ttyACM3', 'abcd:0001');
    expect(chooseBoardPort([modem, unknown, PICO], 'auto')).toEqual({ kind: 'one', port: PICO });
    expect(chooseBoardPort([modem, unknown], 'auto')).toEqual({ kind: 'one', port: unknown });
    expect(chooseBoardPort([modem], 'auto').kind).toBe('none');
    expect(reasonAgainst(modem)).toBe('a Quectel modem');
  });

  it('finds a board by its serial number or the beginning of one', () => {
    expect(chooseBoardPort([PICO, ESP32], 'id:E660583883724A32')).toEqual({
      kind: 'one',
      port: PICO,
    });
    expect(chooseBoardPort([PICO, ESP32], 'id:e66')).toEqual({ kind: 'one', port: PICO });
    expect(chooseBoardPort([PICO, ESP32], 'id:zzz').kind).toBe('none');
    expect(chooseBoardPort([PICO, ESP32], 'id:').kind).toBe('none');
    const twin = { ...PICO, path: '/dev/ttyACM1', serialNumber: 'e66999' };
    expect(chooseBoardPort([PICO, twin], 'id:e66').kind).toBe('several');
  });

  it('prefers a whole serial number to one that only begins so', () => {
    const long = { ...ESP32, path: '/dev/ttyUSB1', serialNumber: '00012' };
    expect(chooseBoardPort([long, ESP32], 'id:0001')).toEqual({ kind: 'one', port: ESP32 });
  });

  it('opens a path that nobody lists, such as a pseudo-terminal', () => {
    expect(chooseBoardPort([PICO], '/dev/pts/3')).toEqual({
      kind: 'one',
      port: port('/dev/pts/3'),
    });
  });

  it('knows what it can of a listed path', () => {
    expect(chooseBoardPort([PICO, ESP32], '/dev/ttyUSB0')).toEqual({ kind: 'one', port: ESP32 });
  });

  it('uses the call-out device on macOS, once', () => {
    const list = [
      port('/dev/tty.Bluetooth-Incoming-Port'),
      port('/dev/tty.debug-console'),
      port('/dev/tty.usbmodem14101', '2e8a:0005'),
      port('/dev/cu.usbmodem14101', '2e8a:0005'),
    ];
    expect(chooseBoardPort(list, 'auto')).toEqual({
      kind: 'one',
      port: port('/dev/cu.usbmodem14101', '2e8a:0005'),
    });
    expect(chooseBoardPort(list, '/dev/tty.usbmodem14101')).toMatchObject({
      port: { vendorId: '2e8a' },
    });
  });

  it('passes over the built-in port of a Windows computer', () => {
    const board = port('COM5', '1a86:7523', { manufacturer: 'wch.cn' });
    expect(chooseBoardPort([port('COM1'), board], 'auto')).toEqual({ kind: 'one', port: board });
    expect(chooseBoardPort([board], 'com5')).toMatchObject({
      port: { vendorId: '1a86', path: 'com5' },
    });
    expect(chooseBoardPort([board], '\\\\.\\COM5')).toMatchObject({ port: { vendorId: '1a86' } });
  });
});

describe('the treatment of modem lines', () => {
  it('tells families apart by vendor and product', () => {
    expect(familyOf(PICO)).toBe('native-usb');
    expect(familyOf(ESP32)).toBe('uart-bridge');
    expect(familyOf(port('x', '303a:1001'))).toBe('esp-usb-jtag');
    expect(familyOf(port('x', '303a:4001'))).toBe('native-usb');
    expect(familyOf(port('x', '0d28:0204'))).toBe('debug-probe');
    expect(familyOf(port('x', '2e8a:000c'))).toBe('debug-probe');
    expect(familyOf(port('x', '0483:374b'))).toBe('debug-probe');
    expect(familyOf(port('x'))).toBe('unknown');
    expect(isLikelyBoard(ESP32)).toBe(true);
    expect(isLikelyBoard(port('x', 'abcd:0001'))).toBe(false);
  });

  it('never changes the lines of an ESP32 on Linux and macOS, not even on closing', () => {
    for (const usb of [
      ESP32,
      port('/dev/ttyACM0', '303a:1001'),
      port('/dev/ttyUSB7', 'abcd:0001'),
    ]) {
      for (const platform of ['linux', 'darwin']) {
        expect(signalPolicy(usb, platform)).toMatchObject({ lines: null, hangUp: false });
      }
    }
  });

  it('keeps both lines low on Windows', () => {
    expect(signalPolicy(port('COM4', '10c4:ea60'), 'win32')).toMatchObject({
      lines: { dtr: false, rts: false },
    });
  });

  it('asserts DTR for native USB, and drops it on leaving', () => {
    for (const platform of ['linux', 'darwin', 'win32']) {
      expect(signalPolicy(PICO, platform)).toMatchObject({ lines: { dtr: true }, hangUp: true });
    }
  });
});
