/**
 * One board over a whole job, through losses of the wire: a board that is gone is looked for again
 * for ten seconds and must be the same one. Also the only place that leaves a board.
 */

import type { ErrorCode } from '../core/errors.js';
import { BelayError, isBelayError, throwIfAborted } from '../core/errors.js';
import { RECONNECT_MS_MAX } from '../core/limits.js';
import type {
  AfterMode,
  BoardConnection,
  BoardFs,
  BoardInfo,
  BoardPurpose,
} from '../device/device-fs.js';
import type { Connect, JobContext } from './context.js';

const RETRY_EVERY_MS = 250;
/** Losses in a row without anything new having been achieved. */
const LOSSES_MAX = 3;

/** What a cut wire or a board that reset itself looks like. */
const LOSSES: ReadonlySet<ErrorCode> = new Set([
  'port/lost',
  'port/stalled',
  'board/lost',
  'board/silent',
  'repl/no-prompt',
  'repl/timeout',
  'repl/protocol',
]);

export function isLoss(error: unknown): error is BelayError {
  return isBelayError(error) && LOSSES.has(error.code);
}

/** The board was there and said something, then lost its way: what a reset in between looks like. */
function spoke(error: unknown): boolean {
  if (!isBelayError(error) || error.code.startsWith('port/')) return false;
  return error.code === 'repl/exec-failed' || error.details.lastBytes !== '';
}

function resets(cause: unknown): BelayError {
  const reason = isBelayError(cause) ? cause.message : String(cause);
  return new BelayError(
    'board/resets',
    `the board was lost again and again without progress (${reason})`,
    {
      hint: 'check the cable and the power; a watchdog of the program may be resetting the board: rename main.py, or press reset and run the command again at once',
      cause,
    },
  );
}

export class BoardSession {
  /** Whose program was running when the job came. */
  readonly programInterrupted: boolean;
  readonly #connect: Connect;
  readonly #context: JobContext;
  #connection: BoardConnection;
  #before = { bytesIn: 0, bytesOut: 0 };
  #lossesInARow = 0;
  #left: Promise<void> | null = null;

  private constructor(connect: Connect, context: JobContext, connection: BoardConnection) {
    this.#connect = connect;
    this.#context = context;
    this.#connection = connection;
    this.programInterrupted = connection.programInterrupted;
  }

  static async open(
    connect: Connect,
    context: JobContext,
    purpose: BoardPurpose = 'compare',
  ): Promise<BoardSession> {
    throwIfAborted(context.signal);
    const purposeful: Connect = (options) => connect({ ...options, purpose });
    return new BoardSession(purposeful, context, await purposeful({ signal: context.signal }));
  }

  get connection(): BoardConnection {
    return this.#connection;
  }

  get fs(): BoardFs {
    return this.#connection.fs;
  }

  get info(): BoardInfo {
    return this.#connection.info;
  }

  /** Bytes on the wire in this job, all connections together. */
  counters(): { readonly bytesIn: number; readonly bytesOut: number } {
    const { bytesIn, bytesOut } = this.#connection.counters();
    return {
      bytesIn: this.#before.bytesIn + bytesIn,
      bytesOut: this.#before.bytesOut + bytesOut,
    };
  }

  /** Something new was achieved: the count of losses in a row starts again. */
  progressed(): void {
    this.#lossesInARow = 0;
  }

  /**
   * After a loss: waits for the same board and connects again. Throws `board/resets` at the third
   * loss without progress, `board/lost` when it does not come back, and any other error as it is.
   */
  async recover(error: unknown, signal: AbortSignal): Promise<void> {
    if (!isLoss(error)) throw error;
    throwIfAborted(signal);
    const { uniqueId } = this.info;
    if (uniqueId === null) throw error;
    this.#lossesInARow += 1;
    if (this.#lossesInARow >= LOSSES_MAX) {
      throw resets(error);
    }
    this.#context.emit({
      type: 'warning',
      code: 'board-lost',
      message: `the board was lost (${error.message}); looking for it again`,
      path: null,
    });
    const { bytesIn, bytesOut } = this.counters();
    this.#before = { bytesIn, bytesOut };
    await this.#connection.leave('leave').catch(() => {});
    this.#connection = await this.#comeBack(uniqueId, error, signal);
  }

  async #comeBack(
    uniqueId: string,
    cause: BelayError,
    signal: AbortSignal,
  ): Promise<BoardConnection> {
    const { clock } = this.#context;
    const until = clock.monotonicMs() + RECONNECT_MS_MAX;
    this.#left = Promise.resolve();
    let answers = 0;
    for (;;) {
      try {
        const connection = await this.#connect({
          signal,
          expectUniqueId: uniqueId,
        });
        if (connection.info.uniqueId !== uniqueId) {
          await connection.leave('leave');
          throw new BelayError(
            'board/other',
            `another board is on the port: ${connection.info.uniqueId ?? 'one without an id'}`,
          );
        }
        this.#left = null;
        return connection;
      } catch (error) {
        throwIfAborted(signal);
        if (isBelayError(error, 'board/other')) throw error;
        if (spoke(error)) answers += 1;
        if (answers >= LOSSES_MAX) throw resets(error);
        if (clock.monotonicMs() >= until) {
          if (answers > 0) throw resets(error);
          throw new BelayError(
            'board/lost',
            `the board was lost and did not come back within ${RECONNECT_MS_MAX / 1000} s (${cause.message})`,
            {
              hint: 'check the cable, then run the command again',
              cause: error,
            },
          );
        }
      }
      await clock.delay(RETRY_EVERY_MS, signal);
    }
  }

  /**
   * Leaves the board as `after` says; asked again, waits for that. A board that does not answer
   * any more is a warning: what the job has achieved stands.
   */
  leave(after: AfterMode): Promise<void> {
    this.#left ??= this.#leave(after);
    return this.#left;
  }

  async #leave(after: AfterMode): Promise<void> {
    // A board that came back without a reset stands at its prompt: the program is ours to start.
    const owed =
      after === 'auto' && this.programInterrupted && !this.#connection.programInterrupted;
    try {
      await this.#connection.leave(owed ? 'soft-reset' : after);
    } catch (error) {
      if (!isBelayError(error)) throw error;
      const message = error.hint === null ? error.message : `${error.message}. ${error.hint}`;
      this.#context.emit({
        type: 'warning',
        code: 'board-not-left',
        message,
        path: null,
      });
    }
  }
}
