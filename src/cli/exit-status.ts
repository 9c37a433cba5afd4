/** The one place that turns what happened into an exit status and an error into text. */
import { displayPath } from '../core/device-path.js';
import { BelayError, EXIT_STATUS_BY_CODE, isBelayError } from '../core/errors.js';

/** What each status means; `--help` prints this table. A test holds it against the codes' table. */
export const EXIT_STATUSES: readonly { readonly status: number; readonly meaning: string }[] = [
  { status: 0, meaning: 'done' },
  { status: 1, meaning: 'another failure' },
  { status: 2, meaning: 'usage: a wrong option, or a question without an answer' },
  { status: 3, meaning: 'finished, but some files could not be read or written' },
  { status: 10, meaning: 'folder, backup or file not found' },
  { status: 11, meaning: 'folder or port is locked' },
  { status: 12, meaning: 'wrong or missing key' },
  { status: 13, meaning: 'integrity: an archive or a file is damaged' },
  { status: 14, meaning: 'chain: a parent is missing, or another board' },
  { status: 15, meaning: 'not enough space' },
  { status: 20, meaning: 'board not found, not MicroPython, or lost' },
  { status: 75, meaning: 'skipped for now (--if-present and no board)' },
  { status: 130, meaning: 'cancelled' },
];

export const STATUS_DONE = 0;
export const STATUS_PARTIAL = EXIT_STATUS_BY_CODE['job/partial'];

/** Anything thrown as a BelayError; what is none is a defect of ours and says so. */
export function asBelayError(thrown: unknown): BelayError {
  if (isBelayError(thrown)) return thrown;
  if (
    thrown instanceof Error &&
    (thrown.name === 'AbortError' || thrown.name === 'CancelledError')
  ) {
    return new BelayError('job/cancelled', 'cancelled');
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BelayError('job/failed', `this is a defect in belay-backup: ${message}`, {
    hint: 'run it again with BELAY_DEBUG=1 and report what is printed',
    cause: thrown,
  });
}

/** The error's own next step, else the one that its group has. */
function hintOf(error: BelayError): string | null {
  if (error.hint !== null) return error.hint;
  if (error.code.startsWith('archive/'))
    return 'belay-backup verify shows all that is wrong, repair moves the archive aside';
  if (error.code.startsWith('chain/'))
    return 'belay-backup list shows which backups can be restored';
  return null;
}

/** `error: <thing and cause>` and, where there is a next step, `hint: …`. No line is ever forged. */
export function errorLines(error: BelayError): readonly string[] {
  const lines = [`error: ${displayPath(error.message)}`];
  const hint = hintOf(error);
  if (hint !== null) lines.push(`hint: ${displayPath(hint)}`);
  return lines;
}

/** The same for machines, one line. */
export function errorJson(error: BelayError, board?: string): string {
  return JSON.stringify({
    type: 'error',
    ...(board === undefined ? {} : { board }),
    code: error.code,
    message: error.message,
    hint: hintOf(error),
    exitCode: error.exitCode,
  });
}

/** The stack with all causes, for BELAY_DEBUG=1. */
export function debugText(thrown: unknown): string {
  const parts: string[] = [];
  for (let at = thrown, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth += 1) {
    parts.push(`${depth === 0 ? '' : 'caused by: '}${at.stack ?? at.message}`);
  }
  return parts.join('\n');
}
