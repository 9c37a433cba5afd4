/**
 * Stories told through the built command: what a user types, what comes back, what lies in the
 * folders afterwards. The board is the built-in one.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleProject } from '../../src/testing/sample-project.js';
import { parseTranscript } from '../../src/transport/transcript.js';
import type { RunResult } from './run-command.js';
import { jsonLines, runCommand, temporaryFolder } from './run-command.js';

const home = temporaryFolder();
const backups = join(home.path, 'backups');
let nextFolder = 0;

function newFolder(): string {
  nextFolder += 1;
  const path = join(home.path, `folder-${nextFolder}`);
  mkdirSync(path);
  return path;
}

function belay(...argv: string[]): Promise<RunResult> {
  return runCommand(argv, { env: { BELAY_DIR: backups }, cwd: home.path });
}

/** Every file below, relative. */
function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

const bytesOf = (content: string | Uint8Array) =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

const project = Object.entries(sampleProject());
const projectFiles = project.filter(
  (entry): entry is [string, string | Uint8Array] => entry[1] !== null,
);

let first: RunResult;
let archive: string;
let backupId: string;
let firstHash: string;

beforeAll(async () => {
  first = await belay('--port', 'virtual', '--json', '--description', 'the first');
  const summary = jsonLines(first.stdout).at(-1) ?? {};
  archive = summary.archive as string;
  backupId = summary.backupId as string;
  firstHash = existsSync(archive ?? '') ? hashOf(archive) : '';
}, 60_000);

afterAll(() => home.dispose());

describe('backing up the built-in board', () => {
  it('ends with a summary of what was done', () => {
    expect(first.stderr).toBe('');
    expect(first.status).toBe(0);
    const lines = jsonLines(first.stdout);
    const totalSize = projectFiles.reduce((sum, [, content]) => sum + bytesOf(content).length, 0);
    expect(lines.at(-1)).toMatchObject({
      type: 'summary',
      command: 'backup',
      backupType: 'full',
      parentId: null,
      fileCount: projectFiles.length,
      filesNew: projectFiles.length,
      filesDeleted: 0,
      totalOriginalSize: totalSize,
      partial: false,
    });
    expect(lines.at(-1)?.wireBytesIn).toBeGreaterThan(0);
    for (const line of lines.slice(0, -1)) expect(line.type).toMatch(/^(progress|warning)$/);
    const operations = new Set(lines.map((line) => line.operation));
    for (const operation of ['connecting', 'scanning', 'reading'])
      expect(operations).toContain(operation);
  });

  it('leaves the archive and nothing else', () => {
    expect(existsSync(archive)).toBe(true);
    expect(filesBelow(backups).map((path) => join(backups, path))).toEqual([archive]);
  });

  it('says for people where it is, how many files, how big, how long, and what is not in it', async () => {
    const folder = newFolder();
    const run = await belay('--port', 'virtual', '-d', folder);
    expect(run.status).toBe(0);
    expect(run.stdout).toContain(`archive  ${folder}/`);
    expect(run.stdout).toMatch(
      new RegExp(`${projectFiles.length} files and \\d+ folders?, [\\d.]+ kB`),
    );
    expect(run.stdout).toMatch(/took +[\d.]+ s/);
    expect(run.stdout).toContain('Not included: firmware, NVS');
    expect(run.stderr).toContain('Connecting');
    expect(run.stdout + run.stderr).not.toContain('\u001b');
  });

  it('prints only the archive with -q', async () => {
    const folder = newFolder();
    const run = await belay('-q', '-p', 'virtual', '-d', folder);
    expect(run.stderr).toBe('');
    expect(run.stdout.trim()).toBe(join(folder, filesBelow(folder)[0] as string));
  });

  it('writes nothing with --dry-run', async () => {
    const folder = newFolder();
    const run = await belay('-p', 'virtual', '-d', folder, '--dry-run');
    expect(run.status).toBe(0);
    expect(run.stdout).toContain('main.py');
    expect(filesBelow(folder)).toEqual([]);
  });

  it('takes a part of the board by path and pattern', async () => {
    const folder = newFolder();
    const run = await belay(
      '-p',
      'virtual',
      '-d',
      folder,
      '--json',
      '--include',
      '*.py',
      '--exclude',
      'main.py',
    );
    const python = projectFiles.filter(
      ([path]) => path.endsWith('.py') && !path.endsWith('main.py'),
    );
    expect(jsonLines(run.stdout).at(-1)).toMatchObject({ fileCount: python.length });
  });
});

