/**
 * faults.md A to D through the built command: one folder with every kind of damaged and hostile
 * archive beside good ones. Every case: extract ends with the code and one line that names the file,
 * and so does a restore, nothing is written; verify and list name each, and what still restores.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GZIP_HEADER, gzipTrailer, joinBytes } from '../../src/archive/gzip-member.js';
import { runCommand } from '../cli/run-command.js';
import type { Bent, Lies } from '../support/archive-forging.js';
import { forge, forgeable, takeApart, withChecksum } from '../support/archive-forging.js';
import { archiveOf, bytesOf } from '../support/archive-making.js';
import { contentOf, fill, jsonLines, newLab } from './lab.js';

const lab = newLab();
const noSmallDisk = mountSmallDisk(join(lab.home, 'small'));
if (noSmallDisk !== null) console.log(`skipped, a disk that is too small: ${noSmallDisk}`);
afterAll(() => {
  if (noSmallDisk === null) spawnSync('umount', [join(lab.home, 'small')]);
  lab.dispose();
});

/** A disk of one megabyte, where this user may mount one. */
function mountSmallDisk(path: string): string | null {
  mkdirSync(path);
  const { status, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', path]);
  return status === 0
    ? null
    : `no tmpfs can be mounted (${error?.message ?? `mount ended with ${status}`})`;
}

const CONTENT = {
  'a.py': 'x = 1\n',
  lib: null,
  'lib/b.py': 'y = 2\n',
  'z.bin': Uint8Array.from({ length: 3_000 }, (_, at) => (at * 7919) >> 3),
};
const whole = await archiveOf(CONTENT);
const good = await archiveOf({ 'main.py': 'good\n' }, { backupId: 'c'.repeat(32), sequence: 9 });
const honest = await forgeable(whole);
const endBytes = 12 + 10 + 11 + 8 + 160;
const text = (manifest: unknown) => JSON.stringify(manifest);

/** Every archive has an id of its own: one that two of them claim would be what is said of both. */
let ids = 0;
const nextId = () => {
  ids += 1;
  return String(ids).padStart(32, '0');
};
const another = () => archiveOf(CONTENT, { backupId: nextId() });
const forged = (lies: Lies) =>
  forge({ ...honest, manifest: { ...honest.manifest, backupId: nextId() } }, lies);

const bent = (change: (manifest: Bent) => void, refit = true) =>
  forged({
    refit,
    manifest: (manifest) => {
      change(manifest);
      return manifest;
    },
  });
const raw = (change: (json: string) => string | Uint8Array) =>
  forged({
    manifest: (manifest) => {
      const changed = change(text(manifest));
      return typeof changed === 'string' ? bytesOf(changed) : changed;
    },
  });
const tar = (change: (bytes: Uint8Array) => void) =>
  forged({
    tar: (bytes, member) => {
      if (member === 0) {
        change(bytes);
        withChecksum(bytes.subarray(0, 512));
      }
      return bytes;
    },
  });
const named = (name: string) => bent((manifest) => (manifest.files[0].relativePath = name));
const sized = (size: unknown) => bent((manifest) => (manifest.files[0].originalSize = size), false);
const bomb = (before: Uint8Array) => {
  const body = deflateRawSync(joinBytes([before, new Uint8Array(200_000_000)]), { level: 9 });
  return joinBytes([GZIP_HEADER, body, gzipTrailer(0, 0)]);
};

interface Finding {
  readonly code: string;
  readonly message: string;
}

type Case = readonly [name: string, bytes: Uint8Array | Promise<Uint8Array>, says?: RegExp];

const CHECKSUMS = /checksums\.txt/;

const CASES: readonly Case[] = [
  ['A1 an empty file', new Uint8Array(0), /empty archive/],
  ['A2 cut at a multiple of 512', whole.slice(0, 1024), /1024 bytes found, .* expected/],
  ['A2 cut within the first member', whole.slice(0, 512), /512 bytes found, more expected/],
  ['A2 cut where the last member begins', whole.slice(0, -endBytes), /bytes found/],
  ['A3 cut inside the manifest', whole.slice(0, 200), /truncated|bytes found/],
  ['A3 cut inside the end', whole.slice(0, -1), /bytes found/],
  ['A4 one bit of the data', another().then((bytes) => flipped(bytes, 0.6))],
  ['A6 one bit of a gzip header', another().then((bytes) => flipped(bytes, 9 / bytes.length))],
  ['A7 garbage behind the end', joinBytes([whole, bytesOf('garbage')]), /trailing data/],
  [
    'A7 a second archive behind it',
    joinBytes([whole, good]),
    /trailing data: \d+ bytes follow the end/,
  ],
  ['A8 no end blocks', whole.slice(0, -endBytes - 1), /bytes found, (at least )?\d+ expected/],
  [
    'A9 a wrong header checksum',
    forged({ tar: (bytes) => bytes.fill(bytes[150] === 0x31 ? 0x32 : 0x31, 150, 151) }),
  ],
  ['A11 a zip', Buffer.from('504b0304140000000800', 'hex'), /not a \.blb/],
  ['A11 a gzip file', gzipSync('print(1)\n'.repeat(50)), /not a \.blb/],
  ['A11 a script', bytesOf('import machine\n'), /not a \.blb/],
  ['A11 a PNG', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), /not a \.blb/],
  ['A12 an empty checksums.txt', forged({ checksums: () => '' }), CHECKSUMS],
  ['A12 CRLF', forged({ checksums: (each) => each.replaceAll('\n', '\r\n') }), CHECKSUMS],
  ['A12 upper-case hex', forged({ checksums: (each) => each.toUpperCase() }), CHECKSUMS],
  [
    'A12 a line twice',
    forged({ checksums: (each) => `${each}${each.split('\n')[1]}\n` }),
    CHECKSUMS,
  ],
  [
    'B1 no UTF-8',
    raw((json) => Buffer.concat([Buffer.from(json.slice(0, -1)), Buffer.from('ff7d', 'hex')])),
    /not JSON in UTF-8/,
  ],
  ['B1 no JSON', raw(() => 'files'), /not JSON/],
  ['B1 a trailing comma', raw((json) => `${json.slice(0, -1)},}`), /not JSON/],
  ['B1 a byte-order mark', raw((json) => `\ufeff${json}`), /not JSON/],
  [
    'B3 ten thousand arrays inside each other',
    raw(() => `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`),
    /limit exceeded: nested deeper/,
  ],
  ['B4 a size one larger', sized(7), /integrityChecksum|totalOriginalSize|stateHash/],
  ['B4 a negative size', sized(-1), /files\.0/],
  ['B4 a size of 1e300', sized(1e300), /files\.0/],
  ['B4 a size as text', sized('6'), /files\.0/],
  [
    'B5 more in the member than it says',
    bent((manifest) => (manifest.members[0].tarSize -= 512), false),
    /its entries take \d+ bytes of \d+/,
  ],
  [
    'B6 a file without an entry',
    bent((manifest) => manifest.files.push({ relativePath: 'zz', isDirectory: true })),
    /1 folders are in no member/,
  ],
  ['B6 an entry without a line', bent((manifest) => manifest.files.pop()), /its entries take/],
  [
    'B7 a path twice',
    bent((manifest) => manifest.files.unshift({ ...manifest.files[0] })),
    /a\.py is listed twice/,
  ],
  [
    'B8 a file with something below it',
    bent((manifest) => (manifest.files[0].relativePath = 'lib/b.py/c')),
    /listed below a file|out of order/,
  ],
  [
    'B12 a time that is none',
    bent((manifest) => (manifest.createdAt = '2026-02-30T00:00:00.000Z')),
    /createdAt/,
  ],
  ['C1 a path that leads out', named('../x'), /not a path on a board/],
  ['C1 a path that leads out in the middle', named('a/../../x'), /not a path on a board/],
  ['C2 an absolute path', named('/etc/x'), /not a path on a board/],
  ['C2 an absolute name in the tar', tar((bytes) => bytes.fill(0, 0, 100).set(bytesOf('/etc/x')))],
  ['C4 a NUL', named('a\0b'), /not a path on a board/],
  ['C5 an empty name', named(''), /not a path on a board/],
  ['C5 a dot', named('./a'), /not a path on a board/],
  ['C5 two slashes', named('a//b'), /not a path on a board/],
  ['C6 a symbolic link', tar((bytes) => bytes.set([0x32], 156)), /unsupported entry type/],
  ['C6 a FIFO', tar((bytes) => bytes.set([0x36], 156)), /unsupported entry type/],
  ['C7 a hard link', tar((bytes) => bytes.set([0x31], 156)), /unsupported entry type/],
  ['C14 a name of 300 bytes', named('x'.repeat(300)), /not a path on a board/],
  ['D1 200 MB out of 200 kB', forged({ member: () => bomb(new Uint8Array(0)) })],
];

