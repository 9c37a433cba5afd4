/**
 * Short execs on a board that has no room for an agent, over a line that loses bytes: every source
 * may run twice, so that what was lost on the way is simply sent again.
 */
import { bytesOfPath } from '../core/device-path.js';
import { BelayError, isBelayError } from '../core/errors.js';
import type { ReplSession } from '../transport/repl-session.js';
import { bytesLiteral, helperPart } from './helper-source.js';
import { tildeLines } from './tiny-answers.js';
import { errnoOf } from './tiny-failure.js';

const EXEC_MS_MAX = 20_000;
const LOST_STARTS_MAX = 4;
/** How often anything is tried again before the line counts as too bad. */
export const ATTEMPTS = 6;

export class TinySession {
  readonly #session: ReplSession;
  /** What the board's `_belay` is at the moment. */
  #loaded: 'read' | 'write' | null = null;

  constructor(session: ReplSession) {
    this.#session = session;
  }

  /** The board's `_belay` may be gone: it is sent again before it is called. */
  forget(): void {
    this.#loaded = null;
  }

  /** Sources that may run twice: a line lost on the way is a syntax error, then sent again. */
  async agreed(source: string, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if ((await this.lines(`${source}\nprint('~',1)`, signal)).at(-1) === '1') return;
      } catch (error) {
        if (
          !isBelayError(error, 'repl/exec-failed') ||
          errnoOf(error) !== null ||
          attempt >= ATTEMPTS
        )
          throw error;
      }
      if (attempt >= ATTEMPTS)
        throw new BelayError(
          'board/integrity',
          'the board did not do what was sent, several times',
        );
    }
  }

  async load(part: 'read' | 'write', signal: AbortSignal): Promise<void> {
    if (this.#loaded === part) return;
    await this.agreed(`${helperPart(`tiny-${part}`)}\n`, signal);
    this.#loaded = part;
  }

  async lines(source: string, signal: AbortSignal): Promise<readonly string[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return tildeLines(await this.#session.exec(source, { timeoutMs: EXEC_MS_MAX, signal }));
      } catch (error) {
        // The byte that starts an exec was lost: nothing ran. All sources here may run twice.
        const lost = isBelayError(error, 'repl/timeout') || isBelayError(error, 'repl/protocol');
        if (!lost || attempt >= LOST_STARTS_MAX) throw error;
        await this.#session.enterRaw({ signal });
      }
    }
  }
}

/** open() takes text on these boards. */
export function nameLiteral(path: string): string {
  return `str(${bytesLiteral(bytesOfPath(path))},'utf8')`;
}
