import { SerialPortMock } from 'serialport';
import { afterEach, describe, expect, it } from 'vitest';
import { type BoardPortOptions, openBoardPort } from '../../src/transport/board-port.js';
import type { BytePort, PortDescription } from '../../src/transport/byte-port.js';
import { unlisted } from '../../src/transport/port-choice.js';
import type { SerialBinding } from '../../src/transport/posix-read.js';
import { IdleClock } from '../support/idle-clock.js';

const { binding } = SerialPortMock;
const PATH = '/dev/ttyACM7';
const listed = (serialNumber: string): PortDescription => ({
  ...unlisted(PATH),
  vendorId: '2e8a',
  productId: '0005',
  serialNumber,
});
const open: BytePort[] = [];

afterEach(async () => {
  for (const port of open.splice(0)) await port.close();
  binding.reset();
});

function stage(changes: Partial<BoardPortOptions> = {}) {
  const clock = new IdleClock();
  const options: BoardPortOptions = {
    binding,
    clock,
    signal: new AbortController().signal,
    lockMs: 0,
    patient: true,
    list: async () => [],
    ageMs: () => null,
    ...changes,
  };
  return {
    clock,
    openPort: async (wanted = PATH) => {
      const port = await openBoardPort(wanted, options);
      open.push(port);
      return port;
    },
  };
}

/** Opening fails with these words until `untilMs`, then succeeds. */
function refusing(clock: IdleClock, untilMs: number, words: string): SerialBinding {
  binding.createPort(PATH);
  return {
    list: () => binding.list(),
    open: async (options: Parameters<typeof binding.open>[0]) => {
      if (clock.monotonicMs() < untilMs) throw new Error(words);
      return binding.open(options);
    },
  } as unknown as SerialBinding;
}

describe('the port of a board that is asked for', () => {
  it('is waited for where a reset has taken it away, with what is known of it afterwards', async () => {
    let isBack = false;
    const { clock, openPort } = stage({ list: async () => (isBack ? [listed('e661')] : []) });
    clock.after(750, () => {
      isBack = true;
      binding.createPort(PATH);
    });
    expect((await openPort()).usb?.serialNumber).toBe('e661');
    expect(clock.monotonicMs()).toBeLessThan(1000);
  });

  it('is waited for by its serial number as well', async () => {
    const ports: PortDescription[] = [];
    const { clock, openPort } = stage({ list: async () => ports });
    clock.after(500, () => {
      binding.createPort(PATH);
      ports.push(listed('e661'));
    });
    expect((await openPort('id:e661')).name).toBe(PATH);
  });

  it('is given up after two seconds, and at once when cancelled', async () => {
    const { clock, openPort } = stage();
    await expect(openPort()).rejects.toMatchObject({ code: 'port/not-found' });
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(2000);
    expect(clock.monotonicMs()).toBeLessThan(2500);
    const stop = new AbortController();
    const cancelled = stage({ signal: stop.signal });
    cancelled.clock.after(50, () => stop.abort());
    await expect(cancelled.openPort()).rejects.toMatchObject({ code: 'job/cancelled' });
    expect(cancelled.clock.monotonicMs()).toBeLessThan(500);
  });

  it.each([
    ['a path that no board has', '/dev/pts/99', true],
    ['auto, where nothing is plugged in', 'auto', true],
    ['a caller who tries again by himself', PATH, false],
  ])('is missed at once: %s', async (_, wanted, patient) => {
    const { clock, openPort } = stage({ patient });
    await expect(openPort(wanted)).rejects.toMatchObject({ code: 'port/not-found' });
    expect(clock.monotonicMs()).toBe(0);
  });

  it.each([
    ['has no owner yet', 'Error: Permission denied, cannot open', 'port/permission'],
    ['is looked at by a modem manager', 'Error: Resource busy', 'port/locked'],
    ['is not ready', 'Error Input/output error', 'port/failed'],
  ])('that has just appeared and %s is tried again', async (_, words, code) => {
    const clock = new IdleClock();
    const fresh = stage({ clock, binding: refusing(clock, 1200, words), ageMs: () => 300 });
    await fresh.openPort();
    expect(clock.monotonicMs()).toBeLessThan(1500);

    const later = new IdleClock();
    const old = stage({
      clock: later,
      binding: refusing(later, 1200, words),
      ageMs: () => 60_000,
    });
    await expect(old.openPort()).rejects.toMatchObject({ code });
    expect(later.monotonicMs()).toBe(0);
  });

  it('that stays closed is told after some seconds', async () => {
    const clock = new IdleClock();
    const words = 'Error: Permission denied, cannot open';
    const { openPort } = stage({ clock, binding: refusing(clock, 1e9, words), ageMs: () => 0 });
    await expect(openPort()).rejects.toMatchObject({ code: 'port/permission', exitCode: 1 });
    expect(clock.monotonicMs()).toBeLessThan(3000);
  });

  it('is waited for with --retry-lock while another process holds it', async () => {
    const clock = new IdleClock();
    const words = 'Error: Cannot lock port';
    const waiting = { clock, binding: refusing(clock, 8_000, words) };
    await expect(stage({ ...waiting, lockMs: 5_000 }).openPort()).rejects.toMatchObject({
      code: 'port/locked',
    });
    await stage({ ...waiting, lockMs: 5_000 }).openPort();
    expect(clock.monotonicMs()).toBeLessThan(8_500);
  });
});
