/**
 * A conversation on the wire as JSON lines, so that a bug report can become a test:
 * `{"t":12.3,"dir":"out","text":"\u0003\u0001"}`, `{"t":14.1,"dir":"in","hex":"ff00"}`. `t` is
 * milliseconds since the start; bytes are `text` where all are ASCII, else `hex`. What files hold
 * is left out: `{"t":20,"dir":"in","omitted":4096}` says how much there was.
 */

export interface TranscriptLine {
  readonly t: number;
  /** Seen from the computer; `note` lines are remarks, not bytes. */
  readonly dir: 'in' | 'out' | 'note';
  readonly text?: string;
  readonly hex?: string;
  /** Bytes that were left out. */
  readonly omitted?: number;
}

/** Remarks and whole exchanges beyond this are of no use to a reader. */
const LINES_MAX = 20_000;

export class TranscriptRecorder {
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  readonly #lines: TranscriptLine[] = [];

  /** `nowMs` gives milliseconds that never go back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
  }

  /** Fits ReplSession's `onTraffic`. */
  readonly record = (dir: 'in' | 'out', bytes: Uint8Array, content: boolean): void => {
    if (content) this.#omit(dir, bytes.length);
    else this.#add({ t: this.#elapsed(), dir, ...bytesField(bytes) });
  };

  note(text: string): void {
    this.#add({ t: this.#elapsed(), dir: 'note', text });
  }

  get lines(): readonly TranscriptLine[] {
    return this.#lines;
  }

  toString(): string {
    return encodeTranscript(this.#lines);
  }

  #omit(dir: 'in' | 'out', count: number): void {
    const last = this.#lines.at(-1);
    if (last?.omitted !== undefined && last.dir === dir) {
      this.#lines[this.#lines.length - 1] = { ...last, omitted: last.omitted + count };
    } else {
      this.#add({ t: this.#elapsed(), dir, omitted: count });
    }
  }

  #add(line: TranscriptLine): void {
    if (this.#lines.length < LINES_MAX) this.#lines.push(line);
  }

  #elapsed(): number {
    return Math.round((this.#nowMs() - this.#startedMs) * 10) / 10;
  }
}

export function encodeTranscript(lines: readonly TranscriptLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Lines that are not a transcript's are skipped: reports come by mail, with text around them. */
export function parseTranscript(text: string): readonly TranscriptLine[] {
  return text.split(/\r?\n/).flatMap((line) => {
    try {
      const parsed: unknown = JSON.parse(line);
      return isTranscriptLine(parsed) ? [parsed] : [];
    } catch {
      return [];
    }
  });
}

/** The bytes of a line; null where they were left out, and for remarks. */
export function bytesOfLine(line: TranscriptLine): Uint8Array | null {
  if (line.dir === 'note' || line.omitted !== undefined) return null;
  if (line.text !== undefined) return Uint8Array.from(line.text, (char) => char.charCodeAt(0));
  const pairs = line.hex?.match(/[0-9a-f]{2}/g) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

function bytesField(bytes: Uint8Array): { readonly text: string } | { readonly hex: string } {
  if (bytes.every((byte) => byte < 0x80)) return { text: String.fromCharCode(...bytes) };
  return { hex: Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}

function isTranscriptLine(value: unknown): value is TranscriptLine {
  if (typeof value !== 'object' || value === null) return false;
  const { t, dir, text, hex, omitted } = value as Record<string, unknown>;
  if (typeof t !== 'number' || (dir !== 'in' && dir !== 'out' && dir !== 'note')) return false;
  if (typeof omitted === 'number') return Number.isSafeInteger(omitted) && omitted >= 0;
  return typeof text === 'string' || (typeof hex === 'string' && /^(?:[0-9a-f]{2})*$/.test(hex));
}
