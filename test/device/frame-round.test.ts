import { describe, expect, it } from 'vitest';
import { SILENCE_MS_MAX } from '../../src/core/limits.js';
import { FrameOrder } from '../../src/device/frame-order.js';
import { FrameRound } from '../../src/device/frame-round.js';
import { encodeFrame, FRAME_PAYLOAD_BYTES } from '../../src/device/frames.js';

const FORMAT = { check: 'crc32', nonce: 5, payloadBytes: FRAME_PAYLOAD_BYTES } as const;
const frame = (sequence: number, text: string) =>
  encodeFrame(FORMAT, 'data', sequence, Buffer.from(text));

function round(first = 0): {
  readonly round: FrameRound;
  readonly taken: string[];
  readonly order: FrameOrder;
} {
  const taken: string[] = [];
  const parts = {
    ...FORMAT,
    output: 'raw',
    order: new FrameOrder(first),
    take: (payload: Uint8Array) => void taken.push(Buffer.from(payload).toString()),
    begun: () => {},
    stop: () => {},
  } as const;
  return { round: new FrameRound(parts), taken, order: parts.order };
}

describe('a board that is read', () => {
  it('sends a lost frame again from far behind the point at which it began', () => {
    const { round: reading, taken, order } = round(4900);
    order.begin(0);
    for (let number = 127; number < 4900; number += 128)
      reading.push(encodeFrame(FORMAT, 'busy', number, new Uint8Array(0)));
    reading.push(frame(4900, 'found'));
    expect(taken).toEqual(['found']);
  });

  it('and resets itself is not waited for as long as one that is silent', () => {
    const { round: reading } = round();
    reading.push(frame(0, 'content'));
    expect(reading.silenceMsMax()).toBe(SILENCE_MS_MAX);
    // In the middle of a frame: the decoder still waits for the rest of it.
    reading.push(frame(1, 'more of the content').subarray(0, 12));
    reading.push(
      Buffer.from('\r\nMPY: soft reboot\r\nMicroPython v1.27.0 on 2025-12-09; Board\r\n>>> '),
    );
    expect(reading.silenceMsMax()).toBeLessThan(SILENCE_MS_MAX / 2);
  });

  it('may hold a text that looks like a reset: the next frame shows that it was content', () => {
    const { round: reading, taken } = round();
    const log = 'MPY: soft reboot\r\nMicroPython v1.27.0 on 2025-12-09; Board\r\n>>> ';
    reading.push(frame(0, log));
    reading.push(frame(1, 'the end of the log'));
    expect(reading.silenceMsMax()).toBe(SILENCE_MS_MAX);
    expect(taken).toEqual([log, 'the end of the log']);
  });
});