function flipped(bytes: Uint8Array, share: number): Uint8Array {
  const at = Math.floor(bytes.length * share);
  return bytes.map((byte, index) => (index === at ? byte ^ 0x10 : byte));
}

/** full <- second; an increment whose parent is missing; all whole in themselves. */
async function chains(): Promise<Record<string, Uint8Array>> {
  const [id, files] = ['d'.repeat(32), { 'main.py': 'first\n' }];
  const { manifest } = await takeApart(await archiveOf(files, { backupId: id }));
  const on = (parentId: string) =>
    ({
      backupType: 'incremental',
      parent: { backupId: parentId, stateHash: manifest.stateHash },
    }) as const;
  return {
    'full.blb': await archiveOf(files, { backupId: id }),
    'second.blb': await archiveOf(files, { ...on(id), backupId: '5'.repeat(32), sequence: 2 }),
    'orphan.blb': await archiveOf(files, {
      ...on('0'.repeat(32)),
      backupId: '7'.repeat(32),
      sequence: 3,
    }),
  };
}

describe('an archive that nobody should believe', () => {
  const dir = lab.folder();
  const fileOf = (name: string) => `${name.replaceAll(/[^A-Za-z0-9]+/g, '-')}.blb`;
  const SOUND = ['good.blb', 'full.blb', 'second.blb'];
  /** Extract and restore check an archive alike: a board is needed for one of each number only. */
  const isFirstOfItsNumber = (name: string) => {
    const [number] = name.split(' ');
    return CASES.find(([other]) => other.startsWith(`${number} `))?.[0] === name;
  };
  let before: Record<string, string> = {};

  beforeAll(async () => {
    for (const [name, made] of CASES) fill(dir, { [fileOf(name)]: await made });
    fill(dir, { 'good.blb': good, ...(await chains()) });
    before = contentOf(dir);
    expect(Object.keys(before)).toHaveLength(CASES.length + SOUND.length + 1);
  });

  it.each(CASES.map(([name, made, says = /./]) => ({ name, made, says })))(
    '$name',
    async ({ name, says }) => {
      const [target, flash] = [lab.folder(), lab.folder()];
      const path = join(dir, fileOf(name));
      const commands = [['extract', path, '--output', target]];
      if (isFirstOfItsNumber(name)) {
        commands.push(['restore', path, '-p', `virtual:${flash}`, '-y']);
      }
      const errors = await Promise.all(commands.map((argv) => lab.refused(dir, argv, 13)));
      for (const { message, hint } of errors) {
        expect(message).toContain(path);
        expect(message).toMatch(says);
        expect(hint === null || hint.length > 10).toBe(true);
      }
      expect([contentOf(target), contentOf(flash), contentOf(dir)]).toEqual([{}, {}, before]);
    },
  );

  it('is named by verify among all others, which says what can still be restored, and why not the rest', async () => {
    const run = await lab.belay(dir, ['verify']);
    expect(run.status).toBe(13);
    const { archives } = JSON.parse(run.stdout) as {
      archives: { archive: string; restorable: boolean; findings: Finding[] }[];
    };
    const rows = new Map(archives.map((row) => [row.archive.slice(dir.length + 1), row]));
    for (const [name, , says = /./] of CASES) {
      const row = rows.get(fileOf(name));
      expect([name, row?.restorable]).toEqual([name, false]);
      const messages = row?.findings.map(({ message }) => message).join('; ');
      expect([name, messages]).toEqual([name, expect.stringMatching(says)]);
      expect([name, row?.findings[0]?.code]).toEqual([name, expect.stringMatching(/^archive\//)]);
    }
    expect(rows.get('orphan.blb')?.findings[0]?.code).toBe('chain/no-parent');
    const restorable = [...rows].filter(([, row]) => row.restorable).map(([name]) => name);
    expect(restorable.sort()).toEqual([...SOUND].sort());
    const [error] = jsonLines(run.stderr).slice(-1) as unknown as [{ hint: string }];
    expect(error.hint).toContain('repair');
    for (const name of SOUND) {
      const target = lab.folder();
      await lab.done(dir, ['extract', join(dir, name), '--output', target]);
      expect(Object.keys(contentOf(target))).toEqual(['main.py']);
    }
    expect(contentOf(dir)).toEqual(before);
  });

  it('takes nothing from a listing: the others stand in it as they are', async () => {
    const { backups } = await lab.done(dir, ['list']);
    const states = new Map(
      (backups as { archive: string; state: string }[]).map((row) => [
        row.archive.slice(dir.length + 1),
        row.state,
      ]),
    );
    expect(states.size).toBe(Object.keys(before).length);
    for (const name of SOUND) expect([name, states.get(name)]).toEqual([name, 'ok']);
    expect(states.get('orphan.blb')).toBe('orphan');
    for (const [name] of CASES.filter(([each]) => /^A[12378] |^A11|^B1 no JSON/.test(each)))
      expect([name, states.get(fileOf(name))]).toEqual([name, 'corrupt']);
  });

  it('is said to people, too: what is damaged and what still restores; 14 where only a chain is broken', async () => {
    const run = await runCommand(['verify', '-d', dir, '--no-color'], { timeoutMs: 60_000 });
    expect(run.status).toBe(13);
    for (const [name] of CASES) expect(run.stdout).toContain(fileOf(name));
    expect(run.stdout).toMatch(
      new RegExp(`${SOUND.length} of ${CASES.length + 4} can be restored`),
    );
    const broken = lab.folder();
    fill(broken, { 'good.blb': good, 'orphan.blb': (await chains())['orphan.blb'] as Uint8Array });
    const error = await lab.refused(broken, ['verify'], 14);
    expect(error.message).toContain('orphan.blb');
  });

  it('D1 memory stays within 64 MB of what the honest archive takes', async () => {
    const dir = lab.folder();
    fill(dir, {
      'honest.blb': whole,
      'bomb.blb': await forge(honest, { member: () => bomb(new Uint8Array(0)) }),
    });
    const peak = async (name: string) => {
      const report = join(lab.home, `peak-${name}`);
      const source = `process.on('exit',()=>require('fs').writeFileSync('${report}',String(process.resourceUsage().maxRSS)))`;
      writeFileSync(`${report}.cjs`, source);
      const env = { NODE_OPTIONS: `--require=${report}.cjs` };
      await lab.belay(dir, ['verify', join(dir, name)], { env });
      return Number(readFileSync(report, 'utf8'));
    };
    const [calm, bombed] = [await peak('honest.blb'), await peak('bomb.blb')];
    console.log(
      `a bomb of 200 MB took ${Math.round((bombed - calm) / 1024)} MiB more than an honest archive`,
    );
    expect(bombed - calm).toBeLessThan(64 * 1024);
  });
});

describe('archives that are odd and right', () => {
  it('A13 an archive made anew with other content is self-consistent, and its child refuses it', async () => {
    const dir = lab.folder();
    const parentId = '1'.repeat(32);
    const parent = await takeApart(await archiveOf({ 'a.py': 'x = 1\n' }, { backupId: parentId }));
    const child = await archiveOf(
      { 'a.py': 'x = 2\n' },
      {
        backupId: '2'.repeat(32),
        backupType: 'incremental',
        sequence: 2,
        parent: { backupId: parentId, stateHash: parent.manifest.stateHash },
      },
    );
    fill(dir, {
      'forged.blb': await archiveOf({ 'a.py': 'evil\n' }, { backupId: parentId }),
      'child.blb': child,
    });
    await lab.done(dir, ['verify', join(dir, 'forged.blb')]);
    const error = await lab.refused(dir, ['verify', join(dir, 'child.blb')], 14);
    expect(error.code).toBe('chain/parent-mismatch');
  });

  it('A14 a name of our pattern that disagrees with the manifest is 13; any other name is free', async () => {
    const dir = lab.folder();
    fill(dir, { 'backup_20200101_000000_full.blb': whole });
    const error = await lab.refused(dir, ['verify'], 13);
    expect(error.code).toBe('archive/name-mismatch');
    const free = lab.folder();
    fill(free, { 'my favourite.blb': whole });
    await lab.done(free, ['verify']);
  });

  it('B9 a newer format is listed as unsupported, needs a newer program, and no policy deletes it', async () => {
    const dir = lab.folder();
    fill(dir, {
      'newer.blb': readFileSync(new URL('../../fixtures/damaged/newer.blb', import.meta.url)),
      'good.blb': good,
    });
    const error = await lab.refused(dir, ['verify', join(dir, 'newer.blb')], 1);
    expect(error.message).toMatch(/needs a newer|newer/);
    const { backups } = await lab.done(dir, ['list']);
    expect((backups as { state: string }[]).map((row) => row.state).sort()).toEqual([
      'ok',
      'unsupported',
    ]);
    await lab.done(dir, ['prune', '--keep-last', '1']);
    expect(Object.keys(contentOf(dir)).sort()).toEqual(['good.blb', 'newer.blb']);
  });

  it('B10 unknown optional fields are accepted, and a merge keeps every one of them', async () => {
    const dir = lab.folder();
    const [parentId, tipId] = ['1'.repeat(32), '2'.repeat(32)];
    const files = { 'kept.py': 'k = 1\n', 'moved.py': 'm = 1\n', lib: null };
    const fill_ = async (writer: {
      addFailure(...args: [string, boolean, string, string]): void;
    }) => writer.addFailure('gone.txt', false, 'board/file', 'EIO');
    const withNotes = (archive: Uint8Array) =>
      takeApart(archive).then((apart) =>
        forge(apart, {
          manifest: (manifest) => {
            for (const entry of manifest.files) entry.note = `of ${entry.relativePath}`;
            manifest.deviceInfo.colour = 'green';
            manifest.scope.depth = 3;
            manifest.weather = { wind: [1, 2] };
          },
        }),
      );
    const parent = await takeApart(await archiveOf(files, { backupId: parentId }));
    const link = { backupId: parentId, stateHash: parent.manifest.stateHash };
    const child = {
      backupId: tipId,
      backupType: 'incremental',
      sequence: 2,
      parent: link,
    } as const;
    const options = { compress: true, fill: fill_ };
    fill(dir, {
      'parent.blb': await withNotes(await archiveOf(files, { backupId: parentId })),
      'child.blb': await withNotes(
        await archiveOf({ ...files, 'moved.py': 'm = 2\n' }, child, options),
      ),
    });
    await lab.done(dir, ['verify', tipId, '--json']);
    const merged = await lab.done(dir, ['merge', tipId]);
    const manifest = JSON.parse(
      execFileSync('tar', ['-xzOf', merged.archive as string, 'manifest.json'], {
        encoding: 'utf8',
      }),
    ) as Bent;
    expect(manifest).toMatchObject({
      backupType: 'merged',
      weather: { wind: [1, 2] },
      deviceInfo: { colour: 'green' },
      scope: { depth: 3 },
    });
    const paths = ['gone.txt', 'kept.py', 'lib', 'moved.py'];
    expect(manifest.files.map((entry: Bent) => [entry.relativePath, entry.note])).toEqual(
      paths.map((path) => [path, `of ${path}`]),
    );
  });

  it('B11 an unknown feature that reading needs refuses reading, one that merging needs only merging', async () => {
    const dir = lab.folder();
    const feature = (fields: object) =>
      bent((manifest) => Object.assign(manifest.requiredFeatures, fields));
    fill(dir, { 'read.blb': await feature({ read: ['holograms'] }) });
    expect((await lab.refused(dir, ['verify'], 1)).code).toBe('archive/unsupported');
    const other = lab.folder();
    fill(other, { 'merge.blb': await feature({ merge: ['holograms'] }) });
    await lab.done(other, ['verify']);
    await lab.done(other, ['extract', join(other, 'merge.blb'), '--output', lab.folder()]);
  });

  it('B13 one id with two contents is 13 with both named, and a restore by that id is refused', async () => {
    const dir = lab.folder();
    const twin = await archiveOf({ 'a.py': 'other\n' });
    fill(dir, { 'one.blb': whole, 'two.blb': twin });
    const error = await lab.refused(dir, ['verify'], 13);
    expect(error.code).toBe('archive/ambiguous-id');
    const id = honest.manifest.backupId;
    const flash = lab.folder();
    const restore = await lab.refused(dir, ['restore', id, '-p', `virtual:${flash}`, '-y'], 13);
    expect(restore.message).toMatch(/one\.blb.*two\.blb|two\.blb.*one\.blb/);
    expect(contentOf(flash)).toEqual({});
  });

  it('C2 C3 C4 C15 names that are legal on a board come back onto a board byte for byte, and print escaped', async () => {
    const dir = lab.folder();
    const flash = lab.folder();
    const files = {
      'C:\\x': '1',
      'a\\b': '2',
      'evil\u001b[31m\n.py': '3',
      'raw\udcff.bin': '4',
      'dot. ': '5',
    };
    fill(dir, { 'odd.blb': await archiveOf(files) });
    await lab.done(dir, ['restore', join(dir, 'odd.blb'), '-p', `virtual:${flash}`, '-y']);
    const names = ['C:\\x', 'a\\b', 'dot. ', 'evil\u001b[31m\n.py'];
    for (const name of names) expect(readFileSync(join(flash, name), 'utf8')).toMatch(/^\d$/);
    const bytes = Buffer.concat([
      Buffer.from(`${flash}/raw`),
      Buffer.of(0xff),
      Buffer.from('.bin'),
    ]);
    expect(readFileSync(bytes, 'utf8')).toBe('4');
    const shown = await lab.belay(dir, ['files', join(dir, 'odd.blb')]);
    expect(shown.stdout).not.toMatch(/\u001b/);
    const target = lab.folder();
    await lab.done(dir, ['extract', join(dir, 'odd.blb'), '--output', target]);
    const visible = ['C:%5Cx', 'a%5Cb', 'dot. ', 'evil%1B[31m%0A.py', 'raw%FF.bin'];
    expect(Object.keys(contentOf(target)).sort()).toEqual(visible);
  });

  it('C8 C10 a target with a link in it: the victim outside stays as it was', async () => {
    const dir = lab.folder();
    const [target, victim] = [lab.folder(), lab.folder()];
    fill(victim, { 'b.py': 'mine\n' });
    fill(dir, { 'whole.blb': whole });
    symlinkSync(victim, join(target, 'lib'));
    const run = await lab.belay(dir, ['extract', join(dir, 'whole.blb'), '--output', target]);
    expect(run.status).toBe(3);
    const { failed } = JSON.parse(run.stdout) as { failed: { path: string; message: string }[] };
    expect(failed.map((each) => each.path)).toContain('lib/b.py');
    expect(readFileSync(join(victim, 'b.py'), 'utf8')).toBe('mine\n');
    expect(readFileSync(join(target, 'a.py'), 'utf8')).toBe('x = 1\n');
  });

  it.skipIf(noSmallDisk !== null)(
    'D2 a disk that is too small: 15, and nothing lies on it',
    async () => {
      const small = join(lab.home, 'small');
      const dir = lab.folder();
      const big = Uint8Array.from(
        { length: 3_000_000 },
        (_, at) => (Math.imul(at, at * 31 + 7) >>> 5) & 255,
      );
      const flash = lab.folder();
      fill(flash, { 'big.bin': big });
      fill(dir, { 'big.blb': await archiveOf({ 'big.bin': big }) });
      const error = await lab.refused(
        dir,
        ['extract', join(dir, 'big.blb'), '--output', small],
        15,
      );
      expect(error.message).toContain(small);
      expect(error.hint).toBeTruthy();
      expect(contentOf(small)).toEqual({});
      await lab.refused(join(small, 'backups'), ['backup', '-p', `virtual:${flash}`], 15);
      expect(contentOf(small)).toEqual({});
    },
  );

  it('D3 twenty thousand empty files are listed and verified in bounded time', {
    timeout: 60_000,
  }, async () => {
    const dir = lab.folder();
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`d/${at}.txt`, '']));
    fill(dir, { 'many.blb': await archiveOf({ d: null, ...many }) });
    const startedMs = performance.now();
    await lab.done(dir, ['verify']);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect(statSync(join(dir, 'many.blb')).size).toBeGreaterThan(0);
  });
});

it('an archive of another program is refused with one line for people, too', async () => {
  const dir = lab.folder();
  fill(dir, { 'x.blb': 'text' });
  const run = await lab.belay(dir, ['show', join(dir, 'x.blb')]);
  expect(jsonLines(run.stderr)).toHaveLength(1);
  expect(run.status).toBe(13);
});
