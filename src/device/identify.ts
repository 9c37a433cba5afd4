/**
 * Asks a board what it is and can, and chooses the rungs. A short question comes first: how much
 * memory is free, and can the board inflate? It decides in which form sources go, and whether the
 * first one carries the agent's usual parts behind the questions of firmware-helpers/probe.py.
 */
import { BelayError, isBelayError } from '../core/errors.js';
import type { ReplSession } from '../transport/repl-session.js';
import { isOutOfMemory, outOfMemory } from './agent-failure.js';
import type { BoardPurpose } from './device-fs.js';
import { helperPart } from './helper-source.js';
import { identifyTiny } from './identify-tiny.js';
import {
  answersIn,
  type Identity,
  identityOf,
  leavesOpen,
  MORE_ANSWERS,
  PROBE_ANSWERS,
} from './identity.js';
import type { Literal } from './python-literal.js';
import { execIn, firstExec } from './source-form.js';
import { tildeLines } from './tiny-answers.js';

const PROBE_MS_MAX = 15_000;
/** One in ten fails where one byte in 10,000 is damaged. */
const ATTEMPTS = 5;
/** A micro:bit v1 has 8.8 kB free, the next smallest board (an ESP8266) 30 kB. */
const TINY_HEAP_BYTES = 12 * 1024;
/**
 * From here on the usual parts come with the questions: all that the longest of these allocates was
 * 36 kB deflated and 74 kB packed, nothing of it collected (a virtual board; see agent-rows.ts).
 */
const ROOMY_HEAP_BYTES = { deflated: 64 * 1024, packed: 96 * 1024 } as const;

/**
 * Said twice: a program that prints in between would make a small number of a large one. It is not
 * collected first: with megabytes of memory that takes longer than all the rest.
 */
const QUESTION = "print('~',*[__import__('gc').mem_free()]*2);__import__('deflate')";

/** What nearly every job needs, as a current MicroPython takes it. */
const USUAL_PARTS = [
  'list-ilistdir',
  'put-raw',
  'hash-sha256',
  'check-crc32',
  'stream',
  'list',
] as const;

/** And what it needs besides. */
const PURPOSE_PARTS: Readonly<Record<BoardPurpose, readonly string[]>> = {
  read: ['read'],
  compare: ['hash-file', 'fold'],
  write: ['hash-file', 'fold', 'upload'],
};

export interface Wanted {
  readonly signal: AbortSignal;
  readonly purpose?: BoardPurpose;
}

/** Builds what most boards are sent first, which takes as long as a turn of the wire. */
export function prepareFirst(purpose?: BoardPurpose): void {
  firstExec('deflated', partsFor(purpose));
}

/** What a job is sent with the first questions, in this order. */
export function partsFor(purpose: BoardPurpose = 'compare'): readonly string[] {
  return [...USUAL_PARTS, ...PURPOSE_PARTS[purpose]];
}

/** What goes first, and how. */
type First = Pick<Identity, 'form' | 'parts'>;

/** Throws board/not-micropython, board/memory or what the wire threw; `null` answers are no error. */
export async function identifyBoard(session: ReplSession, wanted: Wanted): Promise<Identity> {
  const { signal } = wanted;
  const { freeBytes, inflates } = await askFirst(session, signal);
  // Sources beyond 1,000 bytes can hang a board with 8 kB of heap (micro:bit firmware under QEMU).
  if (freeBytes < TINY_HEAP_BYTES) {
    const tiny = await identifyTiny(session, signal);
    if (tiny !== null) return tiny;
  }
  let ladder = firstsFor(freeBytes, inflates, partsFor(wanted.purpose));
  for (let attempt = 1; ; attempt += 1) {
    const first = ladder[0] as First;
    const { output, error } = await settled(
      session.exec(firstExec(first.form, first.parts), { timeoutMs: PROBE_MS_MAX, signal }),
    );
    const answers = answersIn(output, PROBE_ANSWERS);
    if (answers !== null) {
      // With an error behind the answers the parts have not run, or not all of them.
      const parts = error === null ? first.parts : [];
      return await identified(session, answers, { ...first, parts }, signal);
    }
    if (error !== null) {
      const tiny = attempt > 1 ? await identifyTiny(session, signal) : null;
      if (tiny !== null) return tiny;
      if (attempt >= ATTEMPTS)
        throw isOutOfMemory(error) ? outOfMemory(error) : notMicroPython(error);
      ladder = below(ladder, error, attempt);
    }
    if (attempt >= ATTEMPTS) throw damaged();
  }
}