describe('questions about a backup', () => {
  it('list names it, for people and for machines', async () => {
    const people = await belay('list');
    expect(people.status).toBe(0);
    expect(people.stdout).toContain(backupId.slice(0, 8));
    expect(people.stdout).toContain('"the first"');
    const machines = await belay('list', '--json');
    const { backups: rows } = JSON.parse(machines.stdout) as { backups: Record<string, unknown>[] };
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      backupId,
      backupType: 'full',
      parentId: null,
      archive,
      fileCount: projectFiles.length,
      description: 'the first',
      state: 'ok',
    });
  });

  it('show tells everything but the files', async () => {
    const run = await belay('show', 'latest');
    expect(run.status).toBe(0);
    expect(run.stdout).toContain(backupId);
    const shown = JSON.parse((await belay('show', backupId.slice(0, 6), '--json')).stdout);
    expect(shown).toMatchObject({ backupId, archive, state: 'ok', parent: null, formatVersion: 1 });
    expect(shown.deviceInfo.firmware).toBe('micropython');
    expect(shown.files).toBeUndefined();
  });

  it('files lists them, all or by pattern', async () => {
    const all = await belay('files', 'latest', '--json');
    const { files } = JSON.parse(all.stdout) as {
      files: { relativePath: string; isDirectory: boolean }[];
    };
    const names = files.filter((file) => !file.isDirectory).map((file) => file.relativePath);
    expect(names.sort()).toEqual(projectFiles.map(([path]) => path).sort());
    const some = await belay('files', archive, 'main.py');
    expect(some.stdout.trim().split('\n')).toHaveLength(1);
  });

  it('cat gives the bytes of a file and nothing else', async () => {
    const sampled = projectFiles.filter(([path]) => /logo|temp|__init__/.test(path));
    expect(sampled.length).toBeGreaterThanOrEqual(3);
    for (const [path, content] of sampled) {
      const run = await belay('cat', 'latest', `/${path}`);
      expect(run.status).toBe(0);
      expect(run.bytes.equals(bytesOf(content))).toBe(true);
    }
  }, 60_000);

  it('extract writes the tree to a folder', async () => {
    const folder = newFolder();
    const run = await belay('extract', 'latest', '--output', folder);
    expect(run.status).toBe(0);
    expect(filesBelow(folder)).toEqual(projectFiles.map(([path]) => path).sort());
    for (const [path, content] of projectFiles) {
      expect(readFileSync(join(folder, path)).equals(bytesOf(content))).toBe(true);
    }
  });

  it('verify reads every byte', async () => {
    const run = await belay('verify');
    expect(run.status).toBe(0);
    expect(run.stdout).toContain('verified');
    const board = await belay('verify', '--against-board', '-p', 'virtual');
    expect(board.status).toBe(0);
  });

  it('diff against the board it was made from is empty', async () => {
    const run = await belay('diff', 'latest', 'board', '-p', 'virtual', '--json');
    expect(run.status).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ changes: [] });
  });
});

describe('restoring', () => {
  it('asks, and without a terminal that is a usage error that changes nothing', async () => {
    const flash = newFolder();
    const run = await belay('restore', backupId, '-p', `virtual:${flash}`);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain('--yes');
    expect(filesBelow(flash)).toEqual([]);
  });

  it('shows the plan with --dry-run and changes nothing', async () => {
    const flash = newFolder();
    const run = await belay('restore', backupId, '-p', `virtual:${flash}`, '--dry-run');
    expect(run.status).toBe(0);
    expect(run.stdout).toMatch(/^ {2}\+ {2}main\.py /m);
    expect(run.stdout).toContain('These are different boards.');
    expect(filesBelow(flash)).toEqual([]);
  });

  it('puts everything onto a fresh board, checked, and back again with --undo', async () => {
    const flash = newFolder();
    const run = await belay('restore', backupId, '-p', `virtual:${flash}`, '-y', '--json');
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
    expect(jsonLines(run.stdout).at(-1)).toMatchObject({
      type: 'summary',
      command: 'restore',
      backupId,
      filesWritten: projectFiles.length,
      filesDeleted: 0,
      verified: true,
      failed: [],
    });
    expect(filesBelow(flash)).toEqual(projectFiles.map(([path]) => path).sort());
    const undo = await belay('restore', '--undo', '-p', `virtual:${flash}`, '-y');
    expect(undo.status).toBe(0);
    expect(filesBelow(flash)).toEqual([]);
  }, 60_000);

  it('keeps what is equal and replaces what has changed', async () => {
    const flash = newFolder();
    writeFileSync(join(flash, 'main.py'), 'print(1)\n');
    const run = await belay(
      'restore',
      backupId,
      '/main.py',
      '-p',
      `virtual:${flash}`,
      '-y',
      '--json',
    );
    expect(jsonLines(run.stdout).at(-1)).toMatchObject({ filesWritten: 1 });
    const again = await belay(
      'restore',
      backupId,
      '/main.py',
      '-p',
      `virtual:${flash}`,
      '-y',
      '--json',
    );
    expect(jsonLines(again.stdout).at(-1)).toMatchObject({ filesWritten: 0, filesSkipped: 1 });
  }, 60_000);
});

