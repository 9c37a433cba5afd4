import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileSpool } from '../../src/archive/file-spool.js';
import { MemorySpool } from '../../src/archive/spool.js';
import { RecordingDisk } from '../support/archive-disk.js';

const PATH = '/b/.belay-1-00.tmp';

/** Lengths beyond the piece in which a spool moves to the disk, too. */
const step = fc.oneof(
  fc.record({ append: fc.oneof(fc.nat({ max: 40 }), fc.constant(70_000)) }),
  fc.record({ truncate: fc.nat({ max: 100 }) }),
);

describe('a spool that outgrows its memory', () => {
  it('holds what one in memory holds, wherever it goes to the disk', async () => {
    const cases = fc.asyncProperty(fc.array(step), fc.nat({ max: 200 }), async (steps, limit) => {
      const disk = new RecordingDisk();
      const spool = new FileSpool(disk, PATH, limit);
      const model = new MemorySpool();
      let value = 0;
      for (const each of steps) {
        const bytes = new Uint8Array('append' in each ? each.append : 0).map(() => value++ & 255);
        for (const one of [spool, model]) {
          if ('append' in each) await one.append(bytes);
          else await one.truncate(each.truncate);
        }
      }
      expect(spool.sizeBytes).toBe(model.sizeBytes);
      const all = await spool.read(0, spool.sizeBytes);
      expect(Buffer.compare(all, await model.read(0, model.sizeBytes))).toBe(0);
      await spool.remove();
      expect([disk.names(), disk.openFiles]).toEqual([[], 0]);
    });
    await fc.assert(cases);
  });

  it('touches no disk before it must', async () => {
    const disk = new RecordingDisk();
    const spool = new FileSpool(disk, PATH, 10);
    await spool.append(new Uint8Array(10));
    await spool.truncate(5);
    expect(disk.operations).toEqual([]);
    await spool.append(new Uint8Array(6));
    expect(disk.names()).toEqual([PATH]);
  });

  it('takes and gives nothing once it was removed, which may be said twice', async () => {
    const disk = new RecordingDisk();
    const spool = new FileSpool(disk, PATH, 0);
    await spool.append(Uint8Array.of(1, 2));
    await spool.remove();
    await spool.remove();
    await spool.append(Uint8Array.of(3));
    await spool.truncate(0);
    expect(await spool.read(0, 1)).toEqual(new Uint8Array(0));
    expect(disk.names()).toEqual([]);
  });
});
