/** Identifies boards on which probe.py cannot run (firmware-helpers/tiny-probe.py). */
import { isBelayError } from '../core/errors.js';
import type { ReplSession } from '../transport/repl-session.js';
import { helperPart } from './helper-source.js';
import { type Identity, tinyIdentityOf } from './identity.js';
import { type Literal, parseLiteral } from './python-literal.js';
import { tildeLines } from './tiny-answers.js';

const PROBE_MS_MAX = 15_000;

/** Null where these questions fail too, or show that it is a board of another kind. */
export async function identifyTiny(
  session: ReplSession,
  signal: AbortSignal,
): Promise<Identity | null> {
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
