/** Asks a board once what it is and can (firmware-helpers/probe.py) and chooses the rungs. */

import { BelayError, isBelayError } from '../core/errors.js';
import type { ReplSession } from '../transport/repl-session.js';
import { isOutOfMemory, outOfMemory } from './agent-failure.js';
import { helperPart, probeSource, sourceOf } from './helper-source.js';
import { answersIn, type Identity, identityOf, leavesOpen, tinyIdentityOf } from './identity.js';
import { type Literal, parseLiteral } from './python-literal.js';
import { tildeLines } from './tiny-answers.js';

const PROBE_MS_MAX = 15_000;
/** One in ten fails where one byte in 10,000 is damaged. */
const ATTEMPTS = 5;
/** A micro:bit v1 has 8.8 kB free, the next smallest board (an ESP8266) 30 kB. */
const TINY_HEAP_BYTES = 12 * 1024;

/** Throws board/not-micropython, board/memory or what the wire threw; `null` answers are no error. */
export async function identifyBoard(session: ReplSession, signal: AbortSignal): Promise<Identity> {
  let inflates = true;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answers = await ask(session, probeSource(inflates), signal);
      if (answers !== null) return await identified(session, answers, inflates, signal);
    } catch (error) {
      if (!isBelayError(error, 'repl/exec-failed')) throw error;
      const mayBeTiny = attempt > 1 || (await isTiny(session, signal));
      const tiny = mayBeTiny ? await identifyTiny(session, signal) : null;
      if (tiny !== null) return tiny;
      if (attempt >= ATTEMPTS)
        throw isOutOfMemory(error) ? outOfMemory(error) : notMicroPython(error);
      inflates &&= !/ImportError|MemoryError/.test(error.message);
    }
    if (attempt >= ATTEMPTS) throw damaged();
  }
}

/** The answers of an exec that prints them; null where they were damaged. */
async function ask(
  session: ReplSession,
  source: string | Uint8Array,
  signal: AbortSignal,
): Promise<readonly Literal[] | null> {
  return answersIn(await session.exec(source, { timeoutMs: PROBE_MS_MAX, signal }));
}

async function identified(
  session: ReplSession,
  answers: readonly Literal[],
  inflates: boolean,
  signal: AbortSignal,
): Promise<Identity> {
  if (!leavesOpen(answers)) return identityOf(answers, inflates);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const more = await ask(session, sourceOf('probe-more', inflates), signal);
    if (more !== null) return identityOf(answers, inflates, more);
  }
  throw damaged();
}

function damaged(): BelayError {
  return new BelayError(
    'board/integrity',
    'the board answered the first questions five times with damage',
    { hint: 'try another cable or a lower --baud' },
  );
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
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const output = await session.exec(HEAP_TWICE, { timeoutMs: PROBE_MS_MAX, signal });
    // Said twice: a program that prints in between would make a small number of a large one.
    const answer = /^(\d+) \1$/.exec(tildeLines(output).at(-1) ?? '');
    if (answer !== null) return Number(answer[1]) < TINY_HEAP_BYTES;
  }
  throw damaged();
}

const HEAP_TWICE = "print('~',*[__import__('gc').mem_free()]*2)";

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
    // Any other board whose memory is full, so that nothing longer runs, has os.stat instead.
    const isTinyBoard = Array.isArray(answers) && answers[4] === true;
    return isTinyBoard ? tinyIdentityOf(answers as readonly Literal[]) : null;
  } catch (error) {
    if (isBelayError(error, 'repl/exec-failed') || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** What is free differs from one answer to the next. */
function withoutMemory(answer: string): string {
  return answer.replace(/\d+\]$/, '');
}
