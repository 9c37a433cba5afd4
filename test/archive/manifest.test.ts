/** faults.md B and C: manifests that lie, and names that want to be somewhere else. */
import { beforeAll, describe, expect, it } from 'vitest';
import { readBlbHead, verifyBlb } from '../../src/archive/blb-reader.js';
import { byteSourceOf } from '../../src/archive/byte-source.js';
import { jsonLimitExceeded } from '../../src/archive/json-bounds.js';
import { encodeManifest, parseManifest } from '../../src/archive/manifest-codec.js';
import { firstViolation } from '../../src/archive/manifest-rules.js';
import { layoutOfManifest } from '../../src/archive/tar-layout.js';
import { BelayError } from '../../src/core/errors.js';
import { MANIFEST_BYTES_MAX, TREE_ENTRIES_MAX } from '../../src/core/limits.js';
import type { Apart, Bent } from '../support/archive-forging.js';
import { forge, forgeable } from '../support/archive-forging.js';
import { archiveOf } from '../support/archive-making.js';

const signal = new AbortController().signal;
let honest: Apart;

beforeAll(async () => {
  const content = {
    'a.py': 'x = 1\n',
    lib: null,
    'lib/b.py': 'y = 2\n',
    'z.txt': 'z'.repeat(140_000),
  };
  honest = await forgeable(await archiveOf(content));
});

const encoder = new TextEncoder();

async function refusal(archive: Uint8Array): Promise<BelayError> {
  for (const read of [readBlbHead, verifyBlb]) {
    try {
      await read(byteSourceOf(archive, 'b.blb'), { signal });
    } catch (error) {
      expect(error).toBeInstanceOf(BelayError);
      return error as BelayError;
    }
  }
  throw new Error('accepted');
}

/** Every bent manifest in the table is refused with 13, whatever else was made to fit. */
async function expectRefused(
  lies: Readonly<Record<string, (manifest: Bent) => unknown>>,
  code?: string,
) {
  for (const [name, manifest] of Object.entries(lies)) {
    for (const refit of [true, false]) {
      const error = await refusal(await forge(honest, { manifest, refit }));
      expect([name, error.exitCode, error.message]).toEqual([
        name,
        13,
        expect.stringMatching(/^b\.blb: /),
      ]);
      if (code !== undefined) expect([name, error.code]).toEqual([name, code]);
    }
  }
}

function changed(change: (manifest: Bent) => void) {
  return (manifest: Bent) => {
    change(manifest);
    return manifest;
  };
}

const file = (manifest: Bent, path = 'a.py') =>
  manifest.files.find((entry: Bent) => entry.relativePath === path);

function sorted(manifest: Bent): void {
  const bytes = (entry: Bent) => Buffer.from(entry.relativePath);
  manifest.files.sort((a: Bent, b: Bent) => Buffer.compare(bytes(a), bytes(b)));
}

