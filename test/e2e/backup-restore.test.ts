/**
 * The whole way in one process: a real MicroPython, the agent, archives on a disk. What comes out
 * is compared with the board's own flash, never with what the tool read back.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { prepareUndo } from '../../src/jobs/undo-restore.js';
import { verifyAgainstBoard, verifyBackups } from '../../src/jobs/verify.js';
import type { VirtualTree } from '../../src/testing/index.js';
import { virtualLab } from '../support/virtual-lab.js';
import { sixtyFiles } from './sixty-files.js';

const run = promisify(execFile);
const lab = virtualLab();

const plain = (tree: VirtualTree) =>
  [...tree]
    .map(([path, bytes]) => [path, bytes === null ? null : Buffer.from(bytes).toString('base64')])
    .sort();

/** Below a folder of this computer: path to content, null for folders. */
async function hostTree(root: string): Promise<Map<string, Uint8Array | null>> {
  const tree = new Map<string, Uint8Array | null>();
  for (const entry of await readdir(root, {
    recursive: true,
    withFileTypes: true,
  })) {
    const path = join(entry.parentPath, entry.name);
    tree.set(path.slice(root.length + 1), entry.isDirectory() ? null : await readFile(path));
  }
  return tree;
}

describe('60 files out of a board and onto a fresh one', () => {
  it('come back bit for bit, and stock tar and sha256sum agree', async () => {
    const source = await lab.start({
      files: sixtyFiles(),
      uniqueIdHex: '00000000000000a1',
    });
    const flash = await source.dump();
    expect([...flash.values()].filter((bytes) => bytes !== null)).toHaveLength(60);
    const { store, context, folder } = lab;
    const { summary } = await lab.backUp(source);
    expect(summary).toMatchObject({
      fileCount: 60,
      partial: false,
      backupType: 'full',
    });
    expect(plain(await source.dump())).toEqual(plain(flash));

    await run('tar', ['xzf', summary.archive as string, '-C', folder]);
    const { stdout } = await run('sha256sum', ['-c', 'checksums.txt'], {
      cwd: folder,
    });
    expect(
      stdout
        .trim()
        .split('\n')
        .every((line) => line.endsWith(': OK')),
    ).toBe(true);
    expect(plain(await hostTree(join(folder, 'files')))).toEqual(plain(flash));

    const fresh = await lab.start({ files: {}, uniqueIdHex: '00000000000000b2' });
    const restored = await lab.restoreTo(fresh, {
      backup: summary.archive as string,
    });
    expect(restored.summary).toMatchObject({
      filesWritten: 60,
      verified: true,
      failed: [],
    });
    expect(plain(await fresh.dump())).toEqual(plain(flash));

    const undone = await prepareUndo({ connect: lab.connectTo(fresh), store }, {}, context);
    await undone.carryOut();
    expect([...(await fresh.dump())]).toEqual([]);
  });
});

describe('a history on one board', () => {
  it('is an increment, a check against the board, and an older state restored exactly', async () => {
    const board = await lab.start({});
    const { store, context } = lab;
    const first = await lab.backUp(board);
    const before = plain(await board.dump());
    const parts = { connect: lab.connectTo(board), store };
    expect(await verifyAgainstBoard(parts, {}, context)).toMatchObject({
      ok: true,
      changes: [],
    });

    const nothing = await lab.backUp(board, { skipIfUnchanged: true });
    expect(nothing.outcome).toBe('unchanged');
    await lab.restoreTo(board, {
      backup: first.summary.archive as string,
      to: 'copy',
      paths: ['main.py'],
    });
    expect((await verifyAgainstBoard(parts, {}, context)).changes).toMatchObject([
      { status: '+', path: 'copy' },
      { status: '+', path: 'copy/main.py' },
    ]);
    const second = await lab.backUp(board);
    expect(second.summary).toMatchObject({
      backupType: 'incremental',
      filesNew: 1,
      filesChanged: 0,
    });
    expect(second.filesRead).toEqual([]);
    await lab.restoreTo(board, {
      backup: first.summary.backupId as string,
      delete: true,
    });
    expect(plain(await board.dump())).toEqual(before);
    expect(await verifyBackups({ store }, {}, context)).toMatchObject({
      ok: true,
    });
  });
});