describe('doctor', () => {
  it('goes through every step and writes the conversation without the content of files', async () => {
    const transcript = join(newFolder(), 'talk.jsonl');
    const run = await belay('doctor', '-p', 'virtual', '--transcript', transcript);
    expect(run.status).toBe(0);
    for (const step of [
      'computer',
      'backups',
      'ports',
      'connect',
      'board',
      'probe output',
      'files',
      'wire',
    ]) {
      expect(run.stdout).toMatch(new RegExp(`^ok {2}${step}: `, 'm'));
    }
    const lines = parseTranscript(readFileSync(transcript, 'utf8'));
    expect(lines.filter((line) => line.dir === 'in').length).toBeGreaterThan(3);
    expect(readFileSync(transcript, 'utf8')).not.toContain('Reads the sensor for ever');
  });

  it('names the step that fails, and what to do', async () => {
    const run = await belay('doctor', '-p', '/dev/belay-no-such-port', '--json');
    expect(run.status).toBe(20);
    const { steps } = JSON.parse(run.stdout) as {
      steps: { step: string; ok: boolean; hint: string }[];
    };
    expect(steps.at(-1)).toMatchObject({ step: 'connect', ok: false });
    expect(steps.at(-1)?.hint).toBeTruthy();
  });
});

describe('what goes wrong', () => {
  it.each([
    ['a backup that is not there', ['show', 'ffffffffffff'], 10],
    ['a file that is not in the backup', ['cat', 'latest', '/nothing.py'], 10],
    ['a port that is not there', ['backup', '--port', '/dev/belay-no-such-port'], 20],
    ['an empty policy', ['prune'], 2],
    ['a policy of zeros', ['prune', '--keep-last', '0'], 2],
  ])('%s', async (_name, argv, status) => {
    const run = await belay(...argv, '--json');
    expect(run.status).toBe(status);
    const [error, ...more] = jsonLines(run.stderr);
    expect(more).toEqual([]);
    expect(error).toMatchObject({ type: 'error', exitCode: status });
    const people = await belay(...argv);
    expect(people.status).toBe(status);
    expect(people.stderr).toMatch(/^error: .+/m);
    expect(people.stderr).not.toMatch(/^ +at /m);
  });

  it('skips with --if-present where the port is not there', async () => {
    const run = await belay('--port', '/dev/belay-no-such-port', '--if-present');
    expect(run.status).toBe(75);
  });

  it('a damaged archive is named by verify, listed, and never restored', async () => {
    const folder = newFolder();
    const copy = join(folder, 'board.blb');
    copyFileSync(archive, copy);
    const bytes = readFileSync(copy);
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(copy, bytes);
    const run = await belay('verify', '-d', folder);
    expect(run.status).toBe(13);
    expect(run.stdout).toContain(copy);
    const restore = await belay('restore', copy, '-p', 'virtual', '-y', '-d', folder);
    expect(restore.status).toBe(13);
    expect((await belay('list', '-d', folder)).status).toBe(0);
  }, 60_000);

  it('an empty archive does not hide the others', async () => {
    const folder = newFolder();
    copyFileSync(archive, join(folder, 'good.blb'));
    writeFileSync(join(folder, 'empty.blb'), '');
    const run = await belay('list', '-d', folder, '--json');
    const { backups: rows } = JSON.parse(run.stdout) as { backups: { state: string }[] };
    expect(rows.map((row) => row.state).sort()).toEqual(['corrupt', 'ok']);
  });
});

it('all of it has left the first archive as it was', () => {
  expect(hashOf(archive)).toBe(firstHash);
  const leftovers = filesBelow(backups).filter((path) => !path.endsWith('.blb'));
  expect(leftovers).toEqual([]);
});
