/** doctor on what goes wrong: each failure with its cause, the next step and the exit status. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { CIRCUITPYTHON, VirtualBoard } from '../../dist/testing/index.js';
import { connectBoard } from '../../src/device/board.js';
import { ownerGroup } from '../../src/transport/port-holder.js';
import { parseTranscript, type TranscriptLine } from '../../src/transport/transcript.js';
import { IdleClock } from '../support/idle-clock.js';
import { PtyPair, whyNoPty } from '../support/pty-pair.js';
import { stepsOf } from '../support/recorded-steps.js';
import { ScriptedPort } from '../support/scripted-port.js';
import { type RunOptions, runCommand } from './run-command.js';

const folder = mkdtempSync(join(tmpdir(), 'belay-doctor-'));
chmodSync(folder, 0o755);
const boards: VirtualBoard[] = [];
const ptys: PtyPair[] = [];
const missing = whyNoPty();
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const support = (name: string) => fileURLToPath(new URL(`../support/${name}`, import.meta.url));
const HOLDER = support('native-port.mjs');

afterAll(async () => {
  for (const board of boards) await board.stop();
  for (const pty of ptys) pty.unplug();
  rmSync(folder, { recursive: true, force: true });
});

async function terminalOf(options: Parameters<typeof VirtualBoard.start>[0]): Promise<string> {
  const board = await VirtualBoard.start(options);
  boards.push(board);
  return (await board.pty()).path;
}

async function silentTerminal(): Promise<PtyPair> {
  const pty = await PtyPair.open();
  ptys.push(pty);
  return pty;
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

interface Step {
  readonly step: string;
  readonly ok: boolean;
  readonly text: string;
  readonly hint: string | null;
}

/** The steps, the first that failed, and the exit status. */
async function doctor(
  port: string,
  options: RunOptions & { readonly argv?: readonly string[] } = {},
) {
  const argv = ['doctor', '--port', port, '--json', ...(options.argv ?? [])];
  const env = { BELAY_DIR: join(folder, 'backups'), ...options.env };
  const run = await runCommand(argv, { timeoutMs: 40_000, ...options, env });
  const { steps } = JSON.parse(run.stdout) as { steps: Step[] };
  const textOf = (name: string) => steps.find(({ step }) => step === name)?.text;
  return { status: run.status, steps, failed: steps.find(({ ok }) => !ok) ?? null, textOf };
}

