import { describe, expect, it } from 'vitest';
import { deflatedExec, helperPart } from '../../src/device/helper-source.js';
import { execIn, firstExec } from '../../src/device/source-form.js';

const STREAM = ['list-ilistdir', 'put-raw', 'hash-sha256', 'check-crc32', 'stream', 'list', 'read'];

describe('a source on its way to the board', () => {
  it('goes deflated where the board inflates and that makes it shorter', () => {
    const long = helperPart('stream');
    expect(execIn('deflated', long)).toEqual(deflatedExec(long));
    expect(execIn('plain', long)).toContain(long);
    expect(execIn('deflated', 'print(1)')).toContain("rb'''print(1)'''");
  });

  it('stays small: what a plain backup of a current board sends', () => {
    const sizeBytes = firstExec('deflated', STREAM).length;
    console.log(`the agent for a plain backup: ${sizeBytes} bytes on the wire`);
    expect(sizeBytes).toBeLessThan(2100);
  });
});
