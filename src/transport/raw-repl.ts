/**
 * The prompt's protocol as pure machines: fed with bytes and with the news that time is up, they
 * answer with actions. They own no clock and no port, so every edge can be played in a test, and
 * what they say does not depend on how the bytes were cut into reads. The words on the wire are
 * those of micropython shared/runtime/pyexec.c; micro:bit and CircuitPython differ as noted.
 */

export const CTRL_A = 0x01;
export const CTRL_B = 0x02;
export const CTRL_C = 0x03;
export const CTRL_D = 0x04;
export const CTRL_E = 0x05;

export type ReplInput =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** The last `wait` is over. */
  | { readonly kind: 'timeout' }
  /** The last `send-paced` has gone out. */
  | { readonly kind: 'sent' }
  /** Stop what runs and come back to the prompt. */
  | { readonly kind: 'interrupt' };

export type ReplAction =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** At most `stepBytes` every `stepMs`, for boards whose receive ring drops what it cannot hold. */
  | {
      readonly kind: 'send-paced';
      readonly bytes: Uint8Array;
      readonly stepBytes: number;
      readonly stepMs: number;
    }
  /** A `timeout` is due this long after now; replaces the last one. null: no limit of the machine's. */
  | { readonly kind: 'wait'; readonly ms: number | null }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly failure: ReplFailure };

export interface ReplFailure {
  readonly code: 'repl/no-prompt' | 'repl/timeout' | 'repl/protocol';
  /** Which step did not come about: a few words, e.g. 'waiting for the raw prompt'. */
  readonly stage: string;
  readonly hint: string;
}

export interface ReplMachine {
  start(): readonly ReplAction[];
  step(input: ReplInput): readonly ReplAction[];
}

/** What raw mode greets with; boards end the line with CR LF, aiorepl's imitation with LF alone. */
export const RAW_BANNER = /raw REPL; CTRL-B to exit\r?\n>/;

const latin1 = new TextDecoder('latin1');
const utf8 = new TextEncoder();

/** One character a byte, so that patterns can be matched without losing any. */
export function textOfBytes(bytes: Uint8Array): string {
  // TextDecoder's "latin1" is windows-1252 in the range 0x80-0x9f: no matter here, since every
  // pattern is ASCII and the text is never turned back into bytes.
  return latin1.decode(bytes);
}

export function send(...bytes: number[]): ReplAction {
  return { kind: 'send', bytes: new Uint8Array(bytes) };
}

export function bytesOfText(text: string): Uint8Array {
  return utf8.encode(text);
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The last bytes for an error message: printable as they are, the rest as `\r`, `\n`, `\x1b`. */
export function escapeBytes(bytes: Uint8Array, lengthMax = 160): string {
  let text = bytes.length > lengthMax ? '…' : '';
  for (const byte of bytes.subarray(-lengthMax)) {
    if (byte === 0x0a) text += '\\n';
    else if (byte === 0x0d) text += '\\r';
    else if (byte === 0x5c) text += '\\\\';
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}

/** Keeps the last bytes of a conversation, for messages and for patterns at its end. */
export class ByteTail {
  readonly #lengthMax: number;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  push(bytes: Uint8Array): void {
    const keep = this.#bytes.subarray(
      Math.max(0, this.#bytes.length + bytes.length - this.#lengthMax),
    );
    this.#bytes = joinBytes([keep, bytes.subarray(-this.#lengthMax)]).slice(-this.#lengthMax);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }
}
