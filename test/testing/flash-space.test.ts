/**
 * The model of the flash beside the real thing. The figures are of lfs2.c itself (MicroPython
 * 1.29's copy), compiled for a computer over a block device that counts: blocks of 4,096, read size
 * 32, caches of four programs, lookahead 32, block_cycles 100, a time stamp of 8 bytes on every
 * file, as extmod/vfs_lfsx.c sets it up; each file written in pieces of 512 bytes.
 */
import { describe, expect, it } from 'vitest';
import { FlashHandles } from '../../src/testing/flash-handles.js';
import { FlashSpace } from '../../src/testing/flash-space.js';
import { FlashTree } from '../../src/testing/flash-tree.js';

const CREATE = 0o1101;

type Step =
  | readonly ['mkdir', string]
  | readonly ['put', string, number]
  | readonly ['rename', string, string]
  | readonly ['remove', string];

/** What the flash is held up for, with 45 ms an erase and 0.4 ms for 256 bytes. */
function stallMs(programBytes: number, steps: readonly Step[]): number {
  let total = 0;
  const geometry = {
    flashBytes: 8 << 20,
    blockBytes: 4096,
    programBytes,
    eraseMs: 45,
    pageMs: 0.4,
  };
  const space = new FlashSpace(geometry, (ms) => {
    total += ms;
  });
  const nothing = () => {};
  const tree = new FlashTree({
    space,
    journal: { put: nothing, makeFolder: nothing, remove: nothing, rename: nothing },
    nowS: () => 0,
    readOnly: false,
    nameBytesMax: 255,
    byteLength: (text) => text.length,
  });
  const handles = new FlashHandles(tree);
  for (const step of steps) {
    if (step[0] === 'mkdir') expect(tree.makeFolder(step[1])).toBe(0);
    else if (step[0] === 'rename') expect(tree.rename(step[1], step[2])).toBe(0);
    else if (step[0] === 'remove') expect(tree.remove(step[1], 'file')).toBe(0);
    else {
      const file = handles.open(step[1], CREATE);
      for (let left = step[2]; left > 0; left -= 512)
        expect(handles.write(file, new Uint8Array(Math.min(left, 512)))).toBeGreaterThan(0);
      expect(handles.close(file)).toBe(0);
    }
  }
  return total;
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const folders = range(10).map((n): Step => ['mkdir', `part${n}`]);
const place = (n: number) => `part${n % 10}/item_${n}.py`;
const small = range(500);
/** 200 files of 0 to 8,999 bytes. */
const mixed = range(200).map((n): Step => ['put', `f${n}`, (n * 7919) % 9000]);

const CASES: Readonly<Record<string, readonly Step[]>> = {
  'one file of 204,800 bytes': [['put', 'big', 204_800]],
  '500 files of 200 bytes in 10 folders': [
    ...folders,
    ...small.map((n): Step => ['put', place(n), 200]),
  ],
  '500 files of 200 bytes beside each other, then moved to 10 folders': [
    ...small.map((n): Step => ['put', `.blb~${n}`, 200]),
    ...folders,
    ...small.map((n): Step => ['rename', `.blb~${n}`, place(n)]),
  ],
  '200 files of up to 8,999 bytes, every third deleted': [
    ...mixed,
    ...range(66).map((n): Step => ['remove', `f${3 * n}`]),
  ],
  '60 files of 200 bytes, each renamed where it is': [
    ...range(60).map((n): Step => ['put', `.blb~${n}`, 200]),
    ...range(60).map((n): Step => ['rename', `.blb~${n}`, `item_${n}.py`]),
  ],
};

describe('the flash takes as long as LittleFS, within a tenth, for', () => {
  it.each([
    ['one file of 204,800 bytes', 2617, 2616],
    ['500 files of 200 bytes in 10 folders', 7454, 23742],
    ['500 files of 200 bytes beside each other, then moved to 10 folders', 15883, 25803],
    ['200 files of up to 8,999 bytes, every third deleted', 18818, 16934],
    ['60 files of 200 bytes, each renamed where it is', 2091, 3076],
  ])('%s', (name, at256, at32) => {
    const steps = CASES[name] as readonly Step[];
    const off = (programBytes: number, real: number) => stallMs(programBytes, steps) / real - 1;
    expect(Math.abs(off(256, at256)), `${stallMs(256, steps)} ms`).toBeLessThan(0.1);
    expect(Math.abs(off(32, at32)), `${stallMs(32, steps)} ms`).toBeLessThan(0.1);
  });
});
