/** devices, doctor, --wait and --if-present, as a user meets them: the command on real terminals. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { CIRCUITPYTHON, VirtualBoard } from '../../dist/testing/index.js';
import { encodeTranscript, parseTranscript } from '../../src/transport/transcript.js';
import { whyNoPty } from '../support/pty-pair.js';
import { jsonLines, runCommand } from './run-command.js';

const folder = mkdtempSync(join(tmpdir(), 'belay-every-'));
const boards: VirtualBoard[] = [];
const missing = whyNoPty();

afterEach(async () => {
  for (const board of boards.splice(0)) await board.stop();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function terminalOf(options: Parameters<typeof VirtualBoard.start>[0]): Promise<string> {
  const board = await VirtualBoard.start(options);
  boards.push(board);
  return (await board.pty()).path;
}

const belay = (...argv: string[]) =>
  runCommand(argv, { env: { BELAY_DIR: join(folder, 'backups') }, timeoutMs: 40_000 });

describe.skipIf(missing !== null)(`every board ${missing ?? ''}`, { timeout: 60_000 }, () => {
  it('devices --probe shows what answered and its last backup', async () => {
    const port = await terminalOf({ uniqueIdHex: 'be1a7e5700000201' });
    const row = async () => {
      const run = await belay('devices', '--probe', '--port', port, '--json');
      expect(run.status).toBe(0);
      const { devices } = JSON.parse(run.stdout) as { devices: Record<string, unknown>[] };
      return devices.find((device) => device.path === port);
    };
    expect(await row()).toMatchObject({
      board: { firmware: 'micropython', uniqueId: 'be1a7e5700000201' },
      lastBackup: null,
    });
    const made = await belay('backup', '--port', port, '--json');
    const summary = JSON.parse(made.stdout.trim().split('\n').at(-1) as string);
    expect(await row()).toMatchObject({ lastBackup: { backupId: summary.backupId } });
    expect((await belay('devices', '--probe', '--port', port)).stdout).toMatch(/last backup \d{4}/);
  });

  it('doctor says why each rung was chosen, what inflates, and that a drive is read-only', async () => {
    const port = await terminalOf({ dialect: CIRCUITPYTHON });
    const run = await belay('doctor', '--port', port);
    expect(run.status).toBe(0);
    expect(run.stdout).toMatch(/inflating: (zlib-sync|fflate)/);
    expect(run.stdout).toMatch(/probe output: base64, since sys\.stdout has no buffer/);
    expect(run.stdout).toMatch(/probe listing: listdir, since there is no os\.ilistdir/);
    expect(run.stdout).toMatch(/writing: the file system is read-only.*storage\.remount/);
  });

  it('a transcript is of the format of fixtures/transcripts and reads back the same', async () => {
    const port = await terminalOf({});
    const file = join(folder, 'talk.jsonl');
    await belay('doctor', '--port', port, '--transcript', file);
    const text = readFileSync(file, 'utf8');
    const lines = parseTranscript(text);
    expect(lines.length).toBe(text.trim().split('\n').length);
    expect(encodeTranscript(lines)).toBe(text);
    const recorded = new URL('../../fixtures/transcripts/idle.jsonl', import.meta.url);
    const keys = new Set(parseTranscript(readFileSync(recorded, 'utf8')).flatMap(Object.keys));
    const ours = new Set(lines.flatMap(Object.keys));
    expect([...ours].filter((key) => !keys.has(key) && key !== 'omitted')).toEqual([]);
  });

  it('CircuitPython with its drive mounted is backed up; a restore is refused and changes nothing', async () => {
    const port = await terminalOf({
      dialect: CIRCUITPYTHON,
      files: { 'code.py': 'print(1)\n', 'lib/a.py': 'a\n' },
    });
    expect((await belay('backup', '--port', port)).status).toBe(0);
    const other = await terminalOf({
      dialect: CIRCUITPYTHON,
      files: { 'code.py': 'print(2)\n' },
    });
    const before = await boards[1]?.dump();
    const run = await belay('restore', '--port', other, '--yes', '--json', 'latest');
    expect(run.status).toBe(1);
    const error = JSON.parse(run.stderr.trim().split('\n').at(-1) as string);
    expect(error).toMatchObject({ type: 'error', code: 'board/read-only' });
    expect(error.hint).toMatch(/storage\.remount[\s\S]*unsafe_disable_usb_drive/);
    expect(await boards[1]?.dump()).toEqual(before);
  });

  it('of two boards one fails: the other is backed up, its summary is its last word, 3', async () => {
    const port = await terminalOf({ uniqueIdHex: 'be1a7e5700000203' });
    const absent = join(folder, 'ttyABSENT');
    const both = ['backup', '--port', absent, '--port', port];
    const run = await belay(...both, '--json');
    expect(run.status).toBe(3);
    const last = jsonLines(run.stdout).at(-1);
    expect(last).toMatchObject({ type: 'summary', board: { uniqueId: 'be1a7e5700000203' } });
    expect(jsonLines(run.stderr)).toEqual([
      expect.objectContaining({ type: 'error', board: absent, code: 'port/not-found' }),
    ]);
    const plain = await belay(...both, '--plain');
    expect(plain.status).toBe(3);
    expect(plain.stdout).toMatch(/^1 of 2 boards done\.$/m);
    expect(plain.stderr).toContain(`${absent}: error: no such port\n`);
  });

  it('--if-present without a board ends with 75; --wait opens the port that appears', async () => {
    const path = join(folder, 'ttyLATER');
    const absent = await belay('backup', '--port', path, '--if-present', '--json');
    expect(absent.status).toBe(75);
    const port = await terminalOf({ uniqueIdHex: 'be1a7e5700000202' });
    const waiting = runCommand(['backup', '--port', path, '--wait', '--plain'], {
      env: { BELAY_DIR: join(folder, 'later') },
      timeoutMs: 40_000,
      onOutput: (output) => {
        if (output.includes('waiting for a board')) plugIn(port, path);
      },
    });
    expect((await waiting).status).toBe(0);
  });
});

function plugIn(port: string, path: string): void {
  mkdirSync(folder, { recursive: true });
  try {
    symlinkSync(port, path);
  } catch {
    // It is there already.
  }
}
