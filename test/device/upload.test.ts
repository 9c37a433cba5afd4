import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VirtualBoardOptions } from '../../dist/testing/index.js';
import { PromptWatch } from '../../src/device/prompt-watch.js';
import type { PutOperation } from '../../src/device/upload-digests.js';
import { uploadFrame, uploadRoomBytes } from '../../src/device/upload-frames.js';
import { hasBackPressure } from '../../src/device/upload-pace.js';
import { bytesSaved, packingFor } from '../../src/device/upload-packing.js';
import { apply, bytesOf, noise, put, withBoard } from '../support/uploading.js';

const text = { stdoutBuffer: false } as const;
const uart = {
  bytesPerSecond: 115_200,
  latencyMs: 1,
  receiveRingBytes: 260,
  overrun: 'drop',
  eraseMs: 45,
  pageMs: 0.4,
} as const;

describe('an upload', () => {
  it('loses no byte in a ring of 260 that drops, while the flash erases', async () => {
    await withBoard(uart, async (board) => {
      const files = [0, 1, 2].map((n): [string, Uint8Array] => [`${n}.bin`, noise(9_000, n)]);
      await apply(
        board,
        files.map(([path, bytes]) => put(path, bytes)),
      );
      const dump = await board.dump();
      for (const [path, bytes] of files)
        expect(Buffer.from(dump.get(path) as Uint8Array).equals(Buffer.from(bytes)), path).toBe(
          true,
        );
      expect(board.virtual.counters().overrunBytes).toBe(0);
    });
  });

  it.each([
    ['that has only the text side of its stdin', { dialect: text }],
    ['that cannot poll', { dialect: { ...text, hiddenModules: ['select'] } }],
    [
      'that has neither hashes nor base64',
      { dialect: { ...text, hiddenModules: ['hashlib', 'binascii', 'base64', 'deflate'] } },
    ],
    [
      'that runs CircuitPython and may write',
      {
        dialect: {
          ...text,
          implementation: 'circuitpython',
          prefixedModules: false,
          hiddenModules: ['deflate', 'machine'],
          hiddenNames: ['os.ilistdir'],
        },
      },
    ],
  ] as const)('brings every byte to a board %s', async (_, options) => {
    await withBoard(options as VirtualBoardOptions, async (board) => {
      const hard = Uint8Array.from(
        { length: 4_000 },
        (__, at) => [13, 10, 3, 4, 13, 0x41, 0x83, 255][(at * at) % 8] as number,
      );
      expect(await apply(board, [put('hard.bin', hard), put('b', noise(3_000, 5))])).toContain(
        'done hard.bin',
      );
      const dump = await board.dump();
      expect(Buffer.from(dump.get('hard.bin') as Uint8Array).equals(Buffer.from(hard))).toBe(true);
      expect(Buffer.from(dump.get('b') as Uint8Array).equals(Buffer.from(noise(3_000, 5)))).toBe(
        true,
      );
    });
  });

  it('names the one file of many that differs, and puts the others in place where that is wanted', async () => {
    await withBoard({ files: { b: 'old' } }, async (board) => {
      const operations = [
        put('a', bytesOf('one')),
        put('b', bytesOf('bad'), bytesOf('two')),
        put('c', bytesOf('three')),
      ];
      expect((await apply(board, operations)).at(-1)).toBe('failed b');
      expect([...(await board.dump()).keys()]).toEqual(['b']);
      const seen = await apply(board, operations, { keepGoing: true });
      expect(seen.filter((each) => !each.startsWith('staged')).sort()).toEqual([
        'done a',
        'done c',
        'failed b',
      ]);
      const dump = await board.dump();
      expect([...dump.keys()].sort()).toEqual(['a', 'b', 'c']);
      expect(Buffer.from(dump.get('b') as Uint8Array).toString()).toBe('old');
    });
  });

  it('that is interrupted goes on, and checks what was staged before', async () => {
    const faults = {
      scripted: [{ direction: 'toBoard' as const, at: 22_000, kind: 'insert' as const, value: 3 }],
    };
    await withBoard({ dialect: { hiddenModules: ['deflate'] }, faults }, async (board) => {
      const files = [0, 1, 2, 3].map((n): [string, Uint8Array] => [`${n}.bin`, noise(6_000, n)]);
      expect(
        (
          await apply(
            board,
            files.map(([path, bytes]) => put(path, bytes)),
          )
        ).filter((each) => each.startsWith('done')),
      ).toHaveLength(4);
      const dump = await board.dump();
      expect([...dump.keys()].sort()).toEqual(files.map(([path]) => path));
      for (const [path, bytes] of files)
        expect(Buffer.from(dump.get(path) as Uint8Array).equals(Buffer.from(bytes)), path).toBe(
          true,
        );
    });
  });

  it('ends at once when the board resets itself', async () => {
    await withBoard({ ...uart, eraseMs: 0, pageMs: 0 }, async (board) => {
      const at = 15_000;
      board.virtual.setFaults({ scripted: [{ direction: 'toBoard', at, kind: 'reset' }] });
      const start = performance.now();
      await expect(apply(board, [put('big', noise(60_000, 1))])).rejects.toMatchObject({
        code: 'board/silent',
      });
      expect(performance.now() - start).toBeLessThan(8_000);
      expect((await board.dump()).has('big')).toBe(false);
    });
  });
});

