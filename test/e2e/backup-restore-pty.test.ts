/**
 * The same way as a user goes it: the built command in a process of its own, the native serial
 * binding, a pseudo-terminal in between. Compared with the boards' own flash.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { VirtualTree } from '../../src/testing/index.js';
import { VirtualBoard } from '../../src/testing/index.js';
import { whyNoPty } from '../support/pty-pair.js';
import { sixtyFiles } from './sixty-files.js';

const run = promisify(execFile);
const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const missing = whyNoPty();
if (missing !== null) console.log(`skipped, the command on a pseudo-terminal: ${missing}`);

const plain = (tree: VirtualTree) =>
  [...tree]
    .map(([path, bytes]) => [path, bytes === null ? null : Buffer.from(bytes).toString('base64')])
    .sort();

describe.skipIf(missing !== null)('the command on a pseudo-terminal', () => {
  it('takes 60 files out of one board and puts them onto another, bit for bit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'belay-pty-'));
    const source = await VirtualBoard.start({
      files: sixtyFiles(),
      uniqueIdHex: 'aa00000000000001',
    });
    const fresh = await VirtualBoard.start({
      files: {},
      uniqueIdHex: 'aa00000000000002',
    });
    const belay = async (...args: string[]) =>
      run(process.execPath, [COMMAND, ...args], {
        env: { ...process.env, BELAY_DIR: folder },
      });
    try {
      const from = await source.pty();
      const { stdout } = await belay('backup', '--port', from.path, '--json');
      const summary = JSON.parse(stdout.trim().split('\n').at(-1) as string);
      expect(summary).toMatchObject({
        type: 'summary',
        command: 'backup',
        fileCount: 60,
        partial: false,
      });
      const to = await fresh.pty();
      const restored = await belay(
        'restore',
        summary.archive,
        '--port',
        to.path,
        '--json',
        '--yes',
      );
      expect(JSON.parse(restored.stdout.trim().split('\n').at(-1) as string)).toMatchObject({
        type: 'summary',
        command: 'restore',
        filesWritten: 60,
        verified: true,
        failed: [],
      });
      expect(plain(await fresh.dump())).toEqual(plain(await source.dump()));
      const unchanged = await belay(
        'verify',
        summary.archive,
        '--against-board',
        '--port',
        to.path,
      );
      expect(unchanged.stdout).not.toBe('');
    } finally {
      await source.stop();
      await fresh.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
