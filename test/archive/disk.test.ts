/** The disk seam on this computer: what Node says, passed on as it is or as a BelayError. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { diskCodeOf, diskError, nodeDisk } from '../../src/archive/disk.js';
import { BelayError } from '../../src/core/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'belay-disk-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file on this disk', () => {
  it('gives back what was written, and fewer bytes only at its end', async () => {
    const path = join(folder, 'file');
    const file = await nodeDisk.createNew(path);
    await file.write(0, Uint8Array.of(1, 2, 3));
    await file.write(3, Uint8Array.of(4, 5));
    await file.sync();
    expect(await file.read(1, 3)).toEqual(Uint8Array.of(2, 3, 4));
    expect(await file.read(3, 10)).toEqual(Uint8Array.of(4, 5));
    expect(await file.read(9, 10)).toEqual(new Uint8Array(0));
    await file.truncate(2);
    expect(await file.sizeBytes()).toBe(2);
    await file.close();
    await expect(nodeDisk.createNew(path)).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it('has a size only where it is a regular file', async () => {
    const device = await nodeDisk.openToRead('/dev/null');
    await expect(device.sizeBytes()).rejects.toMatchObject({ code: 'ENOTREG' });
    await device.close();
  });

  it('may be gone before it is removed, but not unremovable', async () => {
    await nodeDisk.remove(join(folder, 'never there'));
    mkdirSync(join(folder, 'a folder'));
    const removing = nodeDisk.remove(join(folder, 'a folder'));
    await expect(removing).rejects.toMatchObject({ code: expect.stringMatching(/EISDIR|EPERM/) });
  });

  it('is found, linked and renamed by name', async () => {
    const at = (name: string) => join(folder, name);
    writeFileSync(at('from'), 'x');
    await nodeDisk.link(at('from'), at('linked'));
    await nodeDisk.rename(at('linked'), at('renamed'));
    const names = ['from', 'linked', 'renamed'];
    expect(await Promise.all(names.map((name) => nodeDisk.exists(at(name))))).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe('making the names of a folder durable', () => {
  it('is not asked of what cannot do it', async () => {
    await nodeDisk.syncFolder(folder);
    // fsync on a device is EINVAL, as on folders of some network file systems.
    await nodeDisk.syncFolder('/dev/null');
  });

  it('fails where the folder is gone', async () => {
    await expect(nodeDisk.syncFolder(join(folder, 'gone'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

describe('what the system said', () => {
  const systemError = (code: unknown) => Object.assign(new Error('why'), { code });

  it.each([
    ['ENOSPC', 'store/full', 15],
    ['EDQUOT', 'store/full', 15],
    ['EFBIG', 'store/full', 15],
    ['EACCES', 'store/permission', 1],
    ['EPERM', 'store/permission', 1],
    ['EROFS', 'store/permission', 1],
    ['ENOENT', 'store/not-found', 10],
    ['EEXIST', 'store/exists', 1],
    ['EIO', 'store/io', 1],
  ] as const)('%s becomes %s and ends with %i', (systemCode, code, exitCode) => {
    const error = diskError('write', '/b/x.blb', systemError(systemCode));
    expect(error).toMatchObject({
      code,
      exitCode,
      message: 'cannot write /b/x.blb: why',
      details: { path: '/b/x.blb', systemCode },
    });
  });

  it('comes with what to try, where there is something', () => {
    expect(diskError('write', '/b', systemError('ENOSPC')).hint).toMatch(/Free some space/);
    expect(diskError('write', '/b', systemError('EIO')).hint).toBeNull();
  });

  it('may be anything that was thrown', () => {
    expect(diskError('read', '/b', 'pulled out').message).toBe('cannot read /b: pulled out');
    expect([diskCodeOf(null), diskCodeOf({ code: 5 }), diskCodeOf(systemError('EIO'))]).toEqual([
      '',
      '',
      'EIO',
    ]);
    const ours = new BelayError('store/locked', 'locked');
    expect(diskError('read', '/b', ours)).toBe(ours);
  });
});
