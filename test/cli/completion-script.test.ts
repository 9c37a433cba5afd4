import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { COMMAND_NAMES } from '../../src/cli/call.js';
import { completionScript } from '../../src/cli/completion-script.js';
import { buildProgram } from '../../src/cli/program.js';

const program = buildProgram({ version: '', writeOut: () => {}, columns: 80 }, () => {});

function scriptOf(shell: string): string {
  const script = completionScript(shell, program);
  if (script === null) throw new Error(shell);
  return script;
}

function installed(shell: string): boolean {
  return spawnSync(shell, ['--version']).status === 0;
}

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('for %s knows every command and option', (shell) => {
    const script = scriptOf(shell);
    for (const name of COMMAND_NAMES) expect(script).toContain(name);
    for (const option of ['skip-if-unchanged', 'against-board', 'keep-within', 'retry-lock']) {
      expect(script).toContain(option);
    }
  });

  it('is for known shells only', () => {
    expect(completionScript('tcsh', program)).toBeNull();
  });

  it.each(['bash', 'zsh', 'fish'])('%s accepts its script', (shell) => {
    if (!installed(shell)) {
      console.info(`skipped: ${shell} is not installed`);
      return;
    }
    const run = spawnSync(shell, ['-n'], { input: scriptOf(shell), encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it.each([
    ['belay-backup ver', 'verify'],
    ['belay-backup --ty', '--type'],
    ['belay-backup --type dif', 'differential'],
    ['belay-backup restore --overwrite ne', 'never'],
    ['belay-backup -p vir', 'virtual'],
    ['belay-backup completion zs', 'zsh'],
  ])('in bash "%s" becomes %s', (line, word) => {
    const words = line.split(' ').map((each) => `'${each}'`);
    const ask = `
      COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}
      _belay_backup; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const run = spawnSync('bash', ['-c', `${scriptOf('bash')}\n${ask}`], { encoding: 'utf8' });
    expect(run.stdout.trim().split('\n')).toEqual([word]);
  });
});
