import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, removeEmptyFolder } from '../../src/store/make-folder.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-make-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('making a folder', () => {
  it('makes it with its parents, and says whether it was there', async () => {
    const path = join(folder, 'a', 'b', 'c');
    expect(await makeFolder(path)).toBe(true);
    expect(await makeFolder(path)).toBe(false);
  });

  it('is not put off by another that takes it away at the same moment', async () => {
    const path = join(folder, 'contended');
    let away = 0;
    for (let round = 0; round < 2_000; round += 1) {
      const [, gone] = await Promise.all([makeFolder(path), removeEmptyFolder(path)]);
      away += Number(gone);
    }
    expect(away).toBeGreaterThan(0);
  });

  it('names the folder and the cause where a file or a dangling link is in the way', async () => {
    await writeFile(join(folder, 'file'), '');
    await symlink(join(folder, 'nowhere'), join(folder, 'link'));
    const cannot = { message: expect.stringContaining('cannot make the folder') };
    await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject(cannot);
    await expect(makeFolder(join(folder, 'file', 'below'))).rejects.toMatchObject(cannot);
    await expect(makeFolder(join(folder, 'link', 'below'))).rejects.toMatchObject(cannot);
  });
});
