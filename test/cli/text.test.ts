import { describe, expect, it } from 'vitest';
import { changeLines } from '../../src/cli/text/change-text.js';
import { adviceFor } from '../../src/cli/text/doctor-text.js';
import { filesLines } from '../../src/cli/text/files-text.js';
import { drawTree, listLines } from '../../src/cli/text/list-text.js';
import { planLines } from '../../src/cli/text/restore-text.js';
import { tableLines } from '../../src/cli/text/style.js';
import { pruneLines } from '../../src/cli/text/upkeep-text.js';
import { BelayError } from '../../src/core/errors.js';
import type { BoardSummary } from '../../src/jobs/board-identity.js';
import type { BackupRow } from '../../src/jobs/list.js';
import type { RestorePlan } from '../../src/jobs/restore-plan.js';

const STYLE = { colour: false, unicode: true };

const BOARD: BoardSummary = {
  name: 'thermometer',
  port: 'virtual',
  machine: 'ESP32-S3',
  firmware: 'micropython',
  version: '1.27.0',
  uniqueId: '7c9ebd',
};

function row(id: string, parentId: string | null, changes: Partial<BackupRow> = {}): BackupRow {
  return {
    backupId: id.repeat(8),
    backupType: parentId === null ? 'full' : 'incremental',
    createdAt: '2026-11-20T10:21:11.000Z',
    sequence: 1,
    parentId: parentId?.repeat(8) ?? null,
    builtOn: null,
    archive: `/b/${id}.blb`,
    archiveSize: 1_000,
    fileCount: 9,
    totalOriginalSize: 5_000,
    description: null,
    state: 'ok',
    problem: null,
    pinned: false,
    safety: false,
    board: BOARD,
    ...changes,
  };
}

describe('a chain as a tree', () => {
  const branches = (rows: BackupRow[]) =>
    drawTree(rows, STYLE).map(({ row: { backupId }, branch }) => `${branch}${backupId?.[0]}`);

  it('keeps a lone chain in one column, however long', () => {
    expect(branches([row('1', null), row('2', '1'), row('3', '2'), row('4', '3')])).toEqual([
      '1',
      '└─ 2',
      '└─ 3',
      '└─ 4',
    ]);
  });

  it('moves the branches of a fork to the right', () => {
    expect(
      branches([row('1', null), row('2', '1'), row('3', '2'), row('4', '1'), row('5', '4')]),
    ).toEqual(['1', '├─ 2', '│  └─ 3', '└─ 4', '└─ 5']);
  });

  it('hangs the child of an archive that was merged away below what stands for it', () => {
    const child = row('3', '9', { builtOn: '1'.repeat(8) });
    expect(branches([row('1', null), child])).toEqual(['1', '└─ 3']);
  });

  it('shows orphans at the margin and cycles at all', () => {
    expect(branches([row('2', '9'), row('3', '4'), row('4', '3'), row('5', '5')])).toEqual([
      '2',
      '5',
      '3',
      '4',
    ]);
  });

  it('says state, pin, problem and description', () => {
    const lines = listLines(
      {
        folder: '/b',
        backups: [
          row('1', null, { pinned: true, description: 'before\nthe update' }),
          row('2', '9', { state: 'orphan', problem: 'its parent is missing' }),
          row('3', null, {
            backupId: null,
            board: null,
            state: 'corrupt',
            problem: '/b/3.blb: empty archive',
          }),
        ],
      },
      STYLE,
    );
    expect(lines[0]).toBe('thermometer (ESP32-S3, id 7c9ebd)');
    expect(lines[1]).toContain('ok');
    expect(lines[2]).toBe('      pinned  "before\\x0athe update"');
    expect(lines[3]).toMatch(/orphan$/);
    expect(lines[4]).toBe('      its parent is missing');
    expect(lines.slice(-4, -2)).toEqual(['      /b/3.blb', '      empty archive']);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.at(-1)).toBe('3 backups, 3.00 kB in /b');
  });

  it('says so when there is none', () => {
    expect(listLines({ folder: '/b', backups: [] }, STYLE)).toEqual(['No backups in /b']);
  });
});

