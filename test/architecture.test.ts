/**
 * The house: which room may import which, and where the outside world may be touched. The table is
 * the design; a failing test prints the rule's reason. Imports are read from the text of the
 * sources, type imports included, since a type edge is a knot too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

interface Room {
  /** Rooms (or single files) of ours that it may import. */
  readonly imports: readonly string[];
  /** Packages and node: modules; `file -> modules` where only one file may. */
  readonly outside: readonly string[];
  readonly byFile?: Readonly<Record<string, readonly string[]>>;
  readonly why: string;
}

const HOUSE: Readonly<Record<string, Room>> = {
  core: {
    imports: [],
    outside: [],
    byFile: { 'device-path.ts': ['picomatch'] },
    why: 'core holds the nouns: it knows nothing but itself',
  },
  transport: {
    imports: ['core'],
    outside: [],
    byFile: {
      'serial-port.ts': ['serialport', '@serialport/stream', '@serialport/bindings-interface'],
      'port-listing.ts': ['serialport', '@serialport/bindings-interface', 'node:fs', 'node:path'],
      'native-ports.ts': ['serialport'],
      'port-holder.ts': ['node:fs'],
      'posix-read.ts': ['node:fs', '@serialport/stream'],
      '*': ['@serialport/parser-readline'],
    },
    why: 'transport turns bytes into a prompt; protocol starts above the port',
  },
  archive: {
    imports: ['core'],
    outside: ['node:crypto', 'node:zlib', 'node:stream', 'node:buffer', 'zod'],
    byFile: {
      'container.ts': ['tar-stream'],
      'blb-file.ts': ['node:fs', 'node:path'],
      'disk.ts': ['node:fs', 'node:path'],
    },
    why: 'the .blb file knows no board and no folder; only blb-file.ts and its disk seam touch a disk',
  },
  deflate: {
    imports: [],
    outside: [],
    why: 'a compressor: bytes in, bytes out',
  },
  device: {
    imports: ['core', 'transport', 'deflate'],
    outside: ['node:crypto', 'node:zlib'],
    byFile: {
      'helper-source.ts': ['node:fs'],
      'inflate.ts': ['zlib-sync', 'fflate', 'node:module'],
    },
    why: "a board's files: the disk is only read for the agent's source",
  },
  chain: {
    imports: ['core', 'archive/manifest.ts'],
    outside: [],
    why: 'reasoning about many backups is pure and synchronous',
  },
  store: {
    imports: ['core', 'archive'],
    outside: ['node:fs', 'node:os', 'node:path', 'node:crypto', 'node:stream', 'node:zlib'],
    byFile: { 'zip-tree.ts': ['yazl', 'yauzl'] },
    why: 'this computer: folders, locks, trees of files',
  },
  jobs: {
    imports: [
      'core',
      'device',
      'archive',
      'chain',
      'store',
      'transport/port-choice.ts',
      'transport/transcript.ts',
    ],
    outside: ['node:crypto'],
    byFile: { 'text-diff.ts': ['diff'] },
    why: 'a job touches nothing itself: clock, randomness and signal arrive in a context',
  },
  ui: {
    imports: ['core'],
    outside: ['ink', 'react'],
    why: 'a screen shows events; streams are passed in',
  },
  testing: {
    imports: ['core', 'transport'],
    outside: [
      'node:worker_threads',
      'node:child_process',
      'node:fs',
      'node:path',
      'node:crypto',
      'node:url',
      'node:module',
      'node:stream',
      '@micropython/micropython-webassembly-pyscript',
      '@serialport/bindings-interface',
    ],
    byFile: { 'board-process.ts': ['node:process', 'node:readline', 'node:util'] },
    why: 'the virtual board plays a board behind a port; the product above it is unknown to it',
  },
  'wiring.ts': {
    imports: ['core', 'transport', 'archive', 'device', 'chain', 'store', 'jobs', 'testing'],
    outside: [
      'node:crypto',
      'node:os',
      'node:path',
      'node:perf_hooks',
      'node:timers/promises',
      'node:fs',
    ],
    why: 'the only place where real parts are joined',
  },
  'index.ts': {
    imports: [
      'core',
      'transport',
      'archive',
      'device',
      'chain',
      'store',
      'jobs',
      'testing',
      'wiring.ts',
    ],
    outside: [],
    why: "the library's public face",
  },
  cli: {
    imports: [
      'core',
      'transport',
      'archive',
      'device',
      'chain',
      'store',
      'jobs',
      'testing',
      'wiring.ts',
      'index.ts',
      'ui',
    ],
    outside: [
      'commander',
      'node:process',
      'node:v8',
      'node:fs',
      'node:path',
      'node:readline',
      'node:readline/promises',
      'node:url',
      'node:tty',
    ],
    why: 'argv, process, console and exit codes live here and nowhere else',
  },
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly ours: boolean;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) =>
      posix.normalize(relative(SRC, join(entry.parentPath, entry.name)).replaceAll('\\', '/')),
    )
    .sort();
}

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s(?:[^'";]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

function importsOf(file: string): Import[] {
  const text = withoutComments(readFileSync(join(SRC, file), 'utf8'));
  return [...text.matchAll(IMPORT)].map((match) => {
    const target = (match[1] ?? match[2]) as string;
    if (!target.startsWith('.')) return { from: file, to: target, ours: false };
    const path = posix.join(dirname(file).replaceAll('\\', '/'), target);
    return { from: file, to: resolveSource(path), ours: true };
  });
}

function resolveSource(path: string): string {
  const stem = path.replace(/\.js$/, '');
  return FILES.find((file) => file === `${stem}.ts` || file === `${stem}.tsx`) ?? path;
}

const FILES = sourceFiles(SRC);
const IMPORTS = FILES.flatMap(importsOf);

function roomOf(file: string): string {
  return file.includes('/') ? (file.split('/')[0] as string) : file;
}

function mayImport(edge: Import): boolean {
  const from = roomOf(edge.from);
  const room = HOUSE[from];
  if (room === undefined) return false;
  if (edge.ours) {
    return (
      roomOf(edge.to) === from ||
      room.imports.some((allowed) => allowed === roomOf(edge.to) || allowed === edge.to)
    );
  }
  const name = edge.from.slice(edge.from.lastIndexOf('/') + 1);
  const allowed = [...room.outside, ...(room.byFile?.[name] ?? []), ...(room.byFile?.['*'] ?? [])];
  return allowed.some((module) => edge.to === module || edge.to.startsWith(`${module}/`));
}

describe('the house', () => {
  it('has a row for every room', () => {
    expect([...new Set(FILES.map(roomOf))].filter((room) => HOUSE[room] === undefined)).toEqual([]);
  });

  for (const [name, room] of Object.entries(HOUSE)) {
    it(`${name}: ${room.why}`, () => {
      const broken = IMPORTS.filter((edge) => roomOf(edge.from) === name && !mayImport(edge));
      expect(broken.map((edge) => `${edge.from} imports ${edge.to}; ${room.why}`)).toEqual([]);
    });
  }

  it('has no import cycle, types included', () => {
    expect(findCycle()).toBeNull();
  });

  it('leaves the console to the command line', () => {
    expect(filesThatMatch(/\bconsole\./, ['cli', 'testing'])).toEqual([]);
  });

  it('asks of this process nothing but the platform and the pid that a port needs', () => {
    const rooms = ['cli', 'testing', 'wiring.ts', 'transport/serial-port.ts'];
    expect(filesThatMatch(/(?<![-\w.])process\./, rooms)).toEqual([]);
  });

  it('takes clock and randomness from outside in every room that decides', () => {
    const clock = /\b(?:Date\.now\(|new Date\(\)|Math\.random\(|performance\.now\()/;
    expect(filesThatMatch(clock, ['transport', 'store', 'testing', 'wiring.ts', 'cli'])).toEqual(
      [],
    );
  });

  it('knows no utils, common, types or helpers folder', () => {
    expect(
      FILES.filter((file) => /(^|\/)(utils?|common|types|helpers)(\/|\.tsx?$)/.test(file)),
    ).toEqual([]);
  });

  it('keeps every file under 300 lines', () => {
    const long = FILES.map(
      (file) => [file, readFileSync(join(SRC, file), 'utf8').split('\n').length] as const,
    );
    expect(long.filter(([, lines]) => lines > 301)).toEqual([]);
  });
});

/** Files outside `rooms` (or single files) whose text, comments left out, matches. */
function filesThatMatch(pattern: RegExp, rooms: readonly string[]): string[] {
  return FILES.filter((file) => !rooms.includes(roomOf(file)) && !rooms.includes(file)).filter(
    (file) => pattern.test(withoutComments(readFileSync(join(SRC, file), 'utf8'))),
  );
}

/** Depth-first search; the first cycle as a chain of files, null when there is none. */
function findCycle(): string[] | null {
  const edges = new Map<string, string[]>();
  for (const edge of IMPORTS)
    if (edge.ours) edges.set(edge.from, [...(edges.get(edge.from) ?? []), edge.to]);
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    path.push(file);
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle !== null) return cycle;
    }
    path.pop();
    done.add(file);
    return null;
  };
  for (const file of FILES) {
    const cycle = visit(file);
    if (cycle !== null) return cycle;
  }
  return null;
}
