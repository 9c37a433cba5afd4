/** How long the frames are in which contents come: by memory, and by what was lost before. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { VirtualBoard } from '../../dist/testing/index.js';
import type { TreeFile } from '../../src/core/tree.js';
import type { BoardConnection } from '../../src/device/device-fs.js';
import type { BytePort } from '../../src/transport/byte-port.js';
import { connectOver } from '../support/connected-board.js';
import { portAround } from '../support/port-around.js';

const signal = new AbortController().signal;
const big = randomBytes(20_000);
/** How a short data frame begins. */
const DATA_FRAME = Buffer.from([0xc1, 0xbe, 0x00]);

interface Overheard {
  readonly port: BytePort;
  /** What was sent so far. */
  said(): string;
  /** Damages the next frame of a listing. */
  spoil(): void;
}

function overheard(port: BytePort): Overheard {
  const sent: Uint8Array[] = [];
  let spoils = false;
  const wrapped = portAround(port, {
    setReceiver: (receiver) =>
      port.setReceiver({
        data: (bytes) => {
          const at = spoils ? Buffer.from(bytes).indexOf(DATA_FRAME) : -1;
          if (at >= 0) spoils = false;
          receiver.data(bytes.map((byte, index) => (index === at ? 0xc0 : byte)));
        },
        closed: (error) => receiver.closed(error),
      }),
    write: (bytes) => {
      sent.push(Uint8Array.from(bytes));
      return port.write(bytes);
    },
  });
  const spoil = () => {
    spoils = true;
  };
  return { port: wrapped, spoil, said: () => Buffer.concat(sent).toString('latin1') };
}

async function read({ fs }: BoardConnection): Promise<void> {
  const { tree } = await fs.scan({ roots: [''], mounts: [], hashes: 'none', signal });
  const files = tree.filter((entry): entry is TreeFile => entry.kind === 'file');
  const parts: Uint8Array[] = [];
  for await (const event of fs.read(files, { compress: false, signal }))
    if (event.kind === 'data') parts.push(event.bytes);
  expect(Buffer.concat(parts).equals(big)).toBe(true);
}

/** The ends of the payloads that the reading exec asked for. */
async function frameEnd(heapBytes: number, spoiled: boolean): Promise<number> {
  const board = await VirtualBoard.start({ files: { 'big.bin': big }, heapBytes });
  try {
    const { port, said, spoil } = overheard(board.port());
    const connection = await connectOver(port);
    if (spoiled) spoil();
    await read(connection);
    // What reads is there now: the call goes alone, in plain text.
    await read(connection);
    await connection.leave('leave');
    return Number([...said().matchAll(/b"\/big\.bin",\).*?,\d+,(\d+),\(\),/g)].at(-1)?.[1] ?? NaN);
  } finally {
    await board.stop();
  }
}

describe('plain contents', () => {
  it('come in frames of 2 kB', async () => {
    expect(await frameEnd(192 * 1024, false)).toBe(2048);
  });

  it('come in frames of 1 kB where memory is little', async () => {
    expect(await frameEnd(72 * 1024, false)).toBe(1024);
  });

  it('come in frames of 1 kB where something was lost before', async () => {
    expect(await frameEnd(192 * 1024, true)).toBe(1024);
  });
});
