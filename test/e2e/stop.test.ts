/** Stopping a run of the built command in its own process, with a board that is in no hurry. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VirtualBoard } from '../../dist/testing/index.js';
import { jsonLines, runCommand, temporaryFolder } from '../cli/run-command.js';

const home = temporaryFolder();
let board: VirtualBoard;
let port: string;

beforeAll(async () => {
  const noise = Uint8Array.from(
    { length: 60_000 },
    (_, at) => (Math.imul(at, at * 31 + 7) >>> 5) & 255,
  );
  board = await VirtualBoard.start({
    files: { 'noise.bin': noise, 'main.py': 'while True:\n    pass\n' },
    bytesPerSecond: 11_520,
    overrun: 'hold',
  });
  port = (await board.pty()).path;
}, 60_000);

afterAll(async () => {
  await board?.stop();
  home.dispose();
});

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

/** Starts a backup and sends the signals once the file is being read. */
async function stopped(name: string, ...signals: NodeJS.Signals[]) {
  const folder = join(home.path, name);
  let sentMs: number | null = null;
  const run = await runCommand(['-p', port, '-d', folder, '--json'], {
    onOutput: (output, kill) => {
      if (sentMs !== null || !output.includes('"operation":"reading"')) return;
      sentMs = performance.now();
      for (const signal of signals) kill(signal);
    },
  });
  return { run, folder, tookMs: performance.now() - (sentMs ?? Number.NaN) };
}

describe('a run that is stopped', { timeout: 60_000 }, () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s ends within two seconds with 130, without an archive or a leftover',
    async (signal) => {
      const { run, folder, tookMs } = await stopped(signal, signal);
      expect(run.status).toBe(130);
      expect(tookMs).toBeLessThan(2_000);
      expect(jsonLines(run.stderr)).toMatchObject([
        { type: 'error', code: 'job/cancelled', exitCode: 130 },
      ]);
      expect(jsonLines(run.stdout).some((line) => line.type === 'summary')).toBe(false);
      expect(filesIn(folder)).toEqual([]);
    },
  );

  it('twice is out at once, and has nothing under a final name; the next run needs no help', async () => {
    const { run, folder, tookMs } = await stopped('twice', 'SIGINT', 'SIGTERM');
    expect(run.status).toBe(130);
    expect(tookMs).toBeLessThan(1_000);
    expect(filesIn(folder).filter((name) => name.endsWith('.blb'))).toEqual([]);
    const next = await runCommand(['-p', port, '-d', folder, '--json']);
    expect(next.stderr).toBe('');
    expect(next.status).toBe(0);
    expect(filesIn(folder)).toHaveLength(1);
  });
});
