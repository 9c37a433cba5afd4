/** Every example in the library's doc comments runs as it stands there, against the built library. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '..');
const source = await readFile(join(ROOT, 'src/index.ts'), 'utf8');

/** The code below each `@example`, with the name of what it is an example of. */
const examples = [
  ...source.matchAll(/@example\n((?: \* .*\n)+) \*\/\nexport (?:async )?\w+ (\w+)/g),
].map(([, lines = '', name = '']) => ({ name, code: lines.replaceAll(/^ \* /gm, '') }));

/** What an example takes as given: two backups in ./backups and a project beside it. */
const GIVEN = `
const path = process.env.NEWER, newest = path, newer = path, older = process.env.OLDER;
`;

let folder: string;
let env: NodeJS.ProcessEnv;

/** Runs a module in the folder, with `belay-backup` meaning the built library. */
async function runModule(code: string): Promise<string> {
  const library = JSON.stringify(join(ROOT, 'dist/index.js'));
  const text = code.replaceAll("'belay-backup'", library);
  const file = join(folder, 'example.mjs');
  await writeFile(file, text);
  const { stdout, stderr } = await run(process.execPath, [file], { cwd: folder, env });
  expect(stderr).toBe('');
  return stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-examples-'));
  env = { PATH: process.env.PATH, HOME: folder };
  await mkdir(join(folder, 'my-project'));
  await writeFile(join(folder, 'my-project', 'main.py'), 'print(1)\n');
  const made = await runModule(`
    import { DeviceBackup } from 'belay-backup';
    const board = new DeviceBackup({ port: 'virtual' });
    for (const description of ['one', 'two']) {
      await board.createBackup({ backupDirectory: './backups', description });
      console.log(board.lastBackup.summary.archive);
    }`);
  const [OLDER, NEWER] = made.trim().split('\n');
  env = { ...env, OLDER, NEWER };
  await rename(join(folder, 'backups'), join(folder, 'as-made'));
}, 60_000);

// One example deletes what another reads.
beforeEach(async () => {
  await rm(join(folder, 'backups'), { recursive: true, force: true });
  await cp(join(folder, 'as-made'), join(folder, 'backups'), { recursive: true });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the example of', () => {
  it('every function is there', () => {
    const functions = [...source.matchAll(/^export (?:async )?function (\w+)/gm)].map(
      (match) => match[1],
    );
    expect(examples.map(({ name }) => name)).toEqual(['DeviceBackup', ...functions]);
  });

  it.each(examples)(
    '$name runs',
    async ({ name, code }) => {
      const imports = code.includes('import ') ? '' : `import { ${name} } from 'belay-backup';\n`;
      // A path that stands for any archive's.
      const given = code.replaceAll(/'\.\/backups\/board-[^']+\.blb'/g, 'path');
      await runModule(`${imports}${imports === '' ? '' : GIVEN}${given}`);
    },
    60_000,
  );
});