describe('the bytes of a manifest', () => {
  const text = () => new TextDecoder().decode(encodeManifest(honest.manifest));

  it('are accepted as they are: what is refused below is refused for its lie alone', async () => {
    const manifest = () => encoder.encode(text());
    for (const refit of [true, false]) {
      const whole = byteSourceOf(await forge(honest, { manifest, refit }), 'b.blb');
      expect((await verifyBlb(whole, { signal })).manifest).toEqual(honest.manifest);
    }
  });

  it.each<readonly [string, () => string | Uint8Array, string]>([
    ['no UTF-8', () => Uint8Array.of(0x7b, 0xff, 0x7d), 'not JSON in UTF-8'],
    ['no JSON', () => '{"a":}', 'not JSON in UTF-8'],
    ['a byte-order mark', () => `\ufeff${text()}`, 'not JSON in UTF-8'],
    ['a list', () => '[]', 'not a JSON object'],
    ['null', () => 'null', 'not a JSON object'],
    ['text', () => '"files"', 'not a JSON object'],
    ['a key that reaches a prototype', () => '{"__proto__":{}}', 'a key "__proto__"'],
    ['white space', () => text().replace('{', '{ '), 'not in canonical form'],
    ['files that are not last', () => text().replace(/\}$/, ',"more":1}'), '"files" is not last'],
    [
      'a field of another kind',
      () => text().replace('"sequence":1', '"sequence":0'),
      'sequence: Too small: expected number to be >=1',
    ],
  ])('B1: %s is named', (_name, made, problem) => {
    const bytes = made();
    const said = () => parseManifest(typeof bytes === 'string' ? encoder.encode(bytes) : bytes);
    expect(said).toThrow(
      expect.objectContaining({
        code: 'archive/manifest',
        message: `manifest.json: ${problem}`,
        exitCode: 13,
      }),
    );
  });

  it('are said of in a line of bounded length, whatever stands in them', () => {
    const lies = {
      key: { ...honest.manifest, metadata: { ['k'.repeat(5000)]: 7 } },
      value: { ...honest.manifest, backupType: 'v'.repeat(5000) },
      feature: {
        ...honest.manifest,
        requiredFeatures: { read: ['f'.repeat(5000)], extend: [], merge: [] },
      },
    };
    for (const lie of Object.values(lies)) {
      const bytes = encodeManifest(lie as typeof honest.manifest);
      expect(() => parseManifest(bytes)).toThrow(/^.{20,420}$/);
    }
  });

  it('B1: not UTF-8, not JSON, a trailing comma, a byte-order mark', async () => {
    const bytes: Record<string, Uint8Array> = {
      empty: new Uint8Array(0),
      'not UTF-8': Uint8Array.of(...encoder.encode(text()).slice(0, -2), 0xff, 0x7d),
      'not JSON': encoder.encode('belay'),
      'not an object': encoder.encode('[]'),
      null: encoder.encode('null'),
      'trailing comma': encoder.encode(text().replace(/\}$/, ',}')),
      BOM: encoder.encode(`\ufeff${text()}`),
    };
    await expectRefused(
      Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, () => value])),
      'archive/manifest',
    );
  });

  it('B1: whatever JSON.stringify would write otherwise', async () => {
    const lies: Record<string, string> = {
      'white space': text().replace('{', '{ '),
      'final newline': `${text()}\n`,
      'duplicate key': text().replace('{', '{"formatVersion":1,'),
      'number with exponent': text().replace('"sequence":1', '"sequence":1e0'),
      'number with a point': text().replace('"sequence":1', '"sequence":1.0'),
      'escaped letter': text().replace('"a.py"', '"\\u0061.py"'),
      'escaped slash': text().replace('lib/b', 'lib\\/b'),
      'upper-case escape': text().replace('"a.py"', '"a\\u001F.py"'),
    };
    await expectRefused(
      Object.fromEntries(
        Object.entries(lies).map(([name, value]) => [name, () => encoder.encode(value)]),
      ),
      'archive/manifest',
    );
  });

  it('has "files" last', async () => {
    await expectRefused({
      'files first': (manifest) => {
        const { files, ...rest } = manifest;
        return encoder.encode(JSON.stringify({ files, ...rest }));
      },
    });
  });

  it('B3: nesting, length and number of entries are bounded before they are parsed', () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    const many = `[${'{},'.repeat(3_000_000)}{}]`;
    const values = `[${'0,'.repeat(17_000_000)}0]`;
    for (const hostile of [deep, `{"a":${deep}}`, many, values]) {
      expect(() => parseManifest(encoder.encode(hostile))).toThrow(
        expect.objectContaining({
          code: 'archive/limit',
          message: expect.stringMatching(/limit exceeded/),
        }),
      );
    }
  });

  it('never lets a key reach a prototype', async () => {
    const lies = ['{"__proto__":{"polluted":1},', '{"metadata":{"__proto__":{"polluted":1}},'];
    await expectRefused(
      Object.fromEntries(lies.map((lie) => [lie, () => encoder.encode(text().replace('{', lie))])),
      'archive/manifest',
    );
    const { polluted } = {} as { polluted?: unknown };
    expect(polluted).toBeUndefined();
    const kept = parseManifest(
      encodeManifest({ ...honest.manifest, metadata: { constructor: 'a', toString: 'b' } }),
    );
    expect(kept.metadata).toEqual({ constructor: 'a', toString: 'b' });
  });
});