/** What may go first, in the order of trying. */
function firstsFor(
  freeBytes: number,
  inflates: boolean,
  parts: readonly string[],
): readonly First[] {
  const short = inflates ? 'deflated' : 'packed';
  const isRoomy = freeBytes >= ROOMY_HEAP_BYTES[short];
  return [
    ...(isRoomy ? [{ form: short, parts } as const] : []),
    ...(isRoomy || inflates ? [{ form: short, parts: [] } as const] : []),
    { form: 'plain', parts: [] },
  ];
}

/** What is left to try; a first failure for no good reason may be damage. */
function below(ladder: readonly First[], error: BelayError, attempt: number): readonly First[] {
  const rest = error.message.includes('ImportError')
    ? ladder.filter((each) => each.form !== ladder[0]?.form)
    : ladder.slice(attempt > 1 || isOutOfMemory(error) ? 1 : 0);
  return rest.length > 0 ? rest : ladder;
}

/** No free bytes where the board cannot say how many there are. */
async function askFirst(
  session: ReplSession,
  signal: AbortSignal,
): Promise<{ readonly freeBytes: number; readonly inflates: boolean }> {
  const options = { timeoutMs: PROBE_MS_MAX, signal, repeatable: true };
  let isMute = false;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { output, error } = await settled(session.exec(QUESTION, options));
    const answer = /^(\d+) \1$/.exec(tildeLines(output).at(-1) ?? '');
    const inflates = error === null;
    if (answer !== null && (inflates || error.message.includes('ImportError')))
      return { freeBytes: Number(answer[1]), inflates };
    isMute = error !== null;
  }
  if (isMute) return { freeBytes: 0, inflates: false };
  throw damaged();
}

/** What an exec printed, also where a traceback ended it. */
async function settled(
  exec: Promise<Uint8Array>,
): Promise<{ readonly output: Uint8Array; readonly error: BelayError | null }> {
  try {
    return { output: await exec, error: null };
  } catch (error) {
    if (!isBelayError(error, 'repl/exec-failed')) throw error;
    return { output: Buffer.from(String(error.details.output ?? '')), error };
  }
}

async function identified(
  session: ReplSession,
  answers: readonly Literal[],
  first: First,
  signal: AbortSignal,
): Promise<Identity> {
  if (!leavesOpen(answers)) return identityOf(answers, first);
  let more: readonly Literal[] | null = null;
  const source = execIn(first.form, helperPart('probe-more'));
  for (let attempt = 1; attempt <= ATTEMPTS && more === null; attempt += 1) {
    const output = await session.exec(source, { timeoutMs: PROBE_MS_MAX, signal });
    more = answersIn(output, MORE_ANSWERS);
  }
  if (more === null) throw damaged();
  return identityOf(answers, first, more);
}

function damaged(): BelayError {
  return new BelayError(
    'board/integrity',
    'the board answered the first questions five times with damage',
    { hint: 'try another cable or a lower --baud' },
  );
}

function notMicroPython(cause: BelayError): BelayError {
  return new BelayError(
    'board/not-micropython',
    'the board has a raw REPL but could not run the first questions',
    {
      hint: 'is it MicroPython or CircuitPython? `belay-backup doctor` shows what it said',
      cause,
      details: cause.details,
    },
  );
}
