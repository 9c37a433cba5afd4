/** Pure: what the answers to probe.py and tiny-probe.py say of a board, and which rungs follow. */
import { pathFromBytes } from '../core/device-path.js';
import type { AgentRungs } from './agent.js';
import type { BoardInfo, BoardMount } from './device-fs.js';
import { bootSum } from './helper-source.js';
import { type Literal, parseLiteral } from './python-literal.js';
import type { SourceForm } from './source-form.js';
import { tinyMount } from './tiny-space.js';

const EINVAL = 22;
const NOT_OURS = new Set(['rom', 'remote']);

export interface Identity {
  readonly info: BoardInfo;
  readonly rungs: AgentRungs;
  /** How files get to the board. */
  readonly upload: UploadRungs;
  /** How the board takes sources. */
  readonly form: SourceForm;
  /** Parts of the agent that came with the first questions. */
  readonly parts: readonly string[];
  /** The agent does not fit: tiny-fs.ts does with single execs. */
  readonly tiny: boolean;
}

export interface UploadRungs {
  /** 'text': the board reads frames from the text side of its stdin; 'literal': single execs. */
  readonly input: 'raw' | 'text' | 'literal';
  readonly inflate: 'deflate' | 'zlib' | null;
  readonly freeMemoryBytes: number | null;
  readonly sync: boolean;
}

/** How many answers each probe gives: what tells one's line from the other's. */
export const PROBE_ANSWERS = 8;
export const MORE_ANSWERS = 7;

/**
 * The line `~ sum answers` with so many answers, among whatever the user's program prints; null
 * where none is whole.
 */
export function answersIn(output: Uint8Array, count: number): readonly Literal[] | null {
  const text = Buffer.from(output).toString('utf8');
  for (const match of text.matchAll(/~ (\d+) (\[.*\])\r?\n/g)) {
    const [, sum, literal] = match as unknown as [string, string, string];
    if (bootSum(new TextEncoder().encode(literal)) !== Number(sum)) continue;
    const answers = parseLiteral(literal);
    if (Array.isArray(answers) && answers.length === count) return answers as readonly Literal[];
  }
  return null;
}

const list = (value: Literal | undefined): readonly Literal[] =>
  Array.isArray(value) ? (value as readonly Literal[]) : [];
const text = (value: Literal | undefined): string | null =>
  typeof value === 'string' ? value : null;
const number = (value: Literal | undefined): number | null =>
  typeof value === 'number' ? value : null;
const hex = (value: Literal | undefined): string | null =>
  value instanceof Uint8Array && value.length > 0 ? Buffer.from(value).toString('hex') : null;

/**
 * Whether a current MicroPython answered that has all it takes, or probe-more.py must ask on. Where
 * `vfs.mount()` lists (1.25 and later) there is no zlib without deflate, which it is made of.
 */
export function leavesOpen(answers: readonly Literal[]): boolean {
  const [implementation, , uniqueId, , , abilities, vfsMounts] = answers;
  const [, ilistdir, , sha256, crc32, , stdout] = list(abilities);
  return (
    list(implementation)[0] !== 'micropython' ||
    list(implementation).length < 3 ||
    uniqueId === null ||
    vfsMounts === null ||
    [ilistdir, sha256, crc32, stdout].some((each) => each !== 1)
  );
}

/** Pure: what the answers say, in the order of probe.py and of probe-more.py (none: not asked). */
export function identityOf(
  answers: readonly Literal[],
  { form, parts }: Pick<Identity, 'form' | 'parts'>,
  more: readonly Literal[] = [],
): Identity {
  const [implementation, platform, uniqueId, year, memFree, abilities, vfsMounts, dogs] = answers;
  const [deflate, ilistdir, sync, sha256, crc32, stdin, stdout] = list(abilities).map(
    (each) => each === 1,
  );
  const [uname, cpuUid, others, rootSpace, listMounts, odd, readOnly] = more;
  const [base64, hexlify, newHash, decompress] = list(others);
  const [name, version, ...rest] = list(implementation);
  const isMicroPython = name === 'micropython';
  const mounts = mountsOf(rootSpace, vfsMounts, listMounts, readOnly);
  const rungs: AgentRungs = {
    output: stdout ? 'raw' : base64 === true ? 'base64' : hexlify === true ? 'hex' : 'repr',
    check: crc32 ? 'crc32' : sha256 || newHash === true ? 'sha256' : 'fletcher',
    hash: sha256 ? 'sha256' : newHash === true ? 'new' : crc32 ? 'crc32' : 'none',
    listing: ilistdir ? 'ilistdir' : 'listdir',
  };
  const upload: UploadRungs = {
    input: stdin ? 'raw' : 'text',
    inflate: deflate ? 'deflate' : decompress === true ? 'zlib' : null,
    freeMemoryBytes: number(memFree),
    sync: sync === true,
  };
  const fat = odd === EINVAL || mounts.types.some((type) => type.includes('Fat'));
  const info: BoardInfo = {
    firmware: text(name) ?? 'unknown',
    version:
      list(version).slice(0, 3).join('.') +
      (text(list(version)[3]) ? `-${text(list(version)[3])}` : ''),
    machine: text(rest[0]) ?? text(list(uname)[4]) ?? text(platform) ?? 'unknown',
    platform: text(platform) ?? 'unknown',
    uniqueId: hex(uniqueId) ?? hex(cpuUid),
    mounts: mounts.mounts,
    // A time zone on a computer's port makes gmtime(0) the last evening of the year before.
    epochYear: (number(year) ?? 2000) < 1980 ? 1970 : 2000,
    hasFolders: true,
    atomicRename: isMicroPython && !fat,
    nameBytesMax: Math.min(255, mounts.nameBytesMax ?? 255),
    mpy: number(rest.find((each) => typeof each === 'number')),
    probe: {
      source: form,
      output: rungs.output,
      input: upload.input,
      frameCheck: rungs.check,
      hash: rungs.hash,
      listing: rungs.listing,
      inflate: upload.inflate,
      freeMemoryBytes: upload.freeMemoryBytes,
      watchdogs: number(dogs) ?? 0,
      fileSystem: fat ? 'fat' : (mounts.types[0] ?? null),
      uname: list(uname).map(String).join(' ') || null,
    },
  };
  return { info, rungs, upload, form, parts, tiny: false };
}

