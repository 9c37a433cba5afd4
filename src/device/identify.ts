/** Asks a board once what it is and can (firmware-helpers/probe.py) and chooses the rungs. */

import { pathFromBytes } from '../core/device-path.js';
import { BelayError, isBelayError } from '../core/errors.js';
import type { ReplSession } from '../transport/repl-session.js';
import type { AgentRungs } from './agent.js';
import type { BoardInfo, BoardMount } from './device-fs.js';
import { BY_IMPORT, bootSum, checkedExec, deflatedExec, helperPart } from './helper-source.js';
import { type Literal, parseLiteral } from './python-literal.js';
import { tildeLines } from './tiny-answers.js';
import { tinyMount } from './tiny-space.js';

const PROBE_MS_MAX = 15_000;
const ATTEMPTS = 3;
/** A micro:bit v1 has 8.8 kB free, the next smallest board (an ESP8266) 30 kB. */
const TINY_HEAP_BYTES = 12 * 1024;
const EINVAL = 22;
const NOT_OURS = new Set(['rom', 'remote']);

export interface Identity {
  readonly info: BoardInfo;
  readonly rungs: AgentRungs;
  /** How files get to the board. */
  readonly upload: UploadRungs;
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

/** Throws board/not-micropython, board/memory or what the wire threw; `null` answers are no error. */
export async function identifyBoard(session: ReplSession, signal: AbortSignal): Promise<Identity> {
  let deflated = true;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const source = probeSource(deflated);
      const output = await session.exec(source, { timeoutMs: PROBE_MS_MAX, signal });
      const answers = answersIn(output);
      if (deflated && answers === null && attempt === 1) {
        deflated = false;
        const tiny = (await isTiny(session, signal)) ? await identifyTiny(session, signal) : null;
        if (tiny !== null) return tiny;
      }
      if (answers !== null) {
        const identity = identityOf(answers);
        return identity.info.firmware === 'micropython'
          ? identity
          : await withDriveState(session, identity, signal);
      }
    } catch (error) {
      if (!isBelayError(error, 'repl/exec-failed')) throw error;
      if (deflated) {
        deflated = false;
        if (!(await isTiny(session, signal))) continue;
      }
      const tiny = await identifyTiny(session, signal);
      if (tiny !== null) return tiny;
      if (attempt >= ATTEMPTS) throw notMicroPython(error);
    }
    if (attempt >= ATTEMPTS)
      throw new BelayError(
        'board/integrity',
        'the board answered the first questions three times with damage',
        { hint: 'try another cable or a lower --baud' },
      );
  }
}

/** Most boards can inflate; one that cannot ends without an answer and is asked in plain text. */
function probeSource(deflated: boolean): Uint8Array {
  const boot = `${helperPart('boot')}\n`;
  if (!deflated) return Buffer.from(boot + checkedExec(helperPart('probe')));
  const probe = deflatedExec(helperPart('probe'), BY_IMPORT);
  return Buffer.concat([
    Buffer.from(`${boot}try:\n `),
    probe,
    Buffer.from('\nexcept ImportError:pass'),
  ]);
}

/**
 * CircuitPython's flash is either the computer's drive or Python's to write, never both: it says
 * which (circuitpython shared-bindings/storage: VfsFat.readonly). Asked without writing anything.
 */
const DRIVE_STATE = `p=sys.path[:]
sys.path[:]=['/.']
try:
 import storage
 r=storage.getmount('/').readonly
except Exception:
 r=None
sys.path[:]=p
print('~',r)`;

async function withDriveState(
  session: ReplSession,
  identity: Identity,
  signal: AbortSignal,
): Promise<Identity> {
  const output = await session.exec(checkedExec(DRIVE_STATE), { timeoutMs: PROBE_MS_MAX, signal });
  const answer = tildeLines(output).at(-1);
  const readOnly = answer === 'True' ? true : answer === 'False' ? false : null;
  const mounts = identity.info.mounts.map((mount) =>
    mount.path === '' ? { ...mount, readOnly } : mount,
  );
  return { ...identity, info: { ...identity.info, mounts } };
}

function notMicroPython(error: unknown): unknown {
  if (!isBelayError(error, 'repl/exec-failed')) return error;
  return new BelayError(
    'board/not-micropython',
    'the board has a raw REPL but could not run the first questions',
    {
      hint: 'is it MicroPython or CircuitPython? `belay-backup doctor` shows what it said',
      cause: error,
      details: error.details,
    },
  );
}

/**
 * Sources beyond 1,000 bytes can hang a board with 8 kB of heap until it is reset (seen on micro:bit
 * firmware under QEMU), so the size of the heap is asked before anything longer is sent.
 */
async function isTiny(session: ReplSession, signal: AbortSignal): Promise<boolean> {
  const output = await session.exec("print('~',__import__('gc').mem_free())", {
    timeoutMs: PROBE_MS_MAX,
    signal,
  });
  const answer = tildeLines(output).at(-1);
  return answer !== undefined && Number(answer) < TINY_HEAP_BYTES;
}

