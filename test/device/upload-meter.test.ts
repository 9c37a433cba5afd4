import { describe, expect, it } from 'vitest';
import type { BoardOperation } from '../../src/device/device-fs.js';
import { UploadMeter } from '../../src/device/upload-meter.js';

const first: BoardOperation = { kind: 'delete-file', path: 'first' };
const second: BoardOperation = { kind: 'delete-file', path: 'second' };

/** A stream whose pieces are a tenth of what was read for them. */
async function* packedStream(meter: UploadMeter): AsyncGenerator<Uint8Array> {
  meter.read(null, 20);
  meter.read(first, 80);
  yield new Uint8Array(10);
  meter.read(first, 40);
  meter.read(null, 10);
  meter.read(second, 50);
  yield new Uint8Array(10);
}

describe('the meter of an upload', () => {
  it('tells whose bytes are on the board, not what was read ahead of the wire', async () => {
    const meter = new UploadMeter();
    const pieces: Uint8Array[] = [];
    for await (const piece of meter.packed(packedStream(meter))) pieces.push(piece);
    expect(pieces).toHaveLength(2);
    expect([...meter.taken(9)]).toEqual([]);
    expect([...meter.taken(10)]).toEqual([{ operation: first, bytes: 80 }]);
    expect([...meter.taken(19)]).toEqual([]);
    expect([...meter.taken(Number.POSITIVE_INFINITY)]).toEqual([
      { operation: first, bytes: 40 },
      { operation: second, bytes: 50 },
    ]);
  });
});
