import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameIntake } from '../../src/device/frame-intake.js';
import { FrameOrder } from '../../src/device/frame-order.js';
import {
  encodeFrame,
  FRAME_PAYLOAD_BYTES,
  type Frame,
  FrameDecoder,
  type FrameFormat,
  LONG_FRAME_PAYLOAD_BYTES,
  SEQUENCE_MODULO,
  SEQUENCES_AHEAD,
} from '../../src/device/frames.js';
import { TextFrameDecoder } from '../../src/device/text-frames.js';

const format: FrameFormat = {
  check: 'crc32',
  nonce: 123456789,
  payloadBytes: FRAME_PAYLOAD_BYTES,
};

function decodeAll(
  bytes: Uint8Array,
  cuts: readonly number[],
  frameFormat = format,
  first = 0,
): Frame[] {
  const decoder = new FrameDecoder(frameFormat, first);
  const frames: Frame[] = [];
  const take = (frame: Frame) => frames.push(frame) > 0;
  const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  let at = 0;
  for (const end of ends) {
    decoder.push(bytes.slice(at, end), take);
    at = end;
  }
  decoder.flush(take);
  return frames;
}

const FULL = { minLength: FRAME_PAYLOAD_BYTES, maxLength: FRAME_PAYLOAD_BYTES };
/** How long full frames are, and payloads that are as long, and shorter ones. */
const streams = fc
  .constantFrom(48, FRAME_PAYLOAD_BYTES, LONG_FRAME_PAYLOAD_BYTES)
  .chain((payloadBytes) => {
    const full = { minLength: payloadBytes, maxLength: payloadBytes };
    const payload = fc.oneof(fc.uint8Array({ maxLength: payloadBytes }), fc.uint8Array(full));
    return fc.record({
      payloadBytes: fc.constant(payloadBytes),
      parts: fc.array(payload, { minLength: 1, maxLength: 6 }),
    });
  });