describe
  .skipIf(missing !== null)
  .concurrent(`doctor explains ${missing ?? ''}`, { timeout: 60_000 }, () => {
    it('a port that it may not open, and which group may', async () => {
      const { path } = await silentTerminal();
      chmodSync(path, isRoot ? 0o600 : 0o000);
      const { status, failed } = await doctor(path, isRoot ? { uid: NOBODY } : {});
      expect(status).toBe(1);
      expect(failed).toMatchObject({ step: 'connect', text: `${path}: permission denied` });
      expect(failed?.hint).toMatch(/usermod -aG dialout \$USER.*log in again/);
    });

    it('a port that it may not open by the name of the group that owns it', () => {
      const file = join(folder, 'port');
      writeFileSync(file, '');
      chmodSync(file, 0o660);
      const groups = join(folder, 'group');
      writeFileSync(groups, `root:x:0:\ndialers:x:${isRoot ? 20 : process.getgid?.()}:\n`);
      if (isRoot) chownSync(file, 0, 20);
      expect(ownerGroup(file, groups)).toBe('dialers');
      chmodSync(file, 0o600);
      expect(ownerGroup(file, groups)).toBeNull();
    });

    it('a port that is in use, by a process that has it', async () => {
      const { path } = await silentTerminal();
      const holder = spawn(process.execPath, [HOLDER, path], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      try {
        await new Promise((resolve) => holder.stdout.once('data', resolve));
        const { status, failed } = await doctor(path);
        expect(status).toBe(11);
        const [, pid] = /in use by .+ \(PID (\d+)\)/.exec(failed?.text ?? '') ?? [];
        const open = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
        expect(open).toContain(path);
        expect(failed?.hint).toMatch(/Close the other program.*--retry-lock/);
      } finally {
        holder.kill('SIGKILL');
      }
    });

    it('a board that says nothing', async () => {
      const { path } = await silentTerminal();
      const { status, failed } = await doctor(path);
      expect(status).toBe(20);
      expect(failed).toMatchObject({ step: 'connect' });
      expect(failed?.text).toMatch(/the board sent nothing/);
      expect(failed?.hint).toMatch(/reset button.*--baud.*MicroPython/);
    });

    it('a program that cannot be interrupted', async () => {
      const main = 'import micropython\nmicropython.kbd_intr(-1)\nwhile True: print("mine")\n';
      const { status, failed } = await doctor(await terminalOf({ files: { 'main.py': main } }));
      expect(status).toBe(20);
      expect(failed).toMatchObject({ step: 'connect' });
      expect(failed?.hint).toMatch(/does not stop at Ctrl-C.*reset.*main\.py/);
    });

    it('a watchdog that the program holds', async () => {
      const main = 'import machine\ndog = machine.WDT(timeout=3000)\nwhile True:\n    dog.feed()\n';
      const { status, textOf } = await doctor(await terminalOf({ files: { 'main.py': main } }));
      expect(status).toBe(0);
      expect(textOf('probe watchdogs')).toBe('1 found, fed while Belay works');
    });

    it('a file system that Python may only read', async () => {
      const { status, textOf } = await doctor(await terminalOf({ dialect: CIRCUITPYTHON }));
      expect(status).toBe(0);
      expect(textOf('writing')).toMatch(/read-only for Python.*storage\.remount/);
    });
  });

describe.concurrent('doctor explains, without a terminal,', { timeout: 60_000 }, () => {
  const without = (native: string) => ({
    require: support('no-native-part.cjs'),
    env: { BELAY_TEST_NO_NATIVE: native },
  });

  it('a missing native part that inflates, and goes on without it', async () => {
    const { status, textOf } = await doctor('virtual', without('zlib'));
    expect(status).toBe(0);
    expect(textOf('inflating')).toMatch(/^fflate: .*npm rebuild zlib-sync/);
  });

  it('a missing native part that opens ports; the board without a port is examined all the same', async () => {
    const { status, steps, failed } = await doctor('virtual', without('serialport'));
    expect(status).toBe(1);
    expect(failed).toMatchObject({ step: 'ports' });
    expect(failed?.hint).toMatch(/npm rebuild @serialport\/bindings-cpp/);
    expect(steps.filter(({ ok }) => !ok)).toHaveLength(1);
    expect(steps.at(-1)).toMatchObject({ step: 'wire', ok: true });
  });

  it('a folder of backups that cannot be used, and examines the board', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, 'x');
    const { status, failed, steps } = await doctor('virtual', { env: { BELAY_DIR: file } });
    expect(status).not.toBe(0);
    expect(failed).toMatchObject({ step: 'backups' });
    expect(steps.at(-1)).toMatchObject({ step: 'wire', ok: true });
  });
});

describe.skipIf(missing !== null).concurrent(`a transcript of doctor ${missing ?? ''}`, () => {
  /** What was said until the first bytes that were left out. */
  async function told(port: string): Promise<readonly TranscriptLine[]> {
    const file = join(folder, `${basename(port)}.jsonl`);
    await doctor(port, { argv: ['--transcript', file] });
    const lines = parseTranscript(readFileSync(file, 'utf8'));
    const end = lines.findIndex((line) => line.omitted !== undefined);
    return end < 0 ? lines : lines.slice(0, end);
  }

  /** The product meets the recording instead of the board. */
  function replay(lines: readonly TranscriptLine[]) {
    const clock = new IdleClock();
    const port = new ScriptedPort(clock, stepsOf(lines));
    const signal = new AbortController().signal;
    return { port, connection: connectBoard(port, { clock, random: () => '00', signal }) };
  }

  it('is a test of its own: played again, the same board is found', async () => {
    const lines = await told(await terminalOf({ files: {}, uniqueIdHex: 'be1a7e5700000301' }));
    const { port, connection } = replay(lines);
    const { info, programInterrupted } = await connection;
    expect(port.surprise).toBeNull();
    expect(info).toMatchObject({ uniqueId: 'be1a7e5700000301', firmware: 'micropython' });
    expect(info.probe).toMatchObject({ output: 'raw', hash: 'sha256', listing: 'ilistdir' });
    expect(programInterrupted).toBe(false);
  });

  it('of a failure fails in the same way when it is played again', async () => {
    const { path } = await silentTerminal();
    const lines = await told(path);
    const failure = lines.find((line) => line.text?.startsWith('failed: '))?.text;
    const { connection } = replay(lines);
    const error = await connection.catch((thrown: unknown) => thrown as Error & { code: string });
    expect(failure).toContain('repl/no-prompt');
    expect(`failed: ${(error as { code: string }).code}: `).toBe(
      failure?.slice(0, 'failed: repl/no-prompt: '.length),
    );
  });
});
