/** Archives on disk: whole or not at all. faults.md G6, H1, H2, H3, H4, H6. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BlbFileWriter, openBlb, TEMPORARY_NAME } from '../../src/archive/blb-file.js';
import { verifyBlb } from '../../src/archive/blb-reader.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import type { Disk } from '../../src/archive/disk.js';
import { BelayError } from '../../src/core/errors.js';
import { RecordingDisk } from '../support/archive-disk.js';
import { archiveOf, bytesOf, draftOf, newFile } from '../support/archive-making.js';

const signal = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), 'belay-blb-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

const OLD = await archiveOf({ 'old.py': 'old\n' });
/** Does not fit into the memory of the spool, and does not compress. */
const NOISE = new Uint8Array(randomBytes(140_000));
const SPOOL_MEMORY_BYTES = 50_000;
const name = () => 'new.blb';

function optionsFor(disk?: Disk) {
  const randomHex = (bytes: number) => randomBytes(bytes).toString('hex');
  return {
    compress: true,
    pid: 4711,
    randomHex,
    spoolMemoryBytes: SPOOL_MEMORY_BYTES,
    ...(disk === undefined ? {} : { disk }),
  };
}

function diskWithOld(): RecordingDisk {
  const disk = new RecordingDisk();
  disk.put('/backups/old.blb', OLD);
  return disk;
}

async function backup(disk: Disk, isBig: boolean): Promise<void> {
  const file = await BlbFileWriter.create('/backups', optionsFor(disk));
  try {
    await file.writer.addFile(newFile('main.py', bytesOf('print(1)\n')), bytesOf('print(1)\n'));
    file.writer.addFolder('lib');
    if (isBig) await addNoise(file);
    await file.commit(draftOf(), name);
  } catch (error) {
    await file.abort();
    throw error;
  }
}

async function addNoise(file: BlbFileWriter): Promise<void> {
  const meta = newFile('noise.bin', NOISE);
  const big = file.writer.beginFile(meta);
  for (let at = 0; at < NOISE.length; at += 70_000)
    await big.write(NOISE.subarray(at, at + 70_000));
  await big.end(meta);
}

async function isWhole(bytes: Uint8Array): Promise<boolean> {
  await verifyBlb(byteSourceOf(bytes, 'x'), { signal });
  return true;
}