describe('frames from the board', () => {
  it('are not taken for others where only the number in their first byte is damaged', () => {
    const payload = Uint8Array.from({ length: FRAME_PAYLOAD_BYTES }, (_, at) => (at * 7) & 127);
    for (const nonce of [0, 77, 123_456_789, 0x3fffffff]) {
      for (let sequence = 0; sequence < 160; sequence += 9) {
        const whole = encodeFrame({ ...format, nonce }, 'data', sequence, payload);
        for (let bits = 1; bits < 16; bits += 1) {
          const damaged = Uint8Array.from(whole);
          damaged[0] = (damaged[0] as number) ^ bits;
          expect(decodeAll(damaged, [], { ...format, nonce }, sequence)).toEqual([]);
        }
      }
    }
  });

  it('come out as they went in, however the bytes are split', () => {
    fc.assert(
      fc.property(
        streams,
        fc.array(fc.nat()),
        fc.constantFrom('crc32' as const, 'sha256' as const, 'fletcher' as const),
        ({ parts, payloadBytes }, cuts, check) => {
          const own = { check, nonce: 77, payloadBytes };
          const bytes = Buffer.concat(
            parts.map((payload, at) => encodeFrame(own, 'data', at, payload)),
          );
          const frames = decodeAll(bytes, cuts, own);
          expect(frames.map((frame) => Buffer.from(frame.payload))).toEqual(
            parts.map((payload) => Buffer.from(payload)),
          );
          expect(frames.map((frame) => frame.sequence)).toEqual(parts.map((_, at) => at));
        },
      ),
    );
  });

  const kinds = fc.constantFrom('data' as const, 'busy' as const, 'hello' as const, 'end' as const);
  const anyFrame = fc.record({
    kind: kinds,
    sequence: fc.nat({ max: 20_000 }),
    payload: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array(FULL)),
  });
  /** As a board sends them: numbers never go back, and never on by more than the most. */
  const inOrder = fc
    .tuple(
      fc.nat({ max: 20_000 }),
      fc.array(fc.tuple(anyFrame, fc.nat({ max: SEQUENCES_AHEAD - 1 })), { maxLength: 12 }),
    )
    .map(([first, steps]) => {
      let next = first;
      const frames = steps.map(([frame, ahead]) => {
        const sequence = next + ahead;
        next = frame.kind === 'data' ? sequence + 1 : sequence;
        return { ...frame, sequence };
      });
      return { first, frames };
    });

  it('keep their kind, the end of their number and their payload, empty or full', () => {
    fc.assert(
      fc.property(inOrder, fc.array(fc.nat()), ({ first, frames: sent }, cuts) => {
        const bytes = Buffer.concat(
          sent.map((each) => encodeFrame(format, each.kind, each.sequence, each.payload)),
        );
        expect(
          decodeAll(bytes, cuts, format, first).map((each) => ({
            ...each,
            payload: [...each.payload],
          })),
        ).toEqual(
          sent.map(({ kind, sequence, payload }) => ({
            kind,
            sequence: sequence % SEQUENCE_MODULO,
            payload: [...payload],
          })),
        );
      }),
    );
  });

  it('and what is none of them account for every byte, however it came', () => {
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc
        .array(fc.constantFrom(0xc1, 0xbe, 0xf0, 0xff, 0x41), { maxLength: 9 })
        .map((bytes) => Uint8Array.from(bytes)),
    );
    const piece = fc.oneof(
      anyFrame.map((each) => encodeFrame(format, each.kind, each.sequence, each.payload)),
      text,
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 15 }), fc.array(fc.nat()), (pieces, cuts) => {
        const bytes = Buffer.concat(pieces);
        const decoder = new FrameDecoder(format);
        let framed = 0;
        const take = ({ kind, sequence, payload }: Frame) => {
          framed += encodeFrame(format, kind, sequence, payload).length;
          return true;
        };
        let at = 0;
        for (const end of [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
          (a, b) => a - b,
        )) {
          decoder.push(bytes.subarray(at, end), take);
          at = end;
          const { strayBytes, pendingBytes, tail } = decoder;
          expect(framed + strayBytes + pendingBytes).toBe(at);
          expect([...tail]).toEqual([...bytes.subarray(at - Math.min(16, pendingBytes), at)]);
        }
        decoder.flush(take);
        expect([framed + decoder.strayBytes, decoder.pendingBytes]).toEqual([bytes.length, 0]);
      }),
    );
  });

  it('come out of a stream of any length, one after the other', () => {
    const sent = Array.from({ length: 60 }, (_, at) => new Uint8Array((at * 97) % 1000).fill(at));
    const bytes = Buffer.concat(
      sent.map((payload, at) => encodeFrame(format, 'data', at, payload)),
    );
    for (const pieceBytes of [700, 8_192, 9_000, bytes.length]) {
      const decoder = new FrameDecoder(format);
      const found: Frame[] = [];
      for (let at = 0; at < bytes.length; at += pieceBytes)
        decoder.push(bytes.subarray(at, at + pieceBytes), (frame) => found.push(frame) > 0);
      expect(found.map(({ payload }) => Buffer.from(payload))).toEqual(
        sent.map((each) => Buffer.from(each)),
      );
      expect([decoder.strayBytes, decoder.badFrames, decoder.pendingBytes]).toEqual([0, 0, 0]);
    }
  });

  it('are counted as bad where all but the check is right', () => {
    const clean = encodeFrame(format, 'data', 1, Uint8Array.of(1, 2, 3, 4));
    const decoder = new FrameDecoder(format);
    for (const place of [-1, -5]) {
      const bad = Uint8Array.from(clean);
      bad[bad.length + place] = (bad.at(place) as number) ^ 1;
      decoder.push(bad, () => expect.unreachable());
    }
    expect(decoder.badFrames).toBe(2);
    decoder.push(clean, (frame) => frame.sequence === 1);
    expect([decoder.badFrames, decoder.strayBytes]).toEqual([2, 2 * clean.length]);
  });

  it('stay where they are behind the one at which the reader stopped', () => {
    const bytes = Buffer.concat(
      [0, 1, 2].map((at) => encodeFrame(format, 'data', at, Uint8Array.of(at))),
    );
    const decoder = new FrameDecoder(format);
    const found: number[] = [];
    const one = ({ sequence }: Frame) => {
      found.push(sequence);
      return false;
    };
    decoder.push(bytes, one);
    expect([found, decoder.pendingBytes]).toEqual([[0], (bytes.length / 3) * 2]);
    decoder.push(new Uint8Array(0), one);
    decoder.flush(one);
    expect([found, decoder.pendingBytes]).toEqual([[0, 1, 2], 0]);
  });

  it('are found between a program that prints, also where its text looks like a mark', () => {
    const noise = Buffer.from('temperature 21.5\r\n\xc1\xbe\xc1', 'latin1');
    const frames = [0, 1, 2].map((at) => encodeFrame(format, 'data', at, Uint8Array.of(at, 4, 3)));
    const decoder = new FrameDecoder(format);
    const found: number[] = [];
    for (const frame of frames)
      decoder.push(Buffer.concat([noise, frame]), (each) => found.push(each.sequence) > 0);
    expect(found).toEqual([0, 1, 2]);
    expect(decoder.strayBytes).toBe(3 * noise.length);
  });

  it('are lost alone when a byte is dropped, flipped or added, and never come out wrong', () => {
    const damage = fc.record({
      kind: fc.constantFrom('drop', 'flip', 'insert'),
      at: fc.nat(),
      value: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(streams, fc.array(damage, { maxLength: 3 }), (stream, accidents) => {
        const { parts, payloadBytes } = stream;
        const own = { ...format, payloadBytes };
        const clean = parts.map((payload, at) => encodeFrame(own, 'data', at, payload));
        const hit = new Set<number>();
        const pieces = clean.map((frame) => Uint8Array.from(frame));
        for (const { kind, at, value } of accidents) {
          const index = at % pieces.length;
          const piece = pieces[index] as Uint8Array;
          if (piece.length === 0) continue;
          const place = at % piece.length;
          hit.add(index);
          if (kind === 'flip') piece[place] = (piece[place] as number) ^ value;
          else
            pieces[index] = Buffer.concat([
              piece.subarray(0, place),
              kind === 'insert' ? Uint8Array.of(value) : piece.subarray(0, 0),
              piece.subarray(kind === 'drop' ? place + 1 : place),
            ]);
        }
        const frames = decodeAll(Buffer.concat(pieces), [], own);
        for (const frame of frames)
          expect(Buffer.from(frame.payload)).toEqual(
            Buffer.from(parts[frame.sequence] as Uint8Array),
          );
        const came = new Set(frames.map((frame) => frame.sequence));
        for (const [index] of parts.entries())
          if (!hit.has(index)) expect(came.has(index)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('say again where the stream stands after more than the most were lost', () => {
    const full = (sequence: number) =>
      encodeFrame(format, 'data', sequence, new Uint8Array(FRAME_PAYLOAD_BYTES).fill(sequence));
    const far = SEQUENCES_AHEAD + 2;
    const bytes = Buffer.concat([
      full(0),
      full(far),
      encodeFrame(format, 'busy', far + 1, new Uint8Array(0)),
      full(far + 1),
    ]);
    expect(decodeAll(bytes, []).map(({ kind, sequence }) => [kind, sequence])).toEqual([
      ['data', 0],
      ['busy', far + 1],
      ['data', far + 1],
    ]);
  });

  it('cost five bytes besides their payload where they are full, and are no multiple of 64', () => {
    for (const payloadBytes of [FRAME_PAYLOAD_BYTES, LONG_FRAME_PAYLOAD_BYTES]) {
      const own = { ...format, payloadBytes };
      const { length } = encodeFrame(own, 'data', 5000, new Uint8Array(payloadBytes));
      expect(length).toBe(payloadBytes + 5);
      expect(length).toBeLessThanOrEqual(payloadBytes === FRAME_PAYLOAD_BYTES ? 1024 : 2048);
      expect(length % 64).not.toBe(0);
    }
  });

  it('end the stream at once, also behind what may be the beginning of a full frame', () => {
    const full = encodeFrame(format, 'data', 1, new Uint8Array(FRAME_PAYLOAD_BYTES).fill(0xf3));
    const end = encodeFrame(format, 'end', 2, Uint8Array.of(0));
    const damaged = Buffer.concat([full.subarray(0, 500), full.subarray(501)]);
    for (const pieceBytes of [1, 100, 5000]) {
      const decoder = new FrameDecoder(format);
      const found: string[] = [];
      const bytes = Buffer.concat([damaged, end]);
      for (let at = 0; at < bytes.length; at += pieceBytes)
        decoder.push(bytes.subarray(at, at + pieceBytes), (each) => found.push(each.kind) > 0);
      expect(found).toEqual(['end']);
    }
  });

  it('of an earlier exec are no frames of this one', () => {
    const decoder = new FrameDecoder({ ...format, nonce: format.nonce + 1 });
    decoder.push(encodeFrame(format, 'data', 0, Uint8Array.of(1, 2, 3)), () =>
      expect.unreachable(),
    );
    decoder.flush(() => expect.unreachable());
  });

  it('leave what follows to the prompt when the reader stops', () => {
    const decoder = new FrameDecoder(format);
    decoder.push(
      Buffer.concat([encodeFrame(format, 'end', 5, Uint8Array.of(0)), Buffer.from('\x04\x04>')]),
      () => false,
    );
    expect(decoder.pendingBytes).toBe(3);
  });

  it.each(['base64', 'hex', 'repr'] as const)('travel as lines of %s', (rung) => {
    const frame = encodeFrame(
      format,
      'data',
      7,
      Uint8Array.from({ length: 300 }, (_, at) => at & 255),
    );
    const line = {
      base64: Buffer.from(frame).toString('base64'),
      hex: Buffer.from(frame).toString('hex'),
      repr: `b'${[...frame].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}'`,
    }[rung];
    const decoder = new TextFrameDecoder(rung, new FrameDecoder(format));
    const found: Frame[] = [];
    for (const byte of Buffer.from(`hello\r\n${line}\r\nprinted\r\n`))
      decoder.push(Uint8Array.of(byte), (each) => found.push(each) > 0);
    expect(found).toHaveLength(1);
    expect(found[0]?.payload).toHaveLength(300);
  });
});

describe('the stream of a job', () => {
  it('comes whole and once, also where frames become smaller on the way', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 900 }),
        fc.nat(100),
        fc.nat(100),
        fc.tuple(fc.integer({ min: 20, max: 99 }), fc.integer({ min: 1, max: 19 })),
        (stream, cut, back, [large, small]) => {
          const got: number[] = [];
          const intake = new FrameIntake((payload) => got.push(...payload));
          const send = (size: number, from: number, frames: number) => {
            // Before a restart point a frame holds whatever the buffer held.
            const made = Uint8Array.from(stream, (byte, at) => (at < from ? 0xee : byte));
            for (let number = Math.floor(from / size); number < frames; number += 1)
              intake.order.accept(
                number,
                made.subarray(number * size, (number + 1) * size),
                intake.deliver,
              );
          };
          send(large, 0, Math.min(cut, Math.floor(stream.length / large)));
          const restart = Math.max(0, got.length - back);
          intake.resize(restart, small);
          send(small, restart, Math.ceil(stream.length / small));
          expect(got).toEqual([...stream]);
        },
      ),
    );
  });
});