/** Boards on which probe.py cannot run; null where these questions fail too. */
async function identifyTiny(session: ReplSession, signal: AbortSignal): Promise<Identity | null> {
  try {
    const ask = async () =>
      tildeLines(
        await session.exec(helperPart('tiny-probe'), { timeoutMs: PROBE_MS_MAX, signal }),
      ).at(-1);
    const first = await ask();
    if (first === undefined || withoutMemory(first) !== withoutMemory((await ask()) ?? ''))
      return null;
    const answers = parseLiteral(first);
    return Array.isArray(answers) ? tinyIdentityOf(answers as readonly Literal[]) : null;
  } catch (error) {
    if (isBelayError(error, 'repl/exec-failed') || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** What is free differs from one answer to the next. */
function withoutMemory(answer: string): string {
  return answer.replace(/\d+\]$/, '');
}

function tinyIdentityOf(answers: readonly Literal[]): Identity {
  const [implementation, platform, uname, uniqueId, memFree] = answers;
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
  return { info, rungs, upload, tiny: true };
}

/** The line `~ sum answers` among whatever the user's program prints; null where none is whole. */
export function answersIn(output: Uint8Array): readonly Literal[] | null {
  const text = Buffer.from(output).toString('utf8');
  for (const match of text.matchAll(/~ (\d+) (\[.*\])\r?\n/g)) {
    const [, sum, literal] = match as unknown as [string, string, string];
    if (bootSum(new TextEncoder().encode(literal)) !== Number(sum)) continue;
    const answers = parseLiteral(literal);
    if (Array.isArray(answers)) return answers as readonly Literal[];
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

/** Pure: what the answers (in the order of probe.py) say. */
export function identityOf(answers: readonly Literal[]): Identity {
  const [
    implementation,
    platform,
    uname,
    uniqueId,
    cpuUid,
    year,
    memFree,
    binascii,
    hashes,
    osCan,
    binary,
    deflate,
    zlib,
    rootSpace,
    vfsMounts,
    listMounts,
    dogs,
    odd,
  ] = answers;
  const [name, version, ...rest] = list(implementation);
  const isMicroPython = name === 'micropython';
  const [sha256, newHash] = list(hashes);
  const [ilistdir, sync] = list(osCan);
  const [stdin, stdout] = list(binary);
  // hexlify is as old as the module itself; base64 was left out of small builds.
  const hasBinascii = Array.isArray(binascii);
  const [crc, base64] = list(binascii);
  const mounts = mountsOf(rootSpace, vfsMounts, listMounts);
  const rungs: AgentRungs = {
    output: stdout === true ? 'raw' : base64 === true ? 'base64' : hasBinascii ? 'hex' : 'repr',
    check: crc === true ? 'crc32' : sha256 === true || newHash === true ? 'sha256' : 'fletcher',
    hash: sha256 === true ? 'sha256' : newHash === true ? 'new' : crc === true ? 'crc32' : 'none',
    listing: ilistdir === true ? 'ilistdir' : 'listdir',
  };
  const upload: UploadRungs = {
    input: stdin === true ? 'raw' : 'text',
    inflate: deflate === true ? 'deflate' : zlib === true ? 'zlib' : null,
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
    nameBytesMax:
      list(rootSpace)[9] && typeof list(rootSpace)[9] === 'number'
        ? Math.min(255, list(rootSpace)[9] as number) || 255
        : 255,
    mpy: number(rest.find((each) => typeof each === 'number')),
    probe: {
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
  return { info, rungs, upload, tiny: false };
}

function mountsOf(
  rootSpace: Literal | undefined,
  vfsMounts: Literal | undefined,
  listMounts: Literal | undefined,
): { mounts: readonly BoardMount[]; types: readonly string[] } {
  const mounts: BoardMount[] = [];
  const types: string[] = [];
  const add = (path: Literal | undefined, space: Literal | undefined) => {
    const clean = (path instanceof Uint8Array ? pathFromBytes(path) : (text(path) ?? '')).replace(
      /^\/+|\/+$/g,
      '',
    );
    if (!mounts.some((mount) => mount.path === clean)) mounts.push(mountOf(clean, space));
  };
  for (const each of list(vfsMounts)) {
    const [path, type, space] = list(each);
    if (path === '/') types.push(String(type));
    add(path, space);
  }
  const isMounted = number(list(rootSpace)[0]);
  for (const each of list(listMounts)) add(list(each)[0], list(each)[1]);
  // Boards without a file system at `/` (stm32: /flash) answer with a block size of 0 there.
  if (list(vfsMounts).length === 0 && (isMounted !== 0 || mounts.length === 0)) add('/', rootSpace);
  return { mounts: mounts.sort((a, b) => (a.path < b.path ? -1 : 1)), types };
}

function mountOf(path: string, space: Literal | undefined): BoardMount {
  const [blockBytes, fragmentBytes, blocks, free] = list(space).map(number);
  const unit = fragmentBytes ?? blockBytes ?? null;
  return {
    path,
    // Cards come only when asked for; /rom and /remote are no part of the board's own files.
    skipped: NOT_OURS.has(path) || /^sd/.test(path),
    readOnly: path === 'rom' ? true : null,
    totalBytes: unit === null || blocks == null ? null : unit * blocks,
    freeBytes: unit === null || free == null ? null : unit * free,
    blockBytes: blockBytes ?? null,
  };
}
