import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { jsonLines, MAIN, runCommand } from './run-command.js';

describe('the command as a process', () => {
  it('prints its version and its help to stdout, and nothing else', async () => {
    const version = await runCommand(['--version']);
    expect(version).toMatchObject({ status: 0, stderr: '' });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = await runCommand(['--help']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toContain('Exit status:');
  });

  it('words a wrong option on stderr in two lines and ends with 2', async () => {
    const run = await runCommand(['list', '--jsno']);
    expect(run.status).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr).toBe("error: unknown option '--jsno'\nhint: did you mean --json?\n");
  });

  it('words it for machines with --json', async () => {
    const run = await runCommand(['--json', 'lst']);
    expect(run.status).toBe(2);
    expect(run.stdout).toBe('');
    expect(jsonLines(run.stderr)).toEqual([
      {
        type: 'error',
        code: 'usage/invalid',
        message: 'unknown command "lst"',
        hint: 'did you mean "list"?',
        exitCode: 2,
      },
    ]);
  });

  it('is quiet when its reader goes away', () => {
    const script = `set -o pipefail; "${process.execPath}" "${MAIN}" completion bash | head -c 1 >/dev/null`;
    const run = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it('prints no escape codes into a pipe', async () => {
    const run = await runCommand(['restore', '--help'], { env: { TERM: 'xterm-256color' } });
    expect(run.stdout).not.toContain('\u001b');
  });
});