describe('the order of frames', () => {
  it('follows a board that passes over more frames than the numbers can tell', () => {
    const order = new FrameOrder();
    for (let number = 0; number < 5000; number += 1)
      if (number !== 4900) order.accept(number % SEQUENCE_MODULO, Uint8Array.of(1), () => {});
    order.end(5000 % SEQUENCE_MODULO);
    expect(order.missing(9)).toEqual([4900]);
    order.begin(0);
    for (let number = 127; number < 4900; number += 128) order.pass(number % SEQUENCE_MODULO);
    order.accept(4900 % SEQUENCE_MODULO, Uint8Array.of(2), () => {});
    expect(order.complete).toBe(true);
  });

  it('is restored whatever arrives when, across the wrap of the numbers', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9000 }),
        fc.uniqueArray(fc.nat({ max: 8999 }), { maxLength: 20 }),
        (total, lost) => {
          const order = new FrameOrder();
          const delivered: number[] = [];
          const payloadOf = (number: number) => Uint8Array.of(number >> 8, number & 255);
          const deliver = (payload: Uint8Array) =>
            delivered.push(((payload[0] as number) << 8) | (payload[1] as number));
          order.begin(0);
          for (let number = 0; number < total; number += 1)
            if (!lost.includes(number))
              order.accept(number % SEQUENCE_MODULO, payloadOf(number), deliver);
          order.end(total % SEQUENCE_MODULO);
          const asked: number[] = [];
          for (let missing = order.missing(3); missing.length > 0; missing = order.missing(3)) {
            asked.push(...missing);
            order.begin(missing[0] as number);
            for (const number of missing)
              order.accept(number % SEQUENCE_MODULO, payloadOf(number), deliver);
          }
          expect(asked).toEqual(lost.filter((number) => number < total).sort((a, b) => a - b));
          expect(delivered).toEqual(Array.from({ length: total }, (_, number) => number));
          expect(order.complete).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
