/** How sources travel to a board: deflated where it can inflate, packed, or as they are. */
import { checkedExec, deflatedExec, helperPart, packedExec } from './helper-source.js';

/** 'packed' takes more memory than the others, and a door of its own (boot-packed.py). */
export type SourceForm = 'deflated' | 'packed' | 'plain';

/** Shorter sources gain nothing. */
const LONG_BYTES_MIN = 200;
/** The first exec is the longest; what brings parts goes to boards that have memory for it. */
const FIRST_WINDOW_BITS = 12;

/** `text` as an exec that runs it only when it arrived whole; the door must be there. */
export function execIn(form: SourceForm, text: string): string | Uint8Array {
  if (form === 'plain' || text.length < LONG_BYTES_MIN) return checkedExec(text);
  return form === 'deflated' ? deflatedExec(text) : packedExec(text);
}

const firsts = new Map<string, Uint8Array>();

/** The first exec: the door, the questions, and the parts of the agent that are sent along. */
export function firstExec(form: SourceForm, parts: readonly string[] = []): Uint8Array {
  const key = [form, ...parts].join();
  const exec = firsts.get(key) ?? builtFirst(form, parts);
  firsts.set(key, exec);
  return exec;
}

function builtFirst(form: SourceForm, parts: readonly string[]): Uint8Array {
  const door = form === 'packed' ? 'boot-packed' : 'boot';
  const text = ['probe', ...parts].map(helperPart).join('\n');
  const isLong = form === 'deflated' && parts.length > 0;
  const exec = isLong ? deflatedExec(text, FIRST_WINDOW_BITS) : execIn(form, text);
  return Buffer.concat([Buffer.from(`${helperPart(door)}\n`), Buffer.from(exec)]);
}
