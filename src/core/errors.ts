/**
 * The one error class. Everything that cannot continue is thrown as a BelayError with a code from
 * the table below; what a caller should expect (a conflict, no parent, an unchanged file) is
 * returned as data instead. Codes are stable, texts are not: never match on a message.
 */

/** Every code with the exit status of the command line (cli contract, faults.md). */
export const EXIT_STATUS_BY_CODE = {
  'usage/invalid': 2,
  'usage/ambiguous-board': 2,
  'usage/unanswered': 2,
  'usage/no-policy': 2,
  'usage/removes-all': 2,
  'port/not-found': 20,
  'port/permission': 1,
  'port/native': 1,
  'port/locked': 11,
  'port/failed': 20,
  'port/lost': 20,
  'port/stalled': 20,
  'repl/no-prompt': 20,
  'repl/timeout': 20,
  'repl/protocol': 20,
  'repl/exec-failed': 1,
  'board/not-micropython': 20,
  'board/lost': 20,
  'board/silent': 20,
  'board/resets': 20,
  'board/other': 14,
  'board/memory': 1,
  'board/integrity': 13,
  'board/read-only': 1,
  'board/full': 15,
  'board/file': 1,
  'board/listing': 1,
  'board/empty': 1,
  'board/unfit': 1,
  'archive/empty': 13,
  'archive/not-blb': 13,
  'archive/truncated': 13,
  'archive/trailing': 13,
  'archive/damaged': 13,
  'archive/manifest': 13,
  'archive/limit': 13,
  'archive/path': 13,
  'archive/name-mismatch': 13,
  'archive/ambiguous-id': 13,
  'archive/unsupported': 1,
  'chain/no-parent': 14,
  'chain/parent-mismatch': 14,
  'chain/cycle': 14,
  'chain/foreign': 14,
  'chain/missing-content': 14,
  'store/not-found': 10,
  'store/locked': 11,
  'store/lock-lost': 11,
  'store/full': 15,
  'store/permission': 1,
  'store/unsafe-path': 3,
  'store/exists': 1,
  'store/refused': 1,
  'store/io': 1,
  'job/partial': 3,
  'job/failed': 1,
  'job/skipped': 75,
  'job/cancelled': 130,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof EXIT_STATUS_BY_CODE;

export interface BelayErrorOptions {
  /** What the user should try next: one sentence, imperative. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Plain data for machines (paths, offsets, expected and found). */
  readonly details?: Readonly<Record<string, unknown>>;
  /** True where the same call may succeed if it is made again. */
  readonly retryable?: boolean;
}

export class BelayError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;

  /** `message` names the thing and the cause in one line, without a final full stop. */
  constructor(code: ErrorCode, message: string, options: BelayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BelayError';
    this.code = code;
    this.hint = options.hint ?? null;
    this.details = options.details ?? {};
    this.retryable = options.retryable ?? false;
  }

  /** The exit status the command ends with. */
  get exitCode(): number {
    return EXIT_STATUS_BY_CODE[this.code];
  }
}

/** True for a BelayError, and of the given code where one is given. */
export function isBelayError(error: unknown, code?: ErrorCode): error is BelayError {
  return error instanceof BelayError && (code === undefined || error.code === code);
}

/** Throws `job/cancelled` when the signal has been aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}

export function cancelled(): BelayError {
  return new BelayError('job/cancelled', 'cancelled');
}