describe('the fields of a manifest', () => {
  it('is what was written', () => {
    expect(parseManifest(encodeManifest(honest.manifest))).toEqual(honest.manifest);
  });

  it('B4: sizes that are wrong, negative, huge, or no numbers', async () => {
    const sizes = [7, 5, 0, -1, 1e300, '6', 2 ** 53 + 2, 0.5, null, 8 ** 11];
    await expectRefused(
      Object.fromEntries(
        sizes.map((size) => [
          `originalSize ${size}`,
          changed((manifest) => {
            file(manifest).originalSize = size;
          }),
        ]),
      ),
    );
  });

  it('B5: compressed size and inflated size against the members', async () => {
    await expectRefused({
      'own member, wrong compressedSize': changed((manifest) => {
        file(manifest, 'z.txt').compressedSize += 1;
      }),
      'shared member with a compressedSize': changed((manifest) => {
        file(manifest).compressedSize = 10;
      }),
      'member longer': changed((manifest) => {
        manifest.members[0].tarSize += 512;
      }),
      'member shorter': changed((manifest) => {
        manifest.members[0].tarSize -= 512;
      }),
      'member of odd length': changed((manifest) => {
        manifest.members[0].tarSize += 1;
      }),
      'member elsewhere': changed((manifest) => {
        manifest.members[1].offset += 1;
      }),
      'ten gigabytes out of a hundred bytes': changed((manifest) => {
        manifest.members[0].tarSize = 512 * 20_000_000;
      }),
    });
  });

  it('B6: a file without an entry in the tar, and an entry without a line', async () => {
    await expectRefused({
      'no line': changed((manifest) => {
        manifest.files = manifest.files.filter((entry: Bent) => entry.relativePath !== 'lib/b.py');
      }),
      'no folder line': changed((manifest) => {
        manifest.files = manifest.files.filter((entry: Bent) => entry.relativePath !== 'lib');
      }),
      'no entry': changed((manifest) => {
        manifest.files.unshift({ ...file(manifest), relativePath: 'a', tarOffset: 4096 });
      }),
      'no folder entry': changed((manifest) => {
        manifest.files.push({ relativePath: 'zz', isDirectory: true });
      }),
      'no member': changed((manifest) => {
        file(manifest).member = 9;
      }),
      nowhere: changed((manifest) => {
        delete file(manifest).member;
        delete file(manifest).tarOffset;
      }),
    });
  });

  it('B7: the same path twice, with the same and with other content', async () => {
    await expectRefused({
      same: changed((manifest) => manifest.files.unshift({ ...file(manifest) })),
      other: changed((manifest) =>
        manifest.files.unshift({ ...file(manifest), checksum: '0'.repeat(64) }),
      ),
      'file and folder': changed((manifest) => {
        manifest.files.unshift({ relativePath: 'a.py', isDirectory: true });
      }),
      'as text and as bytes': changed((manifest) => {
        manifest.files.unshift({
          relativePath: 'a.py',
          rawPath: Buffer.from('a.py').toString('base64'),
          isDirectory: true,
        });
      }),
    });
  });

  it('B8: a file with something below it', async () => {
    await expectRefused({
      'file below file': changed((manifest) => {
        file(manifest, 'lib').relativePath = 'lib-';
        file(manifest, 'z.txt').relativePath = 'lib';
        sorted(manifest);
      }),
      'failed file': changed((manifest) => {
        const failed = { isDirectory: false, error: { code: 'EIO', message: '' } };
        manifest.files[manifest.files.findIndex((entry: Bent) => entry.relativePath === 'lib')] = {
          relativePath: 'lib',
          ...failed,
        };
      }),
    });
  });

  it('the list is sorted by bytes', async () => {
    await expectRefused(
      { reversed: changed((manifest) => manifest.files.reverse()) },
      'archive/manifest',
    );
  });

  it('B12: a time is parsed or refused', async () => {
    const times = [
      '',
      '1763634071',
      '2026-11-20',
      '2026-11-20T10:21:11Z',
      '2026-11-20T10:21:11.000+01:00',
      '2026-06-30T23:59:60.000Z',
      '2026-02-30T00:00:00.000Z',
      '2026-13-01T00:00:00.000Z',
    ];
    await expectRefused(
      Object.fromEntries(
        times.map((time) => [time, changed((manifest) => (manifest.createdAt = time))]),
      ),
    );
    for (const createdAt of ['1970-01-01T00:00:00.000Z', '2127-01-01T00:00:00.000Z']) {
      expect(parseManifest(encodeManifest({ ...honest.manifest, createdAt })).createdAt).toBe(
        createdAt,
      );
    }
  });

  it('times that a board may say are kept as they are', async () => {
    for (const lastModified of [null, -1, 0, 0.5, 946_684_800, 2 ** 31, 1e12]) {
      const bent = await forge(honest, {
        manifest: (manifest) => {
          for (const entry of manifest.files)
            if ('checksum' in entry) entry.lastModified = lastModified;
          return manifest;
        },
      });
      await expect(verifyBlb(byteSourceOf(bent, 'b'), { signal })).rejects.toMatchObject({
        code: 'archive/damaged',
      });
      expect((await readBlbHead(byteSourceOf(bent, 'b'))).manifest.files[0]).toMatchObject({
        lastModified,
      });
    }
  });

  it('numbers that follow from the list must follow from it', async () => {
    for (const name of [
      'fileCount',
      'directoryCount',
      'totalOriginalSize',
      'totalCompressedSize',
    ]) {
      const bent = await forge(honest, {
        refit: false,
        manifest: changed((manifest) => {
          manifest.statistics[name] += 1;
        }),
      });
      expect((await refusal(bent)).code).toBe('archive/manifest');
    }
    for (const name of ['stateHash', 'integrityChecksum']) {
      const bent = await forge(honest, {
        refit: false,
        manifest: changed((manifest) => {
          manifest[name] = '0'.repeat(64);
        }),
      });
      expect((await refusal(bent)).code).toBe('archive/manifest');
    }
  });

  it('parents: an increment needs one, a full has none, nobody is his own', async () => {
    const parent = { backupId: 'f'.repeat(32), stateHash: '0'.repeat(64) };
    await expectRefused({
      'orphan increment': changed((manifest) => (manifest.backupType = 'incremental')),
      'full with parent': changed((manifest) => (manifest.parent = parent)),
      'own parent': changed((manifest) => {
        manifest.backupType = 'incremental';
        manifest.parent = { ...parent, backupId: manifest.backupId };
      }),
      'reference without a parent': changed((manifest) => {
        const { member, tarOffset, ...entry } = file(manifest);
        manifest.files[0] = { ...entry, dataIn: 'f'.repeat(32) };
      }),
    });
  });
});

