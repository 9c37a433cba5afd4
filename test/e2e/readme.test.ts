/** The README is a promise: every command in it runs here, in the order in which it stands there. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');

async function commandBlocks(): Promise<string[]> {
  const text = await readFile(join(ROOT, 'README.md'), 'utf8');
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map((match) => match[1] as string);
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
    const [first, second] = await commandBlocks();
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
    const blocks = (await commandBlocks()).filter((block) => !block.includes('npm test'));
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
});
