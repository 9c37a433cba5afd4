/** Several boards at once: in parallel, one failing board does not stop the others. */

import { displayPath } from '../core/device-path.js';
import { BelayError, isBelayError } from '../core/errors.js';
import type { JobContext } from '../jobs/context.js';
import type { FinishedEvent } from '../ui/progress-state.js';
import { devicesParts } from '../wiring.js';
import { asBelayError, errorJson, errorLines, STATUS_DONE, STATUS_PARTIAL } from './exit-status.js';
import type { Session } from './session.js';

export interface WantedPorts {
  /** undefined: the one board that is plugged in. */
  readonly first: string | undefined;
  /** Empty where only one board is meant. */
  readonly several: readonly string[];
}

/** Every `--port` once, in order; with `--all` every port that looks like a board. */
export async function wantedPorts(session: Session, all: boolean): Promise<WantedPorts> {
  if (!all) {
    const ports = [...new Set(session.options.port ?? [])];
    return { first: ports[0], several: ports.length > 1 ? ports : [] };
  }
  const context = await session.context();
  const found = await devicesParts(session.portWish(undefined), context, null).listPorts();
  const paths = found.filter((port) => port.likelyBoard).map((port) => port.path);
  const named = (session.options.port ?? []).filter((port) => port !== 'auto');
  const ports = [...new Set([...named, ...paths])];
  if (ports.length === 0) {
    throw new BelayError('port/not-found', 'no board is plugged in', {
      hint: 'belay-backup devices shows what the system sees; name a port with --port',
    });
  }
  return { first: ports[0], several: ports.length > 1 ? ports : [] };
}

export interface BoardWork<T> {
  readonly value: T;
  /** null where the board is not through yet (a plan that waits for an answer). */
  readonly finished: FinishedEvent | null;
  readonly partial: boolean;
  /** Called when the display has had its last word of this board. */
  readonly report?: () => void;
}

export type BoardOutcome<T> =
  | { readonly ok: true; readonly port: string; readonly value: T; readonly partial: boolean }
  | { readonly ok: false; readonly port: string; readonly error: BelayError };

/** Outcomes in the order of the ports. Never rejects. */
export async function runMany<T>(
  session: Session,
  ports: readonly string[],
  work: (port: string, context: JobContext) => Promise<BoardWork<T>>,
): Promise<readonly BoardOutcome<T>[]> {
  return Promise.all(
    ports.map(async (port): Promise<BoardOutcome<T>> => {
      try {
        const { value, finished, partial, report } = await work(port, await session.context(port));
        if (finished !== null) session.finished({ ...finished, board: port });
        report?.();
        return { ok: true, port, value, partial };
      } catch (thrown) {
        const error = asBelayError(thrown);
        const cancelled = isBelayError(error, 'job/cancelled');
        session.finished({
          type: 'finished',
          status: cancelled ? 'cancelled' : 'failed',
          outcome: withoutPort(error.message, port),
          board: port,
        });
        return { ok: false, port, error };
      }
    }),
  );
}

/**
 * Says which boards failed. Exit status: 3 when some failed or are partial, the cause's own when
 * all failed with the same one.
 */
export function failMany<T>(session: Session, outcomes: readonly BoardOutcome<T>[]): number {
  const failures = outcomes.filter((outcome) => !outcome.ok);
  for (const { port, error } of failures) {
    if (session.json) session.terminal.err(errorJson(error, port));
    else
      for (const line of errorLines(error))
        session.terminal.err(`${displayPath(port)}: ${withoutPort(line, port)}`);
  }
  if (!session.json && !session.quiet) {
    session.terminal.out(`${outcomes.length - failures.length} of ${outcomes.length} boards done.`);
  }
  const cancelled = failures.find(({ error }) => error.code === 'job/cancelled');
  if (cancelled !== undefined) return cancelled.error.exitCode;
  const statuses = new Set(failures.map(({ error }) => error.exitCode));
  const [status] = statuses;
  if (status !== undefined && failures.length === outcomes.length && statuses.size === 1)
    return status;
  const partial = failures.length > 0 || outcomes.some((outcome) => outcome.ok && outcome.partial);
  return partial ? STATUS_PARTIAL : STATUS_DONE;
}

/** The port stands before the line already. */
function withoutPort(line: string, port: string): string {
  const prefix = `${displayPath(port)}: `;
  for (const before of ['', 'error: '])
    if (line.startsWith(before + prefix)) return before + line.slice(before.length + prefix.length);
  return line;
}