describe('what a manifest demands of itself', () => {
  const elsewhere = 'f'.repeat(32);
  /** As an increment, so that content may lie elsewhere. */
  const child = (change: (manifest: Bent) => void) => (manifest: Bent) => {
    manifest.backupType = 'incremental';
    manifest.parent = { backupId: elsewhere, stateHash: '0'.repeat(64) };
    change(manifest);
    return manifest;
  };

  it.each<readonly [string, (manifest: Bent) => unknown, RegExp]>([
    [
      'half a position',
      changed((manifest) => delete file(manifest).tarOffset),
      /a\.py: half a position$/,
    ],
    [
      'content here and elsewhere',
      child((manifest) => {
        file(manifest).dataIn = elsewhere;
      }),
      /a\.py: needs either a member or dataIn$/,
    ],
    [
      'content in itself',
      child((manifest) => {
        const { member, tarOffset, ...entry } = file(manifest);
        manifest.files[0] = { ...entry, dataIn: manifest.backupId };
      }),
      /a\.py: dataIn names this archive itself$/,
    ],
    [
      'a size of what lies elsewhere',
      child((manifest) => {
        const { member, tarOffset, ...entry } = file(manifest);
        manifest.files[0] = { ...entry, compressedSize: 5, dataIn: elsewhere };
      }),
      /a\.py: a compressedSize, but no content here$/,
    ],
    [
      'content elsewhere without a parent',
      changed((manifest) => {
        const { member, tarOffset, ...entry } = file(manifest);
        manifest.files[0] = { ...entry, dataIn: elsewhere };
      }),
      /a\.py: content in another archive, but there is no parent$/,
    ],
    [
      'more than a tar can hold',
      changed((manifest) => {
        file(manifest).originalSize = 8 ** 11;
      }),
      /a\.py: larger than 8589934591 bytes$/,
    ],
    [
      'members beyond all files',
      changed((manifest) => {
        const [first, second, third] = manifest.members;
        first.compressedSize = Number.MAX_SAFE_INTEGER - second.compressedSize;
        second.offset = first.compressedSize;
        third.offset = Number.MAX_SAFE_INTEGER;
      }),
      /members longer than a file can be$/,
    ],
    [
      'a member without a file before one with files',
      changed((manifest) => {
        manifest.members.unshift({ offset: 0, compressedSize: 10, tarSize: 512 });
        for (const member of manifest.members.slice(1)) member.offset += 10;
        for (const entry of manifest.files) if ('member' in entry) entry.member += 1;
      }),
      /member 0 holds no file$/,
    ],
    [
      'a member that ends inside a folder',
      changed((manifest) => {
        const folder = manifest.files.find((entry: Bent) => entry.isDirectory);
        folder.relativePath = `${'lib'.repeat(60)}`;
        manifest.files = [folder];
        manifest.members = [{ offset: 0, compressedSize: 10, tarSize: 512 }];
      }),
      /member 0 ends inside (lib)+$/,
    ],
    [
      'a member that is empty',
      changed((manifest) => {
        manifest.members.push({ offset: 0, compressedSize: 10, tarSize: 0 });
        manifest.members.at(-1).offset = manifest.members.at(-2).offset;
        manifest.members.at(-1).offset += manifest.members.at(-2).compressedSize;
      }),
      /member 3 has a tarSize of 0$/,
    ],
    [
      'a member that would be a bomb',
      changed((manifest) => {
        manifest.members[0].tarSize = 512 * 20_000_000;
      }),
      /member 0: \d+ bytes cannot hold 10240000000$/,
    ],
    [
      'no features at all',
      changed((manifest) => delete manifest.requiredFeatures),
      /requiredFeatures: /,
    ],
    [
      'features that are no list',
      changed((manifest) => {
        manifest.requiredFeatures.read = 'all';
      }),
      /requiredFeatures\.read: /,
    ],
  ])('names %s', async (_name, manifest, message) => {
    const error = await refusal(await forge(honest, { manifest, refit: false }));
    expect([error.exitCode, error.message]).toEqual([13, expect.stringMatching(message)]);
    expect(error.details).toHaveProperty('archive', 'b.blb');
    expect(error.message).toMatch(/^b\.blb: manifest\.json: /);
  });

  it('B3: no more entries than the limit, and no more bytes', () => {
    const files = new Array(TREE_ENTRIES_MAX + 1);
    expect(firstViolation({ ...honest.manifest, files })).toEqual({
      code: 'archive/limit',
      message: 'limit exceeded: more than 1000000 entries',
      path: null,
    });
    expect(jsonLimitExceeded(new Uint8Array(MANIFEST_BYTES_MAX + 1))).toBe(
      `${MANIFEST_BYTES_MAX + 1} bytes where at most ${MANIFEST_BYTES_MAX} are read`,
    );
  });

  it('is looked for in lists that were checked: others have no layout', () => {
    const { members, files } = honest.manifest;
    expect(layoutOfManifest({ members, files }).flat()).toHaveLength(4);
    expect(() => layoutOfManifest({ members: [], files })).toThrow(TypeError);
  });
});

