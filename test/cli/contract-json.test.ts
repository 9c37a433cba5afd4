import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from './contract-stage.js';
import {
  allBytes,
  answer,
  belay,
  boardId,
  full,
  increment,
  last,
  newFolder,
  PORT,
  setStage,
  shape,
} from './contract-stage.js';
import type { RunResult } from './run-command.js';
import { jsonLines } from './run-command.js';

setStage();

const PROGRESS = {
  type: 'string',
  operation: 'string',
  currentFile: 'string|null',
  processedFiles: 'number',
  totalFiles: 'number',
  processedBytes: 'number',
  totalBytes: 'number',
  percentComplete: 'number',
  elapsedMs: 'number',
  etaMs: 'number|null',
  bytesPerSecond: 'number',
  wireBytes: 'number',
};

const OPERATIONS = /^(connecting|scanning|reading|compressing|verifying|extracting|restoring)$/;

function expectProgress(line: Json): void {
  const found = shape(line);
  expect(Object.keys(found)).toEqual(Object.keys(PROGRESS));
  for (const [name, types] of Object.entries(PROGRESS))
    expect(types.split('|'), name).toContain(found[name]);
  expect(line.operation).toMatch(OPERATIONS);
  expect(line.percentComplete).toBeGreaterThanOrEqual(0);
  expect(line.percentComplete).toBeLessThanOrEqual(100);
}

/** Progress and warnings, then the summary and nothing behind it; not a word on stderr. */
function expectWork(run: RunResult, status = 0): Json {
  expect(run.stderr).toBe('');
  expect(run.status).toBe(status);
  const lines = jsonLines(run.stdout);
  for (const line of lines.slice(0, -1)) {
    expect(line.type).toMatch(/^(progress|warning)$/);
    if (line.type === 'progress') expectProgress(line);
    else expect(Object.keys(line)).toEqual(['type', 'code', 'message', 'path']);
  }
  expect(lines.some((line) => line.type === 'progress')).toBe(true);
  const summary = lines.at(-1) as Json;
  expect(summary.type).toBe('summary');
  return summary;
}

describe('the JSON lines of work', () => {
  it('of a backup have the fields of the contract with their types', async () => {
    const folder = newFolder();
    const summary = expectWork(await belay('backup', '-p', PORT, '-d', folder, '--json'));
    expect(shape(summary)).toEqual({
      type: 'string',
      command: 'string',
      backupId: 'string',
      backupType: 'string',
      archive: 'string',
      parentId: 'null',
      fileCount: 'number',
      directoryCount: 'number',
      filesNew: 'number',
      filesChanged: 'number',
      filesUnchanged: 'number',
      filesDeleted: 'number',
      totalOriginalSize: 'number',
      archiveSize: 'number',
      wireBytesIn: 'number',
      wireBytesOut: 'number',
      durationMs: 'number',
      board: 'object',
      partial: 'boolean',
    });
    expect(summary.archive).toMatch(/\/[a-z0-9-]{1,32}-[0-9a-f]{8}\/backup_\d{8}_\d{6}_full\.blb$/);
    expect(statSync(summary.archive as string).size).toBe(summary.archiveSize);
  });

  it('of an increment count what is new, changed, the same and gone', () => {
    expect(full).toMatchObject({ backupType: 'full', parentId: null, fileCount: 4, filesNew: 4 });
    expect(increment).toMatchObject({
      backupType: 'incremental',
      parentId: full.backupId,
      fileCount: 4,
      directoryCount: 2,
      filesNew: 1,
      filesChanged: 1,
      filesUnchanged: 2,
      filesDeleted: 1,
      partial: false,
    });
    expect(increment.archive).toMatch(/_incr\.blb$/);
  });

  it('of a restore have the fields of the contract with their types', async () => {
    const fresh = newFolder();
    const run = await belay(
      'restore',
      full.backupId as string,
      '-p',
      `virtual:${fresh}`,
      '-y',
      '--json',
    );
    const summary = expectWork(run);
    expect(shape(summary)).toMatchObject({
      type: 'string',
      command: 'string',
      backupId: 'string',
      filesWritten: 'number',
      filesSkipped: 'number',
      filesDeleted: 'number',
      bytesWritten: 'number',
      wireBytesIn: 'number',
      wireBytesOut: 'number',
      verified: 'boolean',
      durationMs: 'number',
      failed: 'array',
    });
    expect(summary).toMatchObject({
      command: 'restore',
      backupId: full.backupId,
      filesWritten: 4,
      filesSkipped: 0,
      filesDeleted: 0,
      bytesWritten: 271,
      verified: true,
      failed: [],
    });
    // Another board than the backup's, and times that do not come back: both are said.
    const warnings = jsonLines(run.stdout).filter((line) => line.type === 'warning');
    expect(warnings.length).toBeGreaterThan(0);
    expect(readFileSync(join(fresh, 'all.bin')).equals(allBytes)).toBe(true);
    expect(readdirSync(fresh).sort()).toEqual([
      'all.bin',
      'empty',
      'lib',
      'main.py',
      'nothing.txt',
    ]);
  });
});