describe('an archive in the making', () => {
  it('appears under its name when it is whole, and leaves nothing else', async () => {
    const file = await BlbFileWriter.create(folder, optionsFor());
    await file.writer.addFile(newFile('a.py', bytesOf('a')), bytesOf('a'));
    const { path, manifest, archiveBytes } = await file.commit(
      draftOf(),
      (each) => `${each.backupType}.blb`,
    );
    expect(path).toBe(`${folder}/full.blb`);
    expect(readdirSync(folder)).toEqual(['full.blb']);
    const source = await openBlb(path);
    const head = await verifyBlb(source, { signal });
    await source.close();
    await source.close();
    expect([head.manifest, head.archiveBytes]).toEqual([manifest, archiveBytes]);
    await file.abort();
    expect(readdirSync(folder)).toEqual(['full.blb']);
    rmSync(path);
  });

  it('never takes a name that exists, and may be committed under another', async () => {
    for (const hasLinks of [true, false]) {
      const disk = diskWithOld();
      disk.hasLinks = hasLinks;
      const file = await BlbFileWriter.create('/backups', optionsFor(disk));
      await expect(file.commit(draftOf(), () => 'old.blb')).rejects.toMatchObject({
        code: 'store/exists',
      });
      expect(disk.bytesOf('/backups/old.blb')).toEqual(OLD);
      await file.commit(draftOf(), name);
      expect(disk.names()).toEqual(['/backups/new.blb', '/backups/old.blb']);
    }
  });

  it('never takes a name that appears at the last moment', async () => {
    for (const hasLinks of [true, false]) {
      const disk = diskWithOld();
      disk.hasLinks = hasLinks;
      const file = await BlbFileWriter.create('/backups', optionsFor(disk));
      const beforeRename = async () => disk.put('/backups/new.blb', OLD);
      await expect(file.commit(draftOf(), name, { beforeRename })).rejects.toMatchObject({
        code: 'store/exists',
      });
      expect(disk.bytesOf('/backups/new.blb')).toEqual(OLD);
    }
  });

  it('is made once: what was committed or aborted cannot be committed', async () => {
    const { spoolMemoryBytes: _default, ...options } = optionsFor(diskWithOld());
    const file = await BlbFileWriter.create('/backups', options);
    const { path } = await file.commit(draftOf(), name);
    expect(path).toBe('/backups/new.blb');
    await expect(file.commit(draftOf(), () => 'other.blb')).rejects.toThrow(/before/);
    const aborted = await BlbFileWriter.create('/backups', options);
    await aborted.abort();
    await expect(aborted.commit(draftOf(), () => 'other.blb')).rejects.toThrow(/before/);
  });

  it('gives no bytes from behind its end', async () => {
    const disk = diskWithOld();
    const source = await openBlb('/backups/old.blb', disk);
    expect(await source.read(OLD.length - 2, 100)).toEqual(OLD.slice(-2));
    expect(await source.read(OLD.length, 1)).toEqual(new Uint8Array(0));
    expect(await source.read(OLD.length + 5, 1)).toEqual(new Uint8Array(0));
    await source.close();
    expect(disk.openFiles).toBe(0);
  });

  it('is gone after an abort, a cancel, or a refusal just before its name', async () => {
    const aborted = diskWithOld();
    const file = await BlbFileWriter.create('/backups', optionsFor(aborted));
    await addNoise(file);
    expect(
      aborted.names().some((each) => TEMPORARY_NAME.test(each.slice('/backups/'.length))),
    ).toBe(true);
    await file.abort();
    await file.abort();
    expect(aborted.names()).toEqual(['/backups/old.blb']);

    const controller = new AbortController();
    controller.abort();
    const refusals = [
      { options: { signal: controller.signal }, code: 'job/cancelled' },
      {
        options: {
          beforeRename: async () => {
            throw new BelayError('store/lock-lost', 'lock lost');
          },
        },
        code: 'store/lock-lost',
      },
    ] as const;
    for (const { options, code } of refusals) {
      const disk = diskWithOld();
      const refused = await BlbFileWriter.create('/backups', optionsFor(disk));
      await expect(refused.commit(draftOf(), name, options)).rejects.toMatchObject({ code });
      expect([disk.names(), disk.openFiles]).toEqual([['/backups/old.blb'], 0]);
    }
  });

  it('is refused where the disk gives back other bytes than it was given', async () => {
    const disk = diskWithOld();
    const forgetful: Disk = {
      ...bound(disk),
      createNew: async (path) => {
        const file = await disk.createNew(path);
        const write = (offset: number, bytes: Uint8Array) =>
          file.write(
            offset,
            offset === 0 ? bytes.map((byte, at) => (at === 700 ? byte ^ 1 : byte)) : bytes,
          );
        return { ...file, write };
      },
    };
    const file = await BlbFileWriter.create('/backups', optionsFor(forgetful));
    await expect(file.commit(draftOf(), name)).rejects.toMatchObject({ code: 'archive/damaged' });
    expect(disk.names()).toEqual(['/backups/old.blb']);
  });
});

function bound(disk: RecordingDisk): Disk {
  return {
    openToRead: (path) => disk.openToRead(path),
    createNew: (path) => disk.createNew(path),
    link: (from, to) => disk.link(from, to),
    rename: (from, to) => disk.rename(from, to),
    exists: (path) => disk.exists(path),
    remove: (path) => disk.remove(path),
    syncFolder: (path) => disk.syncFolder(path),
  };
}