describe('versions and features', () => {
  it('B9: a newer format is refused with what the frozen fields say', async () => {
    for (const version of [2, 1000]) {
      const bent = await forge(honest, {
        manifest: (manifest) =>
          encoder.encode(
            JSON.stringify(
              { ...manifest, formatVersion: version, files: 'elsewhere', scope: 7 },
              null,
              1,
            ),
          ),
      });
      const error = await refusal(bent);
      expect([error.code, error.exitCode]).toEqual(['archive/unsupported', 1]);
      expect(error.message).toMatch(`needs a newer belay-backup: format version ${version}, `);
      expect(error.details.frozen).toMatchObject({
        formatVersion: version,
        backupId: honest.manifest.backupId,
        sequence: 1,
        createdAt: honest.manifest.createdAt,
        backupType: 'full',
        deviceInfo: { uniqueId: 'a1b2c3d4e5f6' },
        parent: null,
      });
    }
  });

  it('B9: a newer format may have another end, too', async () => {
    const bent = await forge(honest, {
      manifest: (manifest) => encoder.encode(JSON.stringify({ ...manifest, formatVersion: 2 })),
    });
    const error = await refusal(bent.slice(0, -40));
    expect(error.code).toBe('archive/unsupported');
  });

  it('a version below 1 was never made', async () => {
    await expectRefused({
      zero: changed((manifest) => (manifest.formatVersion = 0)),
      text: changed((manifest) => (manifest.formatVersion = '1')),
      none: changed((manifest) => delete manifest.formatVersion),
    });
  });

  it('B10: unknown optional fields are kept, in their places', () => {
    const extended = {
      ...honest.manifest,
      colour: { r: 1 },
      files: honest.manifest.files.map((entry) => ({ ...entry, note: 'x' })),
    };
    const bytes = encodeManifest(extended);
    expect(encodeManifest(parseManifest(bytes))).toEqual(bytes);
  });

  it('B11: an unknown required feature refuses that operation only', () => {
    const features = (read: string[], extend: string[], merge: string[]) =>
      encodeManifest({ ...honest.manifest, requiredFeatures: { read, extend, merge } });
    const readable = parseManifest(features([], ['holes'], ['sparse']));
    expect(readable.requiredFeatures).toEqual({ read: [], extend: ['holes'], merge: ['sparse'] });
    expect(() => parseManifest(features(['encrypted\u001b', 'other'], [], []))).toThrow(
      expect.objectContaining({
        code: 'archive/unsupported',
        message: expect.stringMatching(/^needs a newer belay-backup: the feature "encrypted\\x1b"/),
        hint: 'Update belay-backup, then try again.',
      }),
    );
  });
});

