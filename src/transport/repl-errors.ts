/** What a failed conversation is called: the stage, the last bytes seen, and the next thing to try. */
import { BelayError } from '../core/errors.js';
import { linesOf } from './line-reader.js';
import { escapeBytes, type ReplFailure } from './raw-repl.js';

/** In a line for people; details have more. */
const SEEN_BYTES = 80;
const OUTPUT_CHARS_MAX = 4096;

/** `details.stage`, and `details.lastBytes` in escaped form. */
export function replError(
  failure: ReplFailure,
  portName: string,
  lastBytes: Uint8Array,
): BelayError {
  const seen =
    lastBytes.length === 0
      ? 'the board sent nothing'
      : `last seen "${escapeBytes(lastBytes, SEEN_BYTES)}"`;
  return new BelayError(failure.code, `${portName}: no answer while ${failure.stage}; ${seen}`, {
    hint: failure.hint,
    details: { stage: failure.stage, lastBytes: escapeBytes(lastBytes, 1024) },
    retryable: failure.code === 'repl/timeout',
  });
}

/** `details.traceback` with LF line ends; `details.output`: the end of what was printed before. */
export function execFailed(traceback: Uint8Array, output: Uint8Array): BelayError {
  const lines = linesOf(traceback);
  const text = new TextDecoder().decode(output);
  return new BelayError(
    'repl/exec-failed',
    `the board raised ${lines.at(-1)?.trim() ?? 'an exception'}`,
    { details: { traceback: lines.join('\n'), output: text.slice(-OUTPUT_CHARS_MAX) } },
  );
}

export function overLimit(portName: string, limitMs: number): BelayError {
  return new BelayError(
    'repl/timeout',
    `${portName}: the board did not finish within ${limitMs} ms`,
    { hint: 'Try again; reset the board if it happens again', retryable: true },
  );
}