describe('a disk that fails', () => {
  const expected: Readonly<Record<string, readonly [string, number]>> = {
    ENOSPC: ['store/full', 15],
    EDQUOT: ['store/full', 15],
    EACCES: ['store/permission', 1],
    EROFS: ['store/permission', 1],
    EIO: ['store/io', 1],
  };

  it('H1, H2, H3, H4: at any operation: the right code, no leftover, old archives untouched', {
    timeout: 60_000,
  }, async () => {
    let points = 0;
    for (const isBig of [false, true]) {
      for (const hasLinks of [true, false]) {
        const counting = diskWithOld();
        counting.hasLinks = hasLinks;
        await backup(counting, isBig);
        const total = counting.operations.length;
        for (const [code, [belayCode, exitCode]] of Object.entries(expected)) {
          for (let operation = 1; operation <= total; operation += 1) {
            const disk = diskWithOld();
            disk.hasLinks = hasLinks;
            disk.failAt = { operation, code };
            points += 1;
            const failure = await backup(disk, isBig).then(
              () => null,
              (error: unknown) => error,
            );
            const at = disk.operations[operation - 1]?.name;
            const context = `${code} at ${operation} (${at})`;
            expect([context, disk.openFiles]).toEqual([context, 0]);
            expect(disk.bytesOf('/backups/old.blb')).toEqual(OLD);
            const names = disk.names().filter((each) => each !== '/backups/old.blb');
            if (failure === null) {
              // Only what cannot matter any more may fail silently: cleaning up, and "no links here".
              expect([context, ['remove', 'link', 'close', 'exists']]).toEqual([
                context,
                expect.arrayContaining([at]),
              ]);
              expect(await isWhole(disk.bytesOf('/backups/new.blb') as Uint8Array)).toBe(true);
              continue;
            }
            expect(failure).toBeInstanceOf(BelayError);
            const { code: found, exitCode: status } = failure as BelayError;
            expect([context, found, status]).toEqual([context, belayCode, exitCode]);
            // A name that could not be removed is swept by the next run.
            if (at !== 'remove') expect([context, names]).toEqual([context, []]);
            expect(names.every((each) => each.endsWith('.tmp'))).toBe(true);
          }
        }
      }
    }
    console.log(`${points} fault points on the disk, each with its code and without a leftover`);
  });

  it('G6: whenever the power fails, an archive that has its name is whole', {
    timeout: 60_000,
  }, async () => {
    const counting = diskWithOld();
    await backup(counting, false);
    const total = counting.operations.length;
    let named = 0;
    for (let operation = 1; operation <= total + 1; operation += 1) {
      const disk = diskWithOld();
      const cuts: RecordingDisk[] = [];
      const cut = () => cuts.push(disk.afterPowerCut('least'), disk.afterPowerCut('names first'));
      disk.onOperation = (count) => {
        if (count === operation) cut();
      };
      await backup(disk, false);
      if (operation > total) cut();
      for (const after of cuts) {
        expect(after.bytesOf('/backups/old.blb')).toEqual(OLD);
        const bytes = after.bytesOf('/backups/new.blb');
        if (bytes === null) continue;
        named += 1;
        expect(await isWhole(bytes)).toBe(true);
      }
    }
    expect(named).toBeGreaterThan(0);
    const committed = diskWithOld();
    await backup(committed, false);
    expect(
      await isWhole(committed.afterPowerCut('least').bytesOf('/backups/new.blb') as Uint8Array),
    ).toBe(true);
  });

  it('H6: the temporary names lie in the target folder, with the process id', async () => {
    const disk = diskWithOld();
    await backup(disk, true);
    const created = disk.operations
      .filter((each) => each.name === 'create')
      .map((each) => each.path);
    expect(created).toHaveLength(2);
    for (const path of created) expect(path).toMatch(/^\/backups\/\.belay-4711-[0-9a-f]{16}\.tmp$/);
  });

  it('says what is missing or no file', async () => {
    await expect(openBlb(`${folder}/none.blb`)).rejects.toMatchObject({
      code: 'store/not-found',
      exitCode: 10,
    });
    await expect(openBlb(folder)).rejects.toMatchObject({ code: 'store/io' });
    const file = await BlbFileWriter.create(`${folder}/missing`, optionsFor());
    await expect(file.commit(draftOf(), name)).rejects.toMatchObject({ code: 'store/not-found' });
  });
});

describe('large files', () => {
  it('stream through in bounded memory', { timeout: 120_000 }, async () => {
    const block = new Uint8Array(randomBytes(1024 * 1024));
    const peaks: number[] = [];
    for (const megabytes of [16, 64]) {
      const file = await BlbFileWriter.create(folder, optionsFor());
      const { createHash } = await import('node:crypto');
      const hash = createHash('sha256');
      const big = file.writer.beginFile({
        path: 'big.bin',
        sizeBytes: megabytes * block.length,
        modifiedS: null,
      });
      const before = process.memoryUsage().rss;
      let peak = before;
      const started = performance.now();
      for (let at = 0; at < megabytes; at += 1) {
        block[0] = at;
        hash.update(block);
        await big.write(block);
        peak = Math.max(peak, process.memoryUsage().rss);
      }
      const meta = {
        path: 'big.bin',
        sizeBytes: megabytes * block.length,
        modifiedS: null,
      } as const;
      await big.end({ ...meta, sha256: hash.digest('hex'), checkedBy: 'sha256' });
      const { path } = await file.commit(draftOf(), () => `big${megabytes}.blb`);
      const seconds = (performance.now() - started) / 1000;
      peak = Math.max(peak, process.memoryUsage().rss);
      peaks.push(peak - before);
      console.log(
        `${megabytes} MiB of noise: ${((megabytes * 1.048576) / seconds).toFixed(0)} MB/s written and verified, ${Math.round((peak - before) / 1024)} KiB more memory`,
      );
      rmSync(path);
    }
    expect(Math.max(...peaks)).toBeLessThan(100 * 1024 * 1024);
  });
});
