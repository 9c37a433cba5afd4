/** What went wrong on a board that answers in text: its error numbers, as sentences. Pure. */
import { isBelayError } from '../core/errors.js';
import type { TreeFailure } from '../core/tree.js';
import { codeOfErrno, errnoText } from './errno.js';

export type Problem = { readonly code: string; readonly message: string };

export function problemOf(path: string, errorNumber: number): Problem {
  return { code: codeOfErrno(errorNumber), message: `/${path}: ${errnoText(errorNumber)}` };
}

export function failureOf(path: string, errorNumber: number): TreeFailure {
  const reason =
    errorNumber === 1
      ? 'came differently each time it was read'
      : `could not be read (${errnoText(errorNumber)})`;
  return { kind: 'failed', path, code: codeOfErrno(errorNumber), message: `/${path}: ${reason}` };
}

/** `OSError: 2` at the end of a traceback; null for anything else. */
export function errnoOf(error: unknown): number | null {
  if (!isBelayError(error, 'repl/exec-failed')) return null;
  const match = /OSError: (?:\[Errno )?(\d+)/.exec(String(error.details['traceback'] ?? ''));
  if (match !== null) return Number(match[1]);
  return /OSError: (?:file not found|no such file)/i.test(String(error.details['traceback'] ?? ''))
    ? 2
    : null;
}
