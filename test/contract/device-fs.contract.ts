/** What every BoardFs promises: run against the double in memory and against real interpreters. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { comparePaths } from '../../src/core/device-path.js';
import type { TreeFile } from '../../src/core/tree.js';
import type {
  ApplyEvent,
  BoardFs,
  BoardOperation,
  ReadEvent,
  ScanOptions,
} from '../../src/device/device-fs.js';

export interface BoardUnderTest {
  readonly fs: BoardFs;
  /** The files as the board itself holds them, by an independent way; folders as null. */
  dump(): Promise<ReadonlyMap<string, Uint8Array | null>>;
  close(): Promise<void>;
}

export interface BoardAbilities {
  readonly folders: boolean;
  readonly restores: boolean;
  /** Largest file that the test may write. */
  readonly bigBytes: number;
  /** The mount that all of it lies in, where there is nothing at the root. */
  readonly below?: string;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const signal = () => new AbortController().signal;
const everything = (): ScanOptions => ({
  roots: [''],
  mounts: [],
  hashes: 'none',
  signal: signal(),
});

/** `start` makes a board that holds exactly these files (null: a folder). */
export function deviceFsContract(
  name: string,
  start: (files: Readonly<Record<string, Uint8Array | null>>) => Promise<BoardUnderTest>,
  abilities: BoardAbilities = { folders: true, restores: true, bigBytes: 70_000 },
): void {
  const at = (path: string) =>
    abilities.below === undefined ? path : `${abilities.below}/${path}`;
  const allBytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const big = Uint8Array.from(
    { length: abilities.bigBytes },
    (_, index) => (index * 7 + (index >> 8)) & 255,
  );
  const flat: Record<string, Uint8Array | null> = {
    'main.py': bytesOf('print("hello")\n'),
    empty: new Uint8Array(0),
    'control.bin': Uint8Array.from([3, 4, 13, 10, 4, 4, 62, 3]),
    'all.bin': allBytes,
    'big.bin': big,
  };
  const given: Record<string, Uint8Array | null> = abilities.folders
    ? {
        ...flat,
        lib: null,
        'lib/deep': null,
        'lib/deep/a file.txt': bytesOf('x'),
        'lib/température.txt': bytesOf('21°'),
        "lib/o'brien #1 100%.py": bytesOf('pass\n'),
        [`lib/${'n'.repeat(100)}`]: bytesOf('long'),
        nothing: null,
      }
    : flat;
  const content = Object.fromEntries(
    Object.entries(given).map(([path, bytes]) => [at(path), bytes]),
  );

  describe(`the files of ${name}`, () => {
    let board: BoardUnderTest;
    beforeEach(async () => {
      board = await start(given);
    });
    afterEach(async () => {
      await board.close();
    });

    it('are listed whole, in the order of their bytes, with sizes', async () => {
      const { tree } = await board.fs.scan(everything());
      const found = tree.map((entry) => entry.path).filter((path) => path !== abilities.below);
      expect(found).toEqual(Object.keys(content).sort(comparePaths));
      for (const entry of tree) {
        const expected = content[entry.path] ?? null;
        if (expected === null) expect(entry.kind).toBe('folder');
        else expect(entry).toMatchObject({ kind: 'file', sizeBytes: expected?.length });
      }
    });

    it('are not listed below a root that is not there, and are below one that is', async () => {
      const roots = [at('nope'), at('main.py')];
      for (const hashes of ['none', 'content'] as const) {
        const { tree } = await board.fs.scan({ ...everything(), roots, hashes });
        expect(tree.map((entry) => [entry.path, entry.kind])).toEqual([[at('main.py'), 'file']]);
      }
    });

    it('are hashed where the scan asks for content', async () => {
      const { tree } = await board.fs.scan({ ...everything(), hashes: 'content' });
      for (const entry of tree)
        if (entry.kind === 'file')
          expect([entry.path, entry.sha256]).toEqual([
            entry.path,
            sha256(content[entry.path] as Uint8Array),
          ]);
    });

    it('equal a known tree, or differ from it only where they differ', async () => {
      const scan = await board.fs.scan({ ...everything(), hashes: 'content' });
      const same = await board.fs.scan({ ...everything(), hashes: 'content', known: scan.tree });
      expect(same.tree).toEqual(scan.tree);
      const older = scan.tree
        .filter((entry) => entry.path !== at('empty'))
        .map((entry) =>
          entry.kind === 'file' && entry.path === at('main.py')
            ? { ...entry, sha256: sha256(bytesOf('old')) }
            : entry,
        );
      const changed = await board.fs.scan({ ...everything(), hashes: 'content', known: older });
      expect(changed.tree).toEqual(scan.tree);
      expect(changed.matchedKnown).toBe(false);
    });

    it('are read bit for bit and verified', async () => {
      const { tree } = await board.fs.scan(everything());
      const files = tree.filter((entry): entry is TreeFile => entry.kind === 'file');
      const read = await readAll(board.fs, files);
      expect([...read.verified.keys()].sort()).toEqual(files.map((file) => file.path).sort());
      for (const file of files) {
        expect(
          Buffer.from(read.bytes.get(file.path) ?? []).equals(
            Buffer.from(content[file.path] as Uint8Array),
          ),
          file.path,
        ).toBe(true);
        expect(read.verified.get(file.path)).toBe(sha256(content[file.path] as Uint8Array));
      }
    });

    it('are read one by one too, and one that has gone is named while the rest is read', async () => {
      const { tree } = await board.fs.scan(everything());
      const main = tree.find(
        (entry): entry is TreeFile => entry.path === at('main.py'),
      ) as TreeFile;
      const gone: TreeFile = { ...main, path: at('gone.py') };
      const read = await readAll(board.fs, [gone, main]);
      expect(read.failed).toEqual([at('gone.py')]);
      expect(Buffer.from(read.bytes.get(at('main.py')) as Uint8Array).toString()).toBe(
        'print("hello")\n',
      );
    });

    it('can be hashed by name, null where there is none', async () => {
      const hashes = await board.fs.hash([at('main.py'), at('nowhere')], signal());
      expect(hashes.get(at('main.py'))).toBe(sha256(flat['main.py'] as Uint8Array));
      expect(hashes.get(at('nowhere'))).toBeNull();
    });

    it('stop being read when the job is cancelled', async () => {
      const { tree } = await board.fs.scan(everything());
      const files = tree.filter((entry): entry is TreeFile => entry.kind === 'file');
      const stop = new AbortController();
      const reading = (async () => {
        for await (const event of board.fs.read(files, { compress: false, signal: stop.signal }))
          if (event.kind === 'data') stop.abort();
      })();
      await expect(reading).rejects.toMatchObject({ code: 'job/cancelled' });
    });

    if (!abilities.restores) return;

    it.each(['staged', 'one-by-one', 'in-place'] as const)(
      'take a restore, %s',
      async (strategy) => {
        const put = (path: string, bytes: Uint8Array): BoardOperation => ({
          kind: 'put',
          path: at(path),
          sizeBytes: bytes.length,
          sha256: sha256(bytes),
          modifiedS: null,
          content: () => pieces(bytes),
        });
        const folders: BoardOperation[] = abilities.folders
          ? [
              { kind: 'make-folder', path: at('new') },
              { kind: 'make-folder', path: at('new/er') },
              put('new/er/file', bytesOf('deep')),
            ]
          : [];
        const operations: BoardOperation[] = [
          { kind: 'delete-file', path: at('empty') },
          ...folders,
          put(
            'control.bin',
            Uint8Array.from({ length: 400 }, (_, index) => 3 + (index & 1)),
          ),
          put(
            'big.bin',
            big.map((byte) => byte ^ 0x5a),
          ),
          put('main.py', bytesOf('print("new")\n')),
        ];
        const events = await applyAll(board.fs, operations, strategy);
        expect(events.filter((event) => event.kind === 'failed')).toEqual([]);
        expect(events.filter((event) => event.kind === 'done')).toHaveLength(operations.length);
        const dump = await board.dump();
        const expected: Record<string, Uint8Array | null> = { ...given };
        delete expected['empty'];
        if (abilities.folders)
          Object.assign(expected, { new: null, 'new/er': null, 'new/er/file': bytesOf('deep') });
        Object.assign(expected, {
          'control.bin': Uint8Array.from({ length: 400 }, (_, index) => 3 + (index & 1)),
          'big.bin': big.map((byte) => byte ^ 0x5a),
          'main.py': bytesOf('print("new")\n'),
        });
        expect([...dump.keys()].sort()).toEqual(Object.keys(expected).sort());
        for (const [path, bytes] of Object.entries(expected))
          if (bytes !== null)
            expect(Buffer.from(dump.get(path) as Uint8Array).equals(Buffer.from(bytes)), path).toBe(
              true,
            );
      },
    );

    it('are not touched by content that does not match its hash', async () => {
      const operation: BoardOperation = {
        kind: 'put',
        path: at('main.py'),
        sizeBytes: 3,
        sha256: sha256(bytesOf('other')),
        modifiedS: null,
        content: () => pieces(bytesOf('new')),
      };
      const events = await applyAll(board.fs, [operation], 'staged');
      expect(events.at(-1)).toMatchObject({ kind: 'failed', code: 'board/integrity' });
      const dump = await board.dump();
      expect(Buffer.from(dump.get('main.py') as Uint8Array).toString()).toBe('print("hello")\n');
      expect([...dump.keys()].sort()).toEqual(Object.keys(given).sort());
    });

    if (!abilities.folders) return;

    it('lose an empty folder on demand, and keep one that is not', async () => {
      const events = await applyAll(
        board.fs,
        [
          { kind: 'delete-folder', path: at('nothing') },
          { kind: 'delete-folder', path: at('lib') },
        ],
        'staged',
      );
      expect(events.map((event) => event.kind)).toEqual(['done', 'failed']);
      expect([...(await board.dump()).keys()]).not.toContain('nothing');
    });
  });
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1500) yield bytes.subarray(at, at + 1500);
}