interface Mounts {
  readonly mounts: readonly BoardMount[];
  readonly types: readonly string[];
  /** Of the root's file system; null where it does not say. */
  readonly nameBytesMax: number | null;
}

function mountsOf(
  rootSpace: Literal | undefined,
  vfsMounts: Literal | undefined,
  listMounts: Literal | undefined,
  rootIsReadOnly: Literal | undefined,
): Mounts {
  const mounts: BoardMount[] = [];
  const types: string[] = [];
  let nameBytesMax: number | null = null;
  const add = (path: Literal | undefined, space: Literal | undefined) => {
    const clean = (path instanceof Uint8Array ? pathFromBytes(path) : (text(path) ?? '')).replace(
      /^\/+|\/+$/g,
      '',
    );
    if (mounts.some((mount) => mount.path === clean)) return;
    const readOnly =
      clean === '' && typeof rootIsReadOnly === 'boolean'
        ? rootIsReadOnly
        : clean === 'rom'
          ? true
          : null;
    mounts.push(mountOf(clean, space, readOnly));
    if (clean === '') nameBytesMax = number(list(space)[9]) || null;
  };
  for (const each of list(vfsMounts)) {
    const [path, type, space] = list(each);
    if (path === '/') types.push(String(type).replace(/[<>]/g, ''));
    add(path, space);
  }
  const isMounted = number(list(rootSpace)[0]);
  for (const each of list(listMounts)) add(list(each)[0], list(each)[1]);
  // Boards without a file system at `/` (stm32: /flash) answer with a block size of 0 there.
  if (list(vfsMounts).length === 0 && (isMounted !== 0 || mounts.length === 0)) add('/', rootSpace);
  return { mounts: mounts.sort((a, b) => (a.path < b.path ? -1 : 1)), types, nameBytesMax };
}

function mountOf(path: string, space: Literal | undefined, readOnly: boolean | null): BoardMount {
  const [blockBytes, fragmentBytes, blocks, free] = list(space).map(number);
  const unit = fragmentBytes ?? blockBytes ?? null;
  return {
    path,
    // Cards come only when asked for; /rom and /remote are no part of the board's own files.
    skipped: NOT_OURS.has(path) || /^sd/.test(path),
    readOnly,
    totalBytes: unit === null || blocks == null ? null : unit * blocks,
    freeBytes: unit === null || free == null ? null : unit * free,
    blockBytes: blockBytes ?? null,
  };
}

/** The same of a board that only tiny-probe.py fits on. */
export function tinyIdentityOf(answers: readonly Literal[]): Identity {
  const [implementation, platform, uname, uniqueId, , memFree] = answers;
  const rungs: AgentRungs = { output: 'repr', check: 'fletcher', hash: 'none', listing: 'listdir' };
  const upload: UploadRungs = {
    input: 'literal',
    inflate: null,
    freeMemoryBytes: number(memFree),
    sync: false,
  };
  const info: BoardInfo = {
    firmware: text(list(implementation)[0]) ?? 'unknown',
    version: list(list(implementation)[1]).join('.'),
    machine: text(list(uname)[4]) ?? text(platform) ?? 'unknown',
    platform: text(platform) ?? 'unknown',
    uniqueId: hex(uniqueId),
    mounts: [tinyMount(text(list(uname)[0]) === 'microbit')],
    epochYear: 1970,
    hasFolders: false,
    atomicRename: false,
    nameBytesMax: 120,
    mpy: null,
    probe: {
      source: 'plain',
      output: 'repr',
      input: 'literal',
      frameCheck: 'fletcher',
      hash: 'none',
      listing: 'listdir and size',
      inflate: null,
      freeMemoryBytes: number(memFree),
      uname: list(uname).map(String).join(' ') || null,
    },
  };
  return { info, rungs, upload, form: 'plain', parts: [], tiny: true };
}