describe('the plan of a restore', () => {
  const plan: RestorePlan = {
    operations: [
      { kind: 'make-folder', path: 'lib' },
      {
        kind: 'put',
        path: 'lib/a.py',
        source: 'lib/a.py',
        sizeBytes: 1_200,
        sha256: 'x',
        modifiedS: null,
        replaces: null,
      },
      {
        kind: 'put',
        path: 'main.py',
        source: 'old.py',
        sizeBytes: 3_400,
        sha256: 'y',
        modifiedS: null,
        replaces: { sha256: 'z', sizeBytes: 3_100 },
      },
      { kind: 'delete-file', path: 'a\u001b[2J', sizeBytes: 5, sha256: null, reason: 'extra' },
    ],
    skipped: [{ path: 'boot.py', reason: 'unchanged' }],
    unfit: [{ path: 'x.mpy', code: 'board/unfit', message: 'other bytecode' }],
    strategy: 'staged',
    fits: true,
    atomic: true,
    bytesToWrite: 4_600,
    filesToWrite: 2,
    filesToDelete: 1,
    foldersToMake: 1,
    foldersToDelete: 0,
    space: { freeBytes: 1_000_000, neededBytes: 8_192 },
    warnings: [],
  };
  const prepared = {
    plan,
    board: { ...BOARD, uniqueId: 'other', name: 'fresh' },
    source: {
      backupId: '1f2e3d4c5b6a',
      archive: '/b/x.blb',
      createdAt: '2026-11-20T10:21:11.000Z',
      description: null,
      board: { ...BOARD, port: null },
    },
    times: 'now' as const,
    warnings: [],
    carryOut: () => Promise.reject(new Error('not asked for')),
    cancel: async () => {},
  };
  const lines = planLines(prepared, STYLE, {
    undo: false,
    linesMax: 10,
    warnings: [{ code: 'times', message: 'times cannot be put back', path: null }],
  });

  it('names both boards when they differ', () => {
    expect(lines.slice(1, 4)).toEqual([
      '  from  thermometer (ESP32-S3, id 7c9ebd)',
      '  to    fresh (ESP32-S3, id other) on virtual',
      '  These are different boards.',
    ]);
  });

  it('shows what is added, replaced and removed, with the totals', () => {
    expect(lines.slice(4)).toEqual([
      '  +  lib/',
      '  +  lib/a.py  1.20 kB',
      '  ~  main.py   3.40 kB  was 3.10 kB, from old.py',
      '  -  a\\x1b[2J      5 B  not in the backup',
      '  ! x.mpy  other bytecode',
      '2 files to write (4.60 kB), 1 folder to make, 1 file to delete, 1 unchanged, 1 that this board cannot take.',
      'Space: 8.19 kB needed, 1.00 MB free on the board.',
      "Times: of now (--preserve-times: the backup's).",
      'warning: times cannot be put back',
    ]);
  });

  it.each([
    ['clock', "Times: of the backup; the board's clock is set meanwhile."],
    ['utime', 'Times: of the backup.'],
    ['cannot', 'Times: of now; this board cannot set the times of files.'],
  ] as const)('says what becomes of the times of files: %s', (times, line) => {
    const options = { undo: false, linesMax: 10, warnings: [] };
    expect(planLines({ ...prepared, times }, STYLE, options)).toContain(line);
  });

  it('says of an undo which safety archive it puts back', () => {
    const [head] = planLines(prepared, STYLE, { undo: true, linesMax: 2, warnings: [] });
    expect(head).toMatch(/^Take back the last restore, with [0-9a-f]{8} of \d{4}-/);
  });

  it('bounds what a question shows', () => {
    const short = planLines(prepared, STYLE, { undo: false, linesMax: 2, warnings: [] });
    expect(short).toContain('  and 2 more (--dry-run shows all)');
  });
});

describe('what doctor advises', () => {
  it('names a watchdog only where a board answered and was gone', () => {
    const failure = (lastBytes: string) =>
      new BelayError('repl/no-prompt', 'no answer', { hint: 'Try again', details: { lastBytes } });
    expect(adviceFor(failure(''))).toBe('Try again');
    expect(adviceFor(failure('\\r\\nraw REPL; CTRL-B to exit\\r\\n>'))).toMatch(
      /^Try again; .*watchdog.*rename main\.py/,
    );
  });
});

describe('lines for people', () => {
  it('align by cells', () => {
    const rows = [
      [{ text: '温度' }, { text: '1', align: 'right' as const }],
      [{ text: 'a' }, { text: '100', align: 'right' as const }],
    ];
    expect(tableLines(rows, STYLE)).toEqual(['温度    1', 'a     100']);
  });

  it('escape the content of a text diff', () => {
    const change = {
      status: 'M' as const,
      path: 'main.py',
      kind: 'file' as const,
      sizeBefore: 10,
      sizeAfter: 12,
      checksumBefore: null,
      checksumAfter: null,
      text: '-old\n+new\u001b[31m\n',
    };
    expect(changeLines([change], STYLE)).toEqual([
      'M main.py  10 B -> 12 B',
      '    -old',
      '    +new\\x1b[31m',
    ]);
  });

  it('put archives that nobody can read under a heading of their own when pruning', () => {
    const unread = {
      backupId: '',
      archive: '/b/x.blb',
      createdAt: '',
      boardName: '',
      boardId: null,
      action: 'keep' as const,
      reasons: ['corrupt'],
      archiveSize: 10,
    };
    const nothing = { removed: [], freedBytes: 0, merged: [], dryRun: true, warnings: [] };
    expect(pruneLines({ rows: [unread], ...nothing }, STYLE).slice(0, 2)).toEqual([
      'Unreadable',
      expect.stringContaining('keep  ????????'),
    ]);
  });

  it('list files like ls, with what could not be read', () => {
    expect(
      filesLines(
        [
          { relativePath: 'lib', isDirectory: true },
          {
            relativePath: 'main.py',
            isDirectory: false,
            originalSize: 120,
            compressedSize: null,
            lastModified: 946684800,
            checksum: 'x',
            checkedBy: 'sha256',
            compressionMethod: 'deflate',
          },
          { relativePath: 'log', isDirectory: false, error: { code: 'EIO', message: 'I/O error' } },
        ],
        STYLE,
      ),
    ).toEqual([
      'd                            lib/',
      '-  120  2000-01-01 00:00:00  main.py',
      '?                            log  not read: I/O error',
    ]);
  });
});
