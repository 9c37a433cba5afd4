import { SerialPortMock } from 'serialport';
import { afterEach, describe, expect, it } from 'vitest';
import type { BelayError } from '../../src/core/errors.js';
import type { BytePort } from '../../src/transport/byte-port.js';
import { openSerialPort } from '../../src/transport/serial-port.js';
import { bytesOf } from '../support/scripted-port.js';

const open: BytePort[] = [];

afterEach(async () => {
  for (const port of open.splice(0)) await port.close();
  SerialPortMock.binding.reset();
});

async function opened(
  path: string,
  options: Parameters<typeof openSerialPort>[1] = {},
): Promise<BytePort> {
  const port = await openSerialPort(path, options);
  open.push(port);
  return port;
}

/** Collects what arrives; `until` resolves when the text has come. */
function listen(port: BytePort) {
  let text = '';
  const waiting: { wanted: string; resolve: () => void }[] = [];
  const closed = new Promise<BelayError | null>((resolve) => {
    port.setReceiver({
      data: (bytes) => {
        text += String.fromCharCode(...bytes);
        for (const wait of waiting) if (text.includes(wait.wanted)) wait.resolve();
      },
      closed: resolve,
    });
  });
  return {
    closed,
    until: (wanted: string) =>
      new Promise<void>((resolve) => {
        if (text.includes(wanted)) resolve();
        else waiting.push({ wanted, resolve });
      }),
    text: () => text,
  };
}

describe('a port over the mock binding', () => {
  const binding = SerialPortMock.binding;

  it('carries bytes both ways', async () => {
    binding.createPort('/dev/ROBOT', { echo: true, record: true, readyData: Buffer.from('READY') });
    const port = await opened('/dev/ROBOT', { binding });
    const heard = listen(port);
    await heard.until('READY');
    await port.write(bytesOf('\x03\x01 all bytes \xff\x00'));
    await heard.until('\xff\x00');
  });

  it('keeps what came before anyone listened', async () => {
    binding.createPort('/dev/ROBOT', { readyData: Buffer.from('READY') });
    const port = await opened('/dev/ROBOT', { binding });
    await new Promise((resolve) => setImmediate(resolve));
    await listen(port).until('READY');
  });

  it('says not-found for a port that is not there', async () => {
    await expect(openSerialPort('/dev/NOTHING', { binding })).rejects.toMatchObject({
      code: 'port/not-found',
      retryable: true,
    });
  });

  it('says locked for a port in use, without retrying by itself', async () => {
    binding.createPort('/dev/ROBOT');
    await opened('/dev/ROBOT', { binding });
    await expect(openSerialPort('/dev/ROBOT', { binding })).rejects.toMatchObject({
      code: 'port/locked',
      exitCode: 11,
    });
  });

  it('reports the loss of the port once, and fails what is written later', async () => {
    binding.createPort('/dev/ROBOT');
    const port = await opened('/dev/ROBOT', { binding });
    const heard = listen(port);
    await port.close();
    await port.close();
    expect(await heard.closed).toBeNull();
    await expect(port.write(bytesOf('x'))).rejects.toMatchObject({ code: 'port/lost' });
  });

  it('calls a write that is never taken stalled', async () => {
    const hanging = {
      list: () => Promise.resolve([]),
      open: async () => ({
        isOpen: true,
        openOptions: {},
        close: () => new Promise<void>(() => {}),
        read: () => new Promise(() => {}),
        write: () => new Promise<void>(() => {}),
        drain: () => new Promise<void>(() => {}),
        set: () => Promise.resolve(),
        update: () => Promise.resolve(),
      }),
    } as unknown as typeof binding;
    const port = await openSerialPort('/dev/HANGS', { binding: hanging, stallMs: 30 });
    await expect(port.write(bytesOf('x'))).rejects.toMatchObject({ code: 'port/stalled' });
    await port.close(); // bounded, though the binding never answers
  });
});