describe('the JSON documents of questions', () => {
  it('list: a row a backup, parents first', async () => {
    const { backups: rows } = (await answer('list')) as { backups: Json[] };
    const own = rows.filter(
      (row) => row.archive === full.archive || row.archive === increment.archive,
    );
    expect(own.map((row) => row.backupId)).toEqual([full.backupId, increment.backupId]);
    expect(shape(own[1] as Json)).toMatchObject({
      backupId: 'string',
      backupType: 'string',
      createdAt: 'string',
      parentId: 'string',
      archive: 'string',
      archiveSize: 'number',
      fileCount: 'number',
      totalOriginalSize: 'number',
      description: 'null',
      state: 'string',
      board: 'object',
    });
    expect(own[0]).toMatchObject({ description: 'first', state: 'ok', parentId: null });
    expect(new Date(own[0]?.createdAt as string).toISOString()).toBe(own[0]?.createdAt);
  });

  it('show: the manifest without its files, and where the archive is', async () => {
    const shown = await answer('show', full.backupId as string);
    expect(shown).toMatchObject({
      formatVersion: 1,
      backupId: full.backupId,
      sequence: 1,
      backupType: 'full',
      description: 'first',
      metadata: { who: 'me=you' },
      parent: null,
      archive: full.archive,
      deviceInfo: { firmware: 'micropython' },
      statistics: { fileCount: 4, directoryCount: 2, totalOriginalSize: 271 },
    });
    expect(shown).not.toHaveProperty('files');
    expect(await answer('show', 'latest', '--board', boardId())).toMatchObject({
      parent: { backupId: full.backupId },
    });
  });

  it('files: the entries of the manifest, all or by pattern', async () => {
    const { files } = (await answer('files', full.archive as string)) as { files: Json[] };
    expect(files.map((file) => file.relativePath)).toEqual([
      'all.bin',
      'empty',
      'lib',
      'lib/a.py',
      'main.py',
      'nothing.txt',
    ]);
    expect(files[0]).toMatchObject({
      isDirectory: false,
      originalSize: 256,
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const some = (await answer('files', full.backupId as string, '*.py')) as { files: Json[] };
    expect(some.files.map((file) => file.relativePath)).toEqual(['lib/a.py', 'main.py']);
    const below = (await answer('files', full.backupId as string, '/lib')) as { files: Json[] };
    expect(below.files.map((file) => file.relativePath)).toContain('lib/a.py');
  });

  it('diff: a status and a path a change', async () => {
    const ids = [full.backupId, increment.backupId] as string[];
    const { changes } = (await answer('diff', ...ids)) as { changes: Json[] };
    expect(changes.map(({ status, path }) => `${status} ${path}`).sort()).toEqual([
      '+ new.py',
      '- nothing.txt',
      'M main.py',
    ]);
    const board = (await answer('diff', full.archive as string, 'board', '-p', PORT)) as {
      changes: Json[];
    };
    expect(board.changes).toHaveLength(3);
    const text = await belay('diff', ...ids, '--text');
    expect(text.stdout).toMatch(/^ *-print\(1\)$/m);
    expect(text.stdout).toMatch(/^ *\+print\(22\)$/m);
  });

  it('diff: T where a file has become a folder', async () => {
    const other = newFolder();
    writeFileSync(join(other, 'x'), 'file');
    const dir = newFolder();
    const one = last(await belay('-p', `virtual:${other}`, '-d', dir, '--json'));
    rmSync(join(other, 'x'));
    mkdirSync(join(other, 'x'));
    const run = await belay(
      'diff',
      one.archive as string,
      '-p',
      `virtual:${other}`,
      '-d',
      dir,
      '--json',
    );
    expect((JSON.parse(run.stdout) as { changes: Json[] }).changes).toMatchObject([
      { status: 'T', path: 'x' },
    ]);
  });

  it('find: the versions of matching files', async () => {
    const text = JSON.stringify(await answer('find', 'main.py'));
    expect(text).toContain(full.backupId);
    expect(text).toContain('main.py');
  });

  it('verify: says ok, and every archive that was read', async () => {
    const result = await answer('verify', increment.backupId as string);
    expect(result.ok).toBe(true);
    expect((result.archives as Json[]).length).toBe(2);
  });

  it.each([['devices'], ['unlock'], ['repair', '--dry-run']])(
    '%s is one document',
    async (...argv) => {
      expect(await answer(...argv)).toBeTypeOf('object');
    },
  );
});
