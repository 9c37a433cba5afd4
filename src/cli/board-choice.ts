/** Which board is meant: asked on a terminal where several fit; waiting for one; doing without. */
import { displayPath } from '../core/device-path.js';
import { BelayError, isBelayError } from '../core/errors.js';
import type { Connect, JobContext } from '../jobs/context.js';
import { connectorFor } from '../wiring.js';
import type { Session } from './session.js';

export interface BoardChoice {
  /** undefined: as BELAY_PORT or `auto` say. */
  readonly port: string | undefined;
  /** Whose backups are meant: a name or an id, null where nothing was said. */
  readonly board: string | null;
}

interface Candidate {
  readonly label: string;
  readonly choose: (before: BoardChoice) => BoardChoice;
}

/** At most: which port, then whose backups. */
const QUESTIONS_MAX = 3;

/**
 * Runs the work; where it ends with usage/ambiguous-board and somebody is there to answer, asks and
 * runs it again with the answer. Without a terminal the error stands (exit status 2).
 */
export async function withBoardChoice<T>(
  session: Session,
  port: string | undefined,
  work: (choice: BoardChoice) => Promise<T>,
): Promise<T> {
  let choice: BoardChoice = { port, board: session.boardName };
  for (let round = 0; ; round += 1) {
    try {
      return await work(choice);
    } catch (error) {
      if (!isBelayError(error, 'usage/ambiguous-board') || round >= QUESTIONS_MAX) throw error;
      choice = await askWhich(session, choice, error);
    }
  }
}

async function askWhich(
  session: Session,
  before: BoardChoice,
  error: BelayError,
): Promise<BoardChoice> {
  const candidates = candidatesOf(error);
  if (!session.terminal.canAsk || candidates.length === 0) throw error;
  await session.endProgress();
  session.terminal.err(displayPath(error.message));
  const labels = candidates.map((candidate) => candidate.label);
  const hint = error.hint ?? 'name it with --port or --board';
  const at = await session.terminal.choose('Which one?', labels, hint, session.signal);
  return (candidates[at] as Candidate).choose(before);
}

/**
 * The same for commands that need no board: where `latest` could be of several boards, the one that
 * is connected decides; only where there is none, or it has no backup, is the user asked.
 */
export async function withBackupChoice<T>(
  session: Session,
  work: (board: string | null) => Promise<T>,
): Promise<T> {
  return withBoardChoice(session, undefined, async ({ board }) => {
    try {
      return await work(board);
    } catch (error) {
      if (!isBelayError(error, 'usage/ambiguous-board') || board !== null) throw error;
      const connected = await connectedBoardId(session);
      if (connected === null) throw error;
      try {
        return await work(connected);
      } catch (again) {
        throw isBelayError(again, 'store/not-found') ? error : again;
      }
    }
  });
}

/** The unique id of the board on the port; null where there is none to ask. */
async function connectedBoardId(session: Session): Promise<string | null> {
  const context = await session.context();
  const connect = boardConnector(session, session.options.port?.[0], context, { wait: false });
  try {
    const connection = await connect({ signal: context.signal });
    await connection.leave(session.options.after ?? 'auto');
    return connection.info.uniqueId;
  } catch (error) {
    if (isBelayError(error, 'job/cancelled')) throw error;
    return null;
  }
}

/** `details.choices`: ports have a `path`, boards whose backups are meant have none. */
function candidatesOf(error: BelayError): readonly Candidate[] {
  const { choices } = error.details;
  return Array.isArray(choices) ? choices.flatMap(candidateOf) : [];
}

function candidateOf(choice: unknown): Candidate[] {
  if (typeof choice === 'string') return [portCandidate(choice, choice)];
  if (typeof choice !== 'object' || choice === null) return [];
  const fields = choice as Readonly<Record<string, unknown>>;
  const label = [
    fields.path,
    fields.name,
    fields.product,
    fields.manufacturer,
    fields.machine,
    fields.uniqueId,
    fields.serialNumber,
  ]
    .filter((fact, at, all) => typeof fact === 'string' && fact !== '' && all.indexOf(fact) === at)
    .map((fact) => displayPath(fact as string))
    .join('  ');
  if (typeof fields.path === 'string') return [portCandidate(fields.path, label)];
  const board = fields.uniqueId ?? fields.name;
  if (typeof board !== 'string') return [];
  return [{ label, choose: (before) => ({ ...before, board }) }];
}

function portCandidate(path: string, label: string): Candidate {
  return { label, choose: (before) => ({ ...before, port: path }) };
}

/** With `--if-present` a board that is not there ends the run with 75, not with an error of ours. */
export async function skipWhenAbsent(
  allowed: boolean,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!allowed || !isBelayError(error, 'port/not-found')) throw error;
    throw new BelayError('job/skipped', 'no board is plugged in; skipped for now', {
      cause: error,
    });
  }
}

/** A board that sleeps most of the time is there for moments only. */
const WAIT_STEP_MS = 50;
/** Not there yet, gone to sleep again, or not at its prompt in time: what waiting is for. */
const WAITED_FOR: ReadonlySet<string> = new Set(['port/not-found', 'port/lost', 'repl/no-prompt']);

/**
 * The connection a job asks for; with `wait` tries until a port appears and its board answers
 * Ctrl-C, or the user stops it.
 */
export function boardConnector(
  session: Session,
  port: string | undefined,
  context: JobContext,
  options: { readonly wait: boolean },
): Connect {
  const connect = connectorFor({ ...session.portWish(port), waits: options.wait }, context);
  if (!options.wait) return connect;
  return async (wanted) => {
    for (let announced = false; ; announced = true) {
      try {
        return await connect(wanted);
      } catch (error) {
        if (!isBelayError(error) || !WAITED_FOR.has(error.code)) throw error;
        if (!announced) {
          context.emit({
            type: 'note',
            code: 'waiting',
            message: `waiting for a board (${error.message})`,
          });
        }
        await context.clock.delay(WAIT_STEP_MS, wanted.signal);
      }
    }
  };
}
