import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LineReader } from '../../src/transport/line-reader.js';
import { bytesOf } from '../support/scripted-port.js';

it('gives lines out as they are complete, whatever byte they hold', () => {
  const reader = new LineReader();
  expect(reader.push(bytesOf('one\r\ntw'))).toEqual([{ text: 'one', cut: false }]);
  expect(reader.push(bytesOf('o\n\n\xff\x00\r\nrest'))).toEqual([
    { text: 'two', cut: false },
    { text: '', cut: false },
    { text: '\xff\x00', cut: false },
  ]);
  expect(reader.takeRest()).toBe('rest');
  expect(reader.takeRest()).toBe('');
});

it('gives the same lines however the bytes are cut', () => {
  const line = fc.string({
    unit: fc
      .integer({ min: 0, max: 255 })
      .filter((byte) => byte !== 10 && byte !== 13)
      .map((byte) => String.fromCharCode(byte)),
    maxLength: 30,
  });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), fc.array(fc.nat(40)), (lines, cuts) => {
      const bytes = bytesOf(lines.map((text) => `${text}\r\n`).join(''));
      const reader = new LineReader({ lineBytesMax: 64 });
      const seen: string[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        seen.push(...reader.push(bytes.subarray(at, at + cut)).map((item) => item.text));
        at += cut;
      }
      seen.push(...reader.push(bytes.subarray(at)).map((item) => item.text));
      expect(seen).toEqual(lines);
    }),
  );
});

it('cuts a line that does not end, and finds the next one', () => {
  const reader = new LineReader({ lineBytesMax: 10 });
  const seen = [];
  for (let round = 0; round < 100; round += 1) seen.push(...reader.push(bytesOf('xxxxxxx')));
  seen.push(...reader.push(bytesOf('x\nnext\n')));
  expect(seen).toEqual([
    { text: 'xxxxxxxxxx', cut: true },
    { text: 'next', cut: false },
  ]);
});