describe('hostile paths', () => {
  const as = (path: string) =>
    changed((manifest) => {
      file(manifest, 'a.py').relativePath = path;
      sorted(manifest);
    });

  it('C1, C4, C5: no path leaves the board, none is empty, none holds a NUL', async () => {
    const paths = [
      '../x',
      'a/../../x',
      '..',
      'a/..',
      'a\0b',
      '',
      '.',
      './a',
      'a//b',
      '/etc/x',
      '//x',
      'a/',
    ];
    await expectRefused(Object.fromEntries(paths.map((path) => [path, as(path)])), 'archive/path');
  });

  it('C14: no name, path or depth beyond what a board can have', async () => {
    const paths = ['n'.repeat(256), `${'d/'.repeat(1024)}f`, `${'dir/'.repeat(1025)}f`];
    await expectRefused(Object.fromEntries(paths.map((path) => [path, as(path)])), 'archive/path');
  });

  it('C1: the same rules hold for the paths of a restore record', async () => {
    await expectRefused(
      {
        dots: changed((manifest) => {
          const entry = {
            relativePath: '../x',
            before: { kind: 'absent' },
            after: { kind: 'file' },
          };
          manifest.restoreRecord = { sourceBackupId: 'f'.repeat(32), entries: [entry] };
        }),
      },
      'archive/path',
    );
  });

  it('C15: bytes beside a name only where they say more, and in one spelling', async () => {
    const raw = (rawPath: unknown, relativePath = 'a.py') =>
      changed((manifest) => {
        Object.assign(file(manifest, 'a.py'), { relativePath, rawPath });
        sorted(manifest);
      });
    await expectRefused({
      'the same as text': raw(Buffer.from('a.py').toString('base64')),
      'other text': raw('b2Rk/y5iaW4='),
      'not base64': raw('%%%'),
      'no padding': raw('b2Rk/y5iaW4', 'odd\ufffd.bin'),
      'spare bits': raw('b2Rk/y5iaW5=', 'odd\ufffd.bin'),
      'hidden dots': raw(Buffer.from('../\xff', 'latin1').toString('base64'), '../\ufffd'),
      'half a character': as('a\ud800'),
      'a board byte as text': as('a\udcff'),
      'not text': raw(7),
    });
  });

  it('messages about hostile names hold no control characters', async () => {
    const error = await refusal(await forge(honest, { manifest: as('a\u001b[2J\0') }));
    expect(error.message).not.toMatch(/[\u0000-\u001f]/);
  });
});
