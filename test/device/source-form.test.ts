import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bootSum, deflatedExec, helperPart } from '../../src/device/helper-source.js';
import { execIn, firstExec } from '../../src/device/source-form.js';

const STREAM = ['list-ilistdir', 'put-raw', 'hash-sha256', 'check-crc32', 'stream', 'list', 'read'];

describe('a source on its way to the board', () => {
  it('goes deflated where the board inflates and that makes it shorter', () => {
    const long = helperPart('stream');
    expect(execIn('deflated', long)).toEqual(deflatedExec(long));
    expect(execIn('plain', long)).toContain(long);
    expect(execIn('deflated', 'print(1)')).toContain("rb'''print(1)'''");
  });

  it('goes packed where the board cannot inflate, as bytes that a literal holds', () => {
    const parts = readdirSync(new URL('../../firmware-helpers/', import.meta.url))
      .filter((file) => file.endsWith('.py') && !/^(boot|tiny-|deflate)/.test(file))
      .map((file) => file.slice(0, -3));
    const door = helperPart('boot-packed').length + 1;
    const execs = [
      ...parts.map((part) => execIn('packed', helperPart(part).padEnd(200))),
      firstExec('packed', parts).subarray(door),
    ];
    for (const exec of execs) {
      const text = Buffer.from(exec as Uint8Array).toString('latin1');
      const [, literal = '', sum] = /^_belay\(b'''([\s\S]*)''',(\d+),1\)$/.exec(text) ?? [];
      expect(literal).not.toMatch(/[\x00-\x04\r]|'''/);
      const bytes = literal.replace(/\\(?:([0-7]{1,3})|([\s\S]))/g, (_, octal, other) =>
        octal === undefined
          ? other === 'r'
            ? '\r'
            : other
          : String.fromCharCode(Number.parseInt(octal, 8)),
      );
      expect(bootSum(Buffer.from(bytes, 'latin1'))).toBe(Number(sum));
    }
  });

  it('stays small: what a plain backup of a current board sends', () => {
    const sizeBytes = firstExec('deflated', STREAM).length;
    console.log(`the agent for a plain backup: ${sizeBytes} bytes on the wire`);
    expect(sizeBytes).toBeLessThan(2100);
    expect(firstExec('packed', STREAM).length).toBeLessThan(2600);
  });
});
