/** How sources travel to a board: deflated where it can inflate, else as they are. */
import { checkedExec, deflatedExec, helperPart } from './helper-source.js';

export type SourceForm = 'deflated' | 'plain';

/** Shorter sources gain nothing. */
const LONG_BYTES_MIN = 200;
/** The first exec is the longest; what brings parts goes to boards that have memory for it. */
const FIRST_WINDOW_BITS = 12;

/** `text` as an exec that runs it only when it arrived whole; the door must be there. */
export function execIn(form: SourceForm, text: string): string | Uint8Array {
  return form === 'plain' || text.length < LONG_BYTES_MIN ? checkedExec(text) : deflatedExec(text);
}

/** The first exec: the door, the questions, and the parts of the agent that are sent along. */
export function firstExec(form: SourceForm, parts: readonly string[] = []): Uint8Array {
  const text = ['probe', ...parts].map(helperPart).join('\n');
  const exec =
    form === 'deflated' && parts.length > 0
      ? deflatedExec(text, FIRST_WINDOW_BITS)
      : execIn(form, text);
  return Buffer.concat([Buffer.from(`${helperPart('boot')}\n`), Buffer.from(exec)]);
}
