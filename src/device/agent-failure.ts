/** Why an agent did not bring its job to an end. */
import { BelayError } from '../core/errors.js';
import type { FrameOrder } from './frame-order.js';

/** Over a UART bridge a reset is not seen as a lost port: the agent is simply not there any more. */
export function isAgentGone(error: BelayError): boolean {
  return error.code === 'repl/exec-failed' && /NameError: name '_belay'/.test(error.message);
}

export function wasReset(cause: BelayError): BelayError {
  return new BelayError('board/lost', 'the board was reset: the agent is gone from its memory', {
    hint: 'run the command again; a watchdog of the program may be resetting the board',
    cause,
  });
}

export function isOutOfMemory(error: BelayError | null): error is BelayError {
  return error?.code === 'repl/exec-failed' && /MemoryError/.test(error.message);
}

export function outOfMemory(cause: BelayError | null): BelayError {
  return new BelayError('board/memory', 'the board has too little free memory for the agent', {
    hint: 'free some: rename main.py and boot.py, press reset, and run the command again',
    cause,
  });
}

export function noProgress(order: FrameOrder): BelayError {
  return new BelayError(
    'board/integrity',
    `the board sent ${order.next} whole frames and then only damaged ones`,
    {
      hint: 'try another cable or a lower --baud',
      details: { next: order.next, total: order.total },
    },
  );
}
