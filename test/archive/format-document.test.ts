/** FORMAT.md tells the truth: its commands work, its example and its vectors are what the code makes. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { END_MEMBER_BYTES, endMember } from '../../src/archive/end-member.js';
import { stateHash } from '../../src/archive/state-hash.js';
import { tarHeader } from '../../src/archive/tar-header.js';
import { tarNameOf } from '../../src/archive/tar-name.js';
import { GOLDEN_FOLDER } from '../support/archive-fixtures.js';
import { sha256Of } from '../support/archive-making.js';

const text = readFileSync(new URL('../../src/archive/FORMAT.md', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'belay-by-hand-'));
afterAll(() => rmSync(folder, { recursive: true }));

const blocks = [...text.matchAll(/```sh by-hand\n([\s\S]*?)```/g)].map(
  (match) => match[1] as string,
);
const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.log('python3 is missing: recovery by hand is not tried');

function run(script: string): string {
  return execFileSync('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    encoding: 'utf8',
  });
}

describe('recovery by hand', () => {
  it.skipIf(!hasPython)('gets everything back from a whole archive', () => {
    copyFileSync(new URL('full.blb', GOLDEN_FOLDER), join(folder, 'backup.blb'));
    const [extract, rename, check] = blocks as [string, string, string];
    const lines = run(extract).trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.every((line) => line.endsWith(': OK'))).toBe(true);
    run(rename);
    expect(readdirSync(join(folder, 'out/rawnames'))).toEqual([]);
    const names = readdirSync(join(folder, 'out/files'), { encoding: 'latin1' });
    expect(names).toEqual(expect.arrayContaining(['odd\xff.bin', 'C:\\odd\n', 'main.py']));
    expect(run(check)).toMatch(/"formatVersion": 1/);
  });

  it.skipIf(!hasPython)('gets the undamaged members out of a damaged one', () => {
    const damaged = readFileSync(new URL('full.blb', GOLDEN_FOLDER));
    damaged.fill(0x55, 100, 140);
    writeFileSync(
      join(folder, 'backup.blb'),
      damaged.subarray(0, damaged.length - END_MEMBER_BYTES - 10),
    );
    run(blocks[3] as string);
    expect(existsSync(join(folder, 'rest/manifest.json'))).toBe(false);
    expect(readFileSync(join(folder, 'rest/files/main.py'), 'utf8')).toBe('print("hello")\n');
    expect(existsSync(join(folder, 'rest/files/empty'))).toBe(true);
  });
});

describe('example and vectors', () => {
  it('are those of the golden archives and of the code', () => {
    const example = /```json\n([\s\S]*?)```/.exec(text)?.[1] as string;
    expect(JSON.parse(example)).toEqual(
      JSON.parse(readFileSync(new URL('incremental.json', GOLDEN_FOLDER), 'utf8')),
    );
    const state = [
      { kind: 'd', sizeBytes: 0, sha256: null, path: 'lib' },
      { kind: 'f', sizeBytes: 0, sha256: sha256Of(new Uint8Array(0)), path: 'boot.py' },
      { kind: 'x', sizeBytes: 0, sha256: null, path: 'odd\udcff' },
    ] as const;
    const end = endMember({
      headBytes: 687,
      manifestSha256: 'a'.repeat(64),
      restSha256: 'b'.repeat(64),
    });
    const file = { isFolder: false, mtimeS: 0 };
    const values = [
      sha256Of(readFileSync(new URL('empty.blb', GOLDEN_FOLDER))),
      sha256Of(readFileSync(new URL('full.blb', GOLDEN_FOLDER))),
      stateHash([]),
      stateHash(state),
      sha256Of(end),
      sha256Of(tarHeader({ ...file, name: 'files/main.py', sizeBytes: 15, mtimeS: 1_763_634_071 })),
      sha256Of(tarHeader({ ...file, name: 'files/data/größe.txt', sizeBytes: 6 })),
      sha256Of(tarHeader({ name: 'files/lib/', isFolder: true, sizeBytes: 0, mtimeS: 0 })),
      tarNameOf('odd\udcff.bin', false),
    ];
    const vectors = text.slice(text.indexOf('## 12. Test vectors'));
    for (const value of values) expect(vectors).toContain(`\`${value}\``);
    expect(END_MEMBER_BYTES).toBe(184);
  });
});
