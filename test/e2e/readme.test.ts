/** The README is a promise: every command in it runs here, in the order in which it stands there. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');

async function blocksOf(language: 'sh' | 'js'): Promise<string[]> {
  const text = await readFile(join(ROOT, 'README.md'), 'utf8');
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'));
  return [...blocks].map((match) => match[1] as string);
}

describe('the README', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'belay-readme-'));
    // `npx belay-backup` is run in the clone by a reader; here it stands for the same built command
    // from a scratch folder, so that nothing is written into the repository.
    const npx = join(folder, 'npx');
    await writeFile(npx, `#!/bin/sh\nshift\nexec node "${ROOT}/dist/cli/main.js" "$@"\n`);
    await chmod(npx, 0o755);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('opens with the two commands, word for word', async () => {
    const [first, second] = await blocksOf('sh');
    expect(first).toBe('npm ci && npx belay-backup --port virtual\n');
    expect(second).toBe('npm ci && npm test\n');
  });

  it('can be followed after any build: npx runs the file itself, and a build makes it anew', async () => {
    const { mode } = await stat(join(ROOT, 'dist/cli/main.js'));
    expect(mode & 0o111).toBe(0o111);
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    expect(scripts.build).toContain('chmodSync');
  });

  it('shows only commands that work', { timeout: 120_000 }, async () => {
    const blocks = (await blocksOf('sh')).filter((block) => !block.includes('npm test'));
    expect(blocks.length).toBeGreaterThan(3);
    for (const block of blocks) {
      const script = `set -euo pipefail\n${block.replace('npm ci && ', '')}`;
      const { stdout } = await run('bash', ['-c', script], {
        cwd: folder,
        env: {
          ...process.env,
          PATH: `${folder}:${process.env.PATH}`,
          BELAY_DIR: join(folder, 'backups'),
          CI: 'true',
        },
      });
      expect(stdout, block).not.toBe('');
    }
  });

  it('shows a program that works', { timeout: 60_000 }, async () => {
    const blocks = await blocksOf('js');
    expect(blocks).toHaveLength(1);
    const program = join(folder, 'program.mjs');
    const library = JSON.stringify(join(ROOT, 'dist/index.js'));
    await writeFile(program, (blocks[0] as string).replace("'belay-backup'", library));
    const { stdout, stderr } = await run(process.execPath, [program], { cwd: folder });
    expect({ stdout, stderr }).toEqual({
      stdout: 'every byte is as the board had it\n',
      stderr: '',
    });
  });
});
