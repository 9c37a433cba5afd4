/** Asks a board once what it is and can (firmware-helpers/probe.py) and chooses the rungs. */

import { BelayError, isBelayError } from '../core/errors.js';
import type { ReplSession } from '../transport/repl-session.js';
import { BY_IMPORT, checkedExec, deflatedExec, helperPart } from './helper-source.js';
import { answersIn, type Identity, identityOf, tinyIdentityOf } from './identity.js';
import { type Literal, parseLiteral } from './python-literal.js';
import { tildeLines } from './tiny-answers.js';

const PROBE_MS_MAX = 15_000;
const ATTEMPTS = 3;
/** A micro:bit v1 has 8.8 kB free, the next smallest board (an ESP8266) 30 kB. */
const TINY_HEAP_BYTES = 12 * 1024;

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
