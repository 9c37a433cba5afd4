import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ByteTail,
  bytesOfText,
  escapeBytes,
  joinBytes,
  RAW_BANNER,
  send,
  textOfBytes,
} from '../../src/transport/raw-repl.js';

const bytes = fc.uint8Array({ maxLength: 60 });

describe('what a board said, in a message', () => {
  it('is printable as it is, and escaped where it is not', () => {
    expect(escapeBytes(bytesOfText('>>> print(1)\r\n'))).toBe('>>> print(1)\\r\\n');
    expect(escapeBytes(Uint8Array.of(0x1b, 0x5b, 0x7f, 0xff, 0x5c, 0))).toBe(
      '\\x1b[\\x7f\\xff\\\\\\x00',
    );
    expect(escapeBytes(new Uint8Array(0))).toBe('');
  });

  it('never holds a control character, and differs where the bytes do', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [left, right] = [escapeBytes(a), escapeBytes(b)];
        expect(left).toMatch(/^[ -~]*$/);
        expect(left === right).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });

  it('is its end, with a mark where more was before it', () => {
    const text = bytesOfText('abcdef');
    expect([escapeBytes(text, 6), escapeBytes(text, 5)]).toEqual(['abcdef', '…bcdef']);
    expect(escapeBytes(bytesOfText('x'.repeat(161)))).toBe(`…${'x'.repeat(160)}`);
  });
});

describe('the tail of a conversation', () => {
  it('holds the last bytes, however they came', () => {
    fc.assert(
      fc.property(fc.array(bytes), fc.integer({ min: 1, max: 100 }), (pieces, length) => {
        const tail = new ByteTail(length);
        for (const piece of pieces) tail.push(piece);
        const all = joinBytes(pieces);
        expect(Buffer.compare(tail.bytes, all.slice(-length))).toBe(0);
      }),
    );
  });

  it('is a copy: the bytes of a read may be used again', () => {
    const read = Uint8Array.of(1, 2, 3);
    const tail = new ByteTail(10);
    tail.push(read);
    read.fill(9);
    expect(tail.bytes).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe('bytes and text', () => {
  it('are joined in their order; one piece is not copied', () => {
    const one = Uint8Array.of(1, 2);
    expect(joinBytes([one])).toBe(one);
    expect(joinBytes([one, Uint8Array.of(), Uint8Array.of(3)])).toEqual(Uint8Array.of(1, 2, 3));
    expect(joinBytes([])).toEqual(new Uint8Array(0));
  });

  it('have one character a byte, so that a pattern finds its place', () => {
    const noise = Uint8Array.of(0xc3, 0xff, 0x80);
    const said = joinBytes([noise, bytesOfText('raw REPL; CTRL-B to exit\r\n>')]);
    const text = textOfBytes(said);
    expect(text).toHaveLength(said.length);
    expect(RAW_BANNER.exec(text)?.index).toBe(noise.length);
    expect(RAW_BANNER.test('raw REPL; CTRL-B to exit\n>')).toBe(true);
    expect(RAW_BANNER.test('raw REPL; CTRL-B to exit\r\n')).toBe(false);
  });

  it('go out as UTF-8', () => {
    expect(bytesOfText('é')).toEqual(Uint8Array.of(0xc3, 0xa9));
    expect(send(3, 4)).toEqual({ kind: 'send', bytes: Uint8Array.of(3, 4) });
  });
});