async function applyAll(
  fs: BoardFs,
  operations: readonly BoardOperation[],
  strategy: 'staged' | 'one-by-one' | 'in-place',
): Promise<ApplyEvent[]> {
  const events: ApplyEvent[] = [];
  for await (const event of fs.apply(operations, {
    strategy,
    keepGoing: false,
    verify: false,
    signal: signal(),
  }))
    if (event.kind !== 'sent') events.push(event);
  return events;
}

async function readAll(
  fs: BoardFs,
  files: readonly TreeFile[],
): Promise<{ bytes: Map<string, Uint8Array>; verified: Map<string, string>; failed: string[] }> {
  const bytes = new Map<string, Uint8Array>();
  const verified = new Map<string, string>();
  const failed: string[] = [];
  const take = (event: ReadEvent) => {
    const { path } = event.file;
    if (event.kind === 'data')
      bytes.set(path, Buffer.concat([bytes.get(path) ?? new Uint8Array(0), event.bytes]));
    else if (event.kind === 'restart') bytes.delete(path);
    else if (event.kind === 'verified') verified.set(path, event.sha256);
    else if (event.kind === 'failed') failed.push(path);
  };
  for await (const event of fs.read(files, { compress: false, signal: signal() })) take(event);
  return { bytes, verified, failed };
}