describe('what goes up', () => {
  const format = { check: 'crc32', nonce: 1234, payloadBytes: 960 } as const;

  it('holds nothing that a prompt acts upon, whatever the content', () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 2_000 }),
      fc
        .array(fc.constantFrom(2, 3, 4, 13, 0x42, 200), { maxLength: 1_500 })
        .map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(content, fc.nat(200), (bytes, number) => {
        for (let at = 0; at < bytes.length; ) {
          const frame = uploadFrame(bytes.subarray(at), number, format);
          expect([2, 3, 4, 13].some((byte) => frame.wire.includes(byte))).toBe(false);
          expect(frame.wire.length).toBeLessThanOrEqual(8 + uploadRoomBytes(format.payloadBytes));
          expect(frame.contentBytes).toBeGreaterThanOrEqual(Math.min(62, bytes.length - at));
          at += frame.contentBytes;
        }
      }),
    );
  });

  it('costs less than nine bytes in a thousand of random content', () => {
    const bytes = new Uint8Array(createHash('shake256', { outputLength: 100_000 }).digest());
    let wireBytes = 0;
    for (let at = 0; at < bytes.length; ) {
      const frame = uploadFrame(bytes.subarray(at), 0, { ...format, payloadBytes: 1_920 });
      wireBytes += frame.wire.length;
      at += frame.contentBytes;
    }
    expect(wireBytes).toBeLessThan(1.0087 * bytes.length);
  });

  it('is deflated with a window that fits the memory, smaller after a run that came to nothing', () => {
    const bits = (freeMemoryBytes: number, less = 0) =>
      packingFor({ inflate: 'deflate', freeMemoryBytes }, less, 5_000).windowBits;
    expect([bits(180_000), bits(100_000), bits(30_000), bits(20_000)]).toEqual([15, 14, 12, 0]);
    expect([bits(180_000, 3), bits(180_000, 9)]).toEqual([12, 0]);
  });

  it('goes in tokens where a board cannot inflate, as it is where that saves too little', async () => {
    const kind = (inflate: 'deflate' | null, savedBytes: number) =>
      packingFor({ inflate, freeMemoryBytes: 180_000 }, 0, savedBytes).kind;
    expect([kind(null, 2_000), kind(null, 900), kind('deflate', 900), kind('deflate', 50)]).toEqual(
      ['lz', 'none', 'deflate', 'none'],
    );
    const saved = (...contents: Uint8Array[]) =>
      bytesSaved(contents.map((bytes, at) => put(`${at}`, bytes) as PutOperation));
    const text = bytesOf('if value is None:\n    return\n'.repeat(300));
    expect(await saved(text)).toBeGreaterThan(8_000);
    expect(await saved(noise(200_000, 1))).toBeLessThan(0);
    expect(await saved(bytesOf('print(1)\n'))).toBeLessThan(10);
    expect(await saved()).toBe(0);
    expect(await saved(noise(9_000, 1), ...Array.from({ length: 99 }, () => text))).toBeGreaterThan(
      500_000,
    );
  });

  it("goes in larger pieces over a board's own USB, not over a bridge", () => {
    expect([
      hasBackPressure('2e8a'),
      hasBackPressure('303A'),
      hasBackPressure('10c4'),
      hasBackPressure(null),
    ]).toEqual([true, true, false, false]);
  });
});

describe('an agent that is gone', () => {
  const seen = (...parts: string[]) => {
    const watch = new PromptWatch();
    return (
      parts.map((part) => watch.push(Buffer.from(part, 'latin1'))).find((each) => each !== null) ??
      null
    );
  };

  it('shows by a soft reset, a prompt, a banner, or a traceback, however they are cut', () => {
    expect(seen('MPY: soft re', 'boot\r\n')).toBe('reset');
    expect(seen('\r\n>>', '> ')).toBe('reset');
    expect(seen('MicroPython v1.27.0 on 2025-12-09; some board')).toBe('reset');
    expect(seen('\x04Traceback (most recent', ' call last):\r\n')).toBe('ended');
    expect(seen('\x04MemoryError: \r\n\x04>')).toBe('ended');
  });

  it('is not seen in what a user prints', () => {
    expect(seen('>>> not a prompt\r\n', 'Traceback of mine\r\n', 'soft rebooting\r\n')).toBeNull();
  });
});
